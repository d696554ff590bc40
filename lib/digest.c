/* SPDX-License-Identifier: MIT */
/*
 * digest: "algorithm:value" as registries write it, comparison, running hash.
 *
 * Every spelling of a value becomes bytes and one canonical text, so that
 * nobody else compares strings. OpenSSL computes; whether an algorithm is
 * strong enough is not asked here.
 */
#include "digest.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "err.h"

static const struct {
    const char *name;
    size_t bytes;
} known[] = {
    [SP_SHA256] = {"sha256", 32},
    [SP_MD5] = {"md5", 16},
};

/* Base64 of an md5: with and without the padding of RFC 4648 section 4. */
#define MD5_BASE64        24
#define MD5_BASE64_NO_PAD 22

struct sp_hash {
    EVP_MD_CTX *context;
    enum sp_algorithm algorithm;
};

static enum sp_algorithm algorithm_of(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strlen(known[i].name) == len &&
            strncasecmp(known[i].name, name, len) == 0)
            return (enum sp_algorithm)i;
    return SP_OTHER_ALGORITHM;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_hex(const char *text, unsigned char *out, size_t count)
{
    if (strlen(text) != count * 2)
        return false;
    for (size_t i = 0; i < count; i++) {
        int high = hex_value(text[2 * i]);
        int low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (unsigned char)(high * 16 + low);
    }
    return true;
}

static bool read_base64(const char *text, unsigned char out[16])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = strlen(text);
    unsigned bits = 0;
    unsigned held = 0; /* how many of bits are not written yet */
    size_t count = 0;

    if (len == MD5_BASE64 && strcmp(text + MD5_BASE64_NO_PAD, "==") == 0)
        len = MD5_BASE64_NO_PAD;
    if (len != MD5_BASE64_NO_PAD)
        return false;
    for (size_t i = 0; i < len; i++) {
        const char *at = strchr(alphabet, text[i]);
        if (!at)
            return false;
        bits = (bits << 6 | (unsigned)(at - alphabet)) & 0xffff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[count++] = (unsigned char)(bits >> held);
        }
    }
    /* 22 digits carry 132 bits: the last 4 must say nothing. */
    return (bits & 0x0f) == 0;
}

static void write_text(struct sp_digest *digest)
{
    static const char digits[] = "0123456789abcdef";
    const char *name = known[digest->algorithm].name;
    size_t len = strlen(name);
    char *to = digest->text;

    memcpy(to, name, len);
    to += len;
    *to++ = ':';
    for (size_t i = 0; i < known[digest->algorithm].bytes; i++) {
        *to++ = digits[digest->bytes[i] >> 4];
        *to++ = digits[digest->bytes[i] & 0x0f];
    }
    *to = '\0';
}

enum spull_code sp_digest_parse(const char *text, struct sp_digest *out,
                                struct spull_error *err)
{
    struct sp_digest digest = {.algorithm = SP_OTHER_ALGORITHM};
    size_t name = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "abcdefghijklmnopqrstuvwxyz0123456789+._-");
    const char *value = text + name + 1;

    if (name == 0 || text[name] != ':' || *value == '\0')
        return sp_err_set(err, SPULL_INTEGRITY,
                          "digest \"%s\": not of the form ALGORITHM:VALUE",
                          text);
    digest.algorithm = algorithm_of(text, name);
    if (digest.algorithm == SP_OTHER_ALGORITHM) {
        sp_printable(digest.text, sizeof(digest.text), text, strlen(text));
        *out = digest;
        return SPULL_OK;
    }
    size_t bytes = known[digest.algorithm].bytes;
    if (!read_hex(value, digest.bytes, bytes) &&
        (digest.algorithm != SP_MD5 || !read_base64(value, digest.bytes)))
        return sp_err_set(err, SPULL_INTEGRITY,
                          "digest \"%s\": %s is %zu hex digits%s", text,
                          known[digest.algorithm].name, bytes * 2,
                          digest.algorithm == SP_MD5 ? " or base64" : "");
    write_text(&digest);
    *out = digest;
    return SPULL_OK;
}

struct sp_digest sp_digest_of_pin(const char *hex)
{
    struct sp_digest digest = {.algorithm = SP_SHA256};

    read_hex(hex, digest.bytes, known[SP_SHA256].bytes);
    write_text(&digest);
    return digest;
}

bool sp_digest_equal(const struct sp_digest *a, const struct sp_digest *b)
{
    return a->algorithm == b->algorithm && a->algorithm != SP_OTHER_ALGORITHM &&
           memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

const char *sp_digest_hex(const struct sp_digest *digest)
{
    const char *colon = strchr(digest->text, ':');

    return colon ? colon + 1 : digest->text;
}

/* OpenSSL's queue is per thread and fills up if nobody empties it. */
static enum spull_code fail(struct spull_error *err, const char *what)
{
    char why[256];

    ERR_error_string_n(ERR_get_error(), why, sizeof(why));
    ERR_clear_error();
    return sp_err_set(err, SPULL_INTERNAL, "%s: %s", what, why);
}

enum spull_code sp_hash_new(enum sp_algorithm algorithm, struct sp_hash **out,
                            struct spull_error *err)
{
    if (algorithm == SP_OTHER_ALGORITHM)
        return sp_err_set(err, SPULL_INTERNAL,
                          "no hash for an unknown algorithm");
    struct sp_hash *hash = calloc(1, sizeof(*hash));
    if (!hash)
        return sp_err_nomem(err);
    hash->algorithm = algorithm;
    hash->context = EVP_MD_CTX_new();
    if (!hash->context) {
        sp_hash_free(hash);
        return sp_err_nomem(err);
    }
    /* Fails for md5 where OpenSSL is set to FIPS. */
    if (EVP_DigestInit_ex(hash->context,
                          algorithm == SP_SHA256 ? EVP_sha256() : EVP_md5(),
                          NULL) != 1) {
        sp_hash_free(hash);
        return fail(err, algorithm == SP_MD5
                             ? "this OpenSSL does not compute md5"
                             : "this OpenSSL does not compute sha256");
    }
    *out = hash;
    return SPULL_OK;
}

enum spull_code sp_hash_add(struct sp_hash *hash, const void *bytes, size_t len,
                            struct spull_error *err)
{
    if (len > 0 && EVP_DigestUpdate(hash->context, bytes, len) != 1)
        return fail(err, "hash");
    return SPULL_OK;
}

enum spull_code sp_hash_end(struct sp_hash *hash, struct sp_digest *out,
                            struct spull_error *err)
{
    struct sp_digest digest = {.algorithm = hash->algorithm};
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (EVP_DigestFinal_ex(hash->context, bytes, &len) != 1 ||
        len != known[hash->algorithm].bytes)
        return fail(err, "end a hash");
    memcpy(digest.bytes, bytes, len);
    write_text(&digest);
    *out = digest;
    return SPULL_OK;
}

void sp_hash_free(struct sp_hash *hash)
{
    if (!hash)
        return;
    EVP_MD_CTX_free(hash->context);
    free(hash);
}
