/* SPDX-License-Identifier: MIT */
/*
 * verify_trouble: a part that is not filled as it should be: that begins again,
 * is given up or cut while the thread follows it; or nobody waits for the
 * thread any more. Each test works in a folder of its own, which has to be
 * empty when it is over.
 */
/* A header that fortifies calls would define pread(), too. */
#undef _FORTIFY_SOURCE

#include <dirent.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "limits.h"
#include "pair.h"
#include "part.h"
#include "unit.h"
#include "verify.h"

#define SHA_A "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

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

static void a_restart_begins_again(void **state)
{
    static const char lie[] = "<html>";
    static const char truth[] = "hsqs: the image";
    struct pair pair = pair_new(SP_SHA256);

    (void)state;
    for (int i = 0; i < 100; i++) {
        pair_put(&pair, 0, lie, strlen(lie));
        if (i % 2 == 0)
            sched_yield();
        sp_part_restart(pair.part);
    }
    pair_put(&pair, 0, truth, strlen(truth));
    pair_end(&pair, SP_SHA256, truth, strlen(truth), "squashfs");
}

/*
 * A restart, and an early end, while the thread is somewhere in many bytes: the
 * file is cut under its hands, and that is nobody's fault.
 */
static void a_restart_while_it_reads(void **state)
{
    uint64_t random = 0x5eed;
    unsigned char *bytes = pair_random_bytes(&random);

    (void)state;
    for (long i = 0; i < 16; i++) {
        struct timespec moment = {.tv_nsec = i * 250000};
        struct pair pair = pair_new(SP_SHA256);
        pair_put(&pair, 1, bytes + 1, PAIR_MOST - 1);
        pair_put(&pair, 0, bytes, 1);
        nanosleep(&moment, NULL);
        sp_part_restart(pair.part);
        pair_put(&pair, 0, bytes, SP_CHUNK);
        pair_end(&pair, SP_SHA256, bytes, SP_CHUNK, NULL);
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
            pair_put(&pair, 0, "abc", 3);
        sp_part_give_up(pair.part);
        if (i % 2 == 0) {
            assert_int_equal(sp_verify_end(pair.verify, &pair_idle, &want,
                                           &look, &sealed, &err),
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
    char *bytes = calloc(1, PAIR_MOST);
    struct sp_sealed *sealed = NULL;
    struct spull_error err;
    struct sp_look look;

    (void)state;
    assert_non_null(bytes);
    assert_int_equal(sp_part_new(".", "00", &pair.part, NULL), SPULL_OK);
    pair_put(&pair, 0, bytes, PAIR_MOST);
    free(bytes);
    assert_int_equal(sp_part_complete(pair.part, PAIR_MOST, NULL), SPULL_OK);
    held = pair.part;
    atomic_store(&reads, 0);
    assert_int_equal(sp_verify_start(pair.part, SP_SHA256, &pair.verify, NULL),
                     SPULL_OK);
    sp_ctx_cancel(&pair_session);
    assert_int_equal(
        sp_verify_end(pair.verify, &pair_idle, &want, &look, &sealed, &err),
        SPULL_CANCELLED);
    assert_null(sealed);
    assert_true(atomic_load(&reads) <= 1);
    assert_int_equal(sp_part_total(pair.part), PAIR_MOST);
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
    pair_put(&pair, 1, bytes, SP_HASH_STEP);
    free(bytes);
    cut_the_file();
    while (sp_part_write(pair.part, 0, "a", 1, &told) == SPULL_OK)
        sched_yield();
    unit_failed(&told, SPULL_STORAGE);
    assert_int_equal(sp_part_complete(pair.part, SP_HASH_STEP + 1, NULL),
                     SPULL_OK);
    assert_int_equal(
        sp_verify_end(pair.verify, &pair_idle, &want, &look, &sealed, &err),
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(a_restart_begins_again),
        PAIR_TEST(a_restart_while_it_reads),
        PAIR_TEST(giving_up_ends_it),
        PAIR_TEST(cancelled_while_it_reads),
        PAIR_TEST(a_file_that_was_cut),
        PAIR_TEST(an_unknown_algorithm_does_not_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
