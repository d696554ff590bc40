/* SPDX-License-Identifier: MIT */
/*
 * pull_verify: is an installed file still what it was, and what the registry
 * promises? Reads all of it, whatever proof it carries: that is its purpose.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "proof.h"
#include "pull_internal.h"
#include "verify.h"

/* What was once found for the file, if anything. */
struct memory {
    bool there;
    struct sp_digest digest;
};

static enum spull_code choose(struct pull *pull, const struct memory *memory,
                              struct spull_error *err)
{
    if (pull->ref != NULL)
        return sp_pull_find(pull, err);
    if (memory->there) {
        pull->want = memory->digest;
        return SPULL_OK;
    }
    sp_err_set(err, SPULL_NOT_FOUND, "%s: nothing is known of this file",
               pull->path);
    sp_err_hint(err, "--ref COLLECTION/NAME:TAG compares it with a registry");
    return SPULL_NOT_FOUND;
}

/* Damage, or an older image that is as good as on its first day? */
static enum spull_code say_other(const struct pull *pull,
                                 const struct sp_digest *actual,
                                 const struct memory *memory,
                                 struct spull_error *err)
{
    if (pull->ref == NULL || !memory->there ||
        !sp_digest_equal(actual, &memory->digest))
        return sp_err_set(err, SPULL_INTEGRITY,
                          "%s: damaged, or another image: expected %s, it "
                          "has %s",
                          pull->path, pull->want.text, actual->text);
    sp_err_set(err, SPULL_INTEGRITY,
               "%s: intact, but the tag has moved on: it has %s, the "
               "registry now has %s",
               pull->path, actual->text, pull->want.text);
    sp_err_hint(err, "\"spull pull --force\" replaces it by the new image");
    return SPULL_INTEGRITY;
}

static enum spull_code compare(struct pull *pull, int fd,
                               struct spull_error *err)
{
    struct memory memory = {0};
    struct sp_digest actual;
    struct stat info;
    enum spull_code code = SPULL_OK;

    memory.there = sp_proof_remember(fd, &memory.digest);
    code = choose(pull, &memory, err);
    if (code == SPULL_OK)
        code = sp_watch_phase(&pull->watch, SPULL_CHECKING, err);
    if (code == SPULL_OK)
        code = sp_verify_file(fd, pull->want.algorithm, &pull->watch, &actual,
                              &pull->look, err);
    if (code != SPULL_OK)
        return code;
    if (!sp_digest_equal(&actual, &pull->want))
        return say_other(pull, &actual, &memory, err);
    if (fstat(fd, &info) == 0)
        pull->size = (uint64_t)info.st_size;
    sp_proof_write(fd, &actual, &pull->look);
    return SPULL_OK;
}

enum spull_code sp_pull_verify(struct pull *pull, struct spull_error *err)
{
    struct stat info;
    enum spull_code code = SPULL_OK;
    int fd = open(pull->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return sp_err_sys(err,
                          errno == ENOENT ? SPULL_NOT_FOUND : SPULL_STORAGE,
                          errno, "%s", pull->path);
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
        code = compare(pull, fd, err);
    else
        code =
            sp_err_set(err, SPULL_STORAGE, "%s: no regular file", pull->path);
    close(fd);
    return code;
}
