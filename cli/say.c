/* SPDX-License-Identifier: MIT */
/*
 * say: the only writer of stderr.
 *
 * stderr is unbuffered in C, so stdio would write a line in pieces; and it
 * could not redraw the status line under the same lock. That writing fails is
 * ignored: there is nowhere left to say so.
 */
#include "say.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "text.h"

#define LINE_MAX_BYTES 4096
#define WIDTH_DEFAULT  80
#define HEIGHT_DEFAULT 24

#define CLEAR_LINE  "\033[K" /* from the cursor to the end of its line */
#define CLEAR_BELOW "\033[J" /* ... and all lines below */
#define RED         "\033[31m"
#define YELLOW      "\033[33m"
#define PLAIN       "\033[0m"

static struct {
    pthread_mutex_t lock;
    enum say_level level;
    bool colour;
    char status[SAY_STATUS_MAX]; /* what the terminal shows now */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .level = SAY_NORMAL};

void say_init(enum say_level level, bool colour)
{
    state.level = level;
    state.colour = colour;
}

enum say_level say_level(void)
{
    return state.level;
}

static void write_all(const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t done = write(STDERR_FILENO, bytes, len);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        bytes += done;
        len -= (size_t)done;
    }
}

unsigned say_columns(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return WIDTH_DEFAULT;
}

unsigned say_rows(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
        return size.ws_row;
    return HEIGHT_DEFAULT;
}

/* Columns of the line that starts here; an escape sequence has none. */
static unsigned width_of(const char *line, size_t len)
{
    unsigned width = 0;

    for (size_t i = 0; i < len; i++) {
        if (line[i] == '\033') {
            while (i < len && line[i] != 'm')
                i++;
        } else {
            width++;
        }
    }
    return width;
}

/* Rows that the status takes. After the window has become narrower, most
 * terminals wrap what they show: then a line has several. */
static unsigned status_rows(void)
{
    unsigned columns = say_columns(), rows = 0;
    const char *line = state.status;

    while (line != NULL) {
        const char *end = strchr(line, '\n');
        size_t len = end != NULL ? (size_t)(end - line) : strlen(line);
        unsigned width = width_of(line, len);

        rows += width > 0 ? (width + columns - 1) / columns : 1;
        line = end != NULL ? end + 1 : NULL;
    }
    return rows;
}

/* From the end of the status to its first column. */
static void to_top(struct text *all, unsigned rows)
{
    if (rows > 1)
        text_add(all, "\033[%uA", rows - 1);
    text_add(all, "\r");
}

/* Each line is cleared behind its text, not before it: that would flicker, and
 * some terminals keep what is cleared from the top as history. */
static void add_lines(struct text *all, const char *lines)
{
    for (;;) {
        size_t len = strcspn(lines, "\n");

        text_add(all, "%.*s" CLEAR_LINE, (int)len, lines);
        if (lines[len] == '\0')
            return;
        text_add(all, "\n");
        lines += len + 1;
    }
}

/* Puts status in the place of the one that is there, below text, if any. The
 * caller holds the lock. */
static void redraw(struct text *all, const char *text, const char *status)
{
    unsigned rows = status_rows();

    to_top(all, rows);
    if (text != NULL) {
        add_lines(all, text);
        text_add(all, "\n");
    }
    add_lines(all, status);
    if (rows > 1)
        text_add(all, CLEAR_BELOW);
    write_all(all->data, all->len);
}

void say_plain(const char *text)
{
    char bytes[2 * LINE_MAX_BYTES + 2 * SAY_STATUS_MAX];
    struct text all = text_on(bytes, sizeof bytes);

    pthread_mutex_lock(&state.lock);
    if (state.status[0] != '\0') {
        redraw(&all, text, state.status);
    } else {
        text_add(&all, "%s\n", text);
        write_all(all.data, all.len);
    }
    pthread_mutex_unlock(&state.lock);
}

void say_status(const char *text)
{
    char bytes[2 * SAY_STATUS_MAX];
    struct text all = text_on(bytes, sizeof bytes);

    pthread_mutex_lock(&state.lock);
    if (text[0] != '\0' || state.status[0] != '\0') {
        redraw(&all, NULL, text);
        snprintf(state.status, sizeof state.status, "%s", text);
    }
    pthread_mutex_unlock(&state.lock);
}

static const char *in_colour(const char *sequence)
{
    return state.colour ? sequence : "";
}

void say_error(const struct spull_error *err, const char *prefix)
{
    char line[2 * LINE_MAX_BYTES], raw[512], shown[512] = "";
    struct text text = text_on(line, sizeof line);

    if (prefix != NULL) {
        snprintf(raw, sizeof raw, "%s", prefix);
        text_hide_refs(raw, sizeof raw);
        text_printable(shown, sizeof shown, raw);
    }
    text_add(&text, "%sspull:%s %s%s%s", in_colour(RED), in_colour(PLAIN),
             shown, prefix != NULL ? ": " : "", err->text);
    if (err->hint[0] != '\0')
        text_add(&text, "\nspull: hint: %s", err->hint);
    /* The library may quote a reference, too. */
    text_hide_users(line, sizeof line);
    say_plain(line);
}

__attribute__((format(printf, 2, 0))) static void
say_line(const char *start, const char *format, va_list args)
{
    char line[LINE_MAX_BYTES], message[LINE_MAX_BYTES - 64];
    struct text text = text_on(line, sizeof line);

    vsnprintf(message, sizeof message, format, args);
    text_add(&text, "spull: %s%s", start, message);
    say_plain(line);
}

void say_warn(const char *format, ...)
{
    va_list args;

    if (state.level == SAY_QUIET)
        return;
    va_start(args, format);
    say_line(state.colour ? YELLOW "warning:" PLAIN " " : "warning: ", format,
             args);
    va_end(args);
}

void say_note(const char *format, ...)
{
    va_list args;

    if (state.level == SAY_QUIET)
        return;
    va_start(args, format);
    say_line("", format, args);
    va_end(args);
}

void say_detail(const char *format, ...)
{
    va_list args;

    if (state.level != SAY_VERBOSE)
        return;
    va_start(args, format);
    say_line("", format, args);
    va_end(args);
}
