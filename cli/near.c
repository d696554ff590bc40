/* SPDX-License-Identifier: MIT */
/*
 * near: of several names, the one that was probably meant.
 *
 * The distance of Damerau and Levenshtein (optimal string alignment), on names
 * short enough for rows of a fixed length.
 */
#include "near.h"

#include <string.h>

#define NAME_MAX_LEN 32

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][NAME_MAX_LEN + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];

    memset(rows, 0, sizeof rows);
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *spare = before;

        before = above;
        above = row;
        row = spare;
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            row[j] = least(above[j] + 1, row[j - 1] + 1);
            row[j] = least(row[j], above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return row[b_len];
}

void near_try(struct near *search, const char *name)
{
    size_t typed_len = strlen(search->typed), name_len = strlen(name);
    size_t errors;

    if (typed_len > NAME_MAX_LEN || name_len > NAME_MAX_LEN)
        return;
    errors = distance(search->typed, typed_len, name, name_len);
    /* One error in every three letters: beyond that it is another word. */
    if (errors * 3 > name_len)
        return;
    if (search->best != NULL && errors >= search->errors)
        return;
    search->best = name;
    search->errors = errors;
}
