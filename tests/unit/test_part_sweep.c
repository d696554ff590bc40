/* SPDX-License-Identifier: MIT */
/*
 * part_sweep: what nobody will take up goes, what may be of use
 * stays; and a part that is filled from a file.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ctx.h"
#include "part.h"
#include "part_lead.h"
#include "part_sweep.h"
#include "scratch.h"
#include "unit.h"
#include "watch.h"

#define LABEL "0123456789abcdef0123456789abcdef"

static struct sp_ctx ctx;
static struct sp_watch watch;

static int enter(void **state)
{
    struct spull_options options;

    spull_options_init(&options);
    options.keep_days = 7;
    if (sp_ctx_init(&ctx, &options, NULL) != SPULL_OK)
        return -1;
    sp_watch_init(&watch, &ctx, "a/b");
    return scratch_enter(state);
}

static int leave(void **state)
{
    sp_ctx_done(&ctx);
    return scratch_leave(state);
}

static void put_file(const char *name, const char *text, int days_old)
{
    struct timespec when[2] = {{time(NULL) - days_old * 86400L, 0},
                               {time(NULL) - days_old * 86400L, 0}};
    int fd = open(name, O_CREAT | O_EXCL | O_RDWR, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(futimens(fd, when), 0);
    close(fd);
}

static void sweep(unsigned expected)
{
    uint64_t count = 0;
    uint64_t bytes = 0;

    int fd = open(".", O_RDONLY | O_DIRECTORY);
    assert_true(fd >= 0);
    sp_part_tidy(fd, ctx.opts.keep_days, &count, &bytes);
    close(fd);
    assert_int_equal(count, expected);
    assert_true(bytes > 0 || expected == 0);
}

/* A part with its journal and its lead. */
static void begin(struct sp_part **part, struct sp_lead **lead)
{
    assert_int_equal(sp_part_new(".", LABEL, part, NULL), SPULL_OK);
    assert_int_equal(sp_lead_new(".", LABEL, lead, NULL), SPULL_OK);
    assert_true(sp_lead_take(*lead, *part));
    assert_int_equal(sp_part_write(*part, 0, "some", 4, NULL), SPULL_OK);
}

static void what_is_in_use_stays(void **state)
{
    struct sp_part *part = NULL;
    struct sp_lead *lead = NULL;

    (void)state;
    begin(&part, &lead);
    sweep(0);
    assert_int_equal(scratch_names(NULL), 2);
    sp_lead_free(lead);
    sp_part_discard(part);
}

/* Dies as kill -9 would have it, with or without a journal. */
static void die(bool journal)
{
    struct sp_part *part = NULL;
    struct sp_lead *lead = NULL;

    begin(&part, &lead);
    if (journal)
        sp_part_keep(part); /* says that it is nobody's */
    _exit(0);
}

static void leave_behind(bool journal)
{
    int status = -1;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        die(journal);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(scratch_names(NULL), journal ? 3 : 2);
}

/* Removes the parts, or makes all that there is eight days old. */
static void each_name(bool remove)
{
    struct timespec old[2] = {{time(NULL) - 8 * 86400L, 0},
                              {time(NULL) - 8 * 86400L, 0}};
    DIR *dir = opendir(".");

    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        const char *suffix = strrchr(entry->d_name, '.');
        if (strncmp(entry->d_name, ".spull-", 7) != 0 ||
            (remove && strcmp(suffix, ".part") != 0))
            continue;
        if (remove)
            assert_int_equal(unlink(entry->d_name), 0);
        else
            assert_int_equal(
                utimensat(AT_FDCWD, entry->d_name, old, AT_SYMLINK_NOFOLLOW),
                0);
    }
    closedir(dir);
}

/* The next process may be taking it up. */
static void what_the_dead_leave_goes_when_it_is_old(void **state)
{
    (void)state;
    for (int journal = 0; journal < 2; journal++) {
        leave_behind(journal != 0);
        sweep(0);
        assert_int_equal(scratch_names(NULL), journal ? 3 : 2);
        each_name(false);
        sweep(journal ? 2 : 1);
        sweep(0);
        assert_int_equal(scratch_names(NULL), 0);
    }
}

static void what_has_no_part_goes(void **state)
{
    (void)state;
    for (int journal = 0; journal < 2; journal++) {
        leave_behind(journal != 0);
        each_name(true);
        sweep(journal ? 1 : 0);
        assert_int_equal(scratch_names(NULL), 0);
    }
}

static void only_age_tells_of_others(void **state)
{
    static const char elsewhere[] =
        "spull-part 1\nowner 00000000-0000-0000-0000-000000000000 1 2 3\n"
        "beat 1\nsize 4\nspan 0 4\nend\n";

    (void)state;
    put_file(".spull-a.part", "data", 0);
    put_file(".spull-b.part", "data", 8);
    put_file(".spull-c.part", "data", 0);
    put_file(".spull-c.spans", elsewhere, 0);
    put_file(".spull-d.part", "data", 8);
    put_file(".spull-d.spans", elsewhere, 8);
    put_file("e.part", "data", 8);
    sweep(3);
    assert_int_equal(scratch_names(NULL), 4);
    assert_int_equal(unlink(".spull-a.part"), 0);
    assert_int_equal(unlink(".spull-c.part"), 0);
    assert_int_equal(unlink(".spull-c.spans"), 0);
    assert_int_equal(unlink("e.part"), 0);
}

static void days_without_end(void **state)
{
    (void)state;
    ctx.opts.keep_days = 0;
    put_file(".spull-a.part", "data", 1000);
    sweep(0);
    assert_int_equal(unlink(".spull-a.part"), 0);
}

static void fills_from_a_file(void **state)
{
    static const struct {
        uint64_t size, total;
    } cases[] = {{4, 4}, {10, 10}, {12, 10}};

    (void)state;
    put_file("source", "0123456789", 0);
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_part *part = NULL;
        char bytes[16] = "";
        int fd = open("source", O_RDONLY);
        assert_int_equal(sp_part_new(".", LABEL, &part, NULL), SPULL_OK);
        /* What is there already is not written again. */
        assert_int_equal(sp_part_write(part, 1, "X", 1, NULL), SPULL_OK);
        assert_int_equal(sp_part_copy(part, fd, cases[i].size, &watch, NULL),
                         SPULL_OK);
        assert_int_equal(sp_part_total(part), cases[i].total);
        assert_int_equal(sp_part_read(part, 0, bytes, cases[i].total, NULL),
                         SPULL_OK);
        assert_memory_equal(bytes, "0X23456789", cases[i].total);
        close(fd);
        sp_part_discard(part);
    }
    assert_int_equal(unlink("source"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_in_use_stays),
        TEST(what_the_dead_leave_goes_when_it_is_old),
        TEST(what_has_no_part_goes),
        TEST(only_age_tells_of_others),
        TEST(days_without_end),
        TEST(fills_from_a_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
