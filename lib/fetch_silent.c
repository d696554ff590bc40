/* SPDX-License-Identifier: MIT */
/*
 * fetch_silent: lanes that bring nothing are let go. What they were to bring is
 * given to others; for their source it is no failure, only a reason to ask
 * another one first.
 */
#include "fetch_internal.h"

static void let_go(struct fetch *fetch, struct lane *lane)
{
    lane->let_go = true;
    sp_http_drop(fetch->http, lane->transfer);
}

void sp_fetch_release_robbed(struct fetch *fetch)
{
    for (unsigned i = 0; i < SP_CONNECTIONS_MAX; i++) {
        struct lane *lane = &fetch->lanes[i];
        if (!lane->busy || lane->over || lane->let_go || !lane->ranged ||
            atomic_load(&lane->at) < atomic_load(&lane->to))
            continue;
        if (!sp_source_has_brought(fetch, lane->source))
            lane->source->silences++;
        let_go(fetch, lane);
    }
}

/* The network thread may have begun it late. */
static bool is_silent_for_long(const struct fetch *fetch, struct lane *lane)
{
    if (lane->looked_ms == 0 && fetch->looked_ms >= lane->start_ms)
        lane->looked_ms = fetch->looked_ms;
    return lane->looked_ms != 0 && atomic_load(&lane->at) == lane->from &&
           fetch->looked_ms >= lane->looked_ms + fetch->patience_ms;
}

void sp_fetch_pass_over(struct fetch *fetch, uint64_t now_ms)
{
    for (unsigned i = 0; i < SP_CONNECTIONS_MAX && fetch->busy == 1; i++) {
        struct lane *lane = &fetch->lanes[i];
        if (!lane->busy || lane->over || lane->let_go ||
            !is_silent_for_long(fetch, lane))
            continue;
        sp_source_is_down(lane);
        if (!sp_source_has_other(fetch, lane, now_ms))
            continue;
        sp_ctx_detail(
            fetch->watch->ctx, "%s: silent for %.0f s; trying the next address",
            lane->source->url->shown, (double)fetch->patience_ms / 1000);
        fetch->patience_ms *= 2;
        fetch->single = false; /* the next one may know ranges */
        lane->source->silences++;
        sp_hosts_shun(&fetch->watch->ctx->hosts, lane->source->url->origin,
                      now_ms);
        let_go(fetch, lane);
    }
}
