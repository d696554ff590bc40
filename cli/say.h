/* SPDX-License-Identifier: MIT */
/*
 * say: the only writer of stderr.
 *
 * Whole lines, each in one write(2), so that lines of many processes in one
 * log stay whole; and under them, on a terminal, a status of one or more lines
 * that gives way to every other. Any thread may call. What to say is for others
 * to know.
 */
#ifndef SAY_H
#define SAY_H

#include <stdbool.h>

#include <spull.h>

enum say_level { SAY_QUIET, SAY_NORMAL, SAY_VERBOSE };

void say_init(enum say_level level, bool colour);
enum say_level say_level(void);

/* "spull: PREFIX: TEXT" and the hint, at every level. prefix may be NULL; no
 * password in it is shown. */
void say_error(const struct spull_error *err, const char *prefix);

/* "spull: warning: ...", unless quiet. Like all below, printable text. */
void say_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "spull: ...", unless quiet. */
void say_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "spull: ...", if verbose. */
void say_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Lines as they are, at every level: usage, a bar's last line. */
void say_plain(const char *text);

/*
 * Shows text as the status; "" takes it away. Several lines have line breaks
 * between them. Each is ASCII, colours aside, and shorter than the terminal is
 * wide; together they are fewer than it has rows.
 */
#define SAY_STATUS_MAX 16384
void say_status(const char *text);

/* The terminal as it is now, since a window may change its size meanwhile. */
unsigned say_columns(void);
unsigned say_rows(void);

#endif
