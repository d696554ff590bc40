/* SPDX-License-Identifier: MIT */
/*
 * folder: every name once, until the visitor has enough.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "folder.h"
#include "scratch.h"
#include "unit.h"

#define FILES 300 /* more than one read of a directory brings */

struct seen {
    unsigned times[FILES];
    unsigned count, enough;
};

static bool see(void *payload, const char *name)
{
    struct seen *seen = payload;
    unsigned number = 0;

    assert_int_equal(sscanf(name, "..%u", &number), 1);
    seen->times[number]++;
    return ++seen->count != seen->enough;
}

static void each_name_once(void **state)
{
    static const unsigned enough[] = {0, 1, 17, FILES};
    int dir = open(".", O_RDONLY | O_DIRECTORY);
    char name[16];

    (void)state;
    for (unsigned i = 0; i < FILES; i++) {
        snprintf(name, sizeof(name), "..%u", i);
        close(open(name, O_CREAT | O_EXCL | O_WRONLY, 0600));
    }
    for (size_t i = 0; i < UNIT_COUNT(enough); i++) {
        struct seen seen = {.enough = enough[i]};
        /* Each walk begins at the beginning. */
        assert_true(sp_folder_each(dir, see, &seen));
        assert_int_equal(seen.count, enough[i] == 0 ? FILES : enough[i]);
        for (unsigned j = 0; j < FILES; j++)
            assert_true(seen.times[j] <= 1);
    }
    for (unsigned i = 0; i < FILES; i++) {
        snprintf(name, sizeof(name), "..%u", i);
        assert_int_equal(unlink(name), 0);
    }
    close(dir);
}

static void what_is_no_folder(void **state)
{
    struct seen seen = {.count = 0};
    int fd = open("file", O_CREAT | O_EXCL | O_RDWR, 0600);

    (void)state;
    assert_false(sp_folder_each(fd, see, &seen));
    assert_int_equal(errno, ENOTDIR);
    close(fd);
    assert_false(sp_folder_each(fd, see, &seen));
    assert_int_equal(errno, EBADF);
    assert_int_equal(seen.count, 0);
    assert_int_equal(unlink("file"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_name_once, scratch_enter,
                                        scratch_leave),
        cmocka_unit_test_setup_teardown(what_is_no_folder, scratch_enter,
                                        scratch_leave),
    };

    return cmocka_run_group_tests_name("folder", tests, NULL, NULL);
}
