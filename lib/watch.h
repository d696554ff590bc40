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
    struct spull_progress now; /* steps may set fields between calls */
    uint64_t told_ms;          /* when the callback was last called */
};

void sp_watch_init(struct sp_watch *watch, struct sp_ctx *ctx, const char *ref);

/*
 * Both return SPULL_CANCELLED where the callback or the session says stop, else
 * 0. phase tells at once; tick tells what now holds, if the last call is
 * SP_TICK_MS ago.
 */
enum spull_code sp_watch_phase(struct sp_watch *watch, enum spull_phase phase,
                               struct spull_error *err);
enum spull_code sp_watch_tick(struct sp_watch *watch, struct spull_error *err);

/* Milliseconds of a clock that never jumps. */
uint64_t sp_watch_ms(void);

#endif
