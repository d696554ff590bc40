/* SPDX-License-Identifier: MIT */
/*
 * hosts: a few places that are searched from the first one. Where none is free,
 * they are taken in turn; who is forgotten is waited for once more.
 */
#include "hosts.h"

#include <stdlib.h>
#include <string.h>

void sp_hosts_init(struct sp_hosts *hosts)
{
    memset(hosts, 0, sizeof *hosts);
    pthread_mutex_init(&hosts->lock, NULL);
}

void sp_hosts_done(struct sp_hosts *hosts)
{
    for (size_t i = 0; i < SP_HOSTS_MAX; i++)
        free(hosts->hosts[i].origin);
    pthread_mutex_destroy(&hosts->lock);
}

/* origin NULL: a free place. Needs the lock. */
static struct sp_host *find(struct sp_hosts *hosts, const char *origin)
{
    for (size_t i = 0; i < SP_HOSTS_MAX; i++) {
        const char *other = hosts->hosts[i].origin;
        if (origin == NULL ? other == NULL
                           : other != NULL && strcmp(other, origin) == 0)
            return &hosts->hosts[i];
    }
    return NULL;
}

/* Needs the lock. */
static void clear(struct sp_host *host)
{
    free(host->origin);
    memset(host, 0, sizeof *host);
}

/* Needs the lock. */
static struct sp_host *take_next(struct sp_hosts *hosts)
{
    struct sp_host *host = &hosts->hosts[hosts->next];

    hosts->next = (hosts->next + 1) % SP_HOSTS_MAX;
    clear(host);
    return host;
}

/* Its place, or a new one; NULL: no memory. Needs the lock. */
static struct sp_host *place_of(struct sp_hosts *hosts, const char *origin)
{
    struct sp_host *host = find(hosts, origin);
    char *copy = NULL;

    if (host != NULL)
        return host;
    copy = strdup(origin);
    if (copy == NULL)
        return NULL;
    host = find(hosts, NULL);
    if (host == NULL)
        host = take_next(hosts);
    host->origin = copy;
    return host;
}

void sp_hosts_heard(struct sp_hosts *hosts, const char *origin)
{
    struct sp_host *host = NULL;

    pthread_mutex_lock(&hosts->lock);
    host = find(hosts, origin);
    if (host != NULL)
        clear(host);
    pthread_mutex_unlock(&hosts->lock);
}

/* Between two misses that are far apart, it may have been there. */
static bool is_in_row(const struct sp_host *host, uint64_t now_ms)
{
    uint64_t far_ms = host->lost_ms == 0 ? SP_LOST_MS : SP_HOSTS_MS;

    return host->missed && now_ms < host->last_missed_ms + far_ms;
}

static void miss(struct sp_host *host, uint64_t now_ms)
{
    if (!is_in_row(host, now_ms)) {
        host->missed_ms = now_ms;
        host->lost_ms = 0;
    }
    host->missed = true;
    host->last_missed_ms = now_ms;
    if (host->lost_ms == 0 && now_ms >= host->missed_ms + SP_LOST_MS)
        host->lost_ms = now_ms;
}

void sp_hosts_missed(struct sp_hosts *hosts, const char *origin,
                     uint64_t now_ms)
{
    struct sp_host *host = NULL;

    pthread_mutex_lock(&hosts->lock);
    host = place_of(hosts, origin);
    if (host != NULL)
        miss(host, now_ms);
    pthread_mutex_unlock(&hosts->lock);
}

bool sp_hosts_is_lost(struct sp_hosts *hosts, const char *origin,
                      uint64_t since_ms, uint64_t now_ms)
{
    const struct sp_host *host = NULL;
    bool lost = false;

    pthread_mutex_lock(&hosts->lock);
    host = find(hosts, origin);
    lost = host != NULL && host->lost_ms != 0 && host->lost_ms <= since_ms &&
           now_ms < host->last_missed_ms + SP_HOSTS_MS;
    pthread_mutex_unlock(&hosts->lock);
    return lost;
}

void sp_hosts_shun(struct sp_hosts *hosts, const char *origin, uint64_t now_ms)
{
    struct sp_host *host = NULL;

    pthread_mutex_lock(&hosts->lock);
    host = place_of(hosts, origin);
    if (host != NULL)
        host->shun_until_ms = now_ms + SP_HOSTS_MS;
    pthread_mutex_unlock(&hosts->lock);
}

bool sp_hosts_is_shunned(struct sp_hosts *hosts, const char *origin,
                         uint64_t now_ms)
{
    const struct sp_host *host = NULL;
    bool shunned = false;

    pthread_mutex_lock(&hosts->lock);
    host = find(hosts, origin);
    shunned = host != NULL && now_ms < host->shun_until_ms;
    pthread_mutex_unlock(&hosts->lock);
    return shunned;
}
