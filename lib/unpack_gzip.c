/* SPDX-License-Identifier: MIT */
/*
 * unpack_gzip: the check sum of a gzip file, which libarchive reads over.
 *
 * A member ends in the CRC-32 and the length of what it gives (RFC 1952,
 * section 2.3.1). One member is the rule, and is held to both. Where several
 * are joined, libarchive does not tell where one ends and the next begins.
 */
#include <pthread.h>

#include "limits.h"
#include "unpack_internal.h"

#define POLYNOMIAL 0xedb88320U /* of CRC-32, bits reversed */
#define TRAILER    8
#define MEMBER_MIN 18 /* header, an empty block, trailer */

/* Eight bytes at a time: table[k] is for one that k others follow. */
static uint32_t table[8][256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void make_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = value >> 1 ^ ((value & 1) != 0 ? POLYNOMIAL : 0);
        table[0][i] = value;
    }
    for (int k = 1; k < 8; k++)
        for (int i = 0; i < 256; i++)
            table[k][i] =
                table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xff];
}

static uint32_t little32(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
           (uint32_t)at[3] << 24;
}

void sp_gzip_add(struct gzip_sum *sum, const unsigned char *bytes, size_t len)
{
    uint32_t crc = ~sum->crc;

    pthread_once(&table_once, make_table);
    sum->bytes += len;
    for (; len >= 8; len -= 8, bytes += 8) {
        uint32_t low = crc ^ little32(bytes);
        crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^
              table[5][low >> 16 & 0xff] ^ table[4][low >> 24] ^
              table[3][bytes[4]] ^ table[2][bytes[5]] ^ table[1][bytes[6]] ^
              table[0][bytes[7]];
    }
    for (; len > 0; len--, bytes++)
        crc = crc >> 8 ^ table[0][(crc ^ *bytes) & 0xff];
    sum->crc = ~crc;
}

/* The start of a member: magic, deflate, no flag that is reserved. */
static bool is_header(const unsigned char *at)
{
    return at[0] == 0x1f && at[1] == 0x8b && at[2] == 8 && (at[3] & 0xe0) == 0;
}

/* Can there be a second member? */
static enum spull_code may_be_joined(struct unpack *unpack, uint64_t end,
                                     bool *out, struct spull_error *err)
{
    uint64_t at = MEMBER_MIN;
    enum spull_code code = SPULL_OK;

    *out = false;
    while (at + MEMBER_MIN <= end && !*out && code == SPULL_OK) {
        size_t len =
            end - at < SP_HASH_CHUNK ? (size_t)(end - at) : SP_HASH_CHUNK;
        code = sp_unpack_read(unpack, at, unpack->chunk, len, err);
        for (size_t i = 0; i + 4 <= len && code == SPULL_OK; i++)
            *out = *out || is_header(unpack->chunk + i);
        at += len - 3; /* a header could be cut in two */
    }
    return code;
}

enum spull_code sp_gzip_check(struct unpack *unpack, const struct gzip_sum *sum,
                              uint64_t end, struct spull_error *err)
{
    unsigned char trailer[TRAILER] = {0};
    bool joined = false;
    enum spull_code code = SPULL_OK;

    if (end < MEMBER_MIN)
        return sp_unpack_bad(unpack, err, "is cut short");
    code = sp_unpack_read(unpack, end - TRAILER, trailer, TRAILER, err);
    if (code != SPULL_OK)
        return code;
    if (little32(trailer) == sum->crc &&
        little32(trailer + 4) == (uint32_t)sum->bytes)
        return SPULL_OK;
    code = may_be_joined(unpack, end, &joined, err);
    if (code != SPULL_OK || joined)
        return code;
    return sp_unpack_bad(unpack, err, "is damaged: its check sum is wrong");
}
