/* SPDX-License-Identifier: MIT */
/*
 * mirror_blob: how a blob comes into the tree, under the name of its sha256.
 *
 * pull does it all, but for one case: where only an md5 is known of an image,
 * its name is not known before it is here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "mirror_internal.h"
#include "proof.h"
#include "pull.h"
#include "verify.h"

static enum spull_code pull_to(struct mirror *mirror, const char *path,
                               struct spull_error *err)
{
    struct sp_order order = {
        .registry = mirror->order->registry,
        .ref = mirror->order->ref,
        .text = mirror->order->text,
        .path = path,
        .found = &mirror->found,
        .file = mirror->file >= 0 ? &mirror->file : NULL,
        .blob = true,
    };
    enum spull_code code = SPULL_OK;

    spull_image_free(mirror->image);
    mirror->image = NULL;
    code = sp_pull(mirror->ctx, mirror->http, &order, &mirror->image, err);
    if (code == SPULL_OK && mirror->image->state == SPULL_INSTALLED)
        mirror->changed = true;
    return code;
}

/* The name that the tree has for a blob. */
static enum spull_code set_digest(struct mirror *mirror,
                                  const struct sp_digest *digest,
                                  struct spull_error *err)
{
    free(mirror->path);
    mirror->path = NULL;
    mirror->digest = *digest;
    if (asprintf(&mirror->path, "%s/" SP_MIRROR_BLOBS "/%s", mirror->order->dir,
                 sp_digest_hex(digest)) < 0) {
        mirror->path = NULL;
        return sp_err_nomem(err);
    }
    return SPULL_OK;
}

/* What a manifest of the tree names already needs no claim, and so a run that
 * finds all as it should be writes nothing at all. */
static void claim(struct mirror *mirror)
{
    struct sp_digest named;

    sp_mirror_unclaim(mirror->claim);
    mirror->claim = NULL;
    if (!sp_mirror_stated(mirror->order->dir, mirror->folder, &named) ||
        !sp_digest_equal(&named, &mirror->digest))
        mirror->claim =
            sp_mirror_claim(mirror->order->dir, sp_digest_hex(&mirror->digest));
}

/* The size in bytes, which no manifest need be right about. */
static enum spull_code look_at(struct mirror *mirror, struct spull_error *err)
{
    int fd = open(mirror->path, O_RDONLY | O_CLOEXEC);
    struct stat info;

    if (fd < 0 || fstat(fd, &info) != 0) {
        sp_err_sys(err, SPULL_STORAGE, errno, "%s", mirror->path);
        if (fd >= 0)
            close(fd);
        return SPULL_STORAGE;
    }
    mirror->size = (uint64_t)info.st_size;
    sp_verify_look(fd, &mirror->look);
    close(fd);
    return SPULL_OK;
}

/* --- images of which only an md5 is known --------------------------------- */

static enum spull_code hash(struct mirror *mirror, const char *path,
                            enum sp_algorithm how, struct sp_digest *out,
                            struct spull_error *err)
{
    struct sp_look look;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum spull_code code =
        fd < 0 ? sp_err_sys(err, SPULL_STORAGE, errno, "%s", path)
               : sp_watch_phase(&mirror->watch, SPULL_CHECKING, err);

    if (code == SPULL_OK)
        code = sp_verify_file(fd, how, &mirror->watch, out, &look, err);
    if (fd >= 0)
        close(fd);
    return code;
}

/*
 * Has the tree got it under this very tag? A manifest states the sha256 that
 * was found when the image came; that blob has the md5, or it is another one.
 */
static enum spull_code find_weak(struct mirror *mirror, bool *found,
                                 struct spull_error *err)
{
    struct sp_digest stated;
    struct sp_digest md5;
    struct sp_digest actual;
    enum spull_code code = SPULL_OK;

    *found = false;
    if (!sp_mirror_stated(mirror->order->dir, mirror->folder, &stated))
        return SPULL_OK;
    code = set_digest(mirror, &stated, err);
    if (code != SPULL_OK || access(mirror->path, R_OK) != 0)
        return code;
    code = hash(mirror, mirror->path, SP_MD5, &md5, err);
    if (code == SPULL_OK && sp_digest_equal(&md5, &mirror->want))
        code = hash(mirror, mirror->path, SP_SHA256, &actual, err);
    else
        return code;
    *found = code == SPULL_OK && sp_digest_equal(&actual, &stated);
    return code;
}

/* A result as pull gives it. */
static enum spull_code report_found(struct mirror *mirror,
                                    struct spull_error *err)
{
    struct spull_image *image = calloc(1, sizeof *image);

    if (image == NULL)
        return sp_err_nomem(err);
    image->state = SPULL_UP_TO_DATE;
    image->weak = 1;
    spull_image_free(mirror->image);
    mirror->image = image;
    sp_ctx_warn(mirror->ctx, "%s:%s: weak: only an md5 vouches for this image",
                mirror->order->ref->container, mirror->order->ref->tag);
    return SPULL_OK;
}

static enum spull_code flush_blobs(const struct mirror *mirror,
                                   struct spull_error *err)
{
    char *path = sp_mirror_path(mirror->order->dir, SP_MIRROR_BLOBS);
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum spull_code code = SPULL_OK;

    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
        code = sp_err_sys(err, SPULL_STORAGE, errno, "cannot flush %s",
                          path == NULL ? SP_MIRROR_BLOBS : path);
    if (fd >= 0)
        close(fd);
    free(path);
    return code;
}

/* From a name of its own to that of its sha256. The inode is pull's, which
 * nobody else could write. */
static enum spull_code rename_weak(struct mirror *mirror, const char *weak,
                                   struct spull_error *err)
{
    struct sp_proof proof = {.unpacked = false};
    int fd = -1;
    enum spull_code code = hash(mirror, weak, SP_SHA256, &proof.digest, err);

    if (code == SPULL_OK)
        code = set_digest(mirror, &proof.digest, err);
    if (code != SPULL_OK)
        return code;
    claim(mirror);
    if (rename(weak, mirror->path) != 0)
        return sp_err_sys(err, SPULL_STORAGE, errno, "cannot name %s",
                          mirror->path);
    mirror->changed = true;
    fd = open(mirror->path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        sp_verify_look(fd, &proof.look);
        sp_proof_write(fd, &proof);
        close(fd);
    }
    return flush_blobs(mirror, err);
}

static enum spull_code bring_weak(struct mirror *mirror,
                                  struct spull_error *err)
{
    char *weak = NULL;
    bool found = false;
    enum spull_code code = find_weak(mirror, &found, err);

    if (code != SPULL_OK)
        return code;
    if (found)
        return report_found(mirror, err);
    if (asprintf(&weak, "%s/" SP_MIRROR_BLOBS "/.spull-%s.weak",
                 mirror->order->dir, sp_digest_hex(&mirror->want)) < 0)
        return sp_err_nomem(err);
    code = pull_to(mirror, weak, err);
    if (code == SPULL_OK)
        code = rename_weak(mirror, weak, err);
    free(weak);
    return code;
}

/* --- all others ----------------------------------------------------------- */

static enum spull_code bring_known(struct mirror *mirror,
                                   struct spull_error *err)
{
    enum spull_code code = set_digest(mirror, &mirror->want, err);

    if (code != SPULL_OK)
        return code;
    claim(mirror);
    code = pull_to(mirror, mirror->path, err);
    if (code == SPULL_OK && mirror->claim != NULL &&
        mirror->image->state == SPULL_UP_TO_DATE)
        sp_mirror_touch(mirror->path);
    return code;
}

enum spull_code sp_mirror_bring(struct mirror *mirror, struct spull_error *err)
{
    enum spull_code code =
        sp_mirror_folder(mirror->order->dir, SP_MIRROR_BLOBS, err);

    if (code == SPULL_OK)
        code = mirror->want.algorithm == SP_SHA256 ? bring_known(mirror, err)
                                                   : bring_weak(mirror, err);
    return code == SPULL_OK ? look_at(mirror, err) : code;
}
