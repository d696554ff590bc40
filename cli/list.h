/* SPDX-License-Identifier: MIT */
/*
 * list: references from operands and from files with one a line.
 *
 * Keeps comments and order, so that a list can be written again with other
 * references in it. What a reference is, and what is done with it, is not
 * known here.
 */
#ifndef LIST_H
#define LIST_H

#include <stddef.h>

#include <spull.h>

/* One line of a file, or one operand. Strings live as long as the list. */
struct list_line {
    const char *ref;     /* NULL: a line without one */
    const char *comment; /* from its '#' on; NULL: none */
    const char *file;    /* for messages; NULL: an operand */
    unsigned number;     /* of the line, from 1 */
};

/* Starts as zeros. */
struct list {
    struct list_line *lines;
    size_t count;
    size_t room;
    char **texts; /* what lines point into */
    size_t text_count;
};

/* Appends a reference, which has to live as long as the list. INTERNAL. */
enum spull_code list_add(struct list *list, const char *ref,
                         struct spull_error *err);

/*
 * Appends the lines of the file at path; "-" is standard input. A reference
 * stands alone on its line; white space around it, a comment behind it, CRLF
 * and a byte order mark are fine. SPULL_USAGE, with file and line: the file
 * can't be read, is too large, or is no list; SPULL_CANCELLED: a signal came.
 */
enum spull_code list_read(struct list *list, const char *path,
                          struct spull_error *err);

void list_done(struct list *list);

#endif
