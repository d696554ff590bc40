/* SPDX-License-Identifier: MIT */
/*
 * rcfile: the grammar of configuration files, spullrc(5).
 *
 * Turns a file into assignments and section headers, in order, with their
 * lines. Which keys and sections there are, the caller knows.
 */
#ifndef RCFILE_H
#define RCFILE_H

#include <stdbool.h>

#include <spull.h>

/* Strings point into the text that is parsed. */
struct rcfile_entry {
    unsigned line;
    const char *section; /* "registry NAME" as written, or "" */
    const char *key;     /* NULL: the header of section */
    const char *value;
    bool quoted; /* the value stood in quotes */
};

/* Takes one entry; its error is wrapped with file and line. */
typedef enum spull_code (*rcfile_fn)(void *payload,
                                     const struct rcfile_entry *entry,
                                     struct spull_error *err);

/*
 * Reads path as a string to free(). *out is NULL if there is no such file.
 * SPULL_USAGE: a file that can't be read, is too large or contains a NUL.
 */
enum spull_code rcfile_read(const char *path, char **out,
                            struct spull_error *err);

/* Cuts text, which came from path, into pieces that live as long as it does. */
enum spull_code rcfile_parse(char *text, const char *path, rcfile_fn take,
                             void *payload, struct spull_error *err);

/*
 * Does value have to be quoted to come back as it is? Then print it with a
 * backslash before each quote and backslash, in quotes.
 */
bool rcfile_needs_quotes(const char *value);

#endif
