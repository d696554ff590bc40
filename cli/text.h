/* SPDX-License-Identifier: MIT */
/*
 * text: bounded strings, and what may be shown of foreign ones.
 *
 * Text that this program echoes itself (arguments, configuration) is made
 * printable here; the library sees to its own. Knows no terminal: columns are
 * counted by those who know that they handle ASCII.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* A string in the caller's array. What does not fit is cut off. */
struct text {
    char *data; /* always NUL-terminated */
    size_t cap; /* with the NUL */
    size_t len;
};

struct text text_on(char *data, size_t cap);
void text_add(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Bytes of the UTF-8 character that source starts with, 0 if these bytes are
 * no UTF-8. source is NUL-terminated and not empty.
 */
size_t text_utf8(const char *source);

/* The number of that character, of len bytes. */
unsigned text_point(const char *source, size_t len);

/* Does it show, and stay where it is? */
bool text_is_shown(const char *source, size_t len);

/*
 * Copies source to dst, at most cap bytes with the NUL; control characters,
 * hidden ones and bytes that are no UTF-8 become \xNN. cap is at least 1.
 */
void text_printable(char *dst, size_t cap, const char *source);

/*
 * Takes user and password out of each "://user:password@" in text, for they
 * are nobody's to read, slashes in them included. What follows the last "://"
 * goes as well if text fills its cap bytes: then it may be cut, and the '@'
 * with what was behind.
 */
void text_hide_users(char *text, size_t cap);

/*
 * The same where each "://" begins a reference or a registry: there, what looks
 * like a host may be a piece of a password, if an '@' is in the path.
 */
void text_hide_refs(char *text, size_t cap);

/* A copy of a reference without them, to free(). NULL: no memory. */
char *text_public(const char *ref);

/* Of C0, DEL and C1. */
bool text_has_control(const char *source);

#endif
