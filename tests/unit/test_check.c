/* SPDX-License-Identifier: MIT */
/*
 * check: its memory for blobs. The walk needs servers and directories, and is
 * in tests/e2e/test_check.py.
 */
#include "check_internal.h"
#include "limits.h"
#include "unit.h"

static struct sp_seen seen_of(uint64_t length, const char *why)
{
    return (struct sp_seen){.how = SP_SEEN_THERE, .length = length, .why = why};
}

static void remembers(void **state)
{
    struct sp_memo memo = {NULL, 0, 0};
    char key[32];
    char why[32];

    (void)state;
    assert_null(sp_memo_find(&memo, "0"));
    /* Neither sorted nor the other way round. */
    for (unsigned i = 0; i < 1000; i++) {
        unsigned number = i * 7919 % 1000;
        struct sp_seen seen = seen_of(number, why);
        snprintf(key, sizeof(key), "%u", number);
        snprintf(why, sizeof(why), "because of %u", number);
        sp_memo_keep(&memo, key, &seen);
    }
    assert_int_equal(memo.count, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "%u", i);
        snprintf(why, sizeof(why), "because of %u", i);
        const struct sp_seen *found = sp_memo_find(&memo, key);
        assert_non_null(found);
        assert_int_equal(found->length, i);
        assert_string_equal(found->why, why);
    }
    assert_null(sp_memo_find(&memo, "1000"));
    sp_memo_done(&memo);
}

static void learns_more(void **state)
{
    struct sp_memo memo = {NULL, 0, 0};
    struct sp_seen seen = seen_of(1, NULL);

    (void)state;
    sp_memo_keep(&memo, "key", &seen);
    assert_null(sp_memo_find(&memo, "key")->why);
    seen = seen_of(2, "why");
    sp_memo_keep(&memo, "key", &seen);
    assert_int_equal(memo.count, 1);
    assert_int_equal(sp_memo_find(&memo, "key")->length, 2);
    assert_string_equal(sp_memo_find(&memo, "key")->why, "why");
    sp_memo_done(&memo);
}

static void has_an_end(void **state)
{
    struct sp_memo memo = {NULL, 0, 0};
    struct sp_seen seen = seen_of(1, NULL);
    char key[32];

    (void)state;
    for (unsigned i = 0; i < SP_CHECK_BLOBS_MAX + 10; i++) {
        snprintf(key, sizeof(key), "%08u", i);
        sp_memo_keep(&memo, key, &seen);
    }
    assert_int_equal(memo.count, SP_CHECK_BLOBS_MAX);
    assert_null(sp_memo_find(&memo, key));
    seen.length = 2;
    sp_memo_keep(&memo, "00000000", &seen);
    assert_int_equal(sp_memo_find(&memo, "00000000")->length, 2);
    sp_memo_done(&memo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remembers),
        cmocka_unit_test(learns_more),
        cmocka_unit_test(has_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
