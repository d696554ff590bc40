/* SPDX-License-Identifier: MIT */
/*
 * manifest_size: the arithmetic of sizes that may be KiB.
 */
#include "limits.h"
#include "manifest.h"
#include "unit.h"

static void sizes_match(void **state)
{
    static const struct {
        uint64_t stated, bytes;
        bool loose, strict;
    } cases[] = {
        {40960, 40960, true, true},
        {40960, 40961, false, false},
        {40, 40960, true, false},
        {40, 40961, false, false}, /* more than it occupies */
        {104, 40960, true, false}, /* 64 KiB of rounding */
        {105, 40960, false, false},
        {104, 40959, false, false}, /* one byte too many of it */
        {1, 0, true, false},
        {1, 1, true, true},
        {1, 1024, true, false},
        {1, 1025, false, false},
        {54372, 55676928, true, false},
        {54372, 54372, true, true}, /* bytes, even if KiB would fit */
        {0, 0, true, true},
        {UINT64_MAX, UINT64_MAX, true, true},
        {UINT64_MAX, UINT64_MAX - 1023, false, false},
        {UINT64_MAX / 1024 + 1, 0, false, false}, /* times 1024 is 2^64 */
        {UINT64_MAX / 1024, UINT64_MAX - 1023, true, false},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        bool loose = sp_size_matches(cases[i].stated, cases[i].bytes, false);
        bool strict = sp_size_matches(cases[i].stated, cases[i].bytes, true);
        if (loose != cases[i].loose || strict != cases[i].strict)
            fail_msg("case %zu gives %d and %d", i, loose, strict);
    }
}

static void sizes_have_a_bound(void **state)
{
    (void)state;
    assert_true(sp_size_bound(40, false) == 40960);
    assert_true(sp_size_bound(40, true) == 40);
    assert_true(sp_size_bound(UINT64_MAX, true) == SP_IMAGE_MAX);
    assert_true(sp_size_bound(UINT64_MAX, false) == SP_IMAGE_MAX);
    assert_true(sp_size_bound(SP_IMAGE_MAX / 1024, false) == SP_IMAGE_MAX);
    assert_true(sp_size_bound(SP_IMAGE_MAX / 1024 - 1, false) ==
                SP_IMAGE_MAX - 1024);
    assert_true(sp_size_bound(SP_IMAGE_MAX, true) == SP_IMAGE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_match),
        cmocka_unit_test(sizes_have_a_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
