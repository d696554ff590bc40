/* SPDX-License-Identifier: MIT */
/*
 * store: what is an entry and what is not, who could change it, and what its
 * folder looks like.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch.h"
#include "store.h"
#include "unit.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static int enter(void **state)
{
    umask(022);
    return scratch_enter(state);
}

static int leave(void **state)
{
    (void)rmdir("sha256");
    return scratch_leave(state);
}

static struct sp_store open_store(void)
{
    struct sp_store store;

    assert_int_equal(sp_store_open(".", true, &store, NULL), SPULL_OK);
    assert_string_equal(store.where, "./sha256");
    assert_true(store.writable);
    return store;
}

static void put(const struct sp_store *store, const char *name, mode_t mode)
{
    int fd = openat(store->dir, name, O_CREAT | O_EXCL | O_WRONLY, 0600);

    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void names(void **state)
{
    static const struct {
        const char *name;
        bool is;
    } cases[] = {
        {HEX, true},
        {"", false},
        {HEX "0", false},
        {".spull-" HEX, false},
        {"0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
         false},
        {"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde",
         false},
        {"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde/",
         false},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++)
        assert_int_equal(sp_store_is_name(cases[i].name), cases[i].is);
}

static mode_t mode_of(const char *path)
{
    struct stat info;

    assert_int_equal(stat(path, &info), 0);
    return info.st_mode & 07777;
}

/* Also when somebody was killed before it had its mode. */
static void folder_takes_after_its_parent(void **state)
{
    static const mode_t modes[] = {0700, 0755, 02770, 02775, 01777, 0711};

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(modes); i++) {
        struct sp_store store;

        assert_int_equal(chmod(".", modes[i]), 0);
        umask(077);
        store = open_store();
        assert_int_equal(mode_of("sha256"), modes[i]);
        sp_store_done(&store);
        assert_int_equal(chmod("sha256", 0700), 0);
        store = open_store();
        assert_int_equal(mode_of("sha256"), modes[i]);
        sp_store_done(&store);
        assert_int_equal(rmdir("sha256"), 0);
    }
    assert_int_equal(chmod(".", 0700), 0);
}

static void folder_that_is_not_there(void **state)
{
    struct spull_error err = {0};
    struct sp_store store = {0};

    (void)state;
    unit_failed(&err, sp_store_open(".", false, &store, &err));
    assert_int_equal(err.code, SPULL_NOT_FOUND);
    unit_failed(&err, sp_store_open("nothing", true, &store, &err));
    assert_int_equal(err.code, SPULL_STORAGE);
    assert_int_equal(access("sha256", F_OK), -1);
    sp_store_done(&store);
}

static void folder_that_is_none(void **state)
{
    struct spull_error err = {0};
    struct sp_store store = {0};

    (void)state;
    assert_int_equal(symlink(".", "sha256"), 0);
    assert_int_equal(sp_store_open(".", true, &store, &err), SPULL_STORAGE);
    unit_says(&err, "sha256");
    assert_int_equal(unlink("sha256"), 0);
    assert_int_equal(mkfifo("sha256", 0600), 0);
    assert_int_equal(sp_store_open(".", true, &store, &err), SPULL_STORAGE);
    assert_int_equal(unlink("sha256"), 0);
}

static void who_could_change_it(void **state)
{
    static const struct {
        mode_t mode;
        bool fixed;
    } cases[] = {{0444, true},  {0555, true},  {0600, true},  {0755, true},
                 {0464, false}, {0446, false}, {0777, false}, {0620, false}};
    struct sp_store store = open_store();

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_entry entry;

        put(&store, HEX, cases[i].mode);
        assert_int_equal(sp_store_find(&store, HEX, &entry), SP_STORED);
        assert_int_equal(entry.fixed, cases[i].fixed);
        assert_true(sp_store_remove(&store, HEX, &entry));
        sp_entry_done(&entry);
        assert_int_equal(sp_store_find(&store, HEX, &entry), SP_NOT_STORED);
        assert_int_equal(entry.fd, -1);
    }
    sp_store_done(&store);
}

static void another_users_file(void **state)
{
    struct sp_store store;
    struct sp_entry entry;

    (void)state;
    if (geteuid() != 0)
        skip();
    store = open_store();
    put(&store, HEX, 0444);
    assert_int_equal(fchownat(store.dir, HEX, 65534, 65534, 0), 0);
    assert_int_equal(sp_store_find(&store, HEX, &entry), SP_STORED);
    assert_false(entry.fixed);
    assert_true(sp_store_remove(&store, HEX, &entry));
    sp_entry_done(&entry);
    sp_store_done(&store);
}

static void what_is_no_file(void **state)
{
    struct sp_store store = open_store();
    struct sp_entry entry;

    (void)state;
    assert_int_equal(symlinkat("/etc/passwd", store.dir, HEX), 0);
    assert_int_equal(sp_store_find(&store, HEX, &entry), SP_MISPLACED);
    assert_true(sp_store_remove(&store, HEX, NULL));
    assert_int_equal(mkfifoat(store.dir, HEX, 0600), 0);
    assert_int_equal(sp_store_find(&store, HEX, &entry), SP_MISPLACED);
    assert_true(sp_store_remove(&store, HEX, NULL));
    assert_int_equal(mkdirat(store.dir, HEX, 0700), 0);
    assert_int_equal(sp_store_find(&store, HEX, &entry), SP_MISPLACED);
    assert_false(sp_store_remove(&store, HEX, NULL));
    assert_int_equal(entry.fd, -1);
    assert_int_equal(unlinkat(store.dir, HEX, AT_REMOVEDIR), 0);
    sp_store_done(&store);
}

/* Somebody has put a fresh one there while we looked at the old. */
static void what_has_been_replaced_stays(void **state)
{
    struct sp_store store = open_store();
    struct sp_entry entry;

    (void)state;
    put(&store, HEX, 0444);
    assert_int_equal(sp_store_find(&store, HEX, &entry), SP_STORED);
    put(&store, "fresh", 0444);
    assert_int_equal(renameat(store.dir, "fresh", store.dir, HEX), 0);
    assert_true(sp_store_remove(&store, HEX, &entry));
    assert_int_equal(faccessat(store.dir, HEX, F_OK, 0), 0);
    assert_int_equal(unlinkat(store.dir, HEX, 0), 0);
    sp_entry_done(&entry);
    sp_store_done(&store);
}

/* A note of use must leave mtime, to which proofs are bound. */
static void use(void **state)
{
    const struct timespec past[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
    struct sp_store store = open_store();
    struct sp_entry entry;
    struct stat now;

    (void)state;
    put(&store, HEX, 0444);
    assert_int_equal(utimensat(store.dir, HEX, past, 0), 0);
    assert_int_equal(sp_store_find(&store, HEX, &entry), SP_STORED);
    assert_int_equal(sp_entry_used(&entry.info), 2000);
    sp_entry_touch(&entry);
    assert_int_equal(fstat(entry.fd, &now), 0);
    assert_true(sp_entry_used(&now) > 2000);
    assert_int_equal(now.st_mtim.tv_sec, 2000);
    assert_true(sp_store_remove(&store, HEX, &entry));
    sp_entry_done(&entry);
    sp_store_done(&store);
}

static bool count(void *payload, const char *hex)
{
    unsigned *left = payload;

    assert_string_equal(hex, HEX);
    return --*left > 0;
}

static void walk(void **state)
{
    struct sp_store store = open_store();
    unsigned left = 5;

    (void)state;
    put(&store, HEX, 0444);
    put(&store, "README", 0444);
    put(&store, ".spull-part", 0444);
    assert_int_equal(sp_store_each(&store, count, &left, NULL), SPULL_OK);
    assert_int_equal(left, 4);
    assert_int_equal(unlinkat(store.dir, HEX, 0), 0);
    assert_int_equal(unlinkat(store.dir, "README", 0), 0);
    assert_int_equal(unlinkat(store.dir, ".spull-part", 0), 0);
    sp_store_done(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test_setup_teardown(folder_takes_after_its_parent, enter,
                                        leave),
        cmocka_unit_test_setup_teardown(folder_that_is_not_there, enter, leave),
        cmocka_unit_test_setup_teardown(folder_that_is_none, enter, leave),
        cmocka_unit_test_setup_teardown(who_could_change_it, enter, leave),
        cmocka_unit_test_setup_teardown(another_users_file, enter, leave),
        cmocka_unit_test_setup_teardown(what_is_no_file, enter, leave),
        cmocka_unit_test_setup_teardown(what_has_been_replaced_stays, enter,
                                        leave),
        cmocka_unit_test_setup_teardown(use, enter, leave),
        cmocka_unit_test_setup_teardown(walk, enter, leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
