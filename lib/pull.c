/* SPDX-License-Identifier: MIT */
/*
 * pull: what is there already? If it is not the wanted image: download, verify,
 * judge, install. The order is the whole content; a reader who wants to know
 * how follows the name into its room.
 */
#include "pull.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "fetch.h"
#include "install.h"
#include "limits.h"
#include "manifest.h"
#include "registry.h"
#include "verify.h"
#include "watch.h"

struct pull {
    struct sp_ctx *ctx;
    struct sp_http *http;
    const struct sp_url *registry;
    const struct sp_ref *ref;
    const char *path;
    char *dir;        /* of path */
    const char *name; /* of the file in it; points into path */
    struct sp_watch watch;
    struct sp_found found;
    struct sp_digest want;
    struct sp_look look;
    struct sp_fetched fetched;
    const struct sp_url *served; /* points into found */
    uint64_t size;
};

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

/* --- what is there already ---------------------------------------------- */

enum present { ABSENT, SAME, DIFFERENT };

static enum spull_code compare(struct pull *pull, int fd, enum present *out,
                               struct spull_error *err)
{
    struct stat info;
    struct sp_digest actual;
    enum spull_code code = SPULL_OK;

    *out = DIFFERENT;
    if (fstat(fd, &info) != 0)
        return sp_err_sys(err, SPULL_STORAGE, errno, "%s", pull->path);
    if (!S_ISREG(info.st_mode) ||
        !sp_size_matches(pull->found.manifest.size, (uint64_t)info.st_size,
                         pull->ctx->opts.strict_size != 0))
        return SPULL_OK;
    code = sp_verify_file(fd, pull->want.algorithm, &pull->watch, &actual,
                          &pull->look, err);
    if (code != SPULL_OK)
        return code == SPULL_CANCELLED
                   ? code
                   : sp_err_wrap(err, code, "%s", pull->path);
    pull->size = (uint64_t)info.st_size;
    if (sp_digest_equal(&actual, &pull->want))
        *out = SAME;
    return SPULL_OK;
}

/* O_NONBLOCK: the name could be a pipe's, which would wait for a writer. */
static enum spull_code look_at(struct pull *pull, enum present *out,
                               struct spull_error *err)
{
    enum spull_code code = SPULL_OK;
    struct stat info;
    int fd = open(pull->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd >= 0) {
        code = compare(pull, fd, out, err);
        close(fd);
        return code;
    }
    /* A link that leads nowhere, or a file that we may not read, is there. */
    *out = lstat(pull->path, &info) == 0 ? DIFFERENT : ABSENT;
    return SPULL_OK;
}

static enum spull_code say_exists(const struct pull *pull,
                                  struct spull_error *err)
{
    sp_err_set(err, SPULL_EXISTS, "%s exists and is not %s", pull->path,
               pull->want.text);
    sp_err_hint(err, "--force replaces it, once the new image is verified");
    return SPULL_EXISTS;
}

static bool is_directory(const char *path)
{
    struct stat info;

    return lstat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static enum spull_code check_present(struct pull *pull, enum present *present,
                                     struct spull_error *err)
{
    enum spull_code code = look_at(pull, present, err);

    if (code != SPULL_OK)
        return code;
    if (*present == DIFFERENT && is_directory(pull->path))
        return sp_err_set(err, SPULL_EXISTS, "%s is a directory", pull->path);
    if (*present == DIFFERENT && !pull->ctx->opts.force)
        return say_exists(pull, err);
    return SPULL_OK;
}

/* --- what was downloaded ------------------------------------------------- */

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
    if (wanted == NULL && arch[0] != '\0' && strcmp(arch, host) != 0)
        sp_ctx_warn(pull->ctx, "%s: the image is for %s, this machine is %s",
                    pull->ref->container, arch,
                    host[0] == '\0' ? "other" : host);
    return SPULL_OK;
}

static enum spull_code judge(struct pull *pull, struct spull_error *err)
{
    enum spull_code code = judge_arch(pull, err);

    if (code != SPULL_OK)
        return code;
    if (!pull->look.image)
        sp_ctx_warn(pull->ctx,
                    "%s: neither a SIF nor a squashfs; it looks like: %s",
                    pull->ref->container, pull->look.kind);
    if (pull->want.algorithm != SP_SHA256)
        sp_ctx_warn(pull->ctx, "%s: weak: only an md5 vouches for this image",
                    pull->ref->container);
    return SPULL_OK;
}

/*
 * What a failure leaves: bytes that are of use to the next run, unless they are
 * wrong, or are what fills the disk.
 */
static void leave(struct sp_part *part, enum spull_code code,
                  const struct spull_error *err)
{
    bool full = err->sys == ENOSPC || err->sys == EDQUOT || err->sys == EFBIG;

    if (part == NULL || code == SPULL_INTEGRITY || full ||
        sp_part_total(part) < SP_KEEP_MIN)
        sp_part_discard(part);
    else
        sp_part_keep(part);
}

/* Did all bytes come, and were they wrong? */
static bool is_mismatch(const struct pull *pull, enum spull_code code)
{
    return code == SPULL_INTEGRITY && pull->served != NULL;
}

/* One attempt with count urls from first on. part is gone when it returns. */
static enum spull_code attempt(struct pull *pull, size_t first, size_t count,
                               struct sp_sealed **out, struct spull_error *err)
{
    struct sp_blob blob = {.urls = pull->found.urls + first,
                           .url_count = count,
                           .stated = pull->found.manifest.size,
                           .strict = pull->ctx->opts.strict_size != 0};
    struct sp_part *part = NULL;
    struct sp_verify *verify = NULL;
    enum spull_code code =
        sp_part_new(pull->dir, sp_digest_hex(&pull->want), &part, err);

    if (code == SPULL_OK)
        code = sp_verify_start(part, pull->want.algorithm, &verify, err);
    if (code == SPULL_OK) {
        code = sp_part_inherit(part, &pull->watch, err);
        if (code == SPULL_OK)
            code = sp_fetch(pull->http, &blob, part, &pull->watch,
                            &pull->fetched, err);
        if (code != SPULL_OK)
            sp_part_give_up(part);
    }
    if (code == SPULL_OK) {
        pull->served = &blob.urls[pull->fetched.url];
        code = sp_verify_end(verify, &pull->want, &pull->look, out, err);
        if (code == SPULL_INTEGRITY)
            sp_err_wrap(err, code, "%s", pull->served->shown);
    }
    sp_verify_free(verify);
    if (code != SPULL_OK)
        leave(part, code, err);
    return code;
}

/*
 * Bad bytes must not condemn others: not the url that served them the bytes of
 * an earlier run, nor one url the next. So what failed together is tried again
 * alone, afresh.
 */
static enum spull_code download(struct pull *pull, struct sp_sealed **out,
                                struct spull_error *err)
{
    struct spull_error why = {0};
    size_t count = pull->found.url_count;
    enum spull_code code = attempt(pull, 0, count, out, &why);
    bool mixed = pull->watch.now.resumed > 0 || pull->fetched.sources > 1;
    size_t liar = pull->fetched.url;

    for (size_t i = 0; i < count && is_mismatch(pull, code); i++) {
        if (!mixed && i <= liar)
            continue;
        sp_ctx_warn(pull->ctx, "%s; downloading it afresh", why.text);
        code = attempt(pull, i, 1, out, &why);
    }
    if (code != SPULL_OK && err != NULL)
        *err = why;
    return code;
}

/* Somebody else may have been quicker; then theirs has to be the same. */
static enum spull_code install(struct pull *pull, struct sp_sealed *sealed,
                               struct spull_error *err)
{
    enum present present = ABSENT;
    enum spull_code code =
        sp_install(sealed, pull->name, pull->ctx->opts.force != 0, err);

    if (code != SPULL_EXISTS)
        return code;
    code = look_at(pull, &present, err);
    if (code != SPULL_OK)
        return code;
    return present == SAME ? SPULL_OK : say_exists(pull, err);
}

static enum spull_code replace(struct pull *pull, struct spull_error *err)
{
    struct sp_sealed *sealed = NULL;
    enum spull_code code = sp_watch_phase(&pull->watch, SPULL_DOWNLOADING, err);

    if (code == SPULL_OK)
        code = download(pull, &sealed, err);
    if (code != SPULL_OK)
        return code;
    pull->size = sealed->size;
    code = judge(pull, err);
    if (code == SPULL_OK)
        code = sp_watch_phase(&pull->watch, SPULL_INSTALLING, err);
    if (code != SPULL_OK) {
        sp_sealed_discard(sealed);
        return code;
    }
    return install(pull, sealed, err);
}

/* --- the steps ------------------------------------------------------------ */

static enum spull_code find(struct pull *pull, struct spull_error *err)
{
    enum spull_code code = sp_watch_phase(&pull->watch, SPULL_RESOLVING, err);

    if (code == SPULL_OK)
        code = sp_registry_manifest(&pull->watch, pull->http, pull->registry,
                                    pull->ref, &pull->found, err);
    if (code == SPULL_OK)
        code = sp_verify_want(pull->ref, &pull->found.manifest.digest,
                              pull->ctx->opts.allow_md5 != 0, &pull->want, err);
    return code;
}

static enum spull_code run(struct pull *pull, enum spull_state *state,
                           struct spull_error *err)
{
    enum present present = ABSENT;
    enum spull_code code = split_path(pull, err);

    if (code == SPULL_OK)
        code = find(pull, err);
    if (code == SPULL_OK)
        code = check_present(pull, &present, err);
    if (code != SPULL_OK)
        return code;
    *state = present == SAME ? SPULL_UP_TO_DATE : SPULL_INSTALLED;
    return present == SAME ? judge(pull, err) : replace(pull, err);
}

static enum spull_code describe(const struct pull *pull,
                                struct spull_image *image,
                                struct spull_error *err)
{
    image->path = strdup(pull->path);
    image->ref = sp_ref_text(pull->ref);
    image->digest = strdup(pull->want.text);
    if (pull->served != NULL)
        image->url = strdup(pull->served->text);
    image->size = pull->size;
    image->transferred = pull->fetched.transferred;
    image->weak = pull->want.algorithm != SP_SHA256;
    image->kind = pull->look.kind;
    image->arch = pull->look.arch;
    if (image->path == NULL || image->ref == NULL || image->digest == NULL ||
        (pull->served != NULL && image->url == NULL))
        return sp_err_nomem(err);
    return SPULL_OK;
}

enum spull_code sp_pull(struct sp_ctx *ctx, struct sp_http *http,
                        const struct sp_url *registry, const struct sp_ref *ref,
                        const char *text, const char *path,
                        struct spull_image **out, struct spull_error *err)
{
    struct pull pull = {.ctx = ctx,
                        .http = http,
                        .registry = registry,
                        .ref = ref,
                        .path = path};
    struct spull_image *image = calloc(1, sizeof *image);
    uint64_t start = sp_watch_ms();
    enum spull_code code = SPULL_OK;

    if (image == NULL)
        return sp_err_nomem(err);
    sp_watch_init(&pull.watch, ctx, text);
    code = run(&pull, &image->state, err);
    if (code == SPULL_OK)
        code = describe(&pull, image, err);
    image->seconds = (double)(sp_watch_ms() - start) / 1000.0;
    sp_found_done(&pull.found);
    free(pull.dir);
    if (code == SPULL_OK)
        *out = image;
    else
        spull_image_free(image);
    return code;
}
