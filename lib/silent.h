/* SPDX-License-Identifier: MIT */
/*
 * silent: which hosts have kept silent lately, in this session.
 *
 * So that of a list whose images all name a host that is gone, the first ones
 * alone wait for it. What it says was true a moment ago; whoever has no other
 * URL asks all the same. It speaks to no host itself.
 */
#ifndef SP_SILENT_H
#define SP_SILENT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "limits.h"

struct sp_silent_host {
    char *origin; /* as in struct sp_url; NULL: there is none here */
    uint64_t at_ms;
};

struct sp_silent {
    pthread_mutex_t lock; /* any thread may call */
    struct sp_silent_host hosts[SP_SILENT_MAX];
    size_t next; /* the place that is taken next */
};

void sp_silent_init(struct sp_silent *silent);
void sp_silent_done(struct sp_silent *silent);

/* Takes note of a host, and forgets the first one that was added if there are
 * too many. Without memory, nothing happens. */
void sp_silent_add(struct sp_silent *silent, const char *origin,
                   uint64_t now_ms);

/* It has said something. */
void sp_silent_forget(struct sp_silent *silent, const char *origin);

/* Did it keep silent less than SP_SILENT_MS before now? */
bool sp_silent_has(struct sp_silent *silent, const char *origin,
                   uint64_t now_ms);

#endif
