/* SPDX-License-Identifier: MIT */
/*
 * pull: is the image there already? If not, wait for who downloads it, or do it
 * ourselves. The order is the whole content; a reader who wants to know how
 * follows the name into its room.
 */
#include "pull.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "limits.h"
#include "part_lead.h"
#include "pull_internal.h"
#include "unpack.h"
#include "verify.h"

static enum spull_code split_path(struct pull *pull, struct spull_error *err)
{
    const char *slash = strrchr(pull->path, '/');

    pull->name = slash == NULL ? pull->path : slash + 1;
    if (slash == NULL)
        pull->dir = strdup(".");
    else
        pull->dir = slash == pull->path
                        ? strdup("/")
                        : strndup(pull->path, (size_t)(slash - pull->path));
    if (pull->dir == NULL)
        return sp_err_nomem(err);
    if (pull->name[0] == '\0')
        return sp_err_set(err, SPULL_USAGE, "%s names no file", pull->path);
    return SPULL_OK;
}

static enum spull_code judge_arch(struct pull *pull, struct spull_error *err)
{
    const char *wanted = pull->ctx->opts.arch;
    const char *host = sp_sif_host_arch();
    const char *arch = pull->look.arch;

    if (wanted != NULL && strcmp(arch, wanted) != 0)
        return sp_err_set(
            err, SPULL_INTEGRITY, "the image is %s%s, not a SIF for %s",
            arch[0] == '\0' ? "of unknown architecture, a " : "for ",
            arch[0] == '\0' ? pull->look.kind : arch, wanted);
    if (wanted == NULL && !pull->blob && arch[0] != '\0' &&
        strcmp(arch, host) != 0)
        sp_ctx_warn(pull->ctx, "%s:%s: the image is for %s, this machine is %s",
                    pull->ref->container, pull->ref->tag, arch,
                    host[0] == '\0' ? "other" : host);
    return SPULL_OK;
}

enum spull_code sp_pull_judge(struct pull *pull, struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    if (pull->shared != NULL) /* for whoever takes it from there */
        return SPULL_OK;
    code = judge_arch(pull, err);
    if (code != SPULL_OK)
        return code;
    if (!pull->look.image && !(pull->blob && sp_unpack_takes(&pull->look)))
        sp_ctx_warn(pull->ctx,
                    "%s:%s: neither a SIF nor a squashfs; it looks like: %s",
                    pull->ref->container, pull->ref->tag, pull->look.kind);
    if (pull->want.algorithm != SP_SHA256)
        sp_ctx_warn(pull->ctx,
                    "%s:%s: weak: only an md5 vouches for this image",
                    pull->ref->container, pull->ref->tag);
    return SPULL_OK;
}

/* --- the steps ------------------------------------------------------------ */

static enum spull_code ask(struct pull *pull, struct spull_error *err)
{
    enum spull_code code = sp_watch_phase(&pull->watch, SPULL_RESOLVING, err);

    if (code == SPULL_OK)
        code = sp_registry_manifest(&pull->watch, pull->http, pull->registry,
                                    pull->ref, &pull->found, err);
    pull->has_found = code == SPULL_OK;
    return code;
}

enum spull_code sp_pull_find(struct pull *pull, struct spull_error *err)
{
    enum spull_code code = pull->has_found ? SPULL_OK : ask(pull, err);

    if (code == SPULL_OK)
        code = sp_verify_want(pull->ref, &pull->found.manifest.digest,
                              pull->ctx->opts.allow_md5 != 0, &pull->want, err);
    return code;
}

/* What is pinned and there needs no registry. That something else is there is
 * for later: the registry may have an error that says more. */
static enum spull_code look_for_pin(struct pull *pull, enum present *present,
                                    struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    if (pull->ref->pin[0] == '\0')
        return SPULL_OK;
    pull->want = sp_digest_of_pin(pull->ref->pin);
    code = sp_pull_look(pull, present, err);
    return code == SPULL_EXISTS ? SPULL_OK : code;
}

/* Each turn ends with the image in place, an error, or a better look. */
enum spull_code sp_pull_obtain(struct pull *pull, enum spull_state *state,
                               struct spull_error *err)
{
    struct patience patience = sp_pull_patience();
    enum present present = ABSENT;
    enum spull_code code = sp_pull_look(pull, &present, err);
    bool done = false;

    while (code == SPULL_OK && present != SAME && !done) {
        bool turn = sp_pull_is_turn(pull, &patience);
        /* Who leads no more may have left something since our last look. */
        if (turn && patience.met)
            sp_left_forget(&pull->ctx->left);
        code = turn ? sp_pull_turn(pull, &done, err)
                    : sp_pull_wait(pull, &patience, err);
        if (code == SPULL_OK && !done)
            code = sp_pull_look(pull, &present, err);
    }
    *state = done ? SPULL_INSTALLED : SPULL_UP_TO_DATE;
    if (code != SPULL_OK || done)
        return code;
    /* Killed after the image had its name: nobody else would tidy up. */
    if (sp_lead_look(pull->lead, &patience.bytes) == SP_LEAD_GONE)
        sp_lead_depose(pull->lead);
    return sp_pull_judge(pull, err);
}

/* What is pinned and stored comes from there as it is, and no registry need be
 * up. Of another file that is in its place, one may know more. */
static bool is_at_hand(const struct pull *pull, enum present present)
{
    return pull->ref->pin[0] != '\0' && (present == ABSENT || pull->replace) &&
           sp_pull_is_stored(pull);
}

/* Somebody else may have been quicker, with something that only the registry
 * can tell from another image. */
static enum spull_code obtain(struct pull *pull, enum spull_state *state,
                              struct spull_error *err)
{
    enum spull_code code = sp_pull_obtain(pull, state, err);

    if (code != SPULL_EXISTS || pull->has_found)
        return code;
    code = sp_pull_find(pull, err);
    return code == SPULL_OK ? sp_pull_obtain(pull, state, err) : code;
}

static enum spull_code run(struct pull *pull, enum spull_state *state,
                           struct spull_error *err)
{
    enum present present = ABSENT;
    enum spull_code code = split_path(pull, err);

    if (code == SPULL_OK)
        code = look_for_pin(pull, &present, err);
    if (code == SPULL_OK && present == SAME) {
        *state = SPULL_UP_TO_DATE;
        return sp_pull_judge(pull, err);
    }
    if (code == SPULL_OK && !is_at_hand(pull, present))
        code = sp_pull_find(pull, err);
    if (code == SPULL_OK)
        code = sp_lead_new(pull->dir, sp_digest_hex(&pull->want), &pull->lead,
                           err);
    return code == SPULL_OK ? obtain(pull, state, err) : code;
}

static enum spull_code describe(const struct pull *pull,
                                struct spull_image *image,
                                struct spull_error *err)
{
    image->path = strdup(pull->path);
    image->ref = pull->ref == NULL ? strdup("") : sp_ref_text(pull->ref);
    image->digest = strdup(pull->want.text);
    if (pull->packing == PACKED && pull->has_image)
        image->image_digest = strdup(pull->image.text);
    if (pull->served != NULL)
        image->url = strdup(pull->served->plain);
    image->size = pull->size;
    image->transferred = pull->fetched.transferred;
    image->placed = pull->placed;
    image->weak = pull->want.algorithm != SP_SHA256;
    image->kind = pull->look.kind;
    image->arch = pull->look.arch;
    if (image->path == NULL || image->ref == NULL || image->digest == NULL ||
        (pull->served != NULL && image->url == NULL) ||
        (pull->packing == PACKED && pull->has_image &&
         image->image_digest == NULL))
        return sp_err_nomem(err);
    return SPULL_OK;
}

static enum spull_code verify(struct pull *pull, enum spull_state *state,
                              struct spull_error *err)
{
    *state = SPULL_UP_TO_DATE;
    return sp_pull_verify(pull, err);
}

/* A failure may leave a part that no look through its directory has seen; but
 * not where there was nothing to download, or something in the way. */
static bool may_leave(const struct pull *pull, enum spull_code code)
{
    return code != SPULL_OK && code != SPULL_EXISTS &&
           (code != SPULL_NOT_FOUND || pull->watch.now.bytes > 0);
}

static struct pull pull_for(struct sp_ctx *ctx, struct sp_http *http,
                            const struct sp_order *order)
{
    struct pull pull = {.ctx = ctx,
                        .http = http,
                        .registry = order->registry,
                        .ref = order->ref,
                        .path = order->path,
                        .has_found = order->found != NULL,
                        .file = order->file,
                        .blob = order->blob,
                        .replace = order->blob || ctx->opts.force != 0,
                        .unpack = !order->blob && ctx->opts.unpack != 0};

    sp_watch_init(&pull.watch, ctx, order->text);
    if (order->found != NULL)
        pull.found = *order->found;
    return pull;
}

enum spull_code sp_pull(struct sp_ctx *ctx, struct sp_http *http,
                        const struct sp_order *order, struct spull_image **out,
                        struct spull_error *err)
{
    struct pull pull = pull_for(ctx, http, order);
    struct spull_image *image = calloc(1, sizeof *image);
    enum spull_code code = SPULL_OK;

    if (image == NULL)
        return sp_err_nomem(err);
    code = order->verify ? verify(&pull, &image->state, err)
                         : run(&pull, &image->state, err);
    if (code == SPULL_OK)
        code = describe(&pull, image, err);
    if (code == SPULL_OK && pull.ref != NULL)
        sp_known_add(&ctx->known, image->digest, image->image_digest,
                     image->path);
    if (may_leave(&pull, code))
        sp_left_forget(&ctx->left);
    image->seconds = (double)(sp_watch_ms() - pull.watch.start_ms) / 1000.0;
    sp_lead_free(pull.lead);
    if (order->found == NULL)
        sp_found_done(&pull.found);
    free(pull.dir);
    if (code == SPULL_OK)
        *out = image;
    else
        spull_image_free(image);
    return code;
}
