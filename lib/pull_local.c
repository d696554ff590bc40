/* SPDX-License-Identifier: MIT */
/*
 * pull_local: bytes that need no network, since a file of this machine has
 * them: one that the caller has opened, or what another reference of this
 * session has led to. Whatever such a file turns into meanwhile, it is our
 * inode that is read and judged; if it is of no use, the blob is downloaded.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "manifest.h"
#include "pull_internal.h"
#include "verify.h"

static enum spull_code begin_copy(struct pull *pull, uint64_t size,
                                  struct spull_error *err)
{
    pull->watch.now.total = size;
    return sp_watch_phase(&pull->watch, SPULL_COPYING, err);
}

/* The kernel copies it or, where the file system can, shares its blocks. */
enum spull_code sp_pull_copy(struct pull *pull, struct sp_part *part, int fd,
                             uint64_t size, struct spull_error *err)
{
    enum spull_code code = sp_part_reserve(part, size, err);

    if (code == SPULL_OK)
        code = begin_copy(pull, size, err);
    if (code == SPULL_OK)
        code = sp_part_copy(part, fd, size, &pull->watch, err);
    if (code == SPULL_OK && sp_part_total(part) != size)
        code = sp_err_set(err, SPULL_INTEGRITY, "it has become shorter");
    return code == SPULL_OK ? sp_part_complete(part, size, err) : code;
}

enum spull_code sp_pull_take(struct pull *pull, struct sp_part *part,
                             const struct source *from, struct sp_sealed **out,
                             struct spull_error *err)
{
    struct sp_verify *verify = NULL;
    enum spull_code code =
        sp_verify_start(part, from->digest->algorithm, &verify, err);

    if (code != SPULL_OK)
        return code;
    if (from->cloned)
        code = sp_part_complete(part, from->size, err);
    else
        code = sp_pull_copy(pull, part, from->fd, from->size, err);
    if (code == SPULL_OK)
        code = sp_verify_end(verify, &pull->watch, from->digest, &pull->look,
                             out, err);
    else
        sp_part_give_up(part);
    sp_verify_free(verify);
    return code;
}

/* --- what this session knows ---------------------------------------------- */

/* -1: there is none, or not any more. */
static int open_known(const char *path, struct stat *info)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0 || (fstat(fd, info) == 0 && S_ISREG(info->st_mode)))
        return fd;
    close(fd);
    return -1;
}

static void say_copying(struct pull *pull, const char *path)
{
    sp_ctx_detail(pull->ctx, "%s:%s: copying from %s, which has its digest",
                  pull->ref->container, pull->ref->tag, path);
}

enum spull_code sp_pull_copy_known(struct pull *pull, struct sp_part *part,
                                   char **used, struct spull_error *err)
{
    char *path = pull->copied
                     ? NULL
                     : sp_known_find(&pull->ctx->known, pull->want.text, NULL);
    uint64_t before = sp_part_total(part);
    enum spull_code code = SPULL_OK;
    struct stat info;
    int fd = path == NULL ? -1 : open_known(path, &info);

    if (fd >= 0 && sp_pull_size_fits(pull, (uint64_t)info.st_size)) {
        say_copying(pull, path);
        code = begin_copy(pull, (uint64_t)info.st_size, err);
        if (code == SPULL_OK)
            code = sp_part_copy(part, fd, (uint64_t)info.st_size, &pull->watch,
                                err);
    }
    if (fd >= 0)
        close(fd);
    pull->copied = true;
    if (sp_part_total(part) > before)
        *used = path;
    else
        free(path);
    return code;
}

/* A file of the session is the image, unless config has it otherwise: then the
 * archive itself is to show who is wrong. */
static bool is_wanted(struct pull *pull, const char *image)
{
    struct sp_digest digest;

    if (sp_digest_parse(image, &digest, NULL) != SPULL_OK)
        return false;
    sp_pull_is_packed(pull);
    if (pull->has_image && !sp_digest_equal(&pull->image, &digest))
        return false;
    pull->has_image = true;
    pull->image = digest;
    return true;
}

/* What is unpacked takes the lead with a part of its own label at once: there
 * is no archive that others could go on with. */
static enum spull_code take_image(struct pull *pull, const struct source *from,
                                  struct turn *turn, struct spull_error *err)
{
    struct sp_part *part = NULL;
    enum spull_code code = sp_pull_new_unpacked(pull, &part, err);

    if (code == SPULL_OK)
        code = sp_pull_lead(pull, part, turn, err);
    if (code == SPULL_OK && !turn->lost) {
        sp_part_claim(part, pull->deposed, &pull->watch);
        code = sp_pull_take(pull, part, from, &turn->sealed, err);
    }
    if (code != SPULL_OK || turn->lost) {
        sp_part_discard(part);
        return code;
    }
    turn->sealed->unpacked = true;
    turn->sealed->origin = pull->want;
    return SPULL_OK;
}

static enum spull_code try_image(struct pull *pull, const char *path,
                                 const char *image, struct turn *turn,
                                 struct spull_error *err)
{
    struct stat info;
    struct source from = {.fd = open_known(path, &info),
                          .digest = &pull->image};
    enum spull_code code = SPULL_OK;

    if (from.fd >= 0 && is_wanted(pull, image)) {
        say_copying(pull, path);
        from.size = (uint64_t)info.st_size;
        code = take_image(pull, &from, turn, err);
    }
    if (from.fd >= 0)
        close(from.fd);
    return code;
}

enum spull_code sp_pull_from_known(struct pull *pull, struct turn *turn,
                                   struct spull_error *err)
{
    struct spull_error why = {0};
    enum spull_code code = SPULL_OK;
    char *image = NULL;
    char *path = NULL;

    if (pull->unpack && !pull->copied)
        path = sp_known_find(&pull->ctx->known, pull->want.text, &image);
    if (path != NULL)
        code = try_image(pull, path, image, turn, &why);
    if (code == SPULL_INTEGRITY) {
        sp_ctx_warn(pull->ctx, "%s: %s; downloading it afresh", path, why.text);
        pull->copied = true;
        code = SPULL_OK;
    }
    free(image);
    free(path);
    if (code != SPULL_OK && err != NULL)
        *err = why;
    return code;
}
