/* SPDX-License-Identifier: MIT */
/*
 * check_memo: what was seen of a blob, so that each is asked for once, however
 * many manifests name it. It has a maximum, and forgets nothing before the end.
 */
#include <stdlib.h>
#include <string.h>

#include "check_internal.h"
#include "limits.h"

#define FIRST_CAP 16

/* Where key is, or would be. */
static size_t place_of(const struct sp_memo *memo, const char *key)
{
    size_t low = 0;
    size_t high = memo->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(memo->list[mid].key, key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const struct sp_seen *sp_memo_find(const struct sp_memo *memo, const char *key)
{
    size_t at = place_of(memo, key);

    if (at == memo->count || strcmp(memo->list[at].key, key) != 0)
        return NULL;
    return &memo->list[at].seen;
}

static bool has_room(struct sp_memo *memo)
{
    size_t cap = memo->cap == 0 ? FIRST_CAP : memo->cap * 2;
    struct sp_memo_entry *grown = NULL;

    if (memo->count >= SP_CHECK_BLOBS_MAX)
        return false;
    if (memo->count < memo->cap)
        return true;
    grown = realloc(memo->list, cap * sizeof *grown);
    if (grown == NULL)
        return false;
    memo->list = grown;
    memo->cap = cap;
    return true;
}

static void entry_done(struct sp_memo_entry *entry)
{
    free(entry->key);
    free(entry->why);
}

/* Puts an entry at its place; false: there is no room. */
static bool insert(struct sp_memo *memo, size_t at,
                   const struct sp_memo_entry *entry)
{
    if (at < memo->count && strcmp(memo->list[at].key, entry->key) == 0) {
        entry_done(&memo->list[at]);
    } else {
        if (!has_room(memo))
            return false;
        memmove(memo->list + at + 1, memo->list + at,
                (memo->count - at) * sizeof *memo->list);
        memo->count++;
    }
    memo->list[at] = *entry;
    return true;
}

void sp_memo_keep(struct sp_memo *memo, const char *key,
                  const struct sp_seen *seen)
{
    struct sp_memo_entry entry = {.seen = *seen};

    entry.key = strdup(key);
    entry.why = seen->why == NULL ? NULL : strdup(seen->why);
    entry.seen.why = entry.why;
    if (entry.key == NULL || (seen->why != NULL && entry.why == NULL) ||
        !insert(memo, place_of(memo, key), &entry))
        entry_done(&entry);
}

void sp_memo_done(struct sp_memo *memo)
{
    for (size_t i = 0; i < memo->count; i++)
        entry_done(&memo->list[i]);
    free(memo->list);
    memset(memo, 0, sizeof *memo);
}
