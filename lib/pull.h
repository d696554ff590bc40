/* SPDX-License-Identifier: MIT */
/*
 * pull: the steps in order, reference -> registry -> manifest -> fetch ->
 * verify -> install, and no detail of any.
 */
#ifndef SP_PULL_H
#define SP_PULL_H

#include <spull.h>

#include "ctx.h"
#include "http.h"
#include "ref.h"
#include "url.h"

/* As spull_pull(), with the reference parsed and its registry found. */
enum spull_code sp_pull(struct sp_ctx *ctx, struct sp_http *http,
                        const struct sp_url *registry, const struct sp_ref *ref,
                        const char *text, const char *path,
                        struct spull_image **out, struct spull_error *err);

#endif
