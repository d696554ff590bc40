/* SPDX-License-Identifier: MIT */
/*
 * hosts: which hosts a session has asked in vain lately.
 *
 * So that of a list whose images are all on a host that is gone, each does not
 * wait for it as long as the first one. What it says was true a moment ago; who
 * has nobody else to ask asks all the same. It speaks to no host itself.
 */
#ifndef SP_HOSTS_H
#define SP_HOSTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "limits.h"

struct sp_host {
    char *origin;            /* as in struct sp_url; NULL: there is none here */
    uint64_t shun_until_ms;  /* 0: it is not shunned */
    bool missed;             /* what follows holds */
    uint64_t missed_ms;      /* when it gave no answer, first in the row */
    uint64_t last_missed_ms; /* and last */
    uint64_t lost_ms;        /* since when it is lost; 0: it is not */
};

struct sp_hosts {
    pthread_mutex_t lock; /* any thread may call */
    struct sp_host hosts[SP_HOSTS_MAX];
    size_t next; /* the place that is taken next if none is free */
};

void sp_hosts_init(struct sp_hosts *hosts);
void sp_hosts_done(struct sp_hosts *hosts);

/* It has given an answer, of whatever kind: nothing is held against it. */
void sp_hosts_heard(struct sp_hosts *hosts, const char *origin);

/* A request has got no answer at all. Without memory, nothing happens. */
void sp_hosts_missed(struct sp_hosts *hosts, const char *origin,
                     uint64_t now_ms);

/*
 * Had all requests been missed, for SP_LOST_MS or more, when since came, and
 * all after that? Who asks has begun then: its own patience is its own affair.
 */
bool sp_hosts_is_lost(struct sp_hosts *hosts, const char *origin,
                      uint64_t since_ms, uint64_t now_ms);

/* For SP_HOSTS_MS from now, or until it is heard, others are better; why, the
 * caller knows. Without memory, nothing happens. */
void sp_hosts_shun(struct sp_hosts *hosts, const char *origin, uint64_t now_ms);
bool sp_hosts_is_shunned(struct sp_hosts *hosts, const char *origin,
                         uint64_t now_ms);

#endif
