/* SPDX-License-Identifier: MIT */
/*
 * pull_present: is the wanted image at its destination already?
 *
 * A file is the image if it carries a proof of the digest, or is the very inode
 * that a leader filled while we waited, or else has the digest when it is read.
 * Where the blob is an archive, it is the image's digest that counts, which may
 * not be known before the archive was unpacked.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "manifest.h"
#include "part_lead.h"
#include "proof.h"
#include "pull_internal.h"
#include "unpack.h"
#include "verify.h"

#define PLACE_TRIES 3 /* somebody who replaces it all the time is no pull */

/* Before the registry was asked, by a pin, the size is not known. */
bool sp_pull_size_fits(const struct pull *pull, uint64_t size)
{
    return !pull->has_found ||
           sp_size_matches(pull->found.manifest.size, size,
                           pull->ctx->opts.strict_size != 0);
}

/* An archive is not what was asked for, though it has the digest. */
static bool suits(const struct pull *pull, const struct sp_look *look)
{
    return !pull->unpack || !sp_unpack_takes(look);
}

static bool is_proven(struct pull *pull, int fd)
{
    struct sp_proof proof;

    if (!sp_proof_read(fd, &proof))
        return false;
    if (!sp_digest_equal(&proof.digest, &pull->want)) {
        if (!pull->unpack || !proof.unpacked ||
            !sp_digest_equal(&proof.origin, &pull->want))
            return false;
        sp_pull_is_packed(pull);
        if (pull->has_image && !sp_digest_equal(&proof.digest, &pull->image))
            return false;
        pull->has_image = true;
        pull->image = proof.digest;
    }
    pull->look = proof.look;
    return true;
}

/* The very file of a leader, which had verified it. */
static bool is_leaders(struct pull *pull, int fd, bool unpacked)
{
    struct sp_look look;
    bool other = false;

    if (pull->lead == NULL || !sp_lead_made(pull->lead, fd, &other) ||
        other != unpacked)
        return false;
    sp_verify_look(fd, &look);
    if (!suits(pull, &look))
        return false;
    pull->look = look;
    return true;
}

static bool is_same_file(const struct stat *one, const struct stat *two)
{
    return one->st_ino == two->st_ino && one->st_dev == two->st_dev &&
           one->st_size == two->st_size &&
           one->st_mtim.tv_sec == two->st_mtim.tv_sec &&
           one->st_mtim.tv_nsec == two->st_mtim.tv_nsec;
}

/* Reads the file; a sha256 is kept, so that no file is read at every look. */
static enum spull_code digest_of(struct pull *pull, int fd,
                                 const struct stat *info, enum sp_algorithm how,
                                 struct sp_digest *out, struct sp_look *look,
                                 struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    if (how == SP_SHA256 && is_same_file(&pull->summed, info)) {
        *out = pull->sum;
        *look = pull->sum_look;
        return SPULL_OK;
    }
    code = sp_verify_file(fd, how, &pull->watch, out, look, err);
    if (code != SPULL_OK)
        return code == SPULL_CANCELLED
                   ? code
                   : sp_err_wrap(err, code, "%s", pull->path);
    if (how == SP_SHA256) {
        pull->summed = *info;
        pull->sum = *out;
        pull->sum_look = *look;
    }
    return SPULL_OK;
}

/* The long way: has it the blob's digest, or that of the image in the blob?
 * Leaves a proof, so that it is not gone twice. */
static enum spull_code has_digest(struct pull *pull, int fd,
                                  const struct stat *info,
                                  const struct sp_digest *want,
                                  enum present *out, struct spull_error *err)
{
    struct sp_digest actual;
    struct sp_look look;
    struct sp_proof proof;
    enum spull_code code =
        digest_of(pull, fd, info, want->algorithm, &actual, &look, err);

    if (code != SPULL_OK || !sp_digest_equal(&actual, want))
        return code;
    if (!suits(pull, &look)) {
        sp_pull_is_packed(pull);
        return SPULL_OK;
    }
    pull->look = look;
    *out = SAME;
    proof = sp_pull_proof(pull, &actual);
    sp_proof_write(fd, &proof);
    return SPULL_OK;
}

/* A leader that could not leave a proof has unpacked it: then only reading it
 * tells what its digest is. */
static enum spull_code take_leaders(struct pull *pull, int fd,
                                    const struct stat *info, enum present *out,
                                    struct spull_error *err)
{
    struct sp_look look;
    enum spull_code code = SPULL_OK;

    sp_pull_is_packed(pull);
    if (!pull->has_image)
        code = digest_of(pull, fd, info, SP_SHA256, &pull->image, &look, err);
    if (code != SPULL_OK)
        return code;
    pull->has_image = true;
    return has_digest(pull, fd, info, &pull->image, out, err);
}

/*
 * It is not the blob; but is it what comes out of it? What config says does not
 * count before it is known that the blob is an archive, or an old image would
 * pass for new where config was forgotten. Who replaces in any case finds out
 * with the download.
 */
static enum spull_code may_be_unpacked(struct pull *pull, int fd,
                                       const struct stat *info,
                                       enum present *out,
                                       struct spull_error *err)
{
    bool said = pull->found.manifest.has_image_digest;
    struct sp_proof proof;
    enum spull_code code = SPULL_OK;

    if (!pull->unpack || !pull->other_is_image)
        return SPULL_OK;
    if (is_leaders(pull, fd, true))
        return take_leaders(pull, fd, info, out, err);
    if (!pull->has_found)
        return SPULL_OK;
    /* What was pulled as it is, and of which config says nothing, is another
     * image: no server need be asked for that. */
    if (!said && pull->packing != PACKED && sp_proof_read(fd, &proof) &&
        !proof.unpacked)
        return SPULL_OK;
    if (!pull->replace || said)
        code = sp_pull_look_at_blob(pull, err);
    if (code != SPULL_OK || pull->packing == PLAIN)
        return code;
    if (pull->has_image)
        return has_digest(pull, fd, info, &pull->image, out, err);
    *out = UNSURE;
    return SPULL_OK;
}

/* Not asked a second time: nobody reads a file at every look. */
static enum spull_code is_blob(struct pull *pull, int fd,
                               const struct stat *info, enum present *out,
                               struct spull_error *err)
{
    struct sp_look look;
    enum spull_code code = SPULL_OK;

    /* Of another size it is another file; but before that is said, and in the
     * way of a pull, the digest decides. */
    if (sp_pull_size_fits(pull, (uint64_t)info->st_size) || !pull->replace)
        code = has_digest(pull, fd, info, &pull->want, out, err);
    if (code != SPULL_OK || *out == SAME)
        return code;
    look = pull->sum_look;
    if (!is_same_file(&pull->summed, info))
        sp_verify_look(fd, &look);
    pull->other = *info;
    pull->other_is_image = look.image;
    return SPULL_OK;
}

static enum spull_code compare(struct pull *pull, int fd, enum present *out,
                               struct spull_error *err)
{
    struct stat info;
    enum spull_code code = SPULL_OK;

    *out = DIFFERENT;
    if (fstat(fd, &info) != 0)
        return sp_err_sys(err, SPULL_STORAGE, errno, "%s", pull->path);
    if (!S_ISREG(info.st_mode))
        return SPULL_OK;
    if (is_proven(pull, fd) || is_leaders(pull, fd, false))
        *out = SAME;
    else if (!is_same_file(&pull->other, &info))
        code = is_blob(pull, fd, &info, out, err);
    if (code == SPULL_OK && *out != SAME)
        code = may_be_unpacked(pull, fd, &info, out, err);
    if (code == SPULL_OK && *out == SAME)
        pull->size = (uint64_t)info.st_size;
    return code;
}

enum spull_code sp_pull_say_exists(const struct pull *pull,
                                   struct spull_error *err)
{
    if (pull->packing == PACKED)
        sp_err_set(err, SPULL_EXISTS, "%s exists and is not what %s holds",
                   pull->path, pull->want.text);
    else
        sp_err_set(err, SPULL_EXISTS, "%s exists and is not %s", pull->path,
                   pull->want.text);
    sp_err_hint(err, "--force replaces it, once the new image is verified");
    return SPULL_EXISTS;
}

static enum spull_code judge_other(const struct pull *pull,
                                   struct spull_error *err)
{
    struct stat info;

    if (lstat(pull->path, &info) == 0 && !S_ISREG(info.st_mode) &&
        !S_ISLNK(info.st_mode))
        return sp_err_set(err, SPULL_EXISTS, "%s is %s", pull->path,
                          S_ISDIR(info.st_mode) ? "a directory"
                                                : "no regular file");
    return pull->replace ? SPULL_OK : sp_pull_say_exists(pull, err);
}

/*
 * Opens what is there; -1: nothing (*there false), or nothing that could be
 * read (errno). A file that could not be opened and is seen now has come in
 * between, as the one that everybody waits for does, and is opened at the next
 * try. O_NONBLOCK: the name could be a pipe's, which would wait for a writer.
 */
static int open_place(const char *path, bool *there)
{
    struct stat info = {0};
    bool again = true;
    int why = 0;
    int fd = -1;

    for (int tries = 0; again && tries < PLACE_TRIES; tries++) {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        why = errno;
        /* ESTALE: another NFS client has replaced it. */
        again = fd < 0 && (errno == ENOENT || errno == ESTALE);
        /* A link that leads nowhere, or a file closed to us, is there too. */
        *there = fd >= 0 || lstat(path, &info) == 0;
        again = again && *there && !S_ISLNK(info.st_mode);
    }
    errno = why;
    return fd;
}

/* It is there, and what it is nobody knows: that it differs would be a lie. A
 * link that leads nowhere, or a socket, is no image. */
static bool is_closed(int why)
{
    return why != ENOENT && why != ELOOP && why != ENXIO;
}

static enum spull_code look_at_place(struct pull *pull, enum present *out,
                                     struct spull_error *err)
{
    enum spull_code code = SPULL_OK;
    bool there = false;
    int fd = open_place(pull->path, &there);

    if (fd < 0 && there && !pull->replace && is_closed(errno))
        return sp_err_sys(err, SPULL_STORAGE, errno, "%s", pull->path);
    *out = there ? DIFFERENT : ABSENT;
    if (fd >= 0) {
        code = compare(pull, fd, out, err);
        close(fd);
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
