/* SPDX-License-Identifier: MIT */
/*
 * digest: "algorithm:value" as registries write it, comparison, running hash.
 *
 * Values come as hex of either case or, for md5, as base64 of the 16 bytes, as
 * object stores list them. Only sha256 is a proof; the room says what a digest
 * is, and leaves it to others whether that is enough.
 */
#ifndef SP_DIGEST_H
#define SP_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include <spull.h>

enum sp_algorithm { SP_SHA256, SP_MD5, SP_OTHER_ALGORITHM };

#define SP_DIGEST_BYTES 32
#define SP_DIGEST_TEXT  160 /* "sha256:" and hex, or a printable foreign one */

struct sp_digest {
    enum sp_algorithm algorithm;
    unsigned char bytes[SP_DIGEST_BYTES]; /* zero past the digest's length */
    char text[SP_DIGEST_TEXT]; /* canonical: lower case, hex; or as it came */
};

/*
 * An algorithm that we don't know gives SP_OTHER_ALGORITHM and success; a
 * sha256 or md5 whose value has the wrong length or characters, or a text
 * without algorithm, is SPULL_INTEGRITY.
 */
enum spull_code sp_digest_parse(const char *text, struct sp_digest *out,
                                struct spull_error *err);

/* From 64 lower-case hex digits, as in a pin. Can't fail. */
struct sp_digest sp_digest_of_pin(const char *hex);

/* Same algorithm, known to us, and same bytes. */
bool sp_digest_equal(const struct sp_digest *a, const struct sp_digest *b);

/* The hex digits of text: what follows the colon. */
const char *sp_digest_hex(const struct sp_digest *digest);

/* A running hash. One thread at a time. */
struct sp_hash;

/* SPULL_INTERNAL: the algorithm is unknown or this OpenSSL refuses it. */
enum spull_code sp_hash_new(enum sp_algorithm algorithm, struct sp_hash **out,
                            struct spull_error *err);
enum spull_code sp_hash_add(struct sp_hash *hash, const void *bytes, size_t len,
                            struct spull_error *err);
/* Ends it; only sp_hash_free() may follow. */
enum spull_code sp_hash_end(struct sp_hash *hash, struct sp_digest *out,
                            struct spull_error *err);
void sp_hash_free(struct sp_hash *hash);

#endif
