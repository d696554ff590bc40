/* SPDX-License-Identifier: MIT */
/*
 * near: of several names, the one that was probably meant.
 *
 * Counts typing errors (a letter too many, too few, wrong, or two swapped).
 * What the names stand for is not known here.
 */
#ifndef NEAR_H
#define NEAR_H

#include <stddef.h>

/* A search; start with {.typed = ...}. best stays NULL if nothing is near. */
struct near {
    const char *typed;
    const char *best;
    size_t errors; /* of best */
};

void near_try(struct near *search, const char *name);

#endif
