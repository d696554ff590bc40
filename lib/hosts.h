/* SPDX-License-Identifier: MIT */
/*
 * hosts: whom this session has found silent or lost lately.
 *
 * So that of a list whose images are all on a host that is gone, the first ones
 * alone wait for it. What it says was true a moment ago; who has nobody else to
 * ask asks all the same. It speaks to no host itself, and what is to be noted
 * is for others to judge.
 */
#ifndef SP_HOSTS_H
#define SP_HOSTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "limits.h"

enum sp_host_fault {
    SP_HOST_SILENT, /* said nothing for a while: others are asked before it */
    SP_HOST_LOST,   /* gave no answer, after all tries */
    SP_HOST_FAULTS
};

struct sp_host {
    char *origin; /* as in struct sp_url; NULL: there is none here */
    uint64_t until_ms[SP_HOST_FAULTS]; /* so long it counts; 0: it does not */
};

struct sp_hosts {
    pthread_mutex_t lock; /* any thread may call */
    struct sp_host hosts[SP_HOSTS_MAX];
    size_t next; /* the place that is taken next */
};

void sp_hosts_init(struct sp_hosts *hosts);
void sp_hosts_done(struct sp_hosts *hosts);

/* Takes note of a host for SP_HOSTS_MS from now, and forgets the first one that
 * was noted if there are too many. Without memory, nothing happens. */
void sp_hosts_note(struct sp_hosts *hosts, const char *origin,
                   enum sp_host_fault fault, uint64_t now_ms);

/* It has given an answer. */
void sp_hosts_forget(struct sp_hosts *hosts, const char *origin);

bool sp_hosts_has(struct sp_hosts *hosts, const char *origin,
                  enum sp_host_fault fault, uint64_t now_ms);

#endif
