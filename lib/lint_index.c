/* SPDX-License-Identifier: MIT */
/*
 * lint_index: is a tag in a list? Asked for every folder and every odd entry of
 * lists that may have a hundred thousand, so it is not searched from the start.
 */
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "lint.h"

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum spull_code sp_index_init(struct sp_index *index,
                              const struct sp_tags *tags,
                              struct spull_error *err)
{
    memset(index, 0, sizeof *index);
    if (tags->count == 0)
        return SPULL_OK;
    index->names = calloc(tags->count, sizeof *index->names);
    if (index->names == NULL)
        return sp_err_nomem(err);
    for (size_t i = 0; i < tags->count; i++)
        index->names[i] = tags->names[i];
    index->count = tags->count;
    qsort(index->names, index->count, sizeof *index->names, compare);
    return SPULL_OK;
}

bool sp_index_has(const struct sp_index *index, const char *tag)
{
    return index->count > 0 && bsearch(&tag, index->names, index->count,
                                       sizeof *index->names, compare) != NULL;
}

void sp_index_done(struct sp_index *index)
{
    free(index->names);
    memset(index, 0, sizeof *index);
}
