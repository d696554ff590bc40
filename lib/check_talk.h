/* SPDX-License-Identifier: MIT */
/*
 * check_talk: one request for a blob, and what came of it.
 *
 * For check_ask.c alone, which decides what is asked, and what an answer
 * means.
 */
#ifndef SP_CHECK_TALK_H
#define SP_CHECK_TALK_H

#include <pthread.h>
#include <stdatomic.h>

#include "check_internal.h"
#include "limits.h"

/* Starts as zeros, with part, hash, bound and copy as wanted. */
struct sp_talk {
    bool part;            /* ask for the first SP_LOOK_BYTES only */
    struct sp_hash *hash; /* for all that comes; NULL: the first bytes do */
    uint64_t bound;       /* of what is hashed */
    int copy;             /* a file that gets it too; -1: none does */
    uint64_t from;        /* that much was hashed by an earlier request */

    /* What came; to be read once sp_talk() has returned. */
    unsigned char first[SP_LOOK_BYTES];
    atomic_uint_fast64_t got; /* bytes of the body */
    bool enough;              /* the first bytes are there */
    bool beyond;              /* there were more bytes than bound */
    bool ranges;              /* the part that was asked for came */
    bool odd_range;           /* another one */
    char etag[SP_HEAD_VALIDATOR];
    bool has_length;
    uint64_t length; /* of the whole blob */
    bool page_type;
    enum spull_code code; /* of the transfer */
    struct spull_error err;
    bool transient;
    bool http1; /* no HTTP/2, now or the next time */
    unsigned retry_after;
    unsigned redirects;
    bool refused_redirect;

    pthread_mutex_t lock; /* guards what follows, and the end */
    pthread_cond_t over;
    bool ended;
};

/* Makes it go on, from where it broke off, when it is used again. */
void sp_talk_go_on(struct sp_talk *talk);

/* Fails only where the session, not the transfer, is to end. */
enum spull_code sp_talk(struct sp_talk *talk, struct sp_http *http,
                        const struct sp_url *url, struct sp_watch *watch,
                        struct spull_error *err);

#endif
