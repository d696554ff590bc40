/* SPDX-License-Identifier: MIT */
/*
 * pull_wait: while somebody else downloads: for how long, whose turn is next,
 * and when there is no more hope.
 *
 * Who leads may die, stand still, or have a server that does not answer. The
 * first two are the lead's to tell. Of the third each learns by itself, since a
 * leader's network may be worse than anybody else's: no verdict is shared, but
 * patience is, or five hundred would wait for a dead server in turn.
 */
#include <stdio.h>

#include "err.h"
#include "limits.h"
#include "manifest.h"
#include "part_lead.h"
#include "pull_internal.h"
#include "retry.h"

struct patience sp_pull_patience(void)
{
    uint64_t now_ms = sp_watch_ms();
    struct patience patience = {
        .start_ms = now_ms, .moved_ms = now_ms, .came_ms = now_ms};

    return patience;
}

/* --- has anything come? --------------------------------------------------- */

/* A new leader copies what the one before had, which is nothing new. When all
 * is there, verifying may take long. */
static bool has_come(const struct pull *pull, struct patience *patience,
                     uint64_t bytes)
{
    const struct sp_manifest *manifest = &pull->found.manifest;
    bool strict = pull->ctx->opts.strict_size != 0;
    bool more = bytes > patience->most;

    if (more)
        patience->most = bytes;
    return more ||
           (bytes > 0 && sp_size_matches(manifest->size, bytes, strict));
}

/* Another user's journal says only that there is life. */
static enum sp_lead_state look(struct pull *pull, struct patience *patience)
{
    uint64_t now_ms = sp_watch_ms();
    uint64_t bytes = 0;
    enum sp_lead_state state = sp_lead_look(pull->lead, &bytes);
    bool known = bytes != UINT64_MAX;

    if (state == SP_LEAD_BEATS)
        patience->moved_ms = now_ms;
    if (known && bytes > 0)
        patience->bytes = bytes;
    if (known ? has_come(pull, patience, bytes) : state == SP_LEAD_BEATS)
        patience->came_ms = now_ms;
    return state;
}

/* Has nothing come for as long as our own tries would have taken? per_try_ms is
 * what each takes beside the waits. */
static bool is_in_vain(const struct pull *pull, const struct patience *patience,
                       uint64_t per_try_ms)
{
    unsigned retries = pull->ctx->opts.retries;
    uint64_t ours_ms = sp_retry_patience_ms(retries) + retries * per_try_ms;

    if (ours_ms < SP_VAIN_MS)
        ours_ms = SP_VAIN_MS;
    return sp_watch_ms() >= patience->came_ms + ours_ms + per_try_ms;
}

/* --- whose turn it is ----------------------------------------------------- */

/*
 * A dead leader is deposed at once, one that shows no life after a while,
 * whatever clock its node has. One that has gone by itself, with nothing to
 * show for it, has tried in vain: then so will we, but once.
 */
bool sp_pull_is_turn(struct pull *pull, struct patience *patience)
{
    enum sp_lead_state state = look(pull, patience);

    pull->tried = false;
    if (state == SP_LEAD_VACANT) {
        pull->tried = patience->met && is_in_vain(pull, patience, 0);
        if (pull->tried)
            sp_ctx_detail(pull->ctx, "%s: others have tried in vain; one try",
                          pull->watch.now.ref);
        return true;
    }
    patience->met = true;
    if (state == SP_LEAD_GONE ||
        sp_watch_ms() - patience->moved_ms >= SP_SILENCE_MS) {
        pull->deposed = state != SP_LEAD_GONE;
        sp_lead_depose(pull->lead);
        return true;
    }
    return false;
}

/* --- the wait ------------------------------------------------------------- */

static enum spull_code ask_for_first_bytes(struct pull *pull,
                                           struct spull_error *err)
{
    struct sp_blob blob = {.urls = pull->found.urls,
                           .url_count = pull->found.url_count,
                           .stated = pull->found.manifest.size};
    struct sp_look ignored;

    return sp_fetch_look(pull->http, &blob, &pull->watch, &ignored, err);
}

/*
 * Who leads has less luck or more patience. All who wait ask at once, so that
 * they need not be told one by one; a server that answers one of them will
 * answer the leader.
 */
static enum spull_code see_for_ourselves(struct pull *pull,
                                         struct patience *patience,
                                         struct spull_error *err)
{
    enum present present = ABSENT;
    struct spull_error why = {0};
    uint64_t asked_ms = sp_watch_ms();
    enum spull_code code = ask_for_first_bytes(pull, &why);

    if (code == SPULL_OK)
        patience->came_ms = sp_watch_ms();
    if (code == SPULL_OK || sp_pull_look(pull, &present, NULL) != SPULL_OK ||
        present == SAME)
        return SPULL_OK; /* the caller looks again */
    look(pull, patience);
    if (patience->came_ms >= asked_ms)
        return SPULL_OK;
    if (err != NULL)
        *err = why;
    return code;
}

enum spull_code sp_pull_wait(struct pull *pull, struct patience *patience,
                             struct spull_error *err)
{
    /* Patience is for others: who leads here goes on in any case. */
    bool here = sp_lead_is_here(pull->lead);
    unsigned limit = here ? SPULL_WAIT : pull->ctx->opts.wait;
    uint64_t waited = sp_watch_ms() - patience->start_ms;
    uint64_t connect_ms = (uint64_t)pull->ctx->opts.connect_timeout * 1000;
    char who[128] = "another reference of this call";
    char note[192];

    if (!here)
        sp_lead_who(pull->lead, who, sizeof who);
    if (limit != SPULL_WAIT && waited >= (uint64_t)limit * 1000)
        return sp_err_set(err, SPULL_NETWORK,
                          "another process (%s) is still downloading it", who);
    if (!here && pull->found.url_count > 0 &&
        is_in_vain(pull, patience, connect_ms))
        return see_for_ourselves(pull, patience, err);
    snprintf(note, sizeof note, "%s is downloading it", who);
    pull->watch.now.bytes = patience->bytes;
    return sp_watch_rest(&pull->watch, sp_retry_poll_ms(waited, sp_ctx_dice()),
                         note, err);
}
