/* SPDX-License-Identifier: MIT */
/*
 * spull: the door. The public functions of spull.h, each a few words in the
 * language of the rooms; what they mean is decided there. It owns the session,
 * and knows nothing of networks and files.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <spull.h>

#include "check.h"
#include "ctx.h"
#include "err.h"
#include "http.h"
#include "mirror.h"
#include "pull.h"
#include "ref.h"
#include "registry.h"
#include "spull_internal.h"
#include "upkeep.h"
#include "url.h"
#include "verify.h"
#include "watch.h"

struct spull {
    struct sp_ctx ctx;
    struct sp_url registry;
    struct sp_http *http;
};

const char *spull_version(void)
{
    return SPULL_VERSION;
}

const char *spull_code_name(enum spull_code code)
{
    static const char *const names[] = {
        "ok",        "internal", "usage",   "not-found", "network",
        "integrity", "denied",   "storage", "exists",    "cancelled"};

    return (size_t)code < sizeof names / sizeof names[0] ? names[code]
                                                         : "unknown";
}

int spull_is_shown(unsigned point)
{
    return sp_shows(point);
}

enum spull_code spull_new(const struct spull_options *options,
                          struct spull **out, struct spull_error *err)
{
    struct spull *session = calloc(1, sizeof *session);
    enum spull_code code = SPULL_OK;

    if (session == NULL)
        return sp_err_nomem(err);
    code = sp_ctx_init(&session->ctx, options, err);
    if (code != SPULL_OK) {
        free(session);
        return code;
    }
    code = sp_spull_vet(&session->ctx.opts, err);
    if (code == SPULL_OK)
        code = sp_url_registry(session->ctx.opts.registry, &session->registry,
                               err);
    if (code == SPULL_OK)
        code =
            sp_http_new(&session->ctx, &session->registry, &session->http, err);
    if (code != SPULL_OK) {
        spull_free(session);
        return code;
    }
    *out = session;
    return SPULL_OK;
}

void spull_free(struct spull *session)
{
    if (session == NULL)
        return;
    sp_http_free(session->http);
    sp_url_done(&session->registry);
    sp_ctx_done(&session->ctx);
    free(session);
}

void spull_cancel(struct spull *session)
{
    sp_ctx_cancel(&session->ctx);
}

/* The registry that a reference names itself, or the session's. */
static enum spull_code registry_of(const struct spull *session,
                                   const struct sp_ref *ref, struct sp_url *out,
                                   struct spull_error *err)
{
    if (ref->base != NULL)
        return sp_url_registry(ref->base, out, err);
    return sp_url_copy(&session->registry, out, err);
}

enum spull_code spull_tags_get(struct spull *session, const char *container,
                               struct spull_tags **out, struct spull_error *err)
{
    struct sp_ref ref = {0};
    struct sp_url registry = {0};
    struct sp_tags tags = {0};
    struct sp_watch watch;
    struct spull_tags *result = calloc(1, sizeof *result);
    enum spull_code code = result == NULL
                               ? sp_err_nomem(err)
                               : sp_ref_parse_container(container, &ref, err);

    if (code == SPULL_OK)
        code = registry_of(session, &ref, &registry, err);
    sp_watch_init(&watch, &session->ctx, container);
    if (code == SPULL_OK)
        code = sp_registry_tags(&watch, session->http, &registry, &ref, &tags,
                                err);
    if (code == SPULL_OK) {
        *result = (struct spull_tags){tags.names, tags.count, tags.left_out,
                                      tags.left_out_count};
        *out = result;
        result = NULL;
    }
    free(result);
    sp_url_done(&registry);
    sp_ref_done(&ref);
    return code;
}

void spull_tags_free(struct spull_tags *tags)
{
    struct sp_tags inner;

    if (tags == NULL)
        return;
    inner = (struct sp_tags){tags->names, tags->count, tags->left_out,
                             tags->left_out_count};
    sp_tags_done(&inner);
    free(tags);
}

/* The caller frees what is there already if this fails. */
static enum spull_code describe(const struct sp_ref *ref,
                                struct sp_found *found,
                                struct spull_manifest *out,
                                struct spull_error *err)
{
    const struct sp_digest *digest = &found->manifest.digest;
    const char *hex = ref->pin[0] != '\0'              ? ref->pin
                      : digest->algorithm == SP_SHA256 ? sp_digest_hex(digest)
                                                       : NULL;

    out->size = found->manifest.size;
    out->json = strdup(found->manifest.json);
    out->url = strdup(found->url.plain);
    out->ref = sp_ref_text(ref);
    out->digest = strdup(digest->text);
    out->urls = calloc(found->url_count, sizeof *out->urls);
    if (hex != NULL)
        out->pinned = sp_ref_pinned(ref, hex);
    if (out->json == NULL || out->url == NULL || out->ref == NULL ||
        out->digest == NULL || out->urls == NULL ||
        (hex != NULL && out->pinned == NULL))
        return sp_err_nomem(err);
    for (size_t i = 0; i < found->url_count; i++) {
        out->urls[i] = strdup(found->urls[i].plain);
        if (out->urls[i] == NULL)
            return sp_err_nomem(err);
        out->url_count++;
    }
    return SPULL_OK;
}

enum spull_code spull_manifest_get(struct spull *session, const char *text,
                                   struct spull_manifest **out,
                                   struct spull_error *err)
{
    struct sp_ref ref = {0};
    struct sp_url registry = {0};
    struct sp_found found = {0};
    struct sp_watch watch;
    struct spull_manifest *result = calloc(1, sizeof *result);
    enum spull_code code =
        result == NULL ? sp_err_nomem(err) : sp_ref_parse(text, &ref, err);

    if (code == SPULL_OK)
        code = registry_of(session, &ref, &registry, err);
    sp_watch_init(&watch, &session->ctx, text);
    if (code == SPULL_OK)
        code = sp_registry_manifest(&watch, session->http, &registry, &ref,
                                    &found, err);
    if (code == SPULL_OK)
        code = sp_verify_pin(&ref, &found.manifest.digest, err);
    if (code == SPULL_OK)
        code = describe(&ref, &found, result, err);
    if (code == SPULL_OK)
        *out = result;
    else
        spull_manifest_free(result);
    sp_found_done(&found);
    sp_url_done(&registry);
    sp_ref_done(&ref);
    return code;
}

void spull_manifest_free(struct spull_manifest *manifest)
{
    if (manifest == NULL)
        return;
    for (size_t i = 0; i < manifest->url_count; i++)
        free(manifest->urls[i]);
    free(manifest->urls);
    free(manifest->json);
    free(manifest->url);
    free(manifest->ref);
    free(manifest->pinned);
    free(manifest->digest);
    free(manifest);
}

enum spull_code spull_destination(const char *text, const char *dir, char **out,
                                  struct spull_error *err)
{
    struct sp_ref ref = {0};
    struct sp_buf path;
    char *name = NULL;
    enum spull_code code = sp_ref_parse(text, &ref, err);

    if (code != SPULL_OK)
        return code;
    sp_buf_init(&path, SIZE_MAX / 2);
    name = sp_ref_filename(&ref);
    if (name == NULL ||
        (dir != NULL && sp_buf_print(&path, "%s/", dir) != SP_BUF_OK) ||
        sp_buf_add_text(&path, name) != SP_BUF_OK)
        code = sp_err_nomem(err);
    else
        *out = sp_buf_take(&path);
    free(name);
    sp_buf_done(&path);
    sp_ref_done(&ref);
    return code;
}

/* text may be NULL where the order is to verify. */
static enum spull_code carry_out(struct spull *session, const char *text,
                                 const char *path, bool verify,
                                 struct spull_image **out,
                                 struct spull_error *err)
{
    struct sp_ref ref = {0};
    struct sp_url registry = {0};
    struct sp_order order = {.registry = &registry,
                             .ref = text == NULL ? NULL : &ref,
                             .text = verify ? path : text,
                             .path = path,
                             .verify = verify};
    enum spull_code code =
        text == NULL ? SPULL_OK : sp_ref_parse(text, &ref, err);

    if (code == SPULL_OK)
        code = registry_of(session, &ref, &registry, err);
    if (code == SPULL_OK)
        code = sp_pull(&session->ctx, session->http, &order, out, err);
    sp_url_done(&registry);
    sp_ref_done(&ref);
    return code;
}

enum spull_code spull_pull(struct spull *session, const char *text,
                           const char *path, struct spull_image **out,
                           struct spull_error *err)
{
    return carry_out(session, text, path, false, out, err);
}

enum spull_code spull_verify(struct spull *session, const char *path,
                             const char *text, struct spull_image **out,
                             struct spull_error *err)
{
    return carry_out(session, text, path, true, out, err);
}

void spull_image_free(struct spull_image *image)
{
    if (image == NULL)
        return;
    free(image->path);
    free(image->ref);
    free(image->digest);
    free(image->image_digest);
    free(image->url);
    free(image);
}

enum spull_code spull_check(struct spull *session, const char *const *names,
                            size_t count, enum spull_depth depth,
                            spull_finding_fn found, void *payload,
                            struct spull_checked *out, struct spull_error *err)
{
    struct sp_check_order order = {.registry = &session->registry,
                                   .names = names,
                                   .count = count,
                                   .depth = depth,
                                   .found = found,
                                   .payload = payload};

    return sp_check(&session->ctx, session->http, &order, out, err);
}

static enum spull_code keep_up(struct spull *session, bool prune, unsigned days,
                               spull_entry_fn tell, void *payload,
                               struct spull_error *err)
{
    const struct sp_upkeep what = {.ctx = &session->ctx,
                                   .prune = prune,
                                   .days = days,
                                   .tell = tell,
                                   .payload = payload};

    return sp_upkeep(&what, err);
}

enum spull_code spull_store_prune(struct spull *session, unsigned days,
                                  spull_entry_fn tell, void *payload,
                                  struct spull_error *err)
{
    return keep_up(session, true, days, tell, payload, err);
}

enum spull_code spull_store_verify(struct spull *session, spull_entry_fn tell,
                                   void *payload, struct spull_error *err)
{
    return keep_up(session, false, 0, tell, payload, err);
}

enum spull_code spull_mirror(struct spull *session, const char *dir,
                             const char *text, const char *file,
                             struct spull_image **out, struct spull_error *err)
{
    struct sp_ref ref = {0};
    struct sp_url registry = {0};
    struct sp_mirror_order order = {.dir = dir,
                                    .registry = &registry,
                                    .ref = &ref,
                                    .text = text,
                                    .file = file};
    enum spull_code code = sp_ref_parse(text, &ref, err);

    if (code == SPULL_OK)
        code = registry_of(session, &ref, &registry, err);
    if (code == SPULL_OK)
        code = sp_mirror(&session->ctx, session->http, &order, out, err);
    sp_url_done(&registry);
    sp_ref_done(&ref);
    return code;
}

enum spull_code spull_mirror_prune(struct spull *session, const char *dir,
                                   uint64_t *count, uint64_t *bytes,
                                   struct spull_error *err)
{
    return sp_mirror_prune(&session->ctx, dir, count, bytes, err);
}
