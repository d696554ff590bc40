/* SPDX-License-Identifier: MIT */
/*
 * known: which files this session has seen to be what, by the digest of the
 * blob that they are, or from which they were unpacked.
 *
 * So that an image that several references lead to is downloaded once. What it
 * says was true a moment ago; whoever uses such a file proves it anew. It looks
 * at no file itself.
 */
#ifndef SP_KNOWN_H
#define SP_KNOWN_H

#include <pthread.h>
#include <stddef.h>

#include "limits.h"

struct sp_known_file {
    char *digest;
    char *image; /* what was unpacked has this; NULL: it is the blob itself */
    char *path;
};

struct sp_known {
    pthread_mutex_t lock; /* any thread may call */
    struct sp_known_file files[SP_KNOWN_MAX];
    size_t next; /* the place that is taken next */
};

void sp_known_init(struct sp_known *known);
void sp_known_done(struct sp_known *known);

/* Takes note of a file, and of its own digest image where it was unpacked, else
 * NULL; forgets the oldest if there are too many. Without memory, nothing
 * happens. */
void sp_known_add(struct sp_known *known, const char *digest, const char *image,
                  const char *path);

/* The path of a file with this digest or, where image is not NULL, of one that
 * came out of it: *image is its own digest then. Both to free(); NULL: none is
 * known. */
char *sp_known_find(struct sp_known *known, const char *digest, char **image);

#endif
