/* SPDX-License-Identifier: MIT */
/*
 * pool: works on the items of a list, several at once.
 *
 * Owns threads and order, and knows nothing of what an item is. Results are
 * handed out in the calling thread alone: it is the one that signals interrupt,
 * so that a write to a stuck stdout can be ended.
 */
#ifndef POOL_H
#define POOL_H

#include <stddef.h>

#include <spull.h>

/* So many at once, and no more: each may have a connection to one host. */
#define POOL_JOBS_MAX 16

/* Items are numbers below count. Callbacks get payload. */
struct pool {
    size_t count;
    unsigned jobs; /* 1 to POOL_JOBS_MAX */
    void *payload;

    /* Works on an item, in one of jobs threads, of which slot is the number.
     * After SPULL_CANCELLED no further item is begun. */
    enum spull_code (*work)(void *payload, unsigned slot, size_t item);

    /* Takes what came of an item, as items end; NULL: nothing to do. Returns
     * code, or what went wrong with it now. */
    enum spull_code (*done)(void *payload, size_t item, enum spull_code code);

    /* The same in the order of the list: none before those in front of it have
     * ended, or will never begin. */
    enum spull_code (*settle)(void *payload, size_t item, enum spull_code code);
};

/*
 * Returns when all items have ended: SPULL_CANCELLED if one was, else the first
 * failure in the order of the list. SPULL_INTERNAL: no memory.
 */
enum spull_code pool_run(const struct pool *pool);

#endif
