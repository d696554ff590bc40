/* SPDX-License-Identifier: MIT */
/*
 * span: a sorted array. There are never more spans than connections and breaks,
 * some dozens; a tree would be slower and longer.
 */
#include "span.h"

#include <stdlib.h>
#include <string.h>

void sp_spans_done(struct sp_spans *set)
{
    if (set == NULL)
        return;
    free(set->list);
    memset(set, 0, sizeof *set);
}

void sp_spans_clear(struct sp_spans *set)
{
    set->count = 0;
}

static bool make_room(struct sp_spans *set)
{
    size_t cap = set->cap == 0 ? 8 : set->cap * 2;
    struct sp_span *list = NULL;

    if (set->count < set->cap)
        return true;
    list = realloc(set->list, cap * sizeof *list);
    if (list == NULL)
        return false;
    set->list = list;
    set->cap = cap;
    return true;
}

/* The first span that ends at or behind at: the one to grow or to precede. */
static size_t find(const struct sp_spans *set, uint64_t at)
{
    size_t low = 0;
    size_t high = set->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (set->list[mid].to < at)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool sp_spans_add(struct sp_spans *set, struct sp_span span)
{
    size_t first = find(set, span.from);
    size_t past = first;

    if (span.from >= span.to)
        return true;
    for (; past < set->count && set->list[past].from <= span.to; past++) {
        if (set->list[past].from < span.from)
            span.from = set->list[past].from;
        if (set->list[past].to > span.to)
            span.to = set->list[past].to;
    }
    if (past == first && !make_room(set))
        return false;
    /* Where some were swallowed the rest moves down, else one place up. */
    memmove(set->list + first + 1, set->list + past,
            (set->count - past) * sizeof *set->list);
    set->count = set->count - (past - first) + 1;
    set->list[first] = span;
    return true;
}

uint64_t sp_spans_frontier(const struct sp_spans *set)
{
    return set->count > 0 && set->list[0].from == 0 ? set->list[0].to : 0;
}

uint64_t sp_spans_total(const struct sp_spans *set)
{
    uint64_t total = 0;

    for (size_t i = 0; i < set->count; i++)
        total += set->list[i].to - set->list[i].from;
    return total;
}

bool sp_spans_gap(const struct sp_spans *set, uint64_t from, uint64_t size,
                  struct sp_span *out)
{
    size_t i = find(set, from);

    if (i < set->count && set->list[i].from <= from) {
        from = set->list[i].to;
        i++;
    }
    if (from >= size)
        return false;
    out->from = from;
    out->to =
        i < set->count && set->list[i].from < size ? set->list[i].from : size;
    return true;
}
