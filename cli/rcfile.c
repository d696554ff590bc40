/* SPDX-License-Identifier: MIT */
/*
 * rcfile: the grammar of configuration files, spullrc(5).
 *
 * Lines of "key = value", "[section]" headers and comments; nothing spans
 * lines. Knows no key, and takes nothing for granted about the file.
 */
#include "rcfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"

/* Written by hand; what is larger is the wrong file. */
#define FILE_MAX     1048576
#define LINE_LEN_MAX 16384

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static char *skip_blanks(char *at)
{
    while (is_blank(*at))
        at++;
    return at;
}

static void cut_blanks(char *start)
{
    size_t len = strlen(start);

    while (len > 0 && is_blank(start[len - 1]))
        len--;
    start[len] = '\0';
}

/* Reads to the end, FILE_MAX + 1 bytes at most. -1: errno says why. */
static ssize_t read_all(int fd, char *buf)
{
    size_t len = 0;

    while (len <= FILE_MAX) {
        ssize_t got = read(fd, buf + len, FILE_MAX + 1 - len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    return (ssize_t)len;
}

static enum spull_code read_fd(int fd, const char *path, char *buf,
                               struct spull_error *err)
{
    struct stat st;
    ssize_t len;

    if (fstat(fd, &st) != 0)
        return fail_set(err, SPULL_USAGE, "%s: %s", path, strerror(errno));
    /* A link to /dev/null is a common way to have no file. */
    if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
        return fail_set(err, SPULL_USAGE, "%s: %s", path,
                        S_ISDIR(st.st_mode) ? strerror(EISDIR)
                                            : "not a regular file");
    len = read_all(fd, buf);
    if (len < 0)
        return fail_set(err, SPULL_USAGE, "%s: %s", path, strerror(errno));
    if (len > FILE_MAX)
        return fail_set(err, SPULL_USAGE, "%s: larger than %d bytes", path,
                        FILE_MAX);
    buf[len] = '\0';
    if (strlen(buf) != (size_t)len) {
        unsigned line = 1;

        for (const char *at = buf; *at != '\0'; at++)
            line += *at == '\n';
        return fail_set(err, SPULL_USAGE, "%s:%u: a NUL byte", path, line);
    }
    return SPULL_OK;
}

enum spull_code rcfile_read(const char *path, char **out,
                            struct spull_error *err)
{
    enum spull_code code = SPULL_OK;
    char *buf = NULL;
    /* Opening a FIFO must not wait for a writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        *out = NULL;
        return SPULL_OK;
    }
    if (fd < 0)
        return fail_set(err, SPULL_USAGE, "%s: %s", path, strerror(errno));
    buf = malloc(FILE_MAX + 1);
    if (buf == NULL)
        code = fail_nomem(err);
    else
        code = read_fd(fd, path, buf, err);
    close(fd);
    if (code == SPULL_OK)
        *out = buf;
    else
        free(buf);
    return code;
}

/* value is all that follows the '='. Only behind white space does a '#' start
 * a comment: colours and URLs' fragments have one too. */
static void cut_comment(char *value)
{
    for (char *at = value; *at != '\0'; at++) {
        if (*at == '#' && at != value && is_blank(at[-1])) {
            *at = '\0';
            break;
        }
    }
    cut_blanks(value);
}

static enum spull_code at_end(const char *rest, const char *what,
                              struct spull_error *err)
{
    while (is_blank(*rest))
        rest++;
    if (*rest == '\0' || *rest == '#')
        return SPULL_OK;
    return fail_set(err, SPULL_USAGE, "'%s' after %s", rest, what);
}

/* Unquotes in place; value[0] is the opening quote. */
static enum spull_code unquote(char *value, struct spull_error *err)
{
    const char *from = value + 1;
    char *to = value;

    while (*from != '"') {
        if (from[0] == '\\' && (from[1] == '"' || from[1] == '\\'))
            from++;
        if (*from == '\0')
            return fail_set(err, SPULL_USAGE, "the closing quote is missing");
        *to++ = *from++;
    }
    *to = '\0';
    return at_end(from + 1, "the closing quote", err);
}

static enum spull_code parse_header(char *line, struct rcfile_entry *entry,
                                    struct spull_error *err)
{
    char *end = strchr(line, ']');

    if (end == NULL)
        return fail_set(err, SPULL_USAGE, "the ']' is missing");
    *end = '\0';
    line = skip_blanks(line + 1);
    cut_blanks(line);
    entry->section = line;
    entry->key = NULL;
    entry->value = NULL;
    return at_end(end + 1, "the ']'", err);
}

static enum spull_code parse_assignment(char *line, struct rcfile_entry *entry,
                                        struct spull_error *err)
{
    char *equals = strchr(line, '=');
    char *value;

    if (equals == NULL)
        return fail_set(err, SPULL_USAGE, "no '=' in this line");
    *equals = '\0';
    cut_blanks(line);
    if (line[0] == '\0')
        return fail_set(err, SPULL_USAGE, "no key before the '='");
    value = skip_blanks(equals + 1);
    entry->key = line;
    entry->quoted = value[0] == '"';
    if (entry->quoted) {
        entry->value = value;
        return unquote(value, err);
    }
    cut_comment(equals + 1);
    entry->value = skip_blanks(equals + 1);
    return SPULL_OK;
}

static enum spull_code parse_line(char *line, struct rcfile_entry *entry,
                                  rcfile_fn take, void *payload,
                                  struct spull_error *err)
{
    enum spull_code code;

    if (strlen(line) > LINE_LEN_MAX)
        return fail_set(err, SPULL_USAGE, "longer than %d bytes", LINE_LEN_MAX);
    line = skip_blanks(line);
    if (line[0] == '\0' || line[0] == '#')
        return SPULL_OK;
    if (line[0] == '[')
        code = parse_header(line, entry, err);
    else
        code = parse_assignment(line, entry, err);
    if (code != SPULL_OK)
        return code;
    return take(payload, entry, err);
}

enum spull_code rcfile_parse(char *text, const char *path, rcfile_fn take,
                             void *payload, struct spull_error *err)
{
    struct rcfile_entry entry = {.section = ""};
    char *line = text;

    while (line != NULL) {
        char *end = strchr(line, '\n');
        char *next = NULL;
        size_t len;

        if (end != NULL) {
            *end = '\0';
            next = end + 1;
        }
        len = strlen(line);
        if (len > 0 && line[len - 1] == '\r')
            line[len - 1] = '\0';
        entry.line++;
        if (parse_line(line, &entry, take, payload, err) != SPULL_OK)
            return fail_wrap(err, "%s:%u", path, entry.line);
        line = next;
    }
    return SPULL_OK;
}

bool rcfile_needs_quotes(const char *value)
{
    size_t len = strlen(value);

    if (len == 0 || is_blank(value[0]) || is_blank(value[len - 1]))
        return true;
    /* Unquoted, "~/" would be the home directory. */
    return value[0] == '"' || value[0] == '~' || strchr(value, '#') != NULL;
}
