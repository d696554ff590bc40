/* SPDX-License-Identifier: MIT */
/*
 * part_share: who may read what is shared, and parts that are another name of a
 * file.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "part.h"
#include "scratch.h"
#include "unit.h"

#define LABEL "0123456789abcdef0123456789abcdef"
#define TEXT  "some bytes"
#define SIZE  (sizeof TEXT - 1)

static int put(const char *name, const char *text)
{
    int fd = open(name, O_CREAT | O_EXCL | O_RDWR, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    return fd;
}

static void who_may_read(void **state)
{
    static const struct {
        mode_t folder, part, image;
    } cases[] = {{0700, 0600, 0500},  {0770, 0640, 0550},  {0775, 0644, 0555},
                 {02775, 0644, 0555}, {01777, 0644, 0555}, {0711, 0600, 0500},
                 {0750, 0640, 0550}};
    int dir = open(".", O_RDONLY | O_DIRECTORY);
    int fd = put("file", "");
    struct stat info;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        assert_int_equal(chmod(".", cases[i].folder), 0);
        assert_true(sp_part_share(dir, fd, 0600, 0444));
        assert_int_equal(fstat(fd, &info), 0);
        assert_int_equal(info.st_mode & 07777, cases[i].part);
        assert_true(sp_part_share(dir, fd, 0500, 0555));
        assert_int_equal(fstat(fd, &info), 0);
        assert_int_equal(info.st_mode & 07777, cases[i].image);
    }
    assert_int_equal(chmod(".", 0700), 0);
    close(fd);
    close(dir);
    assert_int_equal(unlink("file"), 0);
}

static void group_of_the_folder(void **state)
{
    int dir = open(".", O_RDONLY | O_DIRECTORY);
    int fd = -1;
    struct stat info;

    (void)state;
    if (geteuid() != 0) {
        close(dir);
        skip();
    }
    assert_int_equal(fchown(dir, (uid_t)-1, 54321), 0);
    assert_int_equal(chmod(".", 0770), 0);
    fd = put("file", "");
    assert_true(sp_part_share(dir, fd, 0600, 0444));
    assert_int_equal(fstat(fd, &info), 0);
    assert_int_equal(info.st_gid, 54321);
    assert_int_equal(info.st_mode & 07777, 0640);
    close(fd);
    close(dir);
    assert_int_equal(unlink("file"), 0);
}

static struct sp_part *fresh(void)
{
    struct sp_part *part = NULL;

    assert_int_equal(sp_part_new(".", LABEL, &part, NULL), SPULL_OK);
    return part;
}

static nlink_t links(int fd)
{
    struct stat info;

    assert_int_equal(fstat(fd, &info), 0);
    return info.st_nlink;
}

/* It is complete, and goes away without the file that it was linked to. */
static void link_of_a_file(void **state)
{
    struct sp_part *part = fresh();
    int fd = put("file", TEXT);
    bool linked = false;

    (void)state;
    assert_int_equal(
        sp_part_link(part, AT_FDCWD, "file", fd, SIZE, &linked, NULL),
        SPULL_OK);
    assert_true(linked);
    assert_int_equal(links(fd), 2);
    assert_int_equal(sp_part_complete(part, SIZE, NULL), SPULL_OK);
    sp_part_discard(part);
    assert_int_equal(links(fd), 1);
    assert_int_equal(unlink("file"), 0);
    close(fd);
}

/* Kept or not: a link holds nothing that is not elsewhere. */
static void link_that_got_no_name(void **state)
{
    const struct sp_digest digest = {.algorithm = SP_SHA256};
    const struct sp_look look = {.kind = "SIF", .arch = "", .image = true};
    struct sp_part *part = fresh();
    struct sp_sealed *sealed = NULL;
    int fd = put("file", TEXT);
    bool linked = false;

    (void)state;
    assert_int_equal(
        sp_part_link(part, AT_FDCWD, "file", fd, SIZE, &linked, NULL),
        SPULL_OK);
    assert_int_equal(sp_part_complete(part, SIZE, NULL), SPULL_OK);
    assert_int_equal(sp_part_seal(part, &digest, &look, &sealed, NULL),
                     SPULL_OK);
    assert_true(sealed->linked);
    sp_sealed_keep(sealed);
    assert_int_equal(links(fd), 1);
    assert_int_equal(unlink("file"), 0);
    close(fd);
}

static void check_no_link(const char *name, int fd, uint64_t size)
{
    struct sp_part *part = fresh();
    bool linked = true;

    assert_int_equal(
        sp_part_link(part, AT_FDCWD, name, fd, size, &linked, NULL), SPULL_OK);
    assert_false(linked);
    assert_int_equal(links(fd), 1);
    assert_int_equal(sp_part_total(part), 0);
    /* It is as good as new. */
    assert_int_equal(sp_part_write(part, 0, "other", 5, NULL), SPULL_OK);
    assert_int_equal(sp_part_complete(part, 5, NULL), SPULL_OK);
    sp_part_discard(part);
}

/* The name is another file's, a link's or nobody's; or the size has changed. */
static void no_link(void **state)
{
    int fd = put("file", TEXT);
    int other = put("other", TEXT);

    (void)state;
    assert_int_equal(symlink("file", "link"), 0);
    check_no_link("other", fd, SIZE);
    check_no_link("link", fd, SIZE);
    check_no_link("nothing", fd, SIZE);
    check_no_link("file", fd, SIZE + 1);
    assert_int_equal(links(other), 1);
    close(other);
    close(fd);
    assert_int_equal(unlink("link"), 0);
    assert_int_equal(unlink("other"), 0);
    assert_int_equal(unlink("file"), 0);
}

/* Where the file system can't, the part is as it was. */
static void clone_or_not(void **state)
{
    struct sp_part *part = fresh();
    int fd = put("file", TEXT);
    bool cloned = false;

    (void)state;
    assert_false(sp_part_clone(part, fd, SIZE + 1));
    assert_int_equal(sp_part_total(part), 0);
    cloned = sp_part_clone(part, fd, SIZE);
    assert_int_equal(sp_part_total(part), cloned ? SIZE : 0);
    if (!cloned)
        assert_int_equal(sp_part_write(part, 0, TEXT, SIZE, NULL), SPULL_OK);
    assert_int_equal(sp_part_complete(part, SIZE, NULL), SPULL_OK);
    sp_part_discard(part);
    close(fd);
    assert_int_equal(unlink("file"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_may_read, scratch_enter,
                                        scratch_leave),
        cmocka_unit_test_setup_teardown(group_of_the_folder, scratch_enter,
                                        scratch_leave),
        cmocka_unit_test_setup_teardown(link_of_a_file, scratch_enter,
                                        scratch_leave),
        cmocka_unit_test_setup_teardown(link_that_got_no_name, scratch_enter,
                                        scratch_leave),
        cmocka_unit_test_setup_teardown(no_link, scratch_enter, scratch_leave),
        cmocka_unit_test_setup_teardown(clone_or_not, scratch_enter,
                                        scratch_leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
