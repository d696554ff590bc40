/* SPDX-License-Identifier: MIT */
/*
 * pair.h: a part and the verify that follows it, for the programs that try
 * that. Each test has a folder of its own, and a session that nobody else has.
 */
#ifndef SP_UNIT_PAIR_H
#define SP_UNIT_PAIR_H

#include "limits.h"
#include "part.h"
#include "scratch.h"
#include "unit.h"
#include "verify.h"

static struct sp_ctx pair_session;
static struct sp_watch pair_idle;

/* To sp_ctx_done(ctx). */
static inline void pair_watch(struct sp_ctx *ctx, struct sp_watch *watch)
{
    struct spull_options opts;

    spull_options_init(&opts);
    assert_int_equal(sp_ctx_init(ctx, &opts, NULL), SPULL_OK);
    sp_watch_init(watch, ctx, "c/n:t");
}

static inline int pair_enter(void **state)
{
    pair_watch(&pair_session, &pair_idle);
    return scratch_enter(state);
}

static inline int pair_leave(void **state)
{
    sp_ctx_done(&pair_session);
    return scratch_leave(state);
}

#define PAIR_TEST(name)                                                        \
    cmocka_unit_test_setup_teardown(name, pair_enter, pair_leave)

/* Large enough for every step: several chunks, and a write-back. */
#define PAIR_MOST (SP_WRITEBACK + 2 * SP_CHUNK + 1)

static inline unsigned char *pair_random_bytes(uint64_t *random)
{
    unsigned char *bytes = malloc(PAIR_MOST);

    assert_non_null(bytes);
    for (size_t i = 0; i + sizeof(*random) <= PAIR_MOST; i += sizeof(*random)) {
        unit_random(random);
        memcpy(bytes + i, random, sizeof(*random));
    }
    bytes[PAIR_MOST - 1] = 0x5a;
    return bytes;
}

static inline struct sp_digest pair_digest_of(enum sp_algorithm how,
                                              const void *bytes, size_t len)
{
    struct sp_hash *hash = NULL;
    struct sp_digest digest;

    assert_int_equal(sp_hash_new(how, &hash, NULL), SPULL_OK);
    assert_int_equal(sp_hash_add(hash, bytes, len, NULL), SPULL_OK);
    assert_int_equal(sp_hash_end(hash, &digest, NULL), SPULL_OK);
    sp_hash_free(hash);
    return digest;
}

struct pair {
    struct sp_part *part;
    struct sp_verify *verify;
};

static inline struct pair pair_new(enum sp_algorithm how)
{
    struct pair pair = {NULL, NULL};

    assert_int_equal(sp_part_new(".", "00", &pair.part, NULL), SPULL_OK);
    assert_int_equal(sp_verify_start(pair.part, how, &pair.verify, NULL),
                     SPULL_OK);
    return pair;
}

static inline void pair_put(const struct pair *pair, uint64_t at,
                            const void *bytes, size_t len)
{
    struct spull_error err = {0};

    if (sp_part_write(pair->part, at, bytes, len, &err) != SPULL_OK)
        fail_msg("%s", err.text);
}

/* The end as it should be: sealed, and exactly these bytes in the file. */
static inline void pair_end(struct pair *pair, enum sp_algorithm how,
                            const void *bytes, size_t len, const char *kind)
{
    struct sp_digest want = pair_digest_of(how, bytes, len);
    struct sp_sealed *sealed = NULL;
    struct sp_look look = {0};
    struct spull_error err = {0};
    char *back = malloc(len + 1);

    assert_non_null(back);
    assert_int_equal(sp_part_complete(pair->part, len, NULL), SPULL_OK);
    if (sp_verify_end(pair->verify, &pair_idle, &want, &look, &sealed, &err) !=
        SPULL_OK)
        fail_msg("%s", err.text);
    sp_verify_free(pair->verify);
    if (kind != NULL)
        assert_string_equal(look.kind, kind);
    assert_int_equal(sealed->size, len);
    assert_int_equal(pread(sealed->fd, back, len + 1, 0), len);
    assert_memory_equal(back, bytes, len);
    sp_sealed_discard(sealed);
    free(back);
}

#endif
