/* SPDX-License-Identifier: MIT */
/*
 * spelling: references that are written differently and mean the same.
 *
 * Whether one is right, the library says; here it is only cut where no other
 * character can be.
 */
#ifndef SPELLING_H
#define SPELLING_H

#include <stdbool.h>

/* Has it neither tag nor pin? */
bool spelling_is_bare(const char *ref);

/* The reference with its tag, and its pin in lower case; to free(). NULL: no
 * memory. */
char *spelling_whole(const char *ref);

/* Do both mean the same? false also where there is no memory. */
bool spelling_is_same(const char *ref, const char *other);

#endif
