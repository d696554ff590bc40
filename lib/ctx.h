/* SPDX-License-Identifier: MIT */
/*
 * ctx: the session as data: options, callbacks, the cancel flag.
 *
 * Every room above gets one of these and nothing else from outside. It knows
 * no step: what the options mean is said where they are used.
 */
#ifndef SP_CTX_H
#define SP_CTX_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <spull.h>

#include "hosts.h"
#include "known.h"
#include "left.h"

struct sp_ctx {
    struct spull_options opts; /* strings are owned copies, or NULL */
    pthread_mutex_t log_lock;  /* one line at a time */
    struct sp_known known;     /* what was pulled already */
    struct sp_left left;       /* what was left in directories */
    struct sp_hosts hosts;     /* that are silent or lost */
    atomic_uint fetches;       /* that run now, and share the connections */
    atomic_bool cancelled;
    int wake[2]; /* a pipe; readable, for ever, once cancelled */
};

/* Copies the options, as sp_options_copy() does. */
enum spull_code sp_ctx_init(struct sp_ctx *ctx,
                            const struct spull_options *options,
                            struct spull_error *err);
void sp_ctx_done(struct sp_ctx *ctx);

/* Async-signal-safe. */
void sp_ctx_cancel(struct sp_ctx *ctx);
bool sp_ctx_cancelled(const struct sp_ctx *ctx);

/* Sets and returns SPULL_CANCELLED. */
enum spull_code sp_ctx_say_cancelled(struct spull_error *err);

/* Sleeps; less long when the session is cancelled, or a signal comes. */
void sp_ctx_doze(const struct sp_ctx *ctx, uint64_t ms);

/* A random number, different in each process: for jitter. */
uint32_t sp_ctx_dice(void);

void sp_ctx_warn(struct sp_ctx *ctx, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void sp_ctx_detail(struct sp_ctx *ctx, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
