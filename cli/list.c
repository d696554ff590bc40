/* SPDX-License-Identifier: MIT */
/*
 * list: references from operands and from files with one a line.
 *
 * A list may come through a pipe, so it is read to its end and not looked at
 * before; where the file lies is the user's affair.
 */
#include "list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "stop.h"
#include "text.h"

/* All tags of a large registry fit; what is larger is the wrong file. */
#define FILE_MAX     8388608
#define LINE_LEN_MAX 8192
/* A line takes some 32 bytes more than its text. */
#define LINES_MAX 200000

#define CHUNK 65536

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static enum spull_code append(struct list *list, const struct list_line *line,
                              struct spull_error *err)
{
    size_t room = list->room > 0 ? 2 * list->room : 64;
    struct list_line *lines = list->lines;

    if (list->count == LINES_MAX)
        return fail_set(err, SPULL_USAGE, "more than %d lines", LINES_MAX);
    if (list->count == list->room) {
        lines = realloc(list->lines, room * sizeof *lines);
        if (lines == NULL)
            return fail_nomem(err);
        list->lines = lines;
        list->room = room;
    }
    list->lines[list->count++] = *line;
    return SPULL_OK;
}

enum spull_code list_add(struct list *list, const char *ref,
                         struct spull_error *err)
{
    struct list_line line = {.ref = ref};

    return append(list, &line, err);
}

/* -1: errno says why; EINTR if it was one of the signals that end us. */
static ssize_t read_once(int fd, char *to)
{
    while (stop_signal() == 0) {
        ssize_t got = read(fd, to, CHUNK);

        if (got >= 0 || errno != EINTR)
            return got;
    }
    errno = EINTR;
    return -1;
}

/* One read into a text that grows. */
static ssize_t read_some(int fd, char **text, size_t len, size_t *room)
{
    if (*room - len < CHUNK + 1) {
        size_t larger = 2 * *room + CHUNK + 1;
        char *grown = realloc(*text, larger);

        if (grown == NULL)
            return -1;
        *text = grown;
        *room = larger;
    }
    return read_once(fd, *text + len);
}

static enum spull_code read_failed(struct spull_error *err)
{
    if (errno == EINTR)
        return fail_set(err, SPULL_CANCELLED, "cancelled");
    if (errno == ENOMEM)
        return fail_nomem(err);
    return fail_set(err, SPULL_USAGE, "%s", strerror(errno));
}

/* All of it as a string, to free(). */
static enum spull_code read_fd(int fd, char **out, size_t *out_len,
                               struct spull_error *err)
{
    enum spull_code code = SPULL_OK;
    char *text = NULL;
    size_t len = 0, room = 0;
    ssize_t got = 0;

    do {
        got = read_some(fd, &text, len, &room);
        len += got > 0 ? (size_t)got : 0;
    } while (got > 0 && len <= FILE_MAX);
    if (got < 0)
        code = read_failed(err);
    else if (len > FILE_MAX)
        code = fail_set(err, SPULL_USAGE, "larger than %d bytes", FILE_MAX);
    if (code != SPULL_OK || text == NULL) {
        free(text);
        return code;
    }
    text[len] = '\0';
    *out = text;
    *out_len = len;
    return SPULL_OK;
}

static enum spull_code read_file(const char *path, char **out, size_t *len,
                                 struct spull_error *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    enum spull_code code = SPULL_OK;
    int fd = STDIN_FILENO;

    /* Not O_NONBLOCK: the writer of a pipe may still be thinking. */
    if (!is_stdin)
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return read_failed(err);
    code = read_fd(fd, out, len, err);
    if (!is_stdin)
        close(fd);
    return code;
}

/* What a terminal would obey has no place in a list; a tab has. */
static bool has_control(char *line)
{
    bool found = false;

    for (char *tab = strchr(line, '\t'); tab != NULL && !found;
         tab = strchr(line, '\t')) {
        *tab = '\0';
        found = text_has_control(line);
        *tab = '\t';
        line = tab + 1;
    }
    return found || text_has_control(line);
}

/* Only behind white space does a '#' start a comment: a reference that has one
 * in it is wrong, and should be called so. */
static enum spull_code parse_line(char *at, struct list_line *line,
                                  struct spull_error *err)
{
    size_t len = strlen(at);

    if (len > LINE_LEN_MAX)
        return fail_set(err, SPULL_USAGE, "longer than %d bytes", LINE_LEN_MAX);
    if (has_control(at))
        return fail_set(err, SPULL_USAGE, "a control character");
    while (len > 0 && is_blank(at[len - 1]))
        at[--len] = '\0';
    at += strspn(at, " \t");
    if (*at != '\0' && *at != '#') {
        line->ref = at;
        at += strcspn(at, " \t");
    }
    if (is_blank(*at))
        *at++ = '\0';
    at += strspn(at, " \t");
    if (*at == '#')
        line->comment = at;
    else if (*at != '\0')
        return fail_set(err, SPULL_USAGE,
                        "'%s' after the reference: one stands on a line", at);
    return SPULL_OK;
}

/* Cuts the next line off text, of which len bytes are left. */
static enum spull_code next_line(char **text, size_t *len,
                                 struct list_line *line,
                                 struct spull_error *err)
{
    char *start = *text;
    char *end = memchr(start, '\n', *len);
    size_t length = end != NULL ? (size_t)(end - start) : *len;
    size_t taken = length + (end != NULL);

    *text += taken;
    *len -= taken;
    if (memchr(start, '\0', length) != NULL)
        return fail_set(err, SPULL_USAGE, "a NUL byte: this is no list");
    if (length > 0 && start[length - 1] == '\r')
        length--;
    start[length] = '\0';
    return parse_line(start, line, err);
}

static enum spull_code parse(struct list *list, char *text, size_t len,
                             const char *file, struct spull_error *err)
{
    static const char mark[] = "\xef\xbb\xbf";
    unsigned number = 0;

    if (len >= 3 && memcmp(text, mark, 3) == 0) {
        text += 3;
        len -= 3;
    }
    while (len > 0) {
        struct list_line line = {.file = file, .number = number + 1};
        enum spull_code code = next_line(&text, &len, &line, err);

        number++;
        if (code == SPULL_OK)
            code = append(list, &line, err);
        if (code != SPULL_OK)
            return fail_wrap(err, "%s:%u", file, number);
    }
    return SPULL_OK;
}

/* Lines point into it until the list is done. */
static bool keep_text(struct list *list, char *text)
{
    char **texts =
        realloc(list->texts, (list->text_count + 1) * sizeof *list->texts);

    if (texts == NULL)
        return false;
    list->texts = texts;
    list->texts[list->text_count++] = text;
    return true;
}

enum spull_code list_read(struct list *list, const char *path,
                          struct spull_error *err)
{
    const char *file = strcmp(path, "-") == 0 ? "standard input" : path;
    char *text = NULL;
    size_t len = 0;
    enum spull_code code = read_file(path, &text, &len, err);

    if (code != SPULL_OK || text == NULL)
        return fail_wrap(err, "%s", file);
    if (!keep_text(list, text)) {
        free(text);
        return fail_nomem(err);
    }
    return parse(list, text, len, file, err);
}

void list_done(struct list *list)
{
    for (size_t i = 0; i < list->text_count; i++)
        free(list->texts[i]);
    free(list->texts);
    free(list->lines);
    *list = (struct list){0};
}
