/* SPDX-License-Identifier: MIT */
/*
 * part_seal: only what is complete is sealed, and who named that keeps it. Each
 * test works in a folder of its own, which has to be empty when it is over.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "part.h"
#include "parts.h"
#include "scratch.h"
#include "unit.h"

static void check_incomplete(struct sp_part *part, uint64_t size)
{
    struct sp_sealed *sealed = NULL;
    struct spull_error err;

    assert_int_equal(sp_part_complete(part, size, &err), SPULL_INTERNAL);
    unit_failed(&err, SPULL_INTERNAL);
    assert_int_equal(parts_seal(part, &sealed, &err), SPULL_INTERNAL);
    unit_failed(&err, SPULL_INTERNAL);
    assert_null(sealed);
}

static void only_what_is_complete_is_sealed(void **state)
{
    struct sp_part *part = parts_new();
    struct sp_sealed *sealed = NULL;
    char name[SCRATCH_NAME];
    struct stat info;

    (void)state;
    check_incomplete(part, 6);
    parts_put(part, 3, "def");
    check_incomplete(part, 6);
    check_incomplete(part, 0);
    parts_put(part, 0, "abc");
    check_incomplete(part, 5);
    check_incomplete(part, 7);
    /* None of these was the last word. */
    assert_int_equal(sp_part_complete(part, 6, NULL), SPULL_OK);
    assert_int_equal(parts_seal(part, &sealed, NULL), SPULL_OK);
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
    struct sp_part *part = parts_new();

    (void)state;
    parts_put(part, 0, "abc");
    parts_put(part, 6, "ghi");
    check_incomplete(part, 6);
    sp_part_discard(part);
}

static void what_was_given_up_is_not_sealed(void **state)
{
    struct sp_part *part = parts_new();
    struct sp_sealed *sealed = NULL;

    (void)state;
    parts_put(part, 0, "abc");
    sp_part_give_up(part);
    assert_int_equal(parts_seal(part, &sealed, NULL), SPULL_INTERNAL);
    assert_null(sealed);
    sp_part_discard(part);
}

static void who_names_it_keeps_it(void **state)
{
    struct sp_part *part = parts_new();
    struct sp_sealed *sealed = NULL;

    (void)state;
    parts_put(part, 0, "abc");
    assert_int_equal(sp_part_complete(part, 3, NULL), SPULL_OK);
    assert_int_equal(parts_seal(part, &sealed, NULL), SPULL_OK);
    assert_int_equal(rename(sealed->name, "final"), 0);
    sp_sealed_free(sealed);
    scratch_file("final", "abc");
    assert_int_equal(unlink("final"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(only_what_is_complete_is_sealed),
        SCRATCH_TEST(bytes_behind_the_end_do_not_count),
        SCRATCH_TEST(what_was_given_up_is_not_sealed),
        SCRATCH_TEST(who_names_it_keeps_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
