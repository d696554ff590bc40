/* SPDX-License-Identifier: MIT */
/*
 * again: asks until there is an answer, or no more patience.
 */
#include "again.h"

#include "ctx.h"

enum spull_code sp_again(struct sp_watch *watch, sp_again_fn ask, void *payload,
                         struct spull_error *err)
{
    struct sp_retry so_far = {0};
    struct spull_error why = {0};
    enum spull_code code = SPULL_OK;

    for (;;) {
        struct sp_outcome outcome = {0};
        code = ask(payload, &outcome, &why);
        if (code == SPULL_OK)
            return SPULL_OK;
        outcome.code = code;
        struct sp_verdict verdict = sp_retry_judge(
            &so_far, &outcome, watch->ctx->opts.retries, sp_ctx_dice());
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
