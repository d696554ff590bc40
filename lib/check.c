/* SPDX-License-Identifier: MIT */
/*
 * check: which containers are looked at, and the sum of what was found.
 *
 * How one is read is known in check_site.c and check_disk.c.
 */
#include "check.h"

#include <string.h>

#include "check_internal.h"
#include "err.h"
#include "ref.h"

bool sp_check_ends(enum spull_code code)
{
    return code == SPULL_CANCELLED || code == SPULL_INTERNAL;
}

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

/* The containers that were named. */
struct names {
    const struct sp_check_order *order;
    size_t next;           /* to be looked at */
    size_t settled;        /* that were told */
    enum spull_code first; /* failure of all */
    struct spull_error why;
};

static enum spull_code next_name(void *payload, struct sp_container **out,
                                 struct spull_error *err)
{
    struct names *names = payload;
    struct sp_ref ref = {0};
    const char *tag = NULL;
    enum spull_code code = SPULL_OK;

    if (names->next == names->order->count)
        return SPULL_OK;
    code = read_name(names->order->names[names->next++], &ref, &tag, err);
    if (code != SPULL_OK)
        return code;
    *out = sp_container_new(ref.container, tag);
    sp_ref_done(&ref);
    return *out == NULL ? sp_err_nomem(err) : SPULL_OK;
}

/* One that can't be looked at does not keep the others from it. */
static enum spull_code settle_name(void *payload,
                                   const struct sp_container *container,
                                   enum spull_code code,
                                   const struct spull_error *why,
                                   struct spull_error *err)
{
    struct names *names = payload;
    const char *name = names->order->names[names->settled++];

    (void)container;
    if (sp_check_ends(code) && err != NULL)
        *err = *why;
    if (sp_check_ends(code))
        return code;
    if (code != SPULL_OK && names->first == SPULL_OK) {
        names->first = code;
        names->why = *why;
        sp_err_wrap(&names->why, code, "%s", name);
    }
    return SPULL_OK;
}

static enum spull_code check_names(struct sp_checking *check,
                                   const struct sp_check_order *order,
                                   struct spull_error *err)
{
    struct names names = {.order = order};
    struct sp_round round = {&names, next_name, settle_name};
    enum spull_code code = sp_line_run(check, &round, err);

    if (code != SPULL_OK || names.first == SPULL_OK)
        return code;
    if (err != NULL)
        *err = names.why;
    return names.first;
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

static void init(struct sp_checking *check, struct sp_ctx *ctx,
                 struct sp_http *http, const struct sp_check_order *order)
{
    memset(check, 0, sizeof *check);
    check->ctx = ctx;
    check->http = http;
    check->registry = order->registry;
    check->depth = order->depth;
    check->named = order->count > 0;
    check->now = time(NULL);
    check->caller = pthread_self();
    check->findings.tell = order->found;
    check->findings.payload = order->payload;
    sp_finding_about(&check->findings, "", "");
    sp_watch_init(&check->watch, ctx, "");
    sp_memo_init(&check->memo);
    sp_hosts_init(&check->lost);
    pthread_mutex_init(&check->judging, NULL);
    pthread_mutex_init(&check->reading, NULL);
    pthread_mutex_init(&check->showing, NULL);
}

static void end(struct sp_checking *check)
{
    pthread_mutex_destroy(&check->showing);
    pthread_mutex_destroy(&check->reading);
    pthread_mutex_destroy(&check->judging);
    sp_hosts_done(&check->lost);
    sp_memo_done(&check->memo);
    sp_tree_done(&check->tree);
}

enum spull_code sp_check(struct sp_ctx *ctx, struct sp_http *http,
                         const struct sp_check_order *order,
                         struct spull_checked *out, struct spull_error *err)
{
    struct sp_checking check;

    init(&check, ctx, http, order);
    enum spull_code code = run(&check, order, err);
    *out = check.counts;
    out->errors = check.findings.counts[SPULL_ERROR];
    out->warnings = check.findings.counts[SPULL_WARNING];
    out->notes = check.findings.counts[SPULL_NOTE];
    end(&check);
    return code;
}
