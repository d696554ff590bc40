/* SPDX-License-Identifier: MIT */
/*
 * verify: what has to be proven; and the thread that follows a part, whatever
 * the order in which it is filled. Each test works in a folder of its own,
 * which has to be empty when it is over.
 */
/* A header that fortifies calls would define pread(), too. */
#undef _FORTIFY_SOURCE

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "limits.h"
#include "part.h"
#include "scratch.h"
#include "unit.h"
#include "verify.h"

#define SHA_A "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA_A_UPPER                                                            \
    "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"
#define SHA_B "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define MD5_A "900150983cd24fb0d6963f7d28e17f72"

/* --- what has to be proven ------------------------------------------------ */

static const struct {
    const char *ref, *stated;
    bool allow_md5;
    enum spull_code code;
    const char *want; /* or what the error says */
    const char *hint;
} wants[] = {
    /* no pin: what is stated counts, if it is a proof */
    {"c/n:t", "sha256:" SHA_A, false, SPULL_OK, "sha256:" SHA_A, NULL},
    {"c/n:t", "sha256:" SHA_A_UPPER, true, SPULL_OK, "sha256:" SHA_A, NULL},
    {"c/n:t", "md5:" MD5_A, false, SPULL_INTEGRITY, "md5:" MD5_A,
     "--allow-md5"},
    {"c/n:t", "md5:" MD5_A, true, SPULL_OK, "md5:" MD5_A, NULL},
    {"c/n:t", "sha512:00", false, SPULL_INTEGRITY, "sha512:00",
     "c/n:t@sha256:HEX"},
    {"c/n:t", "sha512:00", true, SPULL_INTEGRITY, "sha512:00",
     "c/n:t@sha256:HEX"},
    /* a pin counts, whatever is stated */
    {"c/n:t@sha256:" SHA_A, "sha256:" SHA_A, false, SPULL_OK, "sha256:" SHA_A,
     NULL},
    {"c/n:t@sha256:" SHA_A, "sha256:" SHA_A_UPPER, false, SPULL_OK,
     "sha256:" SHA_A, NULL},
    {"c/n:t@sha256:" SHA_A, "md5:" MD5_A, false, SPULL_OK, "sha256:" SHA_A,
     NULL},
    {"c/n:t@sha256:" SHA_A, "md5:" MD5_A, true, SPULL_OK, "sha256:" SHA_A,
     NULL},
    {"c/n:t@sha256:" SHA_A, "sha512:00", false, SPULL_OK, "sha256:" SHA_A,
     NULL},
    /* unless that is as strong, and different */
    {"c/n:t@sha256:" SHA_A, "sha256:" SHA_B, false, SPULL_INTEGRITY,
     "the tag has moved: expected sha256:" SHA_A ", the registry now has "
     "sha256:" SHA_B,
     "c/n:t without the pin"},
    {"c/n:t@sha256:" SHA_A, "sha256:" SHA_B, true, SPULL_INTEGRITY,
     "the tag has moved", "c/n:t without the pin"},
};

static void what_is_wanted(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(wants); i++) {
        struct spull_error err;
        struct sp_digest stated;
        struct sp_digest want = {.text = "untouched"};
        struct sp_ref ref;
        assert_int_equal(sp_ref_parse(wants[i].ref, &ref, NULL), SPULL_OK);
        assert_int_equal(sp_digest_parse(wants[i].stated, &stated, NULL),
                         SPULL_OK);
        enum spull_code code =
            sp_verify_want(&ref, &stated, wants[i].allow_md5, &want, &err);
        assert_int_equal(code, wants[i].code);
        if (code == SPULL_OK) {
            assert_string_equal(want.text, wants[i].want);
        } else {
            unit_failed(&err, wants[i].code);
            unit_says(&err, wants[i].want);
            assert_non_null(strstr(err.hint, wants[i].hint));
            assert_string_equal(want.text, "untouched");
        }
        sp_ref_done(&ref);
    }
}

/* The pin alone: weakness is no matter here. */
static void what_a_pin_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(wants); i++) {
        struct spull_error err;
        struct sp_digest stated;
        struct sp_ref ref;
        bool moved = strstr(wants[i].want, "moved") != NULL;
        assert_int_equal(sp_ref_parse(wants[i].ref, &ref, NULL), SPULL_OK);
        assert_int_equal(sp_digest_parse(wants[i].stated, &stated, NULL),
                         SPULL_OK);
        assert_int_equal(sp_verify_pin(&ref, &stated, &err),
                         moved ? SPULL_INTEGRITY : SPULL_OK);
        if (moved)
            unit_failed(&err, SPULL_INTEGRITY);
        sp_ref_done(&ref);
    }
}

/* --- a part that is filled ------------------------------------------------ */

static struct sp_ctx session;
static struct sp_watch idle;

/* The linker takes this for the C library's. While a part is held, nothing is
 * read before its writer has given it up. */
static struct sp_part *held;
static atomic_int reads;

ssize_t pread(int fd, void *to, size_t len, off_t at)
{
    while (held != NULL && !sp_part_is_stale(held, 0))
        sched_yield();
    atomic_fetch_add(&reads, 1);
    return (ssize_t)syscall(SYS_pread64, fd, to, len, at);
}

static void watch_begin(struct sp_ctx *ctx, struct sp_watch *watch)
{
    struct spull_options opts;

    spull_options_init(&opts);
    assert_int_equal(sp_ctx_init(ctx, &opts, NULL), SPULL_OK);
    sp_watch_init(watch, ctx, "c/n:t");
}

static int enter(void **state)
{
    watch_begin(&session, &idle);
    return scratch_enter(state);
}

static int leave(void **state)
{
    sp_ctx_done(&session);
    return scratch_leave(state);
}

/* Large enough for every step: several chunks, and a write-back. */
#define MOST (SP_WRITEBACK + 2 * SP_CHUNK + 1)

static unsigned char *random_bytes(uint64_t *random)
{
    unsigned char *bytes = malloc(MOST);

    assert_non_null(bytes);
    for (size_t i = 0; i + sizeof(*random) <= MOST; i += sizeof(*random)) {
        unit_random(random);
        memcpy(bytes + i, random, sizeof(*random));
    }
    bytes[MOST - 1] = 0x5a;
    return bytes;
}

static struct sp_digest digest_of(enum sp_algorithm how, const void *bytes,
                                  size_t len)
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

static struct pair pair_new(enum sp_algorithm how)
{
    struct pair pair = {NULL, NULL};

    assert_int_equal(sp_part_new(".", "00", &pair.part, NULL), SPULL_OK);
    assert_int_equal(sp_verify_start(pair.part, how, &pair.verify, NULL),
                     SPULL_OK);
    return pair;
}

static void put(const struct pair *pair, uint64_t at, const void *bytes,
                size_t len)
{
    struct spull_error err = {0};

    if (sp_part_write(pair->part, at, bytes, len, &err) != SPULL_OK)
        fail_msg("%s", err.text);
}

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
            put(pair, from, bytes + from, rest < more ? rest : more);
        if (unit_below(random, 4) == 0)
            sched_yield();
    }
}

/* The end as it should be: sealed, and exactly these bytes in the file. */
static void check_sealed(struct pair *pair, enum sp_algorithm how,
                         const void *bytes, size_t len, const char *kind)
{
    struct sp_digest want = digest_of(how, bytes, len);
    struct sp_sealed *sealed = NULL;
    struct sp_look look = {0};
    struct spull_error err = {0};
    char *back = malloc(len + 1);

    assert_non_null(back);
    assert_int_equal(sp_part_complete(pair->part, len, NULL), SPULL_OK);
    if (sp_verify_end(pair->verify, &idle, &want, &look, &sealed, &err) !=
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
        MOST,
    };
    uint64_t random = 0x5eed;
    unsigned char *bytes = random_bytes(&random);

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(sizes); i++)
        for (int how = SP_SHA256; how <= SP_MD5; how++) {
            struct pair pair = pair_new((enum sp_algorithm)how);
            put_in_disorder(&pair, bytes, sizes[i], &random);
            check_sealed(&pair, (enum sp_algorithm)how, bytes, sizes[i],
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
        put(&pair, i, bytes + i, 1);
    for (size_t i = 0; i < 600; i++)
        put(&pair, i, bytes + i, 1);
    check_sealed(&pair, SP_SHA256, bytes, sizeof(bytes), "tar archive");
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
        struct sp_digest actual = digest_of(SP_SHA256, cases[i].bytes, len);
        struct sp_sealed *sealed = NULL;
        struct sp_look look;
        struct spull_error err;
        put(&pair, 0, cases[i].bytes, len);
        assert_int_equal(sp_part_complete(pair.part, len, NULL), SPULL_OK);
        assert_int_equal(
            sp_verify_end(pair.verify, &idle, &want, &look, &sealed, &err),
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
    unsigned char *bytes = random_bytes(&random);
    struct sp_digest want = digest_of(SP_SHA256, bytes, len);

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
            sp_verify_end(pair.verify, &idle, &want, &look, &sealed, NULL),
            SPULL_INTEGRITY);
        sp_verify_free(pair.verify);
        sp_part_discard(pair.part);
    }
    free(bytes);
}

/* --- a part that is not filled as it should be ---------------------------- */

static void a_restart_begins_again(void **state)
{
    static const char lie[] = "<html>";
    static const char truth[] = "hsqs: the image";
    struct pair pair = pair_new(SP_SHA256);

    (void)state;
    for (int i = 0; i < 100; i++) {
        put(&pair, 0, lie, strlen(lie));
        if (i % 2 == 0)
            sched_yield();
        sp_part_restart(pair.part);
    }
    put(&pair, 0, truth, strlen(truth));
    check_sealed(&pair, SP_SHA256, truth, strlen(truth), "squashfs");
}

/*
 * A restart, and an early end, while the thread is somewhere in many bytes: the
 * file is cut under its hands, and that is nobody's fault.
 */
static void a_restart_while_it_reads(void **state)
{
    uint64_t random = 0x5eed;
    unsigned char *bytes = random_bytes(&random);

    (void)state;
    for (long i = 0; i < 16; i++) {
        struct timespec moment = {.tv_nsec = i * 250000};
        struct pair pair = pair_new(SP_SHA256);
        put(&pair, 1, bytes + 1, MOST - 1);
        put(&pair, 0, bytes, 1);
        nanosleep(&moment, NULL);
        sp_part_restart(pair.part);
        put(&pair, 0, bytes, SP_CHUNK);
        check_sealed(&pair, SP_SHA256, bytes, SP_CHUNK, NULL);
    }
    free(bytes);
}

static void giving_up_ends_it(void **state)
{
    struct sp_digest want = sp_digest_of_pin(SHA_A);

    (void)state;
    for (int i = 0; i < 100; i++) {
        struct pair pair = pair_new(SP_SHA256);
        struct sp_sealed *sealed = NULL;
        struct sp_look look;
        struct spull_error err;
        if (i % 4 < 2)
            put(&pair, 0, "abc", 3);
        sp_part_give_up(pair.part);
        if (i % 2 == 0) {
            assert_int_equal(
                sp_verify_end(pair.verify, &idle, &want, &look, &sealed, &err),
                SPULL_INTERNAL);
            unit_failed(&err, SPULL_INTERNAL);
            assert_null(sealed);
        }
        sp_verify_free(pair.verify);
        sp_part_discard(pair.part);
    }
    sp_verify_free(NULL);
}

/* Who wants to go does not wait until all is read that came in a moment. */
static void cancelled_while_it_reads(void **state)
{
    struct sp_digest want = sp_digest_of_pin(SHA_A);
    struct pair pair = {NULL, NULL};
    char *bytes = calloc(1, MOST);
    struct sp_sealed *sealed = NULL;
    struct spull_error err;
    struct sp_look look;

    (void)state;
    assert_non_null(bytes);
    assert_int_equal(sp_part_new(".", "00", &pair.part, NULL), SPULL_OK);
    put(&pair, 0, bytes, MOST);
    free(bytes);
    assert_int_equal(sp_part_complete(pair.part, MOST, NULL), SPULL_OK);
    held = pair.part;
    atomic_store(&reads, 0);
    assert_int_equal(sp_verify_start(pair.part, SP_SHA256, &pair.verify, NULL),
                     SPULL_OK);
    sp_ctx_cancel(&session);
    assert_int_equal(
        sp_verify_end(pair.verify, &idle, &want, &look, &sealed, &err),
        SPULL_CANCELLED);
    assert_null(sealed);
    assert_true(atomic_load(&reads) <= 1);
    assert_int_equal(sp_part_total(pair.part), MOST);
    held = NULL;
    sp_verify_free(pair.verify);
    sp_part_discard(pair.part);
}

/* Cuts the only file that there is, as somebody with more rights than sense. */
static void cut_the_file(void)
{
    DIR *dir = opendir(".");

    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        if (entry->d_type != DT_DIR)
            assert_int_equal(truncate(entry->d_name, 0), 0);
    closedir(dir);
}

/* What can't be read back can't be proven; the writer hears of it. */
static void a_file_that_was_cut(void **state)
{
    struct sp_digest want = sp_digest_of_pin(SHA_A);
    struct pair pair = pair_new(SP_SHA256);
    char *bytes = calloc(1, SP_HASH_STEP);
    struct sp_sealed *sealed = NULL;
    struct spull_error told = {0};
    struct spull_error err;
    struct sp_look look;

    (void)state;
    assert_non_null(bytes);
    put(&pair, 1, bytes, SP_HASH_STEP);
    free(bytes);
    cut_the_file();
    while (sp_part_write(pair.part, 0, "a", 1, &told) == SPULL_OK)
        sched_yield();
    unit_failed(&told, SPULL_STORAGE);
    assert_int_equal(sp_part_complete(pair.part, SP_HASH_STEP + 1, NULL),
                     SPULL_OK);
    assert_int_equal(
        sp_verify_end(pair.verify, &idle, &want, &look, &sealed, &err),
        SPULL_STORAGE);
    assert_string_equal(err.text, told.text);
    assert_null(sealed);
    sp_verify_free(pair.verify);
    sp_part_discard(pair.part);
}

static void an_unknown_algorithm_does_not_start(void **state)
{
    struct sp_part *part = NULL;
    struct sp_verify *verify = NULL;
    struct spull_error err;

    (void)state;
    assert_int_equal(sp_part_new(".", "00", &part, NULL), SPULL_OK);
    assert_int_equal(sp_verify_start(part, SP_OTHER_ALGORITHM, &verify, &err),
                     SPULL_INTERNAL);
    unit_failed(&err, SPULL_INTERNAL);
    assert_null(verify);
    sp_part_discard(part);
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
        0, 1, SP_LOOK_BYTES + 1, SP_CHUNK, SP_CHUNK + 1, MOST};
    uint64_t random = 0x5eed;
    unsigned char *bytes = random_bytes(&random);
    struct sp_ctx ctx;
    struct sp_watch watch;

    (void)state;
    watch_begin(&ctx, &watch);
    memcpy(bytes, "hsqs", 4);
    for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
        int fd = file_with(bytes, sizes[i]); /* its offset is at the end */
        struct sp_digest want = digest_of(SP_SHA256, bytes, sizes[i]);
        struct sp_digest digest;
        struct sp_look look;
        assert_int_equal(
            sp_verify_file(fd, SP_SHA256, &watch, &digest, &look, NULL),
            SPULL_OK);
        assert_true(sp_digest_equal(&digest, &want));
        assert_int_equal(look.image, sizes[i] >= 4);
        assert_int_equal(
            sp_verify_file(fd, SP_MD5, &watch, &digest, &look, NULL), SPULL_OK);
        want = digest_of(SP_MD5, bytes, sizes[i]);
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
    watch_begin(&ctx, &watch);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wanted),
        cmocka_unit_test(what_a_pin_says),
        TEST(follows_in_any_order),
        TEST(looks_at_what_comes_in_bits),
        TEST(a_wrong_digest),
        TEST(every_byte_counts),
        TEST(a_restart_begins_again),
        TEST(a_restart_while_it_reads),
        TEST(giving_up_ends_it),
        TEST(cancelled_while_it_reads),
        TEST(a_file_that_was_cut),
        TEST(an_unknown_algorithm_does_not_start),
        TEST(hashes_files),
        TEST(files_that_do_not_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
