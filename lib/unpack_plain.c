/* SPDX-License-Identifier: MIT */
/*
 * unpack_plain: the content without its compression, chunk by chunk.
 *
 * libarchive is given the one filter that the first bytes ask for, and is held
 * to it: it would take off layer after layer, pass over what follows the end,
 * and run a program where it can't do something itself.
 */
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "limits.h"
#include "unpack_internal.h"

/* How to take off the compression of each kind. */
struct way {
    const char *kind; /* as sif calls it */
    int code;
    int (*support)(struct archive *archive);
};

static bool find_way(const struct unpack *unpack, struct way *out)
{
    const struct libarchive *lib = unpack->lib;
    const struct way ways[] = {
        {"gzip file", ARCHIVE_FILTER_GZIP,
         lib->archive_read_support_filter_gzip},
        {"xz file", ARCHIVE_FILTER_XZ, lib->archive_read_support_filter_xz},
        {"zstd file", ARCHIVE_FILTER_ZSTD,
         lib->archive_read_support_filter_zstd},
        {"bzip2 file", ARCHIVE_FILTER_BZIP2,
         lib->archive_read_support_filter_bzip2},
    };

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (strcmp(unpack->kind, ways[i].kind) == 0) {
            *out = ways[i];
            return true;
        }
    return false;
}

/* ARCHIVE_WARN means that a program would do it. */
static enum spull_code set_up(struct plain *plain, const struct way *way,
                              struct spull_error *err)
{
    const struct libarchive *lib = plain->unpack->lib;

    plain->archive = lib->archive_read_new();
    if (plain->archive == NULL)
        return sp_err_nomem(err);
    if (way->support(plain->archive) != ARCHIVE_OK) {
        sp_err_set(err, SPULL_INTERNAL, "this libarchive can't read a %s",
                   plain->unpack->kind);
        sp_err_hint(err, "keep the file as it is, and unpack it by hand");
        return SPULL_INTERNAL;
    }
    if (lib->archive_read_support_format_raw(plain->archive) != ARCHIVE_OK ||
        lib->archive_read_support_format_empty(plain->archive) != ARCHIVE_OK)
        return sp_unpack_failed(plain->unpack, plain->archive, err);
    return sp_unpack_open(plain->unpack, plain->archive, err);
}

static enum spull_code start(struct plain *plain, const struct way *way,
                             struct spull_error *err)
{
    struct unpack *unpack = plain->unpack;
    const struct libarchive *lib = unpack->lib;
    struct archive_entry *entry = NULL;
    enum spull_code code = set_up(plain, way, err);
    int result = ARCHIVE_OK;

    if (code != SPULL_OK)
        return code;
    result = lib->archive_read_next_header(plain->archive, &entry);
    plain->over = result == ARCHIVE_EOF;
    if (result != ARCHIVE_OK && result != ARCHIVE_EOF)
        return sp_unpack_failed(unpack, plain->archive, err);
    /* Two: the one that we want, and the file. */
    if (lib->archive_filter_count(plain->archive) > 2)
        return sp_unpack_bad(unpack, err, "is compressed more than once");
    if (lib->archive_filter_code(plain->archive, 0) != way->code)
        return sp_unpack_bad(unpack, err, "is damaged: it starts like one");
    return SPULL_OK;
}

enum spull_code sp_plain_open(struct plain *plain, struct unpack *unpack,
                              struct spull_error *err)
{
    struct way way;

    memset(plain, 0, sizeof *plain);
    plain->unpack = unpack;
    plain->chunk = malloc(SP_HASH_CHUNK);
    if (plain->chunk == NULL)
        return sp_err_nomem(err);
    if (!find_way(unpack, &way))
        return SPULL_OK;
    return start(plain, &way, err);
}

void sp_plain_done(struct plain *plain)
{
    if (plain->archive != NULL)
        plain->unpack->lib->archive_read_free(plain->archive);
    free(plain->chunk);
}

/* What follows the compressed data must be padding. */
static enum spull_code check_end(struct plain *plain, struct spull_error *err)
{
    struct unpack *unpack = plain->unpack;
    const struct libarchive *lib = unpack->lib;
    uint64_t end =
        unpack->start + (uint64_t)lib->archive_filter_bytes(plain->archive, -1);
    bool ends = false;
    enum spull_code code = sp_unpack_ends(unpack, end, &ends, err);

    if (code == SPULL_OK && !ends)
        return sp_unpack_bad(unpack, err, "is followed by other data");
    if (code == SPULL_OK &&
        lib->archive_filter_code(plain->archive, 0) == ARCHIVE_FILTER_GZIP)
        code = sp_gzip_check(unpack, &plain->sum, end, err);
    return code;
}

static enum spull_code from_file(struct plain *plain, struct spull_error *err)
{
    struct unpack *unpack = plain->unpack;
    uint64_t left = unpack->size - unpack->at;
    enum spull_code code = SPULL_OK;

    plain->len = left < SP_HASH_CHUNK ? (size_t)left : SP_HASH_CHUNK;
    plain->over = plain->len == left;
    code = sp_unpack_read(unpack, unpack->at, plain->chunk, plain->len, err);
    unpack->at += plain->len;
    if (code == SPULL_OK)
        code = unpack->sink->tick(unpack->sink->payload, unpack->at, err);
    return code;
}

static enum spull_code from_archive(struct plain *plain,
                                    struct spull_error *err)
{
    struct unpack *unpack = plain->unpack;

    while (plain->len < SP_HASH_CHUNK && !plain->over) {
        la_ssize_t n = unpack->lib->archive_read_data(
            plain->archive, plain->chunk + plain->len,
            SP_HASH_CHUNK - plain->len);
        if (n < 0)
            return sp_unpack_failed(unpack, plain->archive, err);
        plain->over = n == 0;
        plain->len += (size_t)n;
    }
    sp_gzip_add(&plain->sum, plain->chunk, plain->len);
    return plain->over ? check_end(plain, err) : SPULL_OK;
}

enum spull_code sp_plain_next(struct plain *plain, struct spull_error *err)
{
    struct unpack *unpack = plain->unpack;
    enum spull_code code = SPULL_OK;

    plain->len = 0;
    if (plain->over && plain->end > 0)
        return SPULL_OK;
    code = plain->archive == NULL ? from_file(plain, err)
                                  : from_archive(plain, err);
    plain->end += plain->len;
    /* An image is held to the limit where it is written. */
    if (code == SPULL_OK && plain->archive != NULL &&
        plain->end > SP_UNPACK_BESIDE_MAX &&
        plain->end - SP_UNPACK_BESIDE_MAX > unpack->limit->bytes)
        return sp_unpack_bad(unpack, err, "holds too much: the limit is %s",
                             unpack->limit->why);
    return code;
}
