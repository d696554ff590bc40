/* SPDX-License-Identifier: MIT */
/*
 * hosts: a ring, searched from its start. A miss costs one wait more.
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

/* Needs the lock. */
static struct sp_host *find(struct sp_hosts *hosts, const char *origin)
{
    for (size_t i = 0; i < SP_HOSTS_MAX; i++)
        if (hosts->hosts[i].origin != NULL &&
            strcmp(hosts->hosts[i].origin, origin) == 0)
            return &hosts->hosts[i];
    return NULL;
}

/* Needs the lock. */
static void clear(struct sp_host *host)
{
    free(host->origin);
    memset(host, 0, sizeof *host);
}

/* The place of a host that is new here. Needs the lock. */
static struct sp_host *replace(struct sp_hosts *hosts, const char *origin)
{
    struct sp_host *host = &hosts->hosts[hosts->next];
    char *copy = strdup(origin);

    if (copy == NULL)
        return NULL;
    clear(host);
    host->origin = copy;
    hosts->next = (hosts->next + 1) % SP_HOSTS_MAX;
    return host;
}

void sp_hosts_note(struct sp_hosts *hosts, const char *origin,
                   enum sp_host_fault fault, uint64_t now_ms)
{
    struct sp_host *host = NULL;

    pthread_mutex_lock(&hosts->lock);
    host = find(hosts, origin);
    if (host == NULL)
        host = replace(hosts, origin);
    if (host != NULL)
        host->until_ms[fault] = now_ms + SP_HOSTS_MS;
    pthread_mutex_unlock(&hosts->lock);
}

void sp_hosts_forget(struct sp_hosts *hosts, const char *origin)
{
    struct sp_host *host = NULL;

    pthread_mutex_lock(&hosts->lock);
    host = find(hosts, origin);
    if (host != NULL)
        clear(host);
    pthread_mutex_unlock(&hosts->lock);
}

bool sp_hosts_has(struct sp_hosts *hosts, const char *origin,
                  enum sp_host_fault fault, uint64_t now_ms)
{
    const struct sp_host *host = NULL;
    bool has = false;

    pthread_mutex_lock(&hosts->lock);
    host = find(hosts, origin);
    has = host != NULL && now_ms < host->until_ms[fault];
    pthread_mutex_unlock(&hosts->lock);
    return has;
}
