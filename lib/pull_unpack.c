/* SPDX-License-Identifier: MIT */
/*
 * pull_unpack: a blob that is an archive of the image. It is unpacked after it
 * was verified, into a file of its own, which is hashed while it is written.
 *
 * Until that file has its name, the archive stays: whoever is killed here need
 * not download again. What config says of the image counts here, and only here.
 */

#include "err.h"
#include "limits.h"
#include "manifest.h"
#include "part_lead.h"
#include "pull_internal.h"
#include "unpack.h"
#include "verify.h"

/* --- is the blob an archive? ---------------------------------------------- */

void sp_pull_is_packed(struct pull *pull)
{
    const struct sp_manifest *manifest = &pull->found.manifest;

    pull->packing = PACKED;
    if (pull->has_image || !pull->has_found || !manifest->has_image_digest)
        return;
    pull->has_image = true;
    pull->image = manifest->image_digest;
}

enum spull_code sp_pull_look_at_blob(struct pull *pull, struct spull_error *err)
{
    struct sp_blob blob = {.urls = pull->found.urls,
                           .url_count = pull->found.url_count};
    struct sp_look look;
    enum spull_code code = SPULL_OK;
    bool packed = false;

    if (pull->packing != PACKING_UNKNOWN)
        return SPULL_OK;
    packed = sp_fetch_look(pull->http, &blob, &pull->watch, &look, NULL) ==
                 SPULL_OK &&
             sp_unpack_takes(&look);
    code = sp_watch_tick(&pull->watch, err);
    if (code != SPULL_OK)
        return code;
    if (packed)
        sp_pull_is_packed(pull);
    else
        pull->packing = PLAIN;
    return SPULL_OK;
}

struct sp_proof sp_pull_proof(const struct pull *pull,
                              const struct sp_digest *digest)
{
    return (struct sp_proof){.digest = *digest,
                             .look = pull->look,
                             .unpacked = pull->packing == PACKED,
                             .origin = pull->want};
}

/* --- unpacking ------------------------------------------------------------ */

/* The file that is filled. */
struct filling {
    struct pull *pull;
    struct sp_part *part;
    uint64_t at;
};

static enum spull_code on_begin(void *payload, uint64_t size,
                                struct spull_error *err)
{
    struct filling *filling = payload;

    sp_part_set_size(filling->part, size);
    return sp_part_reserve(filling->part, size, err);
}

static enum spull_code on_write(void *payload, const void *bytes, size_t len,
                                struct spull_error *err)
{
    struct filling *filling = payload;
    enum spull_code code =
        sp_part_write(filling->part, filling->at, bytes, len, err);

    filling->at += len;
    return code == SPULL_OK ? sp_watch_tick(&filling->pull->watch, err) : code;
}

/* The journal's beat tells those who wait that we live. */
static enum spull_code on_tick(void *payload, uint64_t at,
                               struct spull_error *err)
{
    struct filling *filling = payload;
    struct sp_watch *watch = &filling->pull->watch;

    watch->now.bytes = at;
    sp_part_save(filling->part);
    return sp_watch_tick(watch, err);
}

/* How large the image may be: as config says, or as is credible. */
static struct sp_unpack_limit limit_of(const struct pull *pull,
                                       uint64_t archive)
{
    const struct spull_options *opts = &pull->ctx->opts;
    uint64_t stated = pull->found.manifest.image_size;

    return sp_unpack_limit_of(archive,
                              sp_size_bound(stated, opts->strict_size != 0),
                              opts->unpack_max);
}

static enum spull_code fill(struct filling *filling,
                            const struct sp_sealed *archive,
                            struct spull_error *err)
{
    struct sp_unpack_limit limit = limit_of(filling->pull, archive->size);
    struct sp_unpack_sink sink = {filling, on_begin, on_write, on_tick};
    const struct sp_url *served = filling->pull->served;
    enum spull_code code =
        sp_unpack(archive->fd, archive->size, &limit, &sink, err);

    if (code == SPULL_INTEGRITY && served != NULL)
        sp_err_wrap(err, code, "%s", served->shown);
    if (code == SPULL_OK)
        code = sp_part_complete(filling->part, filling->at, err);
    if (code != SPULL_OK)
        sp_part_give_up(filling->part);
    return code;
}

/* part is gone when it returns success. That the image is another is no fault
 * of whoever served its archive, which has been proven. */
static enum spull_code fill_and_verify(struct pull *pull,
                                       const struct sp_sealed *archive,
                                       struct sp_part *part,
                                       struct sp_sealed **out,
                                       struct spull_error *err)
{
    struct filling filling = {.pull = pull, .part = part};
    struct sp_verify *verify = NULL;
    const char *kind = pull->look.kind; /* of the archive, as yet */
    enum spull_code code = sp_verify_start(part, SP_SHA256, &verify, err);

    if (code == SPULL_OK)
        code = fill(&filling, archive, err);
    if (code == SPULL_OK) {
        code = sp_verify_end(verify, &pull->watch,
                             pull->has_image ? &pull->image : NULL, &pull->look,
                             out, err);
        if (code == SPULL_INTEGRITY)
            sp_err_wrap(err, code,
                        "the image in the %s is not the one that config states",
                        kind);
    }
    sp_verify_free(verify);
    return code;
}

enum spull_code sp_pull_new_unpacked(struct pull *pull, struct sp_part **out,
                                     struct spull_error *err)
{
    const char *hex = sp_digest_hex(&pull->want);
    char label[SP_PART_LABEL + 1];

    for (size_t i = 0; i < SP_PART_LABEL; i++)
        label[i] = hex[SP_PART_LABEL - 1 - i];
    label[SP_PART_LABEL] = '\0';
    return sp_part_new(pull->dir, label, out, err);
}

static enum spull_code unpack(struct pull *pull,
                              const struct sp_sealed *archive,
                              struct sp_sealed **out, struct spull_error *err)
{
    struct sp_part *part = NULL;
    enum spull_code code = sp_pull_new_unpacked(pull, &part, err);

    if (code != SPULL_OK)
        return code;
    sp_part_claim(part, pull->deposed, &pull->watch);
    /* From now on it is this one that is to be waited for. If somebody else
     * took the lead in this very moment, both will install the same image. */
    (void)sp_lead_take(pull->lead, part);
    code = fill_and_verify(pull, archive, part, out, err);
    if (code != SPULL_OK) {
        sp_part_discard(part);
        return code;
    }
    (*out)->unpacked = true;
    (*out)->origin = pull->want;
    pull->has_image = true;
    pull->image = (*out)->digest;
    return SPULL_OK;
}

static enum spull_code say(const char *kind, enum spull_code code,
                           struct spull_error *err)
{
    if (code == SPULL_STORAGE)
        sp_err_wrap(err, code, "unpacking the %s", kind);
    if (code == SPULL_INTERNAL)
        sp_err_hint(err, "--no-unpack keeps the %s as it is", kind);
    return code;
}

enum spull_code sp_pull_unpack(struct pull *pull, struct sp_sealed **sealed,
                               struct sp_sealed **archive,
                               struct spull_error *err)
{
    struct sp_watch *watch = &pull->watch;
    const char *kind = pull->look.kind;
    struct sp_sealed *image = NULL;
    enum spull_code code = SPULL_OK;

    if (!sp_unpack_takes(&pull->look)) {
        pull->packing = PLAIN;
        return SPULL_OK;
    }
    sp_pull_is_packed(pull);
    sp_ctx_detail(pull->ctx, "%s: unpacking the %s", pull->ref->container,
                  kind);
    watch->now.bytes = 0;
    watch->now.total = (*sealed)->size;
    watch->now.connections = 0;
    code = sp_watch_phase(watch, SPULL_UNPACKING, err);
    if (code == SPULL_OK)
        code = unpack(pull, *sealed, &image, err);
    if (code != SPULL_OK) {
        say(kind, code, err);
        sp_pull_end_archive(*sealed, code, err);
        *sealed = NULL;
        return code;
    }
    pull->placed = NULL; /* that was the archive */
    *archive = *sealed;
    *sealed = image;
    return SPULL_OK;
}

void sp_pull_end_archive(struct sp_sealed *archive, enum spull_code code,
                         const struct spull_error *err)
{
    bool again = code == SPULL_CANCELLED || code == SPULL_NETWORK ||
                 code == SPULL_INTERNAL ||
                 (code == SPULL_STORAGE && !sp_err_is_full(err->sys));

    if (archive == NULL)
        return;
    if (again && !archive->linked && archive->size >= SP_KEEP_MIN)
        sp_sealed_keep(archive);
    else
        sp_sealed_discard(archive);
}
