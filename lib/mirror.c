/* SPDX-License-Identifier: MIT */
/*
 * mirror: the steps in order: what is it, bring the blob, write the manifest,
 * list the tag. Each is whole before the next one begins, so that whoever is
 * killed or read in between has promised nothing that is not there.
 */
#include "mirror.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "limits.h"
#include "manifest.h"
#include "mirror_internal.h"
#include "proof.h"
#include "verify.h"

/* --- what is asked for ---------------------------------------------------- */

/* Has a name a level that is called so? */
static bool has_level(const char *name, const char *level)
{
    size_t len = strlen(level);

    for (const char *at = name; at != NULL; at = strchr(at, '/')) {
        at += *at == '/';
        if (strncmp(at, level, len) == 0 && (at[len] == '/' || at[len] == '\0'))
            return true;
    }
    return false;
}

/*
 * Names that would meet in the tree: C/N/manifests is a folder of C/N, and so
 * is what is below it. Where nothing else is in the way, who looks through the
 * tree for containers would take them for what they are called.
 */
static enum spull_code check_name(const struct sp_ref *ref,
                                  struct spull_error *err)
{
    const char *name = ref->container;
    size_t blobs = strlen(SP_MIRROR_BLOBS);

    if (has_level(name, "manifests") || has_level(name, "tags"))
        return sp_err_set(err, SPULL_USAGE,
                          "%s: \"manifests\" and \"tags\" are folders of a "
                          "container, and no level of its name",
                          name);
    if (strncmp(name, SP_MIRROR_BLOBS, blobs) == 0 &&
        (name[blobs] == '\0' || name[blobs] == '/'))
        return sp_err_set(err, SPULL_USAGE,
                          "%s: it would lie where the blobs are", name);
    if (!sp_tag_ok(ref->tag))
        return sp_err_set(err, SPULL_USAGE, "%s:%s: this is no tag", name,
                          ref->tag);
    return SPULL_OK;
}

static enum spull_code check(const struct sp_mirror_order *order,
                             struct spull_error *err)
{
    const struct sp_ref *ref = order->ref;

    if (order->dir[0] == '\0')
        return sp_err_set(err, SPULL_USAGE, "the tree's directory is empty");
    if (order->file != NULL && (ref->base != NULL || ref->pin[0] != '\0'))
        return sp_err_set(err, SPULL_USAGE,
                          "%s:%s: for a file, there must be no %s in the "
                          "reference",
                          ref->container, ref->tag,
                          ref->base != NULL ? "registry" : "pin");
    return check_name(ref, err);
}

static enum spull_code check_base(const char *base_url, struct spull_error *err)
{
    const char *rest = strstr(base_url, "://");
    struct sp_url url = {0};
    enum spull_code code = SPULL_OK;

    if (rest == NULL)
        return sp_err_set(err, SPULL_USAGE,
                          "the mirror's address \"%s\": it is no URL",
                          base_url);
    /* A registry may also be a directory. What follows may be a secret. */
    if (strncasecmp(base_url, "http://", 7) != 0 &&
        strncasecmp(base_url, "https://", 8) != 0)
        return sp_err_set(err, SPULL_USAGE,
                          "the mirror's address begins with \"%.*s\": it is no "
                          "web server's",
                          (int)(rest - base_url) + 3, base_url);
    code = sp_url_registry(base_url, &url, err);
    if (code != SPULL_OK)
        return code;
    if (strcmp(url.text, url.plain) != 0)
        code = sp_err_set(err, SPULL_USAGE,
                          "the mirror's address %s: it has a user or password, "
                          "which would be published",
                          url.shown);
    sp_url_done(&url);
    return code;
}

enum spull_code sp_mirror_check_base(const char *base_url,
                                     struct spull_error *err)
{
    enum spull_code code = check_base(base_url, err);

    if (code == SPULL_USAGE)
        sp_err_hint(err, "as in https://example.org/registry");
    return code;
}

/* --- what is it ----------------------------------------------------------- */

static enum spull_code ask(struct mirror *mirror, struct spull_error *err)
{
    const struct sp_mirror_order *order = mirror->order;
    enum spull_code code = sp_watch_phase(&mirror->watch, SPULL_RESOLVING, err);

    if (code == SPULL_OK)
        code =
            sp_registry_manifest(&mirror->watch, mirror->http, order->registry,
                                 order->ref, &mirror->found, err);
    if (code == SPULL_OK)
        code = sp_verify_want(order->ref, &mirror->found.manifest.digest,
                              mirror->ctx->opts.allow_md5 != 0, &mirror->want,
                              err);
    return code;
}

/* O_NONBLOCK: the name could be a pipe's, which would wait for a writer. */
static enum spull_code open_file(struct mirror *mirror, struct spull_error *err)
{
    const char *file = mirror->order->file;
    struct stat info;

    mirror->file = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (mirror->file < 0 || fstat(mirror->file, &info) != 0)
        return sp_err_sys(err,
                          errno == ENOENT ? SPULL_NOT_FOUND : SPULL_STORAGE,
                          errno, "%s", file);
    if (!S_ISREG(info.st_mode))
        return sp_err_set(err, SPULL_USAGE, "%s: it is no regular file", file);
    if (info.st_size == 0)
        return sp_err_set(err, SPULL_INTEGRITY, "%s: it is empty", file);
    mirror->found.manifest.size = (uint64_t)info.st_size;
    return SPULL_OK;
}

static enum spull_code read_file(struct mirror *mirror, struct spull_error *err)
{
    struct sp_proof proof;
    struct sp_look look;
    enum spull_code code = open_file(mirror, err);

    if (code != SPULL_OK)
        return code;
    if (sp_proof_read(mirror->file, &proof) &&
        proof.digest.algorithm == SP_SHA256) {
        mirror->want = proof.digest;
    } else {
        code = sp_watch_phase(&mirror->watch, SPULL_CHECKING, err);
        if (code == SPULL_OK)
            code = sp_verify_file(mirror->file, SP_SHA256, &mirror->watch,
                                  &mirror->want, &look, err);
    }
    mirror->found.manifest.digest = mirror->want;
    return code;
}

/* --- the manifest --------------------------------------------------------- */

/* Of the blob, as seen from its manifest. */
static enum spull_code print_url(const struct mirror *mirror,
                                 struct sp_buf *out, struct spull_error *err)
{
    const char *base = mirror->ctx->opts.mirror_base;
    struct sp_url url = {0};
    enum sp_buf_result result = SP_BUF_OK;
    enum spull_code code = SPULL_OK;

    if (base != NULL) {
        code = sp_url_registry(base, &url, err);
        if (code == SPULL_OK)
            result = sp_buf_print(out, "%s/", url.text);
        sp_url_done(&url);
    } else { /* a slash for each level but the last, which has one, too */
        for (const char *at = mirror->folder; at != NULL && result == SP_BUF_OK;
             at = strchr(at + 1, '/'))
            result = sp_buf_add_text(out, "../");
    }
    if (code == SPULL_OK && result == SP_BUF_OK)
        result = sp_buf_print(out, SP_MIRROR_BLOBS "/%s",
                              sp_digest_hex(&mirror->digest));
    return code == SPULL_OK && result != SP_BUF_OK ? sp_err_nomem(err) : code;
}

static enum spull_code write_manifest(struct mirror *mirror,
                                      struct spull_error *err)
{
    struct sp_buf url;
    struct sp_draft draft = {.source = mirror->found.manifest.json,
                             .size = mirror->size,
                             .digest = mirror->digest.text,
                             .is_image = mirror->look.image};
    char *text = NULL;
    enum spull_code code = SPULL_OK;

    sp_buf_init(&url, SIZE_MAX / 2);
    code = print_url(mirror, &url, err);
    draft.url = url.data;
    if (code == SPULL_OK)
        code = sp_manifest_print(&draft, &text, err);
    if (code == SPULL_OK)
        code = sp_mirror_write(mirror->order->dir, mirror->folder, text,
                               &mirror->changed, err);
    free(text);
    sp_buf_done(&url);
    return code;
}

/* Somebody may have removed the blob while we looked at it, or named it: a
 * prune that did not see the claim, an administrator. */
static bool is_removed(const struct mirror *mirror, enum spull_code code,
                       const struct spull_error *why)
{
    if (code == SPULL_STORAGE)
        return why->sys == ENOENT;
    return code == SPULL_OK && access(mirror->path, F_OK) != 0 &&
           errno == ENOENT;
}

/* Blob, then manifest; once more if that was in vain. */
static enum spull_code bring_and_name(struct mirror *mirror,
                                      struct spull_error *err)
{
    struct spull_error why = {0};
    enum spull_code code = SPULL_OK;
    bool removed = true;

    for (int round = 0; removed && round < SP_MIRROR_ROUNDS; round++) {
        code = sp_mirror_bring(mirror, &why);
        if (code == SPULL_OK)
            code = write_manifest(mirror, &why);
        removed = is_removed(mirror, code, &why);
    }
    if (removed && code == SPULL_OK)
        code =
            sp_err_set(&why, SPULL_STORAGE,
                       "%s: somebody removes it again and again", mirror->path);
    if (code != SPULL_OK && err != NULL)
        *err = why;
    sp_mirror_unclaim(mirror->claim);
    mirror->claim = NULL;
    return code;
}

/* --- the whole ------------------------------------------------------------ */

/* What pull has said of the blob, said of the image in the tree. */
static enum spull_code describe(struct mirror *mirror, struct spull_error *err)
{
    struct spull_image *image = mirror->image;
    const struct sp_ref *ref = mirror->order->ref;
    char *name = NULL;

    if (asprintf(&name, "%s:%s", ref->container, ref->tag) < 0)
        return sp_err_nomem(err);
    free(image->ref);
    free(image->path);
    free(image->digest);
    image->ref = name;
    image->path = mirror->path;
    mirror->path = NULL;
    image->digest = strdup(mirror->digest.text);
    image->size = mirror->size;
    image->kind = mirror->look.kind;
    image->arch = mirror->look.arch;
    image->state = mirror->changed ? SPULL_INSTALLED : SPULL_UP_TO_DATE;
    image->seconds = (double)(sp_watch_ms() - mirror->watch.start_ms) / 1000.0;
    return image->digest == NULL ? sp_err_nomem(err) : SPULL_OK;
}

static enum spull_code run(struct mirror *mirror, struct spull_error *err)
{
    const struct sp_mirror_order *order = mirror->order;
    enum spull_code code = check(order, err);

    if (code == SPULL_OK &&
        asprintf(&mirror->folder, "%s/manifests/%s", order->ref->container,
                 order->ref->tag) < 0) {
        mirror->folder = NULL;
        code = sp_err_nomem(err);
    }
    if (code == SPULL_OK)
        code = order->file == NULL ? ask(mirror, err) : read_file(mirror, err);
    if (code == SPULL_OK)
        code = bring_and_name(mirror, err);
    if (code == SPULL_OK)
        code = sp_mirror_tags(&mirror->watch, order->dir, order->ref->container,
                              order->ref->tag, &mirror->changed, err);
    return code == SPULL_OK ? describe(mirror, err) : code;
}

enum spull_code sp_mirror(struct sp_ctx *ctx, struct sp_http *http,
                          const struct sp_mirror_order *order,
                          struct spull_image **out, struct spull_error *err)
{
    struct mirror mirror = {
        .ctx = ctx, .http = http, .order = order, .file = -1};
    enum spull_code code = SPULL_OK;

    sp_watch_init(&mirror.watch, ctx, order->text);
    code = run(&mirror, err);
    if (code == SPULL_OK) {
        *out = mirror.image;
        mirror.image = NULL;
    }
    if (mirror.file >= 0)
        close(mirror.file);
    spull_image_free(mirror.image);
    sp_found_done(&mirror.found);
    free(mirror.folder);
    free(mirror.path);
    return code;
}
