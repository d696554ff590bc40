/* SPDX-License-Identifier: MIT */
/*
 * unpack_tar: a tar, read through whatever its compression leaves; and that
 * nothing but zeros follows its end, which libarchive does not look at.
 */
#include "err.h"
#include "limits.h"
#include "unpack_internal.h"

/* A tar while it is read. */
struct tar {
    struct plain *plain;
    bool begun; /* the first chunk was handed out */
};

static la_ssize_t on_read(struct archive *archive, void *payload,
                          const void **bytes)
{
    struct tar *tar = payload;
    struct unpack *unpack = tar->plain->unpack;
    enum spull_code code = SPULL_OK;

    (void)archive;
    if (unpack->in_header && unpack->read >= SP_UNPACK_HEADER_MAX)
        code = sp_unpack_headers(unpack, &unpack->why);
    else if (tar->begun)
        code = sp_plain_next(tar->plain, &unpack->why);
    unpack->read += tar->plain->len;
    tar->begun = true;
    *bytes = tar->plain->chunk;
    if (code == SPULL_OK)
        return (la_ssize_t)tar->plain->len;
    unpack->why.code = code;
    return -1;
}

static enum spull_code open_tar(struct tar *tar, struct archive *archive,
                                struct spull_error *err)
{
    struct unpack *unpack = tar->plain->unpack;
    const struct libarchive *lib = unpack->lib;

    if (lib->archive_read_support_format_tar(archive) != ARCHIVE_OK ||
        lib->archive_read_set_read_callback(archive, on_read) != ARCHIVE_OK ||
        lib->archive_read_set_callback_data(archive, tar) != ARCHIVE_OK ||
        lib->archive_read_open1(archive) != ARCHIVE_OK)
        return sp_unpack_failed(unpack, archive, err);
    return SPULL_OK;
}

static bool is_zeros(const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* from: where libarchive saw the end. Chunks are whole blocks, so that is in
 * the last one. */
static enum spull_code check_rest(struct plain *plain, uint64_t from,
                                  struct spull_error *err)
{
    uint64_t start = plain->end - plain->len;
    size_t at = from > start ? (size_t)(from - start) : 0;
    enum spull_code code = SPULL_OK;

    while (code == SPULL_OK && plain->len > 0) {
        if (!is_zeros(plain->chunk + at, plain->len - at))
            return sp_unpack_bad(plain->unpack, err,
                                 "is followed by other data");
        at = 0;
        code = sp_plain_next(plain, err);
    }
    return code;
}

enum spull_code sp_unpack_tar(struct plain *plain, struct spull_error *err)
{
    struct unpack *unpack = plain->unpack;
    const struct libarchive *lib = unpack->lib;
    struct tar tar = {.plain = plain};
    struct archive *archive = lib->archive_read_new();
    enum spull_code code = SPULL_OK;

    if (archive == NULL)
        return sp_err_nomem(err);
    code = open_tar(&tar, archive, err);
    if (code == SPULL_OK)
        code = sp_unpack_entries(unpack, archive, err);
    if (code == SPULL_OK)
        code = check_rest(plain,
                          (uint64_t)lib->archive_filter_bytes(archive, 0), err);
    lib->archive_read_free(archive);
    return code;
}
