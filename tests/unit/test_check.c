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

static void learn(struct sp_memo *memo, const char *key,
                  const struct sp_seen *seen)
{
    struct sp_seen ignored;

    assert_false(sp_memo_ask(memo, key, &ignored));
    sp_memo_keep(memo, key, seen);
}

static void remembers(void **state)
{
    struct sp_memo memo;
    struct sp_seen found;
    char key[32];
    char why[32];

    (void)state;
    sp_memo_init(&memo);
    /* Neither sorted nor the other way round. */
    for (unsigned i = 0; i < 1000; i++) {
        unsigned number = i * 7919 % 1000;
        struct sp_seen seen = seen_of(number, why);
        snprintf(key, sizeof(key), "%u", number);
        snprintf(why, sizeof(why), "because of %u", number);
        learn(&memo, key, &seen);
    }
    assert_int_equal(memo.count, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "%u", i);
        snprintf(why, sizeof(why), "because of %u", i);
        assert_true(sp_memo_ask(&memo, key, &found));
        assert_int_equal(found.length, i);
        assert_string_equal(found.why, why);
    }
    assert_false(sp_memo_ask(&memo, "1000", &found));
    sp_memo_done(&memo);
}

static void counts_each_once(void **state)
{
    struct sp_memo memo;
    struct sp_seen seen = seen_of(1, NULL);

    (void)state;
    sp_memo_init(&memo);
    learn(&memo, "a", &seen);
    learn(&memo, "b", &seen);
    assert_true(sp_memo_count(&memo, "b"));
    assert_true(sp_memo_count(&memo, "a"));
    assert_false(sp_memo_count(&memo, "b"));
    assert_false(sp_memo_count(&memo, "a"));
    sp_memo_done(&memo);
}

/* Two who want to know the same. */
struct asker {
    struct sp_memo *memo;
    pthread_t thread;
    bool known;
    struct sp_seen seen;
};

static void *ask(void *arg)
{
    struct asker *asker = arg;

    asker->known = sp_memo_ask(asker->memo, "key", &asker->seen);
    if (!asker->known) {
        asker->seen = seen_of(3, NULL);
        sp_memo_keep(asker->memo, "key", &asker->seen);
    }
    return NULL;
}

static void one_looks_and_all_know(void **state)
{
    struct sp_memo memo;
    struct asker askers[8];
    struct sp_seen seen = seen_of(2, "why");

    (void)state;
    sp_memo_init(&memo);
    assert_false(sp_memo_ask(&memo, "key", &seen));
    for (size_t i = 0; i < UNIT_COUNT(askers); i++) {
        askers[i] = (struct asker){.memo = &memo};
        pthread_create(&askers[i].thread, NULL, ask, &askers[i]);
    }
    sp_memo_keep(&memo, "key", &seen);
    for (size_t i = 0; i < UNIT_COUNT(askers); i++) {
        pthread_join(askers[i].thread, NULL);
        assert_true(askers[i].known);
        assert_int_equal(askers[i].seen.length, seen.length);
    }
    sp_memo_done(&memo);
}

/* Who could not tell leaves it to exactly one of the others. */
static void another_one_looks(void **state)
{
    struct sp_memo memo;
    struct asker askers[8];
    struct sp_seen seen;
    unsigned looked = 0;

    (void)state;
    sp_memo_init(&memo);
    assert_false(sp_memo_ask(&memo, "key", &seen));
    for (size_t i = 0; i < UNIT_COUNT(askers); i++) {
        askers[i] = (struct asker){.memo = &memo};
        pthread_create(&askers[i].thread, NULL, ask, &askers[i]);
    }
    sp_memo_keep(&memo, "key", NULL);
    for (size_t i = 0; i < UNIT_COUNT(askers); i++) {
        pthread_join(askers[i].thread, NULL);
        looked += !askers[i].known;
        assert_int_equal(askers[i].seen.length, 3);
    }
    assert_int_equal(looked, 1);
    assert_int_equal(memo.count, 1);
    sp_memo_done(&memo);
}

static void has_an_end(void **state)
{
    struct sp_memo memo;
    struct sp_seen seen = seen_of(1, NULL);
    char key[32];

    (void)state;
    sp_memo_init(&memo);
    for (unsigned i = 0; i < SP_CHECK_BLOBS_MAX + 10; i++) {
        snprintf(key, sizeof(key), "%08u", i);
        learn(&memo, key, &seen);
    }
    assert_int_equal(memo.count, SP_CHECK_BLOBS_MAX);
    assert_false(sp_memo_ask(&memo, key, &seen));
    assert_true(sp_memo_count(&memo, key));
    assert_true(sp_memo_count(&memo, key));
    assert_true(sp_memo_ask(&memo, "00000000", &seen));
    sp_memo_done(&memo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remembers),
        cmocka_unit_test(counts_each_once),
        cmocka_unit_test(one_looks_and_all_know),
        cmocka_unit_test(another_one_looks),
        cmocka_unit_test(has_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
