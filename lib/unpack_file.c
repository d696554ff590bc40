/* SPDX-License-Identifier: MIT */
/*
 * unpack_file: the archive as a file that libarchive reads, and the errors of
 * both sides. Reads by position, so whoever else has the descriptor keeps his.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "err.h"
#include "limits.h"
#include "unpack_internal.h"

enum spull_code sp_unpack_read(struct unpack *unpack, uint64_t at, void *bytes,
                               size_t len, struct spull_error *err)
{
    char *to = bytes;

    while (len > 0) {
        ssize_t n = pread(unpack->fd, to, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sp_err_sys(err, SPULL_STORAGE, errno, "cannot read the %s",
                              unpack->kind);
        if (n == 0)
            return sp_err_set(err, SPULL_STORAGE,
                              "cannot read the %s: it was cut by somebody else",
                              unpack->kind);
        to += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return SPULL_OK;
}

/* --- what libarchive calls ------------------------------------------------ */

static la_ssize_t on_read(struct archive *archive, void *payload,
                          const void **bytes)
{
    struct unpack *unpack = payload;
    uint64_t left = unpack->size - unpack->at;
    size_t len = left < SP_HASH_CHUNK ? (size_t)left : SP_HASH_CHUNK;
    enum spull_code code =
        sp_unpack_read(unpack, unpack->at, unpack->chunk, len, &unpack->why);

    (void)archive;
    unpack->at += len;
    *bytes = unpack->chunk;
    if (code == SPULL_OK)
        code =
            unpack->sink->tick(unpack->sink->payload, unpack->at, &unpack->why);
    if (code == SPULL_OK)
        return (la_ssize_t)len;
    unpack->why.code = code;
    return -1;
}

static la_int64_t on_skip(struct archive *archive, void *payload,
                          la_int64_t request)
{
    struct unpack *unpack = payload;
    uint64_t left = unpack->size - unpack->at;
    uint64_t skip = request < 0 ? 0 : (uint64_t)request;

    (void)archive;
    if (skip > left)
        skip = left;
    unpack->at += skip;
    return (la_int64_t)skip;
}

static la_int64_t on_seek(struct archive *archive, void *payload,
                          la_int64_t offset, int whence)
{
    struct unpack *unpack = payload;
    la_int64_t from = whence == SEEK_END   ? (la_int64_t)unpack->size
                      : whence == SEEK_CUR ? (la_int64_t)unpack->at
                                           : 0;

    (void)archive;
    if (offset < -from || offset > (la_int64_t)unpack->size - from)
        return ARCHIVE_FATAL;
    unpack->at = (uint64_t)(from + offset);
    return from + offset;
}

enum spull_code sp_unpack_open(struct unpack *unpack, struct archive *archive,
                               struct spull_error *err)
{
    const struct libarchive *lib = unpack->lib;

    unpack->at = unpack->start;
    if (lib->archive_read_set_read_callback(archive, on_read) != ARCHIVE_OK ||
        lib->archive_read_set_skip_callback(archive, on_skip) != ARCHIVE_OK ||
        lib->archive_read_set_seek_callback(archive, on_seek) != ARCHIVE_OK ||
        lib->archive_read_set_callback_data(archive, unpack) != ARCHIVE_OK ||
        lib->archive_read_open1(archive) != ARCHIVE_OK)
        return sp_unpack_failed(unpack, archive, err);
    return SPULL_OK;
}

/* --- errors --------------------------------------------------------------- */

enum spull_code sp_unpack_bad(const struct unpack *unpack,
                              struct spull_error *err, const char *format, ...)
{
    char text[sizeof err->text];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return sp_err_set(err, SPULL_INTEGRITY, "the %s %s", unpack->kind, text);
}

enum spull_code sp_unpack_failed(struct unpack *unpack, struct archive *archive,
                                 struct spull_error *err)
{
    const char *text = unpack->lib->archive_error_string(archive);

    if (unpack->why.code != SPULL_OK) {
        if (err != NULL)
            *err = unpack->why;
        return unpack->why.code;
    }
    if (unpack->lib->archive_errno(archive) == ENOMEM)
        return sp_err_nomem(err);
    return sp_unpack_bad(unpack, err, "is damaged or cut short: %s",
                         text == NULL ? "it makes no sense" : text);
}

/* --- the image ------------------------------------------------------------ */

static enum spull_code too_much(const struct unpack *unpack,
                                struct spull_error *err)
{
    return sp_unpack_bad(unpack, err,
                         "holds more than %" PRIu64 " bytes, which is %s",
                         unpack->limit->bytes, unpack->limit->why);
}

enum spull_code sp_unpack_begin(struct unpack *unpack, uint64_t size,
                                struct spull_error *err)
{
    if (size > unpack->limit->bytes)
        return too_much(unpack, err);
    return unpack->sink->begin(unpack->sink->payload, size, err);
}

enum spull_code sp_unpack_write(struct unpack *unpack, const void *bytes,
                                size_t len, struct spull_error *err)
{
    if (len > unpack->limit->bytes - unpack->written)
        return too_much(unpack, err);
    unpack->written += len;
    return unpack->sink->write(unpack->sink->payload, bytes, len, err);
}

enum spull_code sp_unpack_ends(struct unpack *unpack, uint64_t at, bool *out,
                               struct spull_error *err)
{
    unsigned char bytes[4096];
    enum spull_code code = SPULL_OK;

    *out = true;
    while (*out && at < unpack->size && code == SPULL_OK) {
        uint64_t left = unpack->size - at;
        size_t len = left < sizeof bytes ? (size_t)left : sizeof bytes;
        code = sp_unpack_read(unpack, at, bytes, len, err);
        for (size_t i = 0; i < len && code == SPULL_OK; i++)
            *out = *out && bytes[i] == 0;
        at += len;
    }
    return code;
}
