/* SPDX-License-Identifier: MIT */
/*
 * unpack: the order of things. By its first bytes a file is a zip, which has to
 * be read from its end; or a stream, whose content is an image or a tar.
 */
#include "unpack.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "limits.h"
#include "unpack_internal.h"

bool sp_unpack_takes(const struct sp_look *look)
{
    static const char *const kinds[] = {"gzip file",   "xz file",
                                        "zstd file",   "bzip2 file",
                                        "tar archive", "zip archive"};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(look->kind, kinds[i]) == 0)
            return true;
    return false;
}

struct sp_unpack_limit sp_unpack_limit_of(uint64_t archive, uint64_t stated,
                                          uint64_t most)
{
    struct sp_unpack_limit limit = {
        SP_UNPACK_FREE, "more than any image has in an archive of its size"};

    if (stated > 0) {
        limit.bytes = stated;
        limit.why = "what the manifest says of the image";
    } else if (archive > SP_UNPACK_FREE / SP_UNPACK_RATIO) {
        limit.bytes = archive < SP_IMAGE_MAX / SP_UNPACK_RATIO
                          ? archive * SP_UNPACK_RATIO
                          : SP_IMAGE_MAX;
    }
    if (most > 0 && most < limit.bytes) {
        limit.bytes = most;
        limit.why = "the maximum set";
    }
    return limit;
}

/* The content is the image. */
static enum spull_code write_all(struct plain *plain, struct spull_error *err)
{
    enum spull_code code = sp_unpack_begin(plain->unpack, 0, err);

    while (code == SPULL_OK && plain->len > 0) {
        code = sp_unpack_write(plain->unpack, plain->chunk, plain->len, err);
        if (code == SPULL_OK)
            code = sp_plain_next(plain, err);
    }
    return code;
}

static enum spull_code take_content(struct plain *plain,
                                    struct spull_error *err)
{
    struct unpack *unpack = plain->unpack;
    enum spull_code code = sp_plain_next(plain, err);
    struct sp_look look;

    if (code != SPULL_OK)
        return code;
    look = sp_sif_look(plain->chunk,
                       plain->len < SP_LOOK_BYTES ? plain->len : SP_LOOK_BYTES);
    if (look.image)
        return write_all(plain, err);
    if (strcmp(look.kind, "tar archive") != 0)
        return sp_unpack_bad(unpack, err,
                             "holds no image; its content looks like: %s",
                             look.kind);
    if (plain->archive != NULL)
        unpack->kind = "compressed tar archive";
    return sp_unpack_tar(plain, err);
}

/* len: bytes of the start that are in the chunk. */
static enum spull_code take_stream(struct unpack *unpack, size_t len,
                                   struct spull_error *err)
{
    struct plain plain;
    enum spull_code code = SPULL_OK;

    if (strcmp(unpack->kind, "xz file") == 0)
        code = sp_xz_check_memory(unpack, err);
    /* Not each libarchive knows a zstd file that starts with other frames. */
    if (strcmp(unpack->kind, "zstd file") == 0)
        sp_sif_zstd(unpack->chunk, len, &unpack->start);
    if (code != SPULL_OK)
        return code;
    code = sp_plain_open(&plain, unpack, err);
    if (code == SPULL_OK)
        code = take_content(&plain, err);
    sp_plain_done(&plain);
    return code;
}

static enum spull_code run(struct unpack *unpack, struct spull_error *err)
{
    size_t len =
        unpack->size < SP_LOOK_BYTES ? (size_t)unpack->size : SP_LOOK_BYTES;
    enum spull_code code = sp_unpack_read(unpack, 0, unpack->chunk, len, err);
    struct sp_look look;

    if (code != SPULL_OK)
        return code;
    look = sp_sif_look(unpack->chunk, len);
    if (!sp_unpack_takes(&look))
        return sp_err_set(err, SPULL_INTEGRITY,
                          "nothing that can be unpacked; it looks like: %s",
                          look.kind);
    unpack->kind = look.kind;
    if (strcmp(look.kind, "zip archive") == 0)
        return sp_unpack_zip(unpack, err);
    return take_stream(unpack, len, err);
}

enum spull_code sp_unpack(int fd, uint64_t size,
                          const struct sp_unpack_limit *limit,
                          const struct sp_unpack_sink *sink,
                          struct spull_error *err)
{
    struct unpack unpack = {.limit = limit,
                            .sink = sink,
                            .kind = "archive",
                            .fd = fd,
                            .size = size};
    enum spull_code code = sp_unpack_library(&unpack.lib, err);

    if (code != SPULL_OK)
        return code;
    unpack.chunk = malloc(SP_HASH_CHUNK);
    code = unpack.chunk == NULL ? sp_err_nomem(err) : run(&unpack, err);
    free(unpack.chunk);
    return code;
}
