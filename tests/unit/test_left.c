/* SPDX-License-Identifier: MIT */
/*
 * left: it says "none" only of what was looked through, of late, and had none.
 */
#include <pthread.h>

#include "left.h"
#include "unit.h"

#define NOW 1000000
#define A   "0123456789abcdef0123456789abcdef"
#define B   "fedcba9876543210fedcba9876543210"

static struct sp_left left;

static int enter(void **state)
{
    (void)state;
    sp_left_init(&left);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    sp_left_done(&left);
    return 0;
}

static struct stat folder(dev_t device, ino_t inode)
{
    return (struct stat){.st_dev = device, .st_ino = inode};
}

static bool none(dev_t device, ino_t inode, const char *label, uint64_t now_ms)
{
    struct stat info = folder(device, inode);

    return sp_left_none(&left, &info, label, now_ms);
}

/* A look at this time that finds label, or NULL. */
static void look(dev_t device, ino_t inode, const char *label, uint64_t now_ms)
{
    struct stat info = folder(device, inode);
    struct sp_left_folder found = sp_left_begin(&info, now_ms);

    if (label != NULL)
        sp_left_add(&found, label);
    sp_left_end(&left, &found);
}

static void says_what_a_look_has_found(void **state)
{
    static const struct {
        dev_t device;
        ino_t inode;
        const char *label;
        uint64_t now_ms;
        bool none;
    } cases[] = {
        {1, 2, B, NOW, true},
        {1, 2, B, NOW + SP_LEFT_MS - 1, true},
        {1, 2, B, NOW + SP_LEFT_MS, false},
        {1, 2, A, NOW, false},
        /* What follows the label of a part does not count. */
        {1, 2, A "00", NOW, false},
        {1, 2, "", NOW, true},
        {1, 3, B, NOW, false},
        {2, 2, B, NOW, false},
    };

    (void)state;
    assert_false(none(1, 2, B, NOW));
    look(1, 2, A, NOW);
    for (size_t i = 0; i < UNIT_COUNT(cases); i++)
        if (none(cases[i].device, cases[i].inode, cases[i].label,
                 cases[i].now_ms) != cases[i].none)
            fail_msg("case %zu", i);
}

static void the_last_look_counts(void **state)
{
    (void)state;
    look(1, 2, A, NOW);
    look(1, 2, B, NOW + 1);
    assert_true(none(1, 2, A, NOW + SP_LEFT_MS));
    assert_false(none(1, 2, B, NOW + 1));
    look(1, 2, NULL, 0);
    assert_true(none(1, 2, B, 1));
}

static void forgets(void **state)
{
    (void)state;
    look(1, 2, A, NOW);
    sp_left_forget(&left);
    assert_false(none(1, 2, B, NOW));
    look(1, 2, NULL, NOW);
    assert_true(none(1, 2, A, NOW));
}

/* Of the oldest directory nothing is known any more; of too many labels, that
 * any may be there. */
static void what_is_too_much(void **state)
{
    struct stat info = folder(9, 9);
    struct sp_left_folder found = sp_left_begin(&info, NOW);
    char label[16];

    (void)state;
    for (ino_t i = 0; i <= SP_LEFT_FOLDERS_MAX; i++)
        look(1, i, A, NOW);
    assert_false(none(1, 0, B, NOW));
    for (ino_t i = 1; i <= SP_LEFT_FOLDERS_MAX; i++)
        assert_true(none(1, i, B, NOW));
    for (int i = 0; i <= SP_LEFT_LABELS_MAX; i++) {
        snprintf(label, sizeof(label), "%x", (unsigned)i);
        sp_left_add(&found, label);
        sp_left_add(&found, label); /* counts once */
        assert_int_equal(found.many, i == SP_LEFT_LABELS_MAX);
    }
    sp_left_end(&left, &found);
    assert_false(none(9, 9, B, NOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(says_what_a_look_has_found, enter,
                                        leave),
        cmocka_unit_test_setup_teardown(the_last_look_counts, enter, leave),
        cmocka_unit_test_setup_teardown(forgets, enter, leave),
        cmocka_unit_test_setup_teardown(what_is_too_much, enter, leave),
    };

    return cmocka_run_group_tests_name("left", tests, NULL, NULL);
}
