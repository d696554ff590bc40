/* SPDX-License-Identifier: MIT */
/*
 * install: names, rights, and what is left of the others. Each test works in a
 * folder of its own, in which nothing may be left over.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "install.h"
#include "part.h"
#include "scratch.h"
#include "sealed.h"
#include "unit.h"

static ino_t inode(const char *name)
{
    struct stat info;

    assert_int_equal(lstat(name, &info), 0);
    return info.st_ino;
}

static void names_the_inode(void **state)
{
    static const char *const finals[] = {"greeting_latest.sif", "-", "a b",
                                         ".hidden", "\xc3\xa9"};

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(finals); i++) {
        struct sp_sealed *sealed = sealed_new("new");
        ino_t made = inode(sealed->name);
        assert_int_equal(
            sp_install(sealed, finals[i], SP_MODE_IMAGE, i % 2 == 0, NULL),
            SPULL_OK);
        assert_int_equal(scratch_names(NULL), 1);
        assert_int_equal(inode(finals[i]), made);
        scratch_file(finals[i], "new");
        assert_int_equal(unlink(finals[i]), 0);
    }
}

static void the_umask_rules(void **state)
{
    static const mode_t masks[] = {0, 022, 027, 002, 077, 007, 0, 0177, 0777};

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(masks); i++) {
        struct sp_sealed *sealed = sealed_new("new");
        struct stat info;
        mode_t before = umask(masks[i]);
        enum spull_code code =
            sp_install(sealed, "final", SP_MODE_IMAGE, false, NULL);
        umask(before);
        assert_int_equal(code, SPULL_OK);
        assert_int_equal(stat("final", &info), 0);
        assert_int_equal(info.st_mode, S_IFREG | (0777 & ~masks[i]));
        assert_int_equal(unlink("final"), 0);
    }
}

/* What can stand in the way. */
static void make_file(void)
{
    scratch_write("final", "old");
}

static void make_dangling_link(void)
{
    assert_int_equal(symlink("nowhere", "final"), 0);
}

static void make_directory(void)
{
    assert_int_equal(mkdir("final", 0700), 0);
}

static void make_pipe(void)
{
    assert_int_equal(mkfifo("final", 0600), 0);
}

static const struct {
    void (*make)(void);
    bool replaceable;
} obstacles[] = {
    {make_file, true},
    {make_dangling_link, true},
    {make_pipe, true},
    {make_directory, false},
};

static void what_exists_stays(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(obstacles); i++) {
        struct stat before, after;
        obstacles[i].make();
        assert_int_equal(lstat("final", &before), 0);
        sealed_install(false, SPULL_EXISTS);
        assert_int_equal(scratch_names(NULL), 1);
        assert_int_equal(lstat("final", &after), 0);
        assert_int_equal(after.st_ino, before.st_ino);
        assert_int_equal(after.st_mode, before.st_mode);
        assert_int_equal(after.st_size, before.st_size);
        if (S_ISREG(after.st_mode))
            scratch_file("final", "old");
        assert_int_equal(remove("final"), 0);
    }
}

static void what_exists_is_replaced(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(obstacles); i++) {
        obstacles[i].make();
        sealed_install(true,
                       obstacles[i].replaceable ? SPULL_OK : SPULL_STORAGE);
        assert_int_equal(scratch_names(NULL), 1);
        if (obstacles[i].replaceable)
            scratch_file("final", "new");
        assert_int_equal(remove("final"), 0);
    }
}

/* A job that runs from the old image goes on with it. */
static void who_has_it_open_keeps_the_old(void **state)
{
    char bytes[8];
    int fd = -1;

    (void)state;
    make_file();
    fd = open("final", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    sealed_install(true, SPULL_OK);
    assert_int_equal(read(fd, bytes, sizeof(bytes)), 3);
    assert_memory_equal(bytes, "old", 3);
    close(fd);
    assert_int_equal(unlink("final"), 0);
}

static void names_that_are_none(void **state)
{
    static char long_name[300];
    static const struct {
        const char *final;
        int sys;
    } cases[] = {{"", ENOENT}, {"no/where", ENOENT}, {long_name, ENAMETOOLONG}};

    (void)state;
    memset(long_name, 'x', sizeof(long_name) - 1);
    for (size_t i = 0; i < UNIT_COUNT(cases); i++)
        for (int replace = 0; replace < 2; replace++) {
            struct sp_sealed *sealed = sealed_new("new");
            struct spull_error err;
            assert_int_equal(sp_install(sealed, cases[i].final, SP_MODE_IMAGE,
                                        replace, &err),
                             SPULL_STORAGE);
            unit_failed(&err, SPULL_STORAGE);
            assert_int_equal(err.sys, cases[i].sys);
            assert_int_equal(scratch_names(NULL), 0);
        }
}

static void the_directory_may_be_gone(void **state)
{
    struct sp_sealed *sealed = NULL;

    (void)state;
    assert_int_equal(mkdir("dir", 0700), 0);
    sealed = sealed_in("dir", "new");
    assert_int_equal(unlinkat(sealed->dir, sealed->name, 0), 0);
    assert_int_equal(rmdir("dir"), 0);
    assert_int_equal(sp_install(sealed, "final", SP_MODE_IMAGE, false, NULL),
                     SPULL_STORAGE);
}

/* Somebody who thought us dead has taken it away: told by ENOENT. */
static void the_file_may_be_gone(void **state)
{
    (void)state;
    for (int replace = 0; replace < 2; replace++) {
        struct sp_sealed *sealed = sealed_new("new");
        struct spull_error err;
        assert_int_equal(unlink(sealed->name), 0);
        assert_int_equal(
            sp_install(sealed, "final", SP_MODE_IMAGE, replace, &err),
            SPULL_STORAGE);
        unit_failed(&err, SPULL_STORAGE);
        assert_int_equal(err.sys, ENOENT);
        assert_int_equal(scratch_names(NULL), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(names_the_inode),
        SCRATCH_TEST(the_umask_rules),
        SCRATCH_TEST(what_exists_stays),
        SCRATCH_TEST(what_exists_is_replaced),
        SCRATCH_TEST(who_has_it_open_keeps_the_old),
        SCRATCH_TEST(names_that_are_none),
        SCRATCH_TEST(the_directory_may_be_gone),
        SCRATCH_TEST(the_file_may_be_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
