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
#include <unistd.h>

#include "text.h"

#define LINE_MAX_BYTES 4096
#define STATUS_MAX     2048

#define CLEAR  "\r\033[K"
#define RED    "\033[31m"
#define YELLOW "\033[33m"
#define PLAIN  "\033[0m"

static struct {
    pthread_mutex_t lock;
    enum say_level level;
    bool colour;
    char status[STATUS_MAX]; /* what the terminal shows now */
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

void say_plain(const char *text)
{
    char bytes[2 * LINE_MAX_BYTES + STATUS_MAX];
    struct text all = text_on(bytes, sizeof bytes);

    pthread_mutex_lock(&state.lock);
    if (state.status[0] != '\0')
        text_add(&all, CLEAR);
    text_add(&all, "%s\n%s", text, state.status);
    write_all(all.data, all.len);
    pthread_mutex_unlock(&state.lock);
}

void say_status(const char *text)
{
    char bytes[STATUS_MAX + 16];
    struct text all = text_on(bytes, sizeof bytes);

    pthread_mutex_lock(&state.lock);
    if (text[0] != '\0' || state.status[0] != '\0') {
        text_add(&all, "%s", text[0] != '\0' ? "\r" : CLEAR);
        /* Cleared behind the text, not before it: that would flicker. */
        text_add(&all, "%s%s", text, text[0] != '\0' ? "\033[K" : "");
        write_all(all.data, all.len);
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
    char line[2 * LINE_MAX_BYTES], shown[512] = "";
    struct text text = text_on(line, sizeof line);

    if (prefix != NULL)
        text_printable(shown, sizeof shown, prefix);
    text_add(&text, "%sspull:%s %s%s%s", in_colour(RED), in_colour(PLAIN),
             shown, prefix != NULL ? ": " : "", err->text);
    if (err->hint[0] != '\0')
        text_add(&text, "\nspull: hint: %s", err->hint);
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
