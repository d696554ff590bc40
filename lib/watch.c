/* SPDX-License-Identifier: MIT */
/*
 * watch: calls the progress callback at its pace. Milliseconds come from a
 * clock that neither an administrator nor NTP can turn back.
 */
#include "watch.h"

#include <string.h>
#include <time.h>

#include "limits.h"

uint64_t sp_watch_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void sp_watch_init(struct sp_watch *watch, struct sp_ctx *ctx, const char *ref)
{
    memset(watch, 0, sizeof *watch);
    watch->ctx = ctx;
    watch->now.ref = ref;
    watch->now.note = "";
}

static enum spull_code tell(struct sp_watch *watch, struct spull_error *err)
{
    const struct spull_options *opts = &watch->ctx->opts;
    int stop = 0;

    watch->told_ms = sp_watch_ms();
    if (opts->progress != NULL)
        stop = opts->progress(opts->progress_payload, &watch->now);
    if (stop != 0 || sp_ctx_cancelled(watch->ctx))
        return sp_ctx_say_cancelled(err);
    return SPULL_OK;
}

enum spull_code sp_watch_phase(struct sp_watch *watch, enum spull_phase phase,
                               struct spull_error *err)
{
    watch->now.phase = phase;
    return tell(watch, err);
}

enum spull_code sp_watch_tick(struct sp_watch *watch, struct spull_error *err)
{
    if (sp_watch_ms() - watch->told_ms < SP_TICK_MS)
        return sp_ctx_cancelled(watch->ctx) ? sp_ctx_say_cancelled(err)
                                            : SPULL_OK;
    return tell(watch, err);
}
