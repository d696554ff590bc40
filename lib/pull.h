/* SPDX-License-Identifier: MIT */
/*
 * pull: the steps in order, reference -> registry -> manifest -> fetch ->
 * verify -> install, and no detail of any.
 */
#ifndef SP_PULL_H
#define SP_PULL_H

#include <stdbool.h>

#include <spull.h>

#include "ctx.h"
#include "http.h"
#include "ref.h"
#include "registry.h"
#include "url.h"

struct sp_order {
    const struct sp_url *registry;
    const struct sp_ref *ref;
    const char *text; /* as the user wrote it, for the progress callback */
    const char *path;
    bool verify; /* read what is there, instead; ref may be NULL then */
    const struct sp_found *found; /* what the registry said, if it was asked */
    const int *file; /* open: the blob itself, to copy; NULL: ask its urls */
    bool blob; /* path is a blob of a mirror: as it comes, for whatever machine,
                  not to be run; named by digest, so that what differs is
                  damaged, and is replaced */
};

/* As spull_pull() and spull_verify(). */
enum spull_code sp_pull(struct sp_ctx *ctx, struct sp_http *http,
                        const struct sp_order *order, struct spull_image **out,
                        struct spull_error *err);

#endif
