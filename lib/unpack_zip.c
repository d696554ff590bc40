/* SPDX-License-Identifier: MIT */
/*
 * unpack_zip: a zip, read by the list at its end, never by what looks like an
 * entry on the way there.
 *
 * Where that list is, and how long, is looked at before libarchive does: it
 * reads all of it into memory, and minds nothing that follows.
 */
#include <string.h>

#include "err.h"
#include "limits.h"
#include "unpack_internal.h"

/* The records at the end (APPNOTE.TXT, 4.3.14 to 4.3.16). */
#define END_SIZE     22
#define COMMENT_AT   20
#define LOCATOR_SIZE 20
#define END64_MIN    56

/* How far from the end libarchive looks for the last record. */
#define TAIL_MAX 16384

static uint64_t little(const unsigned char *at, int bytes)
{
    uint64_t value = 0;

    while (bytes-- > 0)
        value = value << 8 | at[bytes];
    return value;
}

/* The last record's place; false: there is none. */
static bool find_end(const unsigned char *tail, size_t len, size_t *out)
{
    for (size_t at = len < END_SIZE ? 0 : len - END_SIZE + 1; at > 0; at--)
        if (memcmp(tail + at - 1, "PK\5\6", 4) == 0) {
            *out = at - 1;
            return true;
        }
    return false;
}

static enum spull_code check_list(const struct unpack *unpack, uint64_t from,
                                  uint64_t to, struct spull_error *err)
{
    if (to - from > SP_UNPACK_LIST_MAX)
        return sp_unpack_bad(unpack, err,
                             "has a list of its files that is too long");
    return SPULL_OK;
}

/* Of a zip64, a record before the last one says where the list is: list,
 * record and locator follow one another. end: of the record. */
static enum spull_code check_zip64(struct unpack *unpack, uint64_t at,
                                   uint64_t end, struct spull_error *err)
{
    unsigned char record[END64_MIN] = {0};
    uint64_t size = 0;
    uint64_t from = 0;
    enum spull_code code = SPULL_OK;

    if (end < END64_MIN || at > end - END64_MIN)
        return sp_unpack_bad(unpack, err, "is damaged or cut short");
    code = sp_unpack_read(unpack, at, record, sizeof record, err);
    if (code != SPULL_OK)
        return code;
    size = little(record + 40, 8);
    from = little(record + 48, 8);
    if (memcmp(record, "PK\6\6", 4) != 0 ||
        little(record + 4, 8) != end - at - 12 || size > at ||
        from != at - size)
        return sp_unpack_bad(unpack, err, "is damaged or cut short");
    return check_list(unpack, from, end, err);
}

/* What the last record itself says; in a zip64 it may say nothing. */
static enum spull_code check_classic(const struct unpack *unpack,
                                     const unsigned char *record, uint64_t end,
                                     bool zip64, struct spull_error *err)
{
    uint64_t size = little(record + 12, 4);
    uint64_t from = little(record + 16, 4);

    if (zip64 && (size == UINT32_MAX || from == UINT32_MAX))
        return SPULL_OK;
    if (from + size > end || (!zip64 && from + size != end))
        return sp_unpack_bad(unpack, err, "is damaged or cut short");
    if (size == 0)
        return sp_unpack_bad(unpack, err, "holds no image: it is empty");
    return check_list(unpack, from, end, err);
}

/* A comment may follow the last record, and nothing else. */
static enum spull_code check_end(struct unpack *unpack,
                                 const unsigned char *tail, size_t len,
                                 struct spull_error *err)
{
    size_t at = 0;
    uint64_t end = 0;
    bool zip64 = false;
    enum spull_code code = SPULL_OK;

    if (!find_end(tail, len, &at))
        return sp_unpack_bad(unpack, err,
                             "is cut short, or followed by other data");
    if (at + END_SIZE + little(tail + at + COMMENT_AT, 2) != len)
        return sp_unpack_bad(unpack, err, "is followed by other data");
    end = unpack->size - len + at;
    zip64 = at >= LOCATOR_SIZE &&
            memcmp(tail + at - LOCATOR_SIZE, "PK\6\7", 4) == 0;
    code = check_classic(unpack, tail + at, end, zip64, err);
    if (code == SPULL_OK && zip64)
        code = check_zip64(unpack, little(tail + at - LOCATOR_SIZE + 8, 8),
                           end - LOCATOR_SIZE, err);
    return code;
}

static enum spull_code look_at_end(struct unpack *unpack,
                                   struct spull_error *err)
{
    size_t len = unpack->size < TAIL_MAX ? (size_t)unpack->size : TAIL_MAX;
    enum spull_code code =
        sp_unpack_read(unpack, unpack->size - len, unpack->chunk, len, err);

    return code == SPULL_OK ? check_end(unpack, unpack->chunk, len, err) : code;
}

enum spull_code sp_unpack_zip(struct unpack *unpack, struct spull_error *err)
{
    const struct libarchive *lib = unpack->lib;
    struct archive *archive = NULL;
    enum spull_code code = look_at_end(unpack, err);

    if (code != SPULL_OK)
        return code;
    archive = lib->archive_read_new();
    if (archive == NULL)
        return sp_err_nomem(err);
    if (lib->archive_read_support_format_zip_seekable(archive) != ARCHIVE_OK)
        code = sp_unpack_failed(unpack, archive, err);
    if (code == SPULL_OK)
        code = sp_unpack_open(unpack, archive, err);
    if (code == SPULL_OK)
        code = sp_unpack_entries(unpack, archive, err);
    lib->archive_read_free(archive);
    return code;
}
