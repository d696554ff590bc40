/* SPDX-License-Identifier: MIT */
/*
 * pull_present: is the wanted image at its destination already?
 *
 * A file is the image if it carries a proof of the digest, or is the very inode
 * that a leader filled while we waited, or else has the digest when it is read.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "manifest.h"
#include "proof.h"
#include "pull_internal.h"
#include "verify.h"

/* Before the registry was asked, by a pin, the size is not known. */
bool sp_pull_size_fits(const struct pull *pull, uint64_t size)
{
    return !pull->has_found ||
           sp_size_matches(pull->found.manifest.size, size,
                           pull->ctx->opts.strict_size != 0);
}

static bool is_proven(struct pull *pull, int fd)
{
    struct sp_digest proven;
    struct sp_look look;

    if (!sp_proof_read(fd, &proven, &look) ||
        !sp_digest_equal(&proven, &pull->want))
        return false;
    pull->look = look;
    return true;
}

static bool is_leaders(struct pull *pull, int fd)
{
    if (pull->lead == NULL || !sp_lead_made(pull->lead, fd))
        return false;
    sp_verify_look(fd, &pull->look);
    return true;
}

/* The long way; leaves a proof, so that it is not gone twice. */
static enum spull_code has_digest(struct pull *pull, int fd, enum present *out,
                                  struct spull_error *err)
{
    struct sp_digest actual;
    enum spull_code code = sp_verify_file(
        fd, pull->want.algorithm, &pull->watch, &actual, &pull->look, err);

    if (code != SPULL_OK)
        return code == SPULL_CANCELLED
                   ? code
                   : sp_err_wrap(err, code, "%s", pull->path);
    if (!sp_digest_equal(&actual, &pull->want))
        return SPULL_OK;
    *out = SAME;
    sp_proof_write(fd, &actual, &pull->look);
    return SPULL_OK;
}

/* One that was read already is not read at every look. */
static bool is_known_other(const struct pull *pull, const struct stat *info)
{
    const struct stat *other = &pull->other;

    return other->st_ino == info->st_ino && other->st_dev == info->st_dev &&
           other->st_size == info->st_size &&
           other->st_mtim.tv_sec == info->st_mtim.tv_sec &&
           other->st_mtim.tv_nsec == info->st_mtim.tv_nsec;
}

static enum spull_code compare(struct pull *pull, int fd, enum present *out,
                               struct spull_error *err)
{
    struct stat info;
    enum spull_code code = SPULL_OK;

    *out = DIFFERENT;
    if (fstat(fd, &info) != 0)
        return sp_err_sys(err, SPULL_STORAGE, errno, "%s", pull->path);
    if (!S_ISREG(info.st_mode) ||
        !sp_pull_size_fits(pull, (uint64_t)info.st_size))
        return SPULL_OK;
    if (is_known_other(pull, &info))
        return SPULL_OK;
    pull->size = (uint64_t)info.st_size;
    if (is_proven(pull, fd) || is_leaders(pull, fd)) {
        *out = SAME;
        return SPULL_OK;
    }
    code = has_digest(pull, fd, out, err);
    if (code == SPULL_OK && *out == DIFFERENT)
        pull->other = info;
    return code;
}

enum spull_code sp_pull_say_exists(const struct pull *pull,
                                   struct spull_error *err)
{
    sp_err_set(err, SPULL_EXISTS, "%s exists and is not %s", pull->path,
               pull->want.text);
    sp_err_hint(err, "--force replaces it, once the new image is verified");
    return SPULL_EXISTS;
}

static enum spull_code judge_other(const struct pull *pull,
                                   struct spull_error *err)
{
    struct stat info;

    if (lstat(pull->path, &info) == 0 && S_ISDIR(info.st_mode))
        return sp_err_set(err, SPULL_EXISTS, "%s is a directory", pull->path);
    return pull->replace ? SPULL_OK : sp_pull_say_exists(pull, err);
}

/* O_NONBLOCK: the name could be a pipe's, which would wait for a writer. */
static enum spull_code look_at_place(struct pull *pull, enum present *out,
                                     struct spull_error *err)
{
    enum spull_code code = SPULL_OK;
    struct stat info;
    int fd = open(pull->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd >= 0) {
        code = compare(pull, fd, out, err);
        close(fd);
    } else {
        /* A link that leads nowhere, or a file closed to us, is there too. */
        *out = lstat(pull->path, &info) == 0 ? DIFFERENT : ABSENT;
    }
    if (code == SPULL_OK && *out == DIFFERENT)
        code = judge_other(pull, err);
    return code;
}

/* Any file: what it is worth shows when it is taken. What is none goes, if we
 * may; else this store is of no use for this blob. */
static enum spull_code look_at_entry(struct pull *pull, enum present *out,
                                     struct spull_error *err)
{
    struct sp_entry entry;
    enum sp_stored found = sp_store_find(pull->shared, pull->name, &entry);

    sp_entry_done(&entry);
    if (found == SP_MISPLACED &&
        sp_store_remove(pull->shared, pull->name, NULL))
        found = SP_NOT_STORED;
    if (found == SP_MISPLACED || found == SP_UNREADABLE)
        return sp_err_set(err, SPULL_STORAGE, "%s: it can't be read",
                          pull->path);
    *out = found == SP_STORED ? SAME : ABSENT;
    return SPULL_OK;
}

enum spull_code sp_pull_look(struct pull *pull, enum present *out,
                             struct spull_error *err)
{
    if (pull->shared != NULL)
        return look_at_entry(pull, out, err);
    return look_at_place(pull, out, err);
}
