/* SPDX-License-Identifier: MIT */
/*
 * err: fills and wraps a struct spull_error, and makes foreign text printable.
 *
 * A cause is set once, where it is known, and wrapped at most once per floor
 * with what was being attempted: "fetch blob from HOST: CAUSE". Everything that
 * gets into an error passes sp_printable(), so no caller can forget it. This
 * room does not know who reports an error, nor where.
 */
#ifndef SP_ERR_H
#define SP_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spull.h>

/*
 * All that take err take NULL, and return the code if they return anything: so
 * a failing function can end in "return sp_err_set(...)".
 */

/* Replaces what err holds; sys, http and hint are cleared. */
enum spull_code sp_err_set(struct spull_error *err, enum spull_code code,
                           const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with ": " and the text of errno value sys behind it. */
enum spull_code sp_err_sys(struct spull_error *err, enum spull_code code,
                           int sys, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * Puts "FORMAT: " before the text. Returns code, or SPULL_INTERNAL if code is
 * 0: to wrap what is no error is a bug, and must not turn into success.
 */
enum spull_code sp_err_wrap(struct spull_error *err, enum spull_code code,
                            const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Does this errno value say that a disk, a quota or a file can take no more? */
bool sp_err_is_full(int sys);

/* Sets the second line: what the user can do about it. */
void sp_err_hint(struct spull_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Inline, so that an analyser that sees the caller alone knows that it is no
 * success. */
static inline enum spull_code sp_err_nomem(struct spull_error *err)
{
    sp_err_set(err, SPULL_INTERNAL, "out of memory");
    return SPULL_INTERNAL;
}

/*
 * Copies text[0..len) to dst, always NUL-terminated, at most cap bytes with
 * the NUL. What could move a terminal's cursor or lie about order is written
 * as \xNN: control characters (C0, DEL, C1), bytes that are no UTF-8, line and
 * paragraph separators, bidirectional and zero-width controls. A text that
 * does not fit ends in "...". cap is at least 4. Returns the length written.
 */
size_t sp_printable(char *dst, size_t cap, const char *text, size_t len);

/*
 * The code point at the start of text[0..len) and how many bytes it takes; 0
 * if there is none or it is not UTF-8 (RFC 3629).
 */
size_t sp_utf8_next(const char *text, size_t len, uint32_t *point);

/* Does a terminal show this character, and neither obey nor hide it? */
bool sp_shows(uint32_t point);

#endif
