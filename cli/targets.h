/* SPDX-License-Identifier: MIT */
/*
 * targets: where each image of a call will be installed.
 *
 * Settled for all of them before anything is downloaded, so that a call which
 * can't succeed as a whole fails at once. What is there already, the library
 * finds out.
 */
#ifndef TARGETS_H
#define TARGETS_H

#include <stddef.h>

#include <spull.h>

#include "list.h"

/* One image to pull. */
struct target {
    const struct list_line *line; /* with its reference */
    char *path;                   /* as it is printed */
    char *place;                  /* the same file however it is written */
};

/* Starts as zeros. */
struct targets {
    struct target *list;
    size_t count;
    size_t twice; /* references left out, since they are there before */
};

/*
 * The targets of a list, in its order, below dir (NULL: the current directory);
 * output, where it is not NULL, is the name of the only one. The list has to
 * live as long. SPULL_USAGE: a reference is wrong, or two would land on one
 * file; INTERNAL.
 */
enum spull_code targets_plan(const struct list *list, const char *dir,
                             const char *output, struct targets *out,
                             struct spull_error *err);

void targets_done(struct targets *targets);

#endif
