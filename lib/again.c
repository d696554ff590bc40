/* SPDX-License-Identifier: MIT */
/*
 * again: asks until there is an answer, or no more patience.
 */
#include "again.h"

#include "ctx.h"

/* The whole list would wait for it, image by image. */
static unsigned budget(struct sp_ctx *ctx, const char *origin,
                       const struct sp_outcome *outcome)
{
    if (!outcome->of_host ||
        !sp_hosts_has(&ctx->hosts, origin, SP_HOST_LOST, sp_watch_ms()))
        return ctx->opts.retries;
    sp_ctx_detail(ctx, "%s: was lost a moment ago; no more tries", origin);
    return 0;
}

struct sp_verdict sp_again_judge(struct sp_ctx *ctx, const char *origin,
                                 struct sp_retry *so_far,
                                 const struct sp_outcome *outcome)
{
    unsigned retries = budget(ctx, origin, outcome);
    struct sp_verdict verdict =
        sp_retry_judge(so_far, outcome, retries, sp_ctx_dice());

    if (verdict.action == SP_GIVE_UP)
        return verdict; /* that was no host's doing */
    if (!outcome->of_host)
        sp_hosts_forget(&ctx->hosts, origin);
    else if (verdict.action == SP_NEXT_URL)
        sp_hosts_note(&ctx->hosts, origin, SP_HOST_LOST, sp_watch_ms());
    return verdict;
}

enum spull_code sp_again(struct sp_watch *watch, const char *origin,
                         sp_again_fn ask, void *payload,
                         struct spull_error *err)
{
    struct sp_retry so_far = {0};
    struct spull_error why = {0};
    enum spull_code code = SPULL_OK;

    for (;;) {
        struct sp_outcome outcome = {0};
        code = ask(payload, &outcome, &why);
        if (code == SPULL_OK) {
            sp_hosts_forget(&watch->ctx->hosts, origin);
            return SPULL_OK;
        }
        outcome.code = code;
        struct sp_verdict verdict =
            sp_again_judge(watch->ctx, origin, &so_far, &outcome);
        if (verdict.action != SP_TRY_AGAIN)
            break;
        sp_ctx_detail(watch->ctx, "%s; again in %.1f s", why.text,
                      (double)verdict.wait_ms / 1000);
        const struct spull_error last = why;
        code = sp_watch_rest(watch, verdict.wait_ms, last.text, &why);
        if (code != SPULL_OK)
            break;
    }
    if (err != NULL)
        *err = why;
    return code;
}
