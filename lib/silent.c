/* SPDX-License-Identifier: MIT */
/*
 * silent: a ring of hosts. A miss costs one wait more.
 */
#include "silent.h"

#include <stdlib.h>
#include <string.h>

void sp_silent_init(struct sp_silent *silent)
{
    memset(silent, 0, sizeof *silent);
    pthread_mutex_init(&silent->lock, NULL);
}

void sp_silent_done(struct sp_silent *silent)
{
    for (size_t i = 0; i < SP_SILENT_MAX; i++)
        free(silent->hosts[i].origin);
    pthread_mutex_destroy(&silent->lock);
}

/* Needs the lock. */
static struct sp_silent_host *find(struct sp_silent *silent, const char *origin)
{
    for (size_t i = 0; i < SP_SILENT_MAX; i++)
        if (silent->hosts[i].origin != NULL &&
            strcmp(silent->hosts[i].origin, origin) == 0)
            return &silent->hosts[i];
    return NULL;
}

/* The place of a host that is new here. Needs the lock. */
static struct sp_silent_host *replace(struct sp_silent *silent,
                                      const char *origin)
{
    struct sp_silent_host *host = &silent->hosts[silent->next];
    char *copy = strdup(origin);

    if (copy == NULL)
        return NULL;
    free(host->origin);
    host->origin = copy;
    silent->next = (silent->next + 1) % SP_SILENT_MAX;
    return host;
}

void sp_silent_add(struct sp_silent *silent, const char *origin,
                   uint64_t now_ms)
{
    struct sp_silent_host *host = NULL;

    pthread_mutex_lock(&silent->lock);
    host = find(silent, origin);
    if (host == NULL)
        host = replace(silent, origin);
    if (host != NULL)
        host->at_ms = now_ms;
    pthread_mutex_unlock(&silent->lock);
}

void sp_silent_forget(struct sp_silent *silent, const char *origin)
{
    struct sp_silent_host *host = NULL;

    pthread_mutex_lock(&silent->lock);
    host = find(silent, origin);
    if (host != NULL) {
        free(host->origin);
        host->origin = NULL;
    }
    pthread_mutex_unlock(&silent->lock);
}

bool sp_silent_has(struct sp_silent *silent, const char *origin,
                   uint64_t now_ms)
{
    const struct sp_silent_host *host = NULL;
    bool has = false;

    pthread_mutex_lock(&silent->lock);
    host = find(silent, origin);
    has = host != NULL && now_ms < host->at_ms + SP_SILENT_MS;
    pthread_mutex_unlock(&silent->lock);
    return has;
}
