/* SPDX-License-Identifier: MIT */
/*
 * mirror: extends a static registry on disk, one image at a time, and removes
 * what no manifest in it names.
 *
 * The tree may be served while it grows, and grown by several processes at
 * once: a blob is there before a manifest names it, and a manifest before a tag
 * list does. How a blob is had and proven is the business of pull.
 */
#ifndef SP_MIRROR_H
#define SP_MIRROR_H

#include <stdint.h>

#include <spull.h>

#include "ctx.h"
#include "http.h"
#include "ref.h"
#include "url.h"

struct sp_mirror_order {
    const char *dir;               /* the tree's */
    const struct sp_url *registry; /* where the image is now */
    const struct sp_ref *ref;
    const char *text; /* as the user wrote it, for the progress callback */
    const char *file; /* that is the image, instead of registry; or NULL */
};

/* As spull_mirror(). */
enum spull_code sp_mirror(struct sp_ctx *ctx, struct sp_http *http,
                          const struct sp_mirror_order *order,
                          struct spull_image **out, struct spull_error *err);

/* As spull_mirror_prune(). */
enum spull_code sp_mirror_prune(struct sp_ctx *ctx, const char *dir,
                                uint64_t *count, uint64_t *bytes,
                                struct spull_error *err);

/* Can this be the address of a tree, as its clients see it? SPULL_USAGE. */
enum spull_code sp_mirror_check_base(const char *base_url,
                                     struct spull_error *err);

#endif
