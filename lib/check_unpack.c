/* SPDX-License-Identifier: MIT */
/*
 * check_unpack: what is in a blob that is an archive. It is hashed and counted,
 * and goes nowhere; only the archive itself, which may have to be read from its
 * end, needs a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check_internal.h"
#include "err.h"
#include "unpack.h"

/* Not every file system has files without a name. */
static int open_and_unlink(const char *folder)
{
    char *path = NULL;
    int fd = -1;

    if (asprintf(&path, "%s/spull-check-XXXXXX", folder) < 0)
        return -1;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    free(path);
    return fd;
}

enum spull_code sp_scratch_open(const char *folder, int *fd,
                                struct spull_error *err)
{
    int opened = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (opened < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
        opened = open_and_unlink(folder);
    if (opened < 0) {
        sp_err_sys(err, SPULL_STORAGE, errno, "cannot make a file in %s",
                   folder);
        sp_err_hint(err, "archives are unpacked there; TMPDIR names another");
        return SPULL_STORAGE;
    }
    *fd = opened;
    return SPULL_OK;
}

/* The image as it comes out. */
struct image {
    struct sp_visit *visit;
    struct sp_hash *hash;
    uint64_t length;
};

static enum spull_code on_begin(void *payload, uint64_t size,
                                struct spull_error *err)
{
    (void)payload;
    (void)size;
    (void)err;
    return SPULL_OK;
}

static enum spull_code on_write(void *payload, const void *bytes, size_t len,
                                struct spull_error *err)
{
    struct image *image = payload;

    image->length += len;
    return sp_hash_add(image->hash, bytes, len, err);
}

static enum spull_code on_tick(void *payload, uint64_t at,
                               struct spull_error *err)
{
    struct image *image = payload;

    image->visit->watch.now.bytes = at;
    return sp_watch_tick(&image->visit->watch, err);
}

static enum spull_code unpack(struct image *image, int fd,
                              const struct sp_unpack_limit *limit,
                              struct sp_seen *seen, struct spull_error *err)
{
    struct sp_unpack_sink sink = {image, on_begin, on_write, on_tick};
    struct spull_error *why = &image->visit->why;
    enum spull_code code = sp_unpack(fd, seen->length, limit, &sink, why);

    if (code == SPULL_INTEGRITY) {
        seen->inside = SP_INSIDE_BAD;
        seen->why = why->text;
        return SPULL_OK;
    }
    if (code != SPULL_OK) {
        *err = *why;
        return code;
    }
    seen->inside = SP_INSIDE_IMAGE;
    seen->image_length = image->length;
    return sp_hash_end(image->hash, &seen->image_digest, err);
}

enum spull_code sp_check_unpack(struct sp_visit *visit, int fd,
                                const struct sp_stated *stated,
                                struct sp_seen *seen, struct spull_error *err)
{
    struct sp_watch *watch = &visit->watch;
    struct image image = {.visit = visit};
    struct sp_unpack_limit limit = sp_unpack_limit_of(
        seen->length, sp_size_bound(sp_stated_image_size(stated), false),
        visit->check->ctx->opts.unpack_max);

    watch->now.bytes = 0;
    watch->now.total = seen->length;
    enum spull_code code = sp_watch_phase(watch, SPULL_UNPACKING, err);
    if (code == SPULL_OK)
        code = sp_hash_new(SP_SHA256, &image.hash, err);
    if (code == SPULL_OK)
        code = unpack(&image, fd, &limit, seen, err);
    sp_hash_free(image.hash);
    return code;
}
