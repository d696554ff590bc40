/* SPDX-License-Identifier: MIT */
/*
 * fail: fills a struct spull_error with what went wrong on this side of
 * <spull.h>.
 *
 * Everything passes text_printable(), so that an argument or a line of a file
 * can be quoted in an error as it is. Who reports the error is not known here.
 */
#ifndef FAIL_H
#define FAIL_H

#include <spull.h>

/* Replaces what err holds, and returns code. */
enum spull_code fail_set(struct spull_error *err, enum spull_code code,
                         const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "FORMAT: " before the text, and returns the error's code. */
enum spull_code fail_wrap(struct spull_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Sets the second line: what the user can do about it. */
void fail_hint(struct spull_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

enum spull_code fail_nomem(struct spull_error *err);

#endif
