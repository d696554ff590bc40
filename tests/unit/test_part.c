/* SPDX-License-Identifier: MIT */
/*
 * part: the name and the rights of the partial file, one writer and one reader
 * at once, and every way in which it ends. Each test works in a folder of its
 * own, which has to be empty when it is over.
 */
#include <errno.h>
#include <pthread.h>
#include <regex.h>
#include <sched.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "part.h"
#include "scratch.h"
#include "unit.h"

/* The linker takes this for the C library's: two names can be the same. */
static bool dice_are_loaded;

ssize_t getrandom(void *buffer, size_t len, unsigned flags)
{
    if (!dice_are_loaded)
        return syscall(SYS_getrandom, buffer, len, flags);
    memset(buffer, 0x66, len);
    return (ssize_t)len;
}

static struct sp_part *part_new(void)
{
    struct sp_part *part = NULL;

    assert_int_equal(sp_part_new(".", "0123abcd", &part, NULL), SPULL_OK);
    return part;
}

static void put(struct sp_part *part, uint64_t at, const char *text)
{
    assert_int_equal(sp_part_write(part, at, text, strlen(text), NULL),
                     SPULL_OK);
}

/* Seals it as verify would: with what was found of it. */
static enum spull_code seal(struct sp_part *part, struct sp_sealed **out,
                            struct spull_error *err)
{
    struct sp_digest digest = {.text = "sha256:00"};
    struct sp_look look = {.kind = "SIF", .arch = "amd64", .image = true};

    return sp_part_seal(part, &digest, &look, out, err);
}

/* --- the file ------------------------------------------------------------- */

static void check_name(const char *name, const char *label)
{
    char pattern[160];
    regex_t regex;

    snprintf(pattern, sizeof(pattern),
             "^\\.spull-%s-[A-Za-z0-9_]*-%ld-[0-9a-f]{16}\\.part$", label,
             (long)getpid());
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&regex, name, 0, NULL, 0) != 0)
        fail_msg("%s is not %s", name, pattern);
    regfree(&regex);
}

static void names_and_rights(void **state)
{
    static const struct {
        const char *label, *shown;
        mode_t mask;
    } cases[] = {
        {"0123abcd", "0123abcd", 022},
        {"", "", 0},
        {"900150983cd24fb0d6963f7d28e17f72", "900150983cd24fb0d6963f7d28e17f72",
         077},
        /* More would only make the name longer. */
        {"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
         "ba7816bf8f01cfea414140de5dae2223", 0},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_part *part = NULL;
        char name[SCRATCH_NAME];
        struct stat info;
        mode_t before = umask(cases[i].mask);
        assert_int_equal(sp_part_new(".", cases[i].label, &part, NULL),
                         SPULL_OK);
        umask(before);
        assert_int_equal(scratch_names(name), 1);
        check_name(name, cases[i].shown);
        assert_int_equal(lstat(name, &info), 0);
        assert_int_equal(info.st_mode, S_IFREG | 0600);
        assert_int_equal(info.st_size, 0);
        sp_part_discard(part);
        assert_int_equal(scratch_names(NULL), 0);
    }
}

/* Whoever pulls the same image at the same time has a file of his own. */
static void each_has_its_own(void **state)
{
    struct sp_part *parts[32];

    (void)state;
    for (unsigned i = 0; i < UNIT_COUNT(parts); i++) {
        parts[i] = part_new();
        assert_int_equal(scratch_names(NULL), i + 1);
    }
    for (unsigned i = 0; i < UNIT_COUNT(parts); i++)
        sp_part_discard(parts[i]);
    sp_part_discard(NULL);
    sp_sealed_discard(NULL);
    sp_sealed_free(NULL);
}

/* What has the name already, by chance or by malice, is not touched. */
static void takes_nobody_elses(void **state)
{
    struct sp_part *first = NULL;
    struct sp_part *second = NULL;
    struct spull_error err;
    char name[SCRATCH_NAME];

    (void)state;
    dice_are_loaded = true;
    first = part_new();
    put(first, 0, "first");
    assert_int_equal(sp_part_new(".", "0123abcd", &second, &err),
                     SPULL_STORAGE);
    unit_failed(&err, SPULL_STORAGE);
    assert_int_equal(err.sys, EEXIST);
    assert_int_equal(scratch_names(name), 1);
    scratch_file(name, "first");
    sp_part_discard(first);
    assert_int_equal(symlink("elsewhere", name), 0);
    assert_int_equal(sp_part_new(".", "0123abcd", &second, &err),
                     SPULL_STORAGE);
    assert_int_equal(err.sys, EEXIST);
    assert_int_equal(scratch_names(NULL), 1);
    assert_int_equal(unlink(name), 0);
    assert_null(second);
    dice_are_loaded = false;
}

static void places_that_are_none(void **state)
{
    static const struct {
        const char *dir;
        int sys;
    } cases[] = {{"nowhere", ENOENT}, {"file", ENOTDIR}, {"", ENOENT}};
    struct sp_part *part = NULL;
    struct spull_error err;

    (void)state;
    assert_int_equal(fclose(fopen("file", "w")), 0);
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        assert_int_equal(sp_part_new(cases[i].dir, "00", &part, &err),
                         SPULL_STORAGE);
        unit_failed(&err, SPULL_STORAGE);
        assert_int_equal(err.sys, cases[i].sys);
        unit_says(&err, cases[i].dir);
        assert_null(part);
    }
    assert_int_equal(scratch_names(NULL), 1);
    assert_int_equal(unlink("file"), 0);
}

/* The directory counts, not its name: it may be renamed during an hour. */
static void follows_its_directory(void **state)
{
    struct sp_part *part = NULL;

    (void)state;
    assert_int_equal(mkdir("before", 0700), 0);
    assert_int_equal(sp_part_new("before", "00", &part, NULL), SPULL_OK);
    assert_int_equal(rename("before", "after"), 0);
    put(part, 0, "abc");
    sp_part_discard(part);
    assert_int_equal(rmdir("after"), 0);
}

/* --- writes, and what is there -------------------------------------------- */

static void counts_what_is_there(void **state)
{
    static const struct {
        uint64_t at;
        const char *text;
        uint64_t total;
        struct sp_span gap; /* the first, up to 10; empty: none */
    } cases[] = {
        {4, "ef", 2, {0, 4}},  {4, "ef", 2, {0, 4}}, {0, "", 2, {0, 4}},
        {0, "ab", 4, {2, 4}},  {8, "ij", 6, {2, 4}}, {1, "bcde", 8, {6, 8}},
        {6, "gh", 10, {0, 0}},
    };
    struct sp_part *part = part_new();
    char name[SCRATCH_NAME];

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_span gap = {0, 0};
        put(part, cases[i].at, cases[i].text);
        assert_int_equal(sp_part_total(part), cases[i].total);
        bool found = sp_part_gap(part, 0, 10, &gap);
        assert_int_equal(found, cases[i].gap.to > 0);
        assert_int_equal(gap.from, cases[i].gap.from);
        assert_int_equal(gap.to, cases[i].gap.to);
    }
    scratch_names(name);
    scratch_file(name, "abcdefghij");
    sp_part_discard(part);
}

static void reads_exactly(void **state)
{
    struct sp_part *part = part_new();
    struct spull_error err;
    char name[SCRATCH_NAME];
    char bytes[16] = "";

    (void)state;
    put(part, 0, "abcdef");
    sp_part_write_back(part, 0, 6);
    assert_int_equal(sp_part_read(part, 2, bytes, 3, NULL), SPULL_OK);
    assert_string_equal(bytes, "cde");
    assert_int_equal(sp_part_read(part, 6, bytes, 0, NULL), SPULL_OK);
    /* Somebody with more rights than sense. */
    scratch_names(name);
    assert_int_equal(truncate(name, 3), 0);
    assert_int_equal(sp_part_read(part, 2, bytes, 3, &err), SPULL_STORAGE);
    unit_failed(&err, SPULL_STORAGE);
    unit_says(&err, "cut by somebody else");
    sp_part_discard(part);
}

/* A limit on the size of files stands in for the full disk: a write that is
 * cut short, and then one that fails. */
static void a_full_disk(void **state)
{
    enum { ROOM = 10000 };
    static char bytes[2 * ROOM];
    struct sp_part *part = part_new();
    struct rlimit before, limit;
    struct spull_error err;
    enum spull_code code = SPULL_OK;

    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    put(part, 0, "abc");
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = ROOM;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    code = sp_part_write(part, 3, bytes, sizeof(bytes), &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);

    assert_int_equal(code, SPULL_STORAGE);
    unit_failed(&err, SPULL_STORAGE);
    assert_int_equal(err.sys, EFBIG);
    assert_int_equal(sp_part_total(part), 3);
    sp_part_discard(part);
}

/* --- one reader, one writer ----------------------------------------------- */

static void what_the_reader_is_told(void **state)
{
    struct sp_part *part = part_new();
    unsigned round = 0;
    uint64_t frontier = 0;

    (void)state;
    put(part, 3, "def");
    put(part, 0, "abc");
    assert_int_equal(sp_part_follow(part, 0, &round, &frontier),
                     SP_FOLLOW_MORE);
    assert_int_equal(frontier, 6);
    put(part, 6, "g");
    assert_int_equal(sp_part_follow(part, 6, &round, &frontier),
                     SP_FOLLOW_MORE);
    assert_int_equal(frontier, 7);
    assert_int_equal(round, 0);
    sp_part_restart(part);
    sp_part_restart(part);
    put(part, 0, "ABC");
    /* Two restarts missed are one. */
    assert_int_equal(sp_part_follow(part, 7, &round, &frontier),
                     SP_FOLLOW_RESTARTED);
    assert_int_equal(sp_part_follow(part, 0, &round, &frontier),
                     SP_FOLLOW_MORE);
    assert_int_equal(frontier, 3);
    put(part, 3, "D");
    assert_int_equal(sp_part_complete(part, 4, NULL), SPULL_OK);
    /* First all that there is, then the end; and that again and again. */
    assert_int_equal(sp_part_follow(part, 3, &round, &frontier),
                     SP_FOLLOW_MORE);
    assert_int_equal(frontier, 4);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sp_part_follow(part, 4, &round, &frontier),
                         SP_FOLLOW_COMPLETE);
    sp_part_discard(part);
}

static void an_empty_one_can_be_complete(void **state)
{
    struct sp_part *part = part_new();
    unsigned round = 0;
    uint64_t frontier = 1;

    (void)state;
    assert_int_equal(sp_part_complete(part, 0, NULL), SPULL_OK);
    assert_int_equal(sp_part_follow(part, 0, &round, &frontier),
                     SP_FOLLOW_COMPLETE);
    assert_int_equal(frontier, 0);
    sp_part_discard(part);
}

static void giving_up_comes_before_all_else(void **state)
{
    struct sp_part *part = part_new();
    unsigned round = 0;
    uint64_t frontier = 0;

    (void)state;
    put(part, 0, "abc");
    sp_part_restart(part);
    put(part, 0, "abc");
    sp_part_give_up(part);
    assert_int_equal(sp_part_follow(part, 0, &round, &frontier),
                     SP_FOLLOW_GIVEN_UP);
    sp_part_discard(part);
}

static void a_restart_forgets_every_byte(void **state)
{
    struct sp_part *part = part_new();
    struct sp_sealed *sealed = NULL;
    struct sp_span gap = {0, 0};

    (void)state;
    put(part, 0, "a much longer answer");
    sp_part_restart(part);
    assert_int_equal(sp_part_total(part), 0);
    assert_true(sp_part_gap(part, 0, 5, &gap));
    assert_int_equal(gap.from, 0);
    assert_int_equal(gap.to, 5);
    put(part, 0, "short");
    assert_int_equal(sp_part_complete(part, 5, NULL), SPULL_OK);
    assert_int_equal(seal(part, &sealed, NULL), SPULL_OK);
    scratch_file(sealed->name, "short");
    sp_sealed_discard(sealed);
}

static void a_reader_breaks_it(void **state)
{
    static const struct spull_error why = {
        .code = SPULL_STORAGE, .sys = EIO, .text = "read: bad disk"};
    struct sp_part *part = part_new();
    struct spull_error err;

    (void)state;
    put(part, 0, "abc");
    sp_part_break(part, &why);
    for (int i = 0; i < 3; i++) {
        memset(&err, 0, sizeof(err));
        assert_int_equal(sp_part_write(part, 3, "d", 1, &err), SPULL_STORAGE);
        assert_int_equal(err.code, SPULL_STORAGE);
        assert_int_equal(err.sys, EIO);
        assert_string_equal(err.text, "read: bad disk");
        assert_int_equal(sp_part_write(part, 3, "d", 1, NULL), SPULL_STORAGE);
    }
    assert_int_equal(sp_part_total(part), 3);
    sp_part_discard(part);
}

/* What a reader in a thread of its own has seen. */
struct reader {
    struct sp_part *part;
    unsigned char *seen; /* SEEN bytes */
    uint64_t at;
    unsigned restarts;
    enum sp_follow ending;
    const char *wrong; /* NULL: all well */
};

#define SEEN ((size_t)3 << 20)

static void read_on(struct reader *reader, uint64_t frontier)
{
    uint64_t at = reader->at;

    if (frontier <= at || frontier > SEEN)
        reader->wrong = "no news";
    else if (sp_part_read(reader->part, at, reader->seen + at,
                          (size_t)(frontier - at), NULL) != SPULL_OK)
        reader->wrong = "can't read";
    else
        reader->at = frontier;
}

static void *follow(void *arg)
{
    struct reader *reader = arg;
    unsigned round = 0;
    uint64_t frontier = 0;

    while (reader->wrong == NULL) {
        reader->ending =
            sp_part_follow(reader->part, reader->at, &round, &frontier);
        if (reader->ending == SP_FOLLOW_COMPLETE ||
            reader->ending == SP_FOLLOW_GIVEN_UP)
            break;
        if (reader->ending == SP_FOLLOW_RESTARTED) {
            reader->at = 0;
            reader->restarts++;
        } else {
            read_on(reader, frontier);
        }
    }
    return NULL;
}

static unsigned char *random_bytes(uint64_t *random)
{
    unsigned char *bytes = malloc(SEEN);

    assert_non_null(bytes);
    for (size_t i = 0; i < SEEN; i++)
        bytes[i] = (unsigned char)unit_random(random);
    return bytes;
}

/* Writes bytes[0..SEEN) in pieces of any size and any order, some twice. */
static void write_in_disorder(struct sp_part *part, const unsigned char *bytes,
                              uint64_t *random)
{
    enum { PIECES = 200 };
    size_t cuts[PIECES + 1] = {0}; /* the first stays, the last is SEEN */
    size_t order[PIECES] = {0};

    for (size_t i = 0; i < PIECES; i++) {
        size_t other = unit_below(random, i + 1);
        cuts[i + 1] = i + 1 < PIECES ? SEEN / PIECES * (i + 1) +
                                           unit_below(random, SEEN / PIECES)
                                     : SEEN;
        order[i] = order[other];
        order[other] = i;
    }
    for (size_t i = 0; i < PIECES; i++) {
        size_t from = cuts[order[i]];
        size_t to = cuts[order[i] + 1];
        if (unit_below(random, 4) == 0) /* some of its neighbour too */
            to += (SEEN - to) / PIECES;
        assert_int_equal(
            sp_part_write(part, from, bytes + from, to - from, NULL), SPULL_OK);
        if (unit_below(random, 4) == 0)
            sched_yield();
    }
}

static void a_reader_follows(void **state)
{
    uint64_t random = 0x5eed;
    struct reader reader = {.part = part_new(), .seen = malloc(SEEN)};
    unsigned char *bytes = random_bytes(&random);
    struct sp_sealed *sealed = NULL;
    pthread_t thread;

    (void)state;
    assert_non_null(reader.seen);
    assert_int_equal(pthread_create(&thread, NULL, follow, &reader), 0);
    write_in_disorder(reader.part, bytes, &random);
    assert_int_equal(sp_part_complete(reader.part, SEEN, NULL), SPULL_OK);
    pthread_join(thread, NULL);
    if (reader.wrong != NULL)
        fail_msg("%s", reader.wrong);
    assert_int_equal(reader.ending, SP_FOLLOW_COMPLETE);
    assert_int_equal(reader.at, SEEN);
    assert_int_equal(reader.restarts, 0);
    assert_memory_equal(reader.seen, bytes, SEEN);
    assert_int_equal(seal(reader.part, &sealed, NULL), SPULL_OK);
    sp_sealed_discard(sealed);
    free(reader.seen);
    free(bytes);
}

/* A reader that has nothing to read sleeps until it is told the end. */
static void the_end_wakes_the_reader(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        struct reader reader = {.part = part_new(), .seen = malloc(SEEN)};
        pthread_t thread;
        assert_non_null(reader.seen);
        assert_int_equal(pthread_create(&thread, NULL, follow, &reader), 0);
        if (i % 4 < 2)
            put(reader.part, 0, "abc");
        if (i % 8 < 4)
            sched_yield();
        if (i % 2 == 0)
            sp_part_give_up(reader.part);
        else
            sp_part_complete(reader.part, sp_part_total(reader.part), NULL);
        pthread_join(thread, NULL);
        assert_null(reader.wrong);
        assert_int_equal(reader.ending,
                         i % 2 == 0 ? SP_FOLLOW_GIVEN_UP : SP_FOLLOW_COMPLETE);
        sp_part_discard(reader.part);
        free(reader.seen);
    }
}

/* --- the end -------------------------------------------------------------- */

static void check_incomplete(struct sp_part *part, uint64_t size)
{
    struct sp_sealed *sealed = NULL;
    struct spull_error err;

    assert_int_equal(sp_part_complete(part, size, &err), SPULL_INTERNAL);
    unit_failed(&err, SPULL_INTERNAL);
    assert_int_equal(seal(part, &sealed, &err), SPULL_INTERNAL);
    unit_failed(&err, SPULL_INTERNAL);
    assert_null(sealed);
}

static void only_what_is_complete_is_sealed(void **state)
{
    struct sp_part *part = part_new();
    struct sp_sealed *sealed = NULL;
    char name[SCRATCH_NAME];
    struct stat info;

    (void)state;
    check_incomplete(part, 6);
    put(part, 3, "def");
    check_incomplete(part, 6);
    check_incomplete(part, 0);
    put(part, 0, "abc");
    check_incomplete(part, 5);
    check_incomplete(part, 7);
    /* None of these was the last word. */
    assert_int_equal(sp_part_complete(part, 6, NULL), SPULL_OK);
    assert_int_equal(seal(part, &sealed, NULL), SPULL_OK);
    assert_int_equal(scratch_names(name), 1);
    assert_string_equal(sealed->name, name);
    assert_string_equal(sealed->where, ".");
    assert_int_equal(sealed->size, 6);
    assert_string_equal(sealed->digest.text, "sha256:00");
    assert_string_equal(sealed->look.kind, "SIF");
    assert_int_equal(fstat(sealed->fd, &info), 0);
    assert_int_equal(info.st_mode, S_IFREG | 0600);
    scratch_file(name, "abcdef");
    sp_sealed_discard(sealed);
    assert_int_equal(scratch_names(NULL), 0);
}

/* As many bytes as there should be, but not those. */
static void bytes_behind_the_end_do_not_count(void **state)
{
    struct sp_part *part = part_new();

    (void)state;
    put(part, 0, "abc");
    put(part, 6, "ghi");
    check_incomplete(part, 6);
    sp_part_discard(part);
}

static void what_was_given_up_is_not_sealed(void **state)
{
    struct sp_part *part = part_new();
    struct sp_sealed *sealed = NULL;

    (void)state;
    put(part, 0, "abc");
    sp_part_give_up(part);
    assert_int_equal(seal(part, &sealed, NULL), SPULL_INTERNAL);
    assert_null(sealed);
    sp_part_discard(part);
}

static void who_names_it_keeps_it(void **state)
{
    struct sp_part *part = part_new();
    struct sp_sealed *sealed = NULL;

    (void)state;
    put(part, 0, "abc");
    assert_int_equal(sp_part_complete(part, 3, NULL), SPULL_OK);
    assert_int_equal(seal(part, &sealed, NULL), SPULL_OK);
    assert_int_equal(rename(sealed->name, "final"), 0);
    sp_sealed_free(sealed);
    scratch_file("final", "abc");
    assert_int_equal(unlink("final"), 0);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_and_rights),
        TEST(each_has_its_own),
        TEST(takes_nobody_elses),
        TEST(places_that_are_none),
        TEST(follows_its_directory),
        TEST(counts_what_is_there),
        TEST(reads_exactly),
        TEST(a_full_disk),
        TEST(what_the_reader_is_told),
        TEST(an_empty_one_can_be_complete),
        TEST(giving_up_comes_before_all_else),
        TEST(a_restart_forgets_every_byte),
        TEST(a_reader_breaks_it),
        TEST(a_reader_follows),
        TEST(the_end_wakes_the_reader),
        TEST(only_what_is_complete_is_sealed),
        TEST(bytes_behind_the_end_do_not_count),
        TEST(what_was_given_up_is_not_sealed),
        TEST(who_names_it_keeps_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
