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

void sp_memo_init(struct sp_memo *memo)
{
    memset(memo, 0, sizeof *memo);
    pthread_mutex_init(&memo->lock, NULL);
    pthread_cond_init(&memo->news, NULL);
}

static void entry_free(struct sp_memo_entry *entry)
{
    if (entry == NULL)
        return;
    free(entry->key);
    free(entry->why);
    free(entry);
}

void sp_memo_done(struct sp_memo *memo)
{
    for (size_t i = 0; i < memo->count; i++)
        entry_free(memo->list[i]);
    free(memo->list);
    pthread_cond_destroy(&memo->news);
    pthread_mutex_destroy(&memo->lock);
}

/* Where key is, or would be. */
static size_t place_of(const struct sp_memo *memo, const char *key)
{
    size_t low = 0;
    size_t high = memo->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(memo->list[mid]->key, key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Is that key's place? */
static bool is_at(const struct sp_memo *memo, size_t at, const char *key)
{
    return at < memo->count && strcmp(memo->list[at]->key, key) == 0;
}

static bool has_room(struct sp_memo *memo)
{
    size_t cap = memo->cap == 0 ? FIRST_CAP : memo->cap * 2;
    struct sp_memo_entry **grown = NULL;

    if (memo->count >= SP_CHECK_BLOBS_MAX)
        return false;
    if (memo->count < memo->cap)
        return true;
    grown = realloc(memo->list, cap * sizeof(struct sp_memo_entry *));
    if (grown == NULL)
        return false;
    memo->list = grown;
    memo->cap = cap;
    return true;
}

/* Without room, nothing is remembered: it may be looked at twice. */
static void add_busy(struct sp_memo *memo, size_t at, const char *key)
{
    struct sp_memo_entry *entry = calloc(1, sizeof *entry);

    if (entry != NULL)
        entry->key = strdup(key);
    if (entry == NULL || entry->key == NULL || !has_room(memo)) {
        entry_free(entry);
        return;
    }
    entry->busy = true;
    memmove(memo->list + at + 1, memo->list + at,
            (memo->count - at) * sizeof(struct sp_memo_entry *));
    memo->list[at] = entry;
    memo->count++;
}

static void drop(struct sp_memo *memo, size_t at)
{
    entry_free(memo->list[at]);
    memo->count--;
    memmove(memo->list + at, memo->list + at + 1,
            (memo->count - at) * sizeof(struct sp_memo_entry *));
}

bool sp_memo_ask(struct sp_memo *memo, const char *key, struct sp_seen *seen)
{
    bool known = false;
    size_t at = 0;

    pthread_mutex_lock(&memo->lock);
    at = place_of(memo, key);
    while (is_at(memo, at, key) && memo->list[at]->busy) {
        pthread_cond_wait(&memo->news, &memo->lock);
        at = place_of(memo, key);
    }
    known = is_at(memo, at, key);
    if (known)
        *seen = memo->list[at]->seen;
    else
        add_busy(memo, at, key);
    pthread_mutex_unlock(&memo->lock);
    return known;
}

void sp_memo_keep(struct sp_memo *memo, const char *key,
                  const struct sp_seen *seen)
{
    char *why = seen == NULL || seen->why == NULL ? NULL : strdup(seen->why);
    bool keep = seen != NULL && (seen->why == NULL || why != NULL);
    struct sp_memo_entry *entry = NULL;
    size_t at = 0;

    pthread_mutex_lock(&memo->lock);
    at = place_of(memo, key);
    if (is_at(memo, at, key) && keep) {
        entry = memo->list[at];
        entry->seen = *seen;
        entry->seen.why = entry->why = why;
        entry->busy = false;
    } else if (is_at(memo, at, key)) {
        drop(memo, at);
    }
    pthread_cond_broadcast(&memo->news);
    pthread_mutex_unlock(&memo->lock);
    if (entry == NULL)
        free(why);
}

bool sp_memo_count(struct sp_memo *memo, const char *key)
{
    bool first = true;
    size_t at = 0;

    pthread_mutex_lock(&memo->lock);
    at = place_of(memo, key);
    if (is_at(memo, at, key)) {
        first = !memo->list[at]->counted;
        memo->list[at]->counted = true;
    }
    pthread_mutex_unlock(&memo->lock);
    return first;
}
