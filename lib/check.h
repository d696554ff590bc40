/* SPDX-License-Identifier: MIT */
/*
 * check: walks over a registry, and tells what is wrong with it.
 *
 * Decides what is looked at and in which order: tag lists, manifests, pages and
 * recipes of a generator, blobs. What is wrong with any of them, lint says.
 * Nothing is written.
 */
#ifndef SP_CHECK_H
#define SP_CHECK_H

#include <spull.h>

#include "ctx.h"
#include "http.h"
#include "url.h"

/* What to look at, and who hears of it. */
struct sp_check_order {
    const struct sp_url *registry;
    const char *const *names; /* of containers, with or without tag */
    size_t count;             /* 0: all of a directory */
    enum spull_depth depth;
    spull_finding_fn found;
    void *payload;
};

/* As spull_check(). */
enum spull_code sp_check(struct sp_ctx *ctx, struct sp_http *http,
                         const struct sp_check_order *order,
                         struct spull_checked *out, struct spull_error *err);

#endif
