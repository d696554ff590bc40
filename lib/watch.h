/* SPDX-License-Identifier: MIT */
/*
 * watch: how a pull tells where it is, and learns that it should stop.
 *
 * One per pull, used in the thread that pulls. It knows the callback and its
 * pace, and nothing of what is going on.
 */
#ifndef SP_WATCH_H
#define SP_WATCH_H

#include <stdint.h>

#include <spull.h>

#include "ctx.h"

struct sp_watch {
    struct sp_ctx *ctx;
    spull_progress_fn tell; /* who hears of it; NULL: nobody */
    void *payload;
    struct spull_progress now; /* steps may set fields between calls */
    uint64_t told_ms;          /* when the callback was last called */
    uint64_t start_ms;
};

/* The options' callback hears of it, unless tell is set anew. */
void sp_watch_init(struct sp_watch *watch, struct sp_ctx *ctx, const char *ref);

/*
 * All three return SPULL_CANCELLED where the callback or the session says stop,
 * SPULL_NETWORK when the time that the options allow is over, else 0.
 */

/* Tells at once that a phase begins. */
enum spull_code sp_watch_phase(struct sp_watch *watch, enum spull_phase phase,
                               struct spull_error *err);

/* Tells what now holds, if the last call is SP_TICK_MS ago. */
enum spull_code sp_watch_tick(struct sp_watch *watch, struct spull_error *err);

/* Waits, and tells so with note; then goes back to the phase before. */
enum spull_code sp_watch_rest(struct sp_watch *watch, uint64_t ms,
                              const char *note, struct spull_error *err);

/* Milliseconds that the options leave; UINT64_MAX: they set no limit. */
uint64_t sp_watch_left_ms(const struct sp_watch *watch);

/* Milliseconds of a clock that never jumps. */
uint64_t sp_watch_ms(void);

#endif
