/* SPDX-License-Identifier: MIT */
/*
 * pull_verify: is an installed file still what it was, and what the registry
 * promises? Reads all of it, whatever proof it carries: that is its purpose.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "proof.h"
#include "pull_internal.h"
#include "verify.h"

/* A file that is read again. */
struct second {
    struct pull *pull;
    int fd;
    bool remembers;         /* memory holds */
    struct sp_proof memory; /* what was once found for it */
    struct sp_digest actual;
};

/* Without a reference, the file's own memory has to do. */
static enum spull_code choose(struct second *second, struct spull_error *err)
{
    struct pull *pull = second->pull;
    const struct sp_proof *memory = &second->memory;

    if (pull->ref != NULL)
        return sp_pull_find(pull, err);
    if (second->remembers) {
        pull->want = memory->unpacked ? memory->origin : memory->digest;
        return SPULL_OK;
    }
    sp_err_set(err, SPULL_NOT_FOUND, "%s: nothing is known of this file",
               pull->path);
    sp_err_hint(err, "--ref COLLECTION/NAME:TAG compares it with a registry");
    return SPULL_NOT_FOUND;
}

/* It was unpacked from the blob that is wanted: then that is what the file has
 * to be, unless the registry says it better. */
static void use_memory(struct second *second)
{
    struct pull *pull = second->pull;

    if (!second->remembers || !second->memory.unpacked ||
        !sp_digest_equal(&second->memory.origin, &pull->want))
        return;
    sp_pull_is_packed(pull);
    if (pull->has_image)
        return;
    pull->has_image = true;
    pull->image = second->memory.digest;
}

static const struct sp_digest *expected(const struct pull *pull)
{
    return pull->packing == PACKED && pull->has_image ? &pull->image
                                                      : &pull->want;
}

static enum spull_code read_again(struct second *second,
                                  struct spull_error *err)
{
    struct pull *pull = second->pull;
    enum spull_code code =
        sp_verify_file(second->fd, expected(pull)->algorithm, &pull->watch,
                       &second->actual, &pull->look, err);

    return code == SPULL_STORAGE ? sp_err_wrap(err, code, "%s", pull->path)
                                 : code;
}

/* Damage, or an older image that is as good as on its first day? */
static enum spull_code say_other(const struct second *second,
                                 struct spull_error *err)
{
    const struct pull *pull = second->pull;

    if (pull->ref == NULL || !second->remembers ||
        !sp_digest_equal(&second->actual, &second->memory.digest))
        return sp_err_set(err, SPULL_INTEGRITY,
                          "%s: damaged, or another image: expected %s, it "
                          "has %s",
                          pull->path, expected(pull)->text,
                          second->actual.text);
    sp_err_set(err, SPULL_INTEGRITY,
               "%s: intact, but the tag has moved on: it has %s, the "
               "registry now has %s",
               pull->path, second->actual.text, expected(pull)->text);
    sp_err_hint(err, "\"spull pull --force\" replaces it by the new image");
    return SPULL_INTEGRITY;
}

/* Both came out of archives, and only of these there is something to compare:
 * what was pulled as it is may be the very image of this one. */
static enum spull_code say_unknown(const struct second *second,
                                   struct spull_error *err)
{
    const struct pull *pull = second->pull;
    const struct sp_proof *memory = &second->memory;

    if (second->remembers && memory->unpacked &&
        sp_digest_equal(&second->actual, &memory->digest)) {
        sp_err_set(err, SPULL_INTEGRITY,
                   "%s: intact, but the tag has moved on: it came out of %s, "
                   "the registry now has %s",
                   pull->path, memory->origin.text, pull->want.text);
        sp_err_hint(err, "\"spull pull --force\" replaces it by the new image");
        return SPULL_INTEGRITY;
    }
    sp_err_set(err, SPULL_NOT_FOUND,
               "%s: the registry has an archive of the image, %s, and does not "
               "say what the image's digest is",
               pull->path, pull->want.text);
    sp_err_hint(err, "\"spull pull\" unpacks it again, and compares");
    return SPULL_NOT_FOUND;
}

/* It is not the blob. If that is an archive, it need not be. */
static enum spull_code try_unpacked(struct second *second,
                                    struct spull_error *err)
{
    struct pull *pull = second->pull;
    enum spull_code code = SPULL_OK;

    if (pull->ref == NULL || pull->packing == PACKED || !pull->look.image)
        return say_other(second, err);
    code = sp_pull_look_at_blob(pull, err);
    if (code != SPULL_OK)
        return code;
    if (pull->packing == PACKED && pull->has_image) {
        if (pull->want.algorithm != SP_SHA256)
            code = read_again(second, err);
        if (code != SPULL_OK || sp_digest_equal(&second->actual, &pull->image))
            return code;
    }
    if (pull->packing == PLAIN || pull->has_image)
        return say_other(second, err);
    return say_unknown(second, err);
}

static enum spull_code compare(struct second *second, struct spull_error *err)
{
    struct pull *pull = second->pull;
    struct sp_proof proof;
    struct stat info;
    enum spull_code code = SPULL_OK;

    second->remembers = sp_proof_remember(second->fd, &second->memory);
    code = choose(second, err);
    if (code != SPULL_OK)
        return code;
    use_memory(second);
    code = sp_watch_phase(&pull->watch, SPULL_CHECKING, err);
    if (code == SPULL_OK)
        code = read_again(second, err);
    if (code == SPULL_OK && !sp_digest_equal(&second->actual, expected(pull)))
        code = try_unpacked(second, err);
    if (code != SPULL_OK)
        return code;
    if (fstat(second->fd, &info) == 0)
        pull->size = (uint64_t)info.st_size;
    proof = sp_pull_proof(pull, &second->actual);
    sp_proof_write(second->fd, &proof);
    if (pull->want.algorithm != SP_SHA256)
        sp_ctx_warn(pull->ctx, "%s: weak: only an md5 vouches for this image",
                    pull->path);
    return SPULL_OK;
}

enum spull_code sp_pull_verify(struct pull *pull, struct spull_error *err)
{
    struct second second = {.pull = pull};
    struct stat info;
    enum spull_code code = SPULL_OK;
    int fd = open(pull->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return sp_err_sys(err,
                          errno == ENOENT ? SPULL_NOT_FOUND : SPULL_STORAGE,
                          errno, "%s", pull->path);
    second.fd = fd;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
        code = compare(&second, err);
    else
        code =
            sp_err_set(err, SPULL_STORAGE, "%s: no regular file", pull->path);
    close(fd);
    return code;
}
