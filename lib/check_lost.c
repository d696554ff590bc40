/* SPDX-License-Identifier: MIT */
/*
 * check_lost: servers that gave no answer after all retries. They are few, so a
 * list that is searched from its start will do; where it is full, a server is
 * waited for once more.
 */
#include <stdlib.h>
#include <string.h>

#include "check_internal.h"

/* Where origin is, or a free place; NULL: there is none. The caller holds the
 * lock. */
static char **find(struct sp_lost *lost, const char *origin)
{
    char **place = NULL;

    for (size_t i = 0; i < SP_CHECK_LOST_MAX; i++) {
        char **at = &lost->origins[i];
        if (*at != NULL && strcmp(*at, origin) == 0)
            return at;
        if (*at == NULL && place == NULL)
            place = at;
    }
    return place;
}

bool sp_lost_has(struct sp_lost *lost, const char *origin)
{
    bool has = false;

    pthread_mutex_lock(&lost->lock);
    char *const *at = find(lost, origin);
    has = at != NULL && *at != NULL;
    pthread_mutex_unlock(&lost->lock);
    return has;
}

void sp_lost_note(struct sp_lost *lost, const char *origin, bool is_lost)
{
    pthread_mutex_lock(&lost->lock);
    char **at = find(lost, origin);
    if (at != NULL && is_lost && *at == NULL) {
        *at = strdup(origin);
    } else if (at != NULL && !is_lost) {
        free(*at);
        *at = NULL;
    }
    pthread_mutex_unlock(&lost->lock);
}

void sp_lost_done(struct sp_lost *lost)
{
    for (size_t i = 0; i < SP_CHECK_LOST_MAX; i++)
        free(lost->origins[i]);
    pthread_mutex_destroy(&lost->lock);
}
