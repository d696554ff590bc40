/* SPDX-License-Identifier: MIT */
/*
 * verify: the thread that follows a part, whatever the order in which it is
 * filled; and a file that was there before. Each test works in a folder of its
 * own, which has to be empty when it is over.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "limits.h"
#include "pair.h"
#include "part.h"
#include "unit.h"
#include "verify.h"

#define SHA_A "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

/* --- a part that is filled ------------------------------------------------ */

/* Fills it in pieces of any size, in any order. */
static void put_in_disorder(const struct pair *pair, const unsigned char *bytes,
                            size_t len, uint64_t *random)
{
    enum { PIECES = 50 };
    size_t order[PIECES] = {0};
    size_t step = len / PIECES + 1;

    for (size_t i = 0; i < PIECES; i++) {
        size_t other = unit_below(random, i + 1);
        order[i] = order[other];
        order[other] = i;
    }
    for (size_t i = 0; i < PIECES; i++) {
        size_t from = order[i] * step;
        size_t rest = from < len ? len - from : 0;
        size_t more = step + unit_below(random, step);
        if (rest > 0)
            pair_put(pair, from, bytes + from, rest < more ? rest : more);
        if (unit_below(random, 4) == 0)
            sched_yield();
    }
}

static void follows_in_any_order(void **state)
{
    static const size_t sizes[] = {
        0,
        1,
        SP_LOOK_BYTES - 1,
        SP_LOOK_BYTES,
        SP_CHUNK - 1,
        SP_CHUNK,
        SP_CHUNK + 1,
        3 * SP_CHUNK + 7,
        PAIR_MOST,
    };
    uint64_t random = 0x5eed;
    unsigned char *bytes = pair_random_bytes(&random);

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(sizes); i++)
        for (int how = SP_SHA256; how <= SP_MD5; how++) {
            struct pair pair = pair_new((enum sp_algorithm)how);
            put_in_disorder(&pair, bytes, sizes[i], &random);
            pair_end(&pair, (enum sp_algorithm)how, bytes, sizes[i],
                     sizes[i] == 0 ? "empty file" : NULL);
        }
    free(bytes);
}

/* The first bytes are looked at though they come one by one, the last first. */
static void looks_at_what_comes_in_bits(void **state)
{
    char bytes[2 * SP_LOOK_BYTES] = "greeting.sif";
    struct pair pair = pair_new(SP_SHA256);

    (void)state;
    memcpy(bytes + 257, "ustar", 5);
    for (size_t i = sizeof(bytes); i-- > 600;)
        pair_put(&pair, i, bytes + i, 1);
    for (size_t i = 0; i < 600; i++)
        pair_put(&pair, i, bytes + i, 1);
    pair_end(&pair, SP_SHA256, bytes, sizeof(bytes), "tar archive");
}

static void a_wrong_digest(void **state)
{
    static const struct {
        const char *bytes, *says;
    } cases[] = {
        {"<!DOCTYPE html><title>Log in</title>", "web page"},
        {"Not found\n", " text"}, /* and nothing behind it */
        {"hsqs and so on", "digest mismatch"},
        {"", "digest mismatch"},
    };
    struct sp_digest want = sp_digest_of_pin(SHA_A);

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct pair pair = pair_new(SP_SHA256);
        size_t len = strlen(cases[i].bytes);
        struct sp_digest actual =
            pair_digest_of(SP_SHA256, cases[i].bytes, len);
        struct sp_sealed *sealed = NULL;
        struct sp_look look;
        struct spull_error err;
        pair_put(&pair, 0, cases[i].bytes, len);
        assert_int_equal(sp_part_complete(pair.part, len, NULL), SPULL_OK);
        assert_int_equal(
            sp_verify_end(pair.verify, &pair_idle, &want, &look, &sealed, &err),
            SPULL_INTEGRITY);
        unit_failed(&err, SPULL_INTEGRITY);
        unit_says(&err, cases[i].says);
        unit_says(&err, want.text);
        unit_says(&err, actual.text);
        assert_null(sealed);
        sp_verify_free(pair.verify);
        /* The part is ours still. */
        assert_int_equal(sp_part_total(pair.part), len);
        sp_part_discard(pair.part);
    }
}

/* One byte that is not what it was makes the difference, wherever it is. */
static void every_byte_counts(void **state)
{
    uint64_t random = 0x5eed;
    size_t len = 2 * SP_CHUNK;
    unsigned char *bytes = pair_random_bytes(&random);
    struct sp_digest want = pair_digest_of(SP_SHA256, bytes, len);

    (void)state;
    for (int i = 0; i < 40; i++) {
        struct pair pair = pair_new(SP_SHA256);
        struct sp_sealed *sealed = NULL;
        struct sp_look look;
        size_t at = i == 0 ? 0 : i == 1 ? len - 1 : unit_below(&random, len);
        bytes[at] ^= (unsigned char)(1 << unit_below(&random, 8));
        put_in_disorder(&pair, bytes, len, &random);
        assert_int_equal(sp_part_complete(pair.part, len, NULL), SPULL_OK);
        assert_int_equal(
            sp_verify_end(pair.verify, &pair_idle, &want, &look, &sealed, NULL),
            SPULL_INTEGRITY);
        sp_verify_free(pair.verify);
        sp_part_discard(pair.part);
    }
    free(bytes);
}

/* --- a file that was there before ----------------------------------------- */

static int file_with(const void *bytes, size_t len)
{
    int fd = open("file", O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    return fd;
}

static void hashes_files(void **state)
{
    static const size_t sizes[] = {
        0, 1, SP_LOOK_BYTES + 1, SP_CHUNK, SP_CHUNK + 1, PAIR_MOST};
    uint64_t random = 0x5eed;
    unsigned char *bytes = pair_random_bytes(&random);
    struct sp_ctx ctx;
    struct sp_watch watch;

    (void)state;
    pair_watch(&ctx, &watch);
    memcpy(bytes, "hsqs", 4);
    for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
        int fd = file_with(bytes, sizes[i]); /* its offset is at the end */
        struct sp_digest want = pair_digest_of(SP_SHA256, bytes, sizes[i]);
        struct sp_digest digest;
        struct sp_look look;
        assert_int_equal(
            sp_verify_file(fd, SP_SHA256, &watch, &digest, &look, NULL),
            SPULL_OK);
        assert_true(sp_digest_equal(&digest, &want));
        assert_int_equal(look.image, sizes[i] >= 4);
        assert_int_equal(
            sp_verify_file(fd, SP_MD5, &watch, &digest, &look, NULL), SPULL_OK);
        want = pair_digest_of(SP_MD5, bytes, sizes[i]);
        assert_true(sp_digest_equal(&digest, &want));
        close(fd);
    }
    assert_int_equal(unlink("file"), 0);
    sp_ctx_done(&ctx);
    free(bytes);
}

static void files_that_do_not_work(void **state)
{
    struct sp_ctx ctx;
    struct sp_watch watch;
    struct spull_error err;
    struct sp_digest digest = {.text = "untouched"};
    struct sp_look look;
    int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = file_with("abc", 3);

    (void)state;
    pair_watch(&ctx, &watch);
    assert_int_equal(
        sp_verify_file(dir, SP_SHA256, &watch, &digest, &look, &err),
        SPULL_STORAGE);
    unit_failed(&err, SPULL_STORAGE);
    assert_int_equal(err.sys, EISDIR);
    assert_int_equal(
        sp_verify_file(-1, SP_SHA256, &watch, &digest, &look, &err),
        SPULL_STORAGE);
    assert_int_equal(err.sys, EBADF);
    assert_int_equal(
        sp_verify_file(fd, SP_OTHER_ALGORITHM, &watch, &digest, &look, &err),
        SPULL_INTERNAL);
    unit_failed(&err, SPULL_INTERNAL);
    sp_ctx_cancel(&ctx);
    assert_int_equal(
        sp_verify_file(fd, SP_SHA256, &watch, &digest, &look, &err),
        SPULL_CANCELLED);
    unit_failed(&err, SPULL_CANCELLED);
    assert_string_equal(digest.text, "untouched");
    close(fd);
    close(dir);
    assert_int_equal(unlink("file"), 0);
    sp_ctx_done(&ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(follows_in_any_order), PAIR_TEST(looks_at_what_comes_in_bits),
        PAIR_TEST(a_wrong_digest),       PAIR_TEST(every_byte_counts),
        PAIR_TEST(hashes_files),         PAIR_TEST(files_that_do_not_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
