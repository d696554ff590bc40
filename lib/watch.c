/* SPDX-License-Identifier: MIT */
/*
 * watch: calls the progress callback at its pace. Milliseconds come from a
 * clock that neither an administrator nor NTP can turn back.
 */
#include "watch.h"

#include <string.h>
#include <time.h>

#include "err.h"
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
    watch->tell = ctx->opts.progress;
    watch->payload = ctx->opts.progress_payload;
    watch->now.ref = ref;
    watch->now.note = "";
    watch->start_ms = sp_watch_ms();
}

uint64_t sp_watch_left_ms(const struct sp_watch *watch)
{
    uint64_t allowed = (uint64_t)watch->ctx->opts.max_time * 1000;
    uint64_t passed = sp_watch_ms() - watch->start_ms;

    if (allowed == 0)
        return UINT64_MAX;
    return passed < allowed ? allowed - passed : 0;
}

static enum spull_code must_stop(const struct sp_watch *watch,
                                 struct spull_error *err)
{
    if (sp_ctx_cancelled(watch->ctx))
        return sp_ctx_say_cancelled(err);
    if (sp_watch_left_ms(watch) == 0)
        return sp_err_set(err, SPULL_NETWORK,
                          "not done after %u seconds, which is the maximum set",
                          watch->ctx->opts.max_time);
    return SPULL_OK;
}

static enum spull_code tell(struct sp_watch *watch, struct spull_error *err)
{
    watch->told_ms = sp_watch_ms();
    if (watch->tell != NULL && watch->tell(watch->payload, &watch->now) != 0)
        return sp_ctx_say_cancelled(err);
    return must_stop(watch, err);
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
        return must_stop(watch, err);
    return tell(watch, err);
}

enum spull_code sp_watch_rest(struct sp_watch *watch, uint64_t ms,
                              const char *note, struct spull_error *err)
{
    enum spull_phase before = watch->now.phase;
    uint64_t end = sp_watch_ms() + ms;
    uint64_t now = sp_watch_ms();
    enum spull_code code = SPULL_OK;

    watch->now.phase = SPULL_WAITING;
    watch->now.note = note;
    for (; now < end && code == SPULL_OK; now = sp_watch_ms()) {
        watch->now.wait_seconds =
            ms < SP_COUNTDOWN_MS ? 0 : (unsigned)((end - now + 999) / 1000);
        code = tell(watch, err);
        if (code == SPULL_OK)
            sp_ctx_doze(watch->ctx,
                        end - now < SP_TICK_MS ? end - now : SP_TICK_MS);
    }
    watch->now.phase = before;
    watch->now.note = "";
    return code == SPULL_OK ? must_stop(watch, err) : code;
}
