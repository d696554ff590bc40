/* SPDX-License-Identifier: MIT */
/*
 * part: the name and the rights of the partial file, and what is written to it.
 * Each test works in a folder of its own, which has to be empty when it is
 * over.
 */
#include <errno.h>
#include <regex.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "part.h"
#include "parts.h"
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
        parts[i] = parts_new();
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
    first = parts_new();
    parts_put(first, 0, "first");
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
    parts_put(part, 0, "abc");
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
    struct sp_part *part = parts_new();
    char name[SCRATCH_NAME];

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_span gap = {0, 0};
        parts_put(part, cases[i].at, cases[i].text);
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
    struct sp_part *part = parts_new();
    struct spull_error err;
    char name[SCRATCH_NAME];
    char bytes[16] = "";

    (void)state;
    parts_put(part, 0, "abcdef");
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
    struct sp_part *part = parts_new();
    struct rlimit before, limit;
    struct spull_error err;
    enum spull_code code = SPULL_OK;

    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    parts_put(part, 0, "abc");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(names_and_rights),      SCRATCH_TEST(each_has_its_own),
        SCRATCH_TEST(takes_nobody_elses),    SCRATCH_TEST(places_that_are_none),
        SCRATCH_TEST(follows_its_directory), SCRATCH_TEST(counts_what_is_there),
        SCRATCH_TEST(reads_exactly),         SCRATCH_TEST(a_full_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
