/* SPDX-License-Identifier: MIT */
/*
 * unpack_xz: how much an xz file's decoder will have to remember, from the
 * headers of its blocks, before it begins.
 *
 * A file may ask for 4 GiB, and libarchive sets liblzma no limit. (The others
 * have one: libzstd's is 128 MiB, gzip and bzip2 need next to nothing.)
 * Streams, blocks and chunks say how long they are, so that all headers can be
 * found without decoding; what they say is the decoder's to check.
 */
#include <string.h>

#include "limits.h"
#include "unpack_internal.h"

/* Where the walk is. What it wants mostly lies side by side, and may be single
 * bytes without end, so they are read many at a time. */
struct cursor {
    struct unpack *unpack;
    uint64_t at;
    bool lost; /* the file ends, or is no such file */
    uint64_t from;
    size_t ahead; /* bytes that are in the chunk of unpack, from there on */
};

#define AHEAD 4096

static enum spull_code read_ahead(struct cursor *cursor,
                                  struct spull_error *err)
{
    struct unpack *unpack = cursor->unpack;
    uint64_t left = unpack->size - cursor->at;
    enum spull_code code = SPULL_OK;

    cursor->from = cursor->at;
    cursor->ahead = left < AHEAD ? (size_t)left : AHEAD;
    code =
        sp_unpack_read(unpack, cursor->at, unpack->chunk, cursor->ahead, err);
    if (code == SPULL_OK) /* there is nothing to show yet, but to be told */
        code = unpack->sink->tick(unpack->sink->payload, 0, err);
    return code;
}

/* The next len bytes, no more than AHEAD, and on past them. */
static enum spull_code take(struct cursor *cursor, void *bytes, size_t len,
                            struct spull_error *err)
{
    struct unpack *unpack = cursor->unpack;
    enum spull_code code = SPULL_OK;

    cursor->lost =
        cursor->lost || len > unpack->size || cursor->at > unpack->size - len;
    if (cursor->lost) {
        memset(bytes, 0, len);
        return SPULL_OK;
    }
    if (cursor->at < cursor->from ||
        cursor->at + len > cursor->from + cursor->ahead)
        code = read_ahead(cursor, err);
    if (code == SPULL_OK)
        memcpy(bytes, unpack->chunk + (cursor->at - cursor->from), len);
    cursor->at += len;
    return code;
}

static void skip(struct cursor *cursor, uint64_t len)
{
    cursor->lost = cursor->lost || len > cursor->unpack->size - cursor->at;
    if (!cursor->lost)
        cursor->at += len;
}

#define LZMA2 0x21

/* An integer of up to 9 bytes, 7 bits each (1.2). */
static uint64_t vli(const unsigned char *bytes, size_t len, size_t *at)
{
    uint64_t value = 0;

    for (unsigned shift = 0; *at < len && shift < 63; shift += 7) {
        unsigned char byte = bytes[(*at)++];
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return value;
    }
    *at = len;
    return 0;
}

/* The size of a dictionary is 2 or 3 times a power of two (5.3.1). */
static uint64_t dictionary(unsigned char bits)
{
    return bits >= 40 ? UINT32_MAX
                      : (uint64_t)(2 | (bits & 1)) << (bits / 2 + 11);
}

/* The largest dictionary that the filters of a block header want; bytes starts
 * behind its size (3.1). */
static uint64_t wanted(const unsigned char *bytes, size_t len)
{
    size_t at = 1;
    unsigned filters = (bytes[0] & 3) + 1U;
    uint64_t most = 0;

    if (bytes[0] & 0x40) /* compressed size */
        vli(bytes, len, &at);
    if (bytes[0] & 0x80) /* uncompressed size */
        vli(bytes, len, &at);
    while (filters-- > 0 && at < len) {
        uint64_t id = vli(bytes, len, &at);
        uint64_t more = vli(bytes, len, &at);
        if (id == LZMA2 && more == 1 && at < len &&
            dictionary(bytes[at]) > most)
            most = dictionary(bytes[at]);
        at = more < len - at ? at + (size_t)more : len;
    }
    return most;
}

/* LZMA2's chunks, to their end (5.3.1, and lzma2_decoder.c of XZ Utils). */
static enum spull_code skip_chunks(struct cursor *cursor,
                                   struct spull_error *err)
{
    unsigned char head[5];
    enum spull_code code = take(cursor, head, 1, err);

    while (code == SPULL_OK && !cursor->lost && head[0] != 0) {
        bool stored = head[0] < 0x80;
        code = take(cursor, head + 1, stored ? 2 : 4, err);
        if (stored)
            skip(cursor, ((uint64_t)head[1] << 8 | head[2]) + 1);
        else /* from 0xc0 on, a byte of properties comes first */
            skip(cursor, ((uint64_t)head[3] << 8 | head[4]) + 1 +
                             (head[0] >= 0xc0 ? 1 : 0));
        if (code == SPULL_OK)
            code = take(cursor, head, 1, err);
    }
    return code;
}

/* first: of the block's header, which says how long it is. */
static enum spull_code take_block(struct cursor *cursor, unsigned char first,
                                  size_t check, struct spull_error *err)
{
    unsigned char header[4 * 256];
    size_t len = (size_t)first * 4 + 3;
    uint64_t start = 0;
    enum spull_code code = take(cursor, header, len, err);

    if (code != SPULL_OK || cursor->lost)
        return code;
    if (wanted(header, len) > SP_UNPACK_WINDOW_MAX)
        return sp_unpack_bad(cursor->unpack, err,
                             "wants more than %d MiB of memory",
                             (int)(SP_UNPACK_WINDOW_MAX / SP_MIB));
    start = cursor->at;
    code = skip_chunks(cursor, err);
    skip(cursor, (4 - (cursor->at - start) % 4) % 4 + check);
    return code;
}

/* The index: a list of numbers, which nobody needs here, and its check. */
static enum spull_code take_index(struct cursor *cursor,
                                  struct spull_error *err)
{
    unsigned char footer[12];
    enum spull_code code = SPULL_OK;
    uint64_t start = cursor->at - 1;
    uint64_t count = 0;
    unsigned char byte = 0x80;

    for (unsigned i = 0; i < 63 && byte >= 0x80 && code == SPULL_OK; i += 7) {
        code = take(cursor, &byte, 1, err);
        count |= (uint64_t)(byte & 0x7f) << i;
    }
    for (count *= 2; count > 0 && !cursor->lost && code == SPULL_OK;) {
        code = take(cursor, &byte, 1, err);
        count -= byte < 0x80;
    }
    skip(cursor, (4 - (cursor->at - start) % 4) % 4 + 4);
    return code == SPULL_OK ? take(cursor, footer, sizeof footer, err) : code;
}

static enum spull_code take_stream(struct cursor *cursor,
                                   struct spull_error *err)
{
    static const unsigned char check_size[16] = {
        0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64};
    unsigned char head[12] = {0};
    unsigned char first = 0;
    enum spull_code code = SPULL_OK;

    /* Zeros may stand between streams, four at a time (2.2). */
    code = take(cursor, head, 4, err);
    if (cursor->lost || memcmp(head, "\0\0\0", 4) == 0)
        return code;
    if (code == SPULL_OK)
        code = take(cursor, head + 4, sizeof head - 4, err);
    cursor->lost = cursor->lost || memcmp(head, "\xfd\x37zXZ\0", 6) != 0;
    if (code == SPULL_OK)
        code = take(cursor, &first, 1, err);
    while (code == SPULL_OK && !cursor->lost && first != 0) {
        code = take_block(cursor, first, check_size[head[7] & 0x0f], err);
        if (code == SPULL_OK)
            code = take(cursor, &first, 1, err);
    }
    return code == SPULL_OK && !cursor->lost ? take_index(cursor, err) : code;
}

enum spull_code sp_xz_check_memory(struct unpack *unpack,
                                   struct spull_error *err)
{
    struct cursor cursor = {.unpack = unpack};
    enum spull_code code = SPULL_OK;

    while (code == SPULL_OK && !cursor.lost && cursor.at < unpack->size)
        code = take_stream(&cursor, err);
    /* Whoever loses the way has not seen all headers. */
    if (code == SPULL_OK && cursor.lost)
        code = sp_unpack_bad(unpack, err,
                             "is damaged, cut short or followed by other data");
    return code;
}
