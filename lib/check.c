/* SPDX-License-Identifier: MIT */
/*
 * check: goes from container to container, and sums up.
 *
 * One container that can't be looked at does not keep the others from it; how
 * one is read is known in check_site.c and check_folder.c.
 */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "check_internal.h"
#include "err.h"
#include "limits.h"
#include "ref.h"

/* Splits "COLLECTION/NAME[:TAG]"; *tag is NULL without one. */
static enum spull_code read_name(const char *name, struct sp_ref *ref,
                                 const char **tag, struct spull_error *err)
{
    const char *slash = strrchr(name, '/');
    bool tagged = slash != NULL && strpbrk(slash, ":@") != NULL;
    enum spull_code code = tagged ? sp_ref_parse(name, ref, err)
                                  : sp_ref_parse_container(name, ref, err);

    if (code != SPULL_OK)
        return code;
    *tag = tagged ? ref->tag : NULL;
    if (ref->base == NULL && ref->pin[0] == '\0')
        return SPULL_OK;
    sp_err_set(err, SPULL_USAGE,
               "%s: only COLLECTION/NAME[:TAG] can be checked", name);
    sp_ref_done(ref);
    return SPULL_USAGE;
}

static enum spull_code check_one(struct sp_checking *check, const char *name,
                                 struct spull_error *err)
{
    struct sp_ref ref = {0};
    const char *tag = NULL;
    enum spull_code code = read_name(name, &ref, &tag, err);

    if (code != SPULL_OK)
        return code;
    if (check->tree.root != NULL)
        code = sp_check_folder(check, ref.container, tag, err);
    else
        code = sp_check_site(check, ref.container, tag, err);
    if (code != SPULL_OK && !sp_check_ends(code))
        sp_err_wrap(err, code, "%s", name);
    sp_ref_done(&ref);
    return code;
}

/* All of them, whatever becomes of one; err is the first one's. */
static enum spull_code check_names(struct sp_checking *check,
                                   const struct sp_check_order *order,
                                   struct spull_error *err)
{
    enum spull_code first = SPULL_OK;

    for (size_t i = 0; i < order->count; i++) {
        struct spull_error why;
        enum spull_code code = check_one(check, order->names[i], &why);
        if (code == SPULL_OK)
            continue;
        if ((first == SPULL_OK || sp_check_ends(code)) && err != NULL)
            *err = why;
        if (first == SPULL_OK || sp_check_ends(code))
            first = code;
        if (sp_check_ends(code))
            break;
    }
    return first;
}

/* Before anything is asked: a typing error should not show after an hour. */
static enum spull_code vet_names(const struct sp_check_order *order,
                                 struct spull_error *err)
{
    for (size_t i = 0; i < order->count; i++) {
        struct sp_ref ref = {0};
        const char *tag = NULL;
        enum spull_code code = read_name(order->names[i], &ref, &tag, err);
        sp_ref_done(&ref);
        if (code != SPULL_OK)
            return code;
    }
    return SPULL_OK;
}

static enum spull_code run(struct sp_checking *check,
                           const struct sp_check_order *order,
                           struct spull_error *err)
{
    enum spull_code code = vet_names(order, err);

    if (code == SPULL_OK && order->registry->scheme == SP_SCHEME_FILE)
        code = sp_tree_open(&check->tree, order->registry,
                            check->ctx->opts.registry, err);
    if (code != SPULL_OK)
        return code;
    if (order->count > 0)
        return check_names(check, order, err);
    if (check->tree.root != NULL)
        return sp_check_walk(check, err);
    sp_err_set(err, SPULL_USAGE, "%s: a server does not say what it has",
               order->registry->shown);
    sp_err_hint(err, "name what to check: COLLECTION/NAME ...");
    return SPULL_USAGE;
}

enum spull_code sp_check(struct sp_ctx *ctx, struct sp_http *http,
                         const struct sp_check_order *order,
                         struct spull_checked *out, struct spull_error *err)
{
    struct sp_checking check = {.ctx = ctx,
                                .http = http,
                                .registry = order->registry,
                                .depth = order->depth,
                                .now = time(NULL),
                                .findings = {.tell = order->found,
                                             .payload = order->payload,
                                             .place = "",
                                             .ref = ""}};

    sp_watch_init(&check.watch, ctx, "");
    enum spull_code code = run(&check, order, err);
    *out = check.counts;
    out->errors = check.findings.counts[SPULL_ERROR];
    out->warnings = check.findings.counts[SPULL_WARNING];
    out->notes = check.findings.counts[SPULL_NOTE];
    sp_memo_done(&check.memo);
    sp_tree_done(&check.tree);
    free(check.lost);
    return code;
}
