/* SPDX-License-Identifier: MIT */
/*
 * span: sets of ranges against the plainest thing that does the same, an array
 * with a flag for each byte.
 */
#include "span.h"
#include "unit.h"

static void add(struct sp_spans *set, uint64_t from, uint64_t to)
{
    assert_true(sp_spans_add(set, (struct sp_span){from, to}));
}

/* The set as text, "[0,3) [5,9)". */
static void print(const struct sp_spans *set, char *out, size_t cap)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < set->count && len < cap; i++)
        len += (size_t)snprintf(out + len, cap - len, "%s[%llu,%llu)",
                                i > 0 ? " " : "",
                                (unsigned long long)set->list[i].from,
                                (unsigned long long)set->list[i].to);
}

static void merges(void **state)
{
    static const struct {
        struct sp_span added;
        const char *after;
    } cases[] = {
        /* each case adds to what the cases before have left */
        {{10, 20}, "[10,20)"},
        {{10, 20}, "[10,20)"},
        {{12, 18}, "[10,20)"},
        {{15, 15}, "[10,20)"}, /* empty */
        {{30, 30}, "[10,20)"},
        {{30, 5}, "[10,20)"}, /* backward */
        {{40, 50}, "[10,20) [40,50)"},
        {{0, 5}, "[0,5) [10,20) [40,50)"},
        {{5, 6}, "[0,6) [10,20) [40,50)"},    /* touches from above */
        {{9, 10}, "[0,6) [9,20) [40,50)"},    /* and from below */
        {{6, 9}, "[0,20) [40,50)"},           /* and both */
        {{19, 22}, "[0,22) [40,50)"},         /* overlaps */
        {{38, 60}, "[0,22) [38,60)"},         /* swallows one */
        {{25, 26}, "[0,22) [25,26) [38,60)"}, /* between */
        {{70, 80}, "[0,22) [25,26) [38,60) [70,80)"},
        {{24, 71}, "[0,22) [24,80)"}, /* swallows several */
        {{0, 100}, "[0,100)"},        /* and all */
        {{UINT64_MAX - 1, UINT64_MAX},
         "[0,100) [18446744073709551614,18446744073709551615)"},
        {{100, UINT64_MAX}, "[0,18446744073709551615)"},
    };
    struct sp_spans set = {0};
    char text[256];

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        add(&set, cases[i].added.from, cases[i].added.to);
        print(&set, text, sizeof(text));
        assert_string_equal(text, cases[i].after);
    }
    assert_int_equal(sp_spans_total(&set), UINT64_MAX);
    assert_int_equal(sp_spans_frontier(&set), UINT64_MAX);
    sp_spans_done(&set);
}

static void gaps(void **state)
{
    static const struct {
        uint64_t from, size;
        bool found;
        struct sp_span gap;
    } cases[] = {
        {0, 100, true, {0, 10}},
        {5, 100, true, {5, 10}},
        {9, 100, true, {9, 10}},
        {10, 100, true, {20, 30}},
        {15, 100, true, {20, 30}},
        {20, 100, true, {20, 30}},
        {25, 100, true, {25, 30}},
        {30, 100, true, {40, 100}},
        {40, 100, true, {40, 100}},
        {99, 100, true, {99, 100}},
        {100, 100, false, {0, 0}},
        {101, 100, false, {0, 0}},
        {30, 40, false, {0, 0}},
        {35, 40, false, {0, 0}},
        {30, 35, false, {0, 0}},
        {0, 5, true, {0, 5}},
        {0, 0, false, {0, 0}},
        {10, 25, true, {20, 25}},
        {5, UINT64_MAX, true, {5, 10}},
        {30, UINT64_MAX, true, {40, UINT64_MAX}},
    };
    struct sp_spans set = {0};

    (void)state;
    add(&set, 10, 20);
    add(&set, 30, 40);
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_span gap = {0, 0}; /* stays so where there is none */
        bool found = sp_spans_gap(&set, cases[i].from, cases[i].size, &gap);
        if (found != cases[i].found || gap.from != cases[i].gap.from ||
            gap.to != cases[i].gap.to)
            fail_msg("case %zu: %d [%llu,%llu)", i, found,
                     (unsigned long long)gap.from, (unsigned long long)gap.to);
    }
    sp_spans_done(&set);
}

static void begins_empty_and_clears(void **state)
{
    struct sp_spans set = {0};
    struct sp_span gap;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sp_spans_total(&set), 0);
        assert_int_equal(sp_spans_frontier(&set), 0);
        assert_true(sp_spans_gap(&set, 3, 7, &gap));
        assert_int_equal(gap.from, 3);
        assert_int_equal(gap.to, 7);
        add(&set, 0, 4);
        add(&set, 5, 6);
        assert_int_equal(sp_spans_total(&set), 5);
        assert_int_equal(sp_spans_frontier(&set), 4);
        sp_spans_clear(&set);
    }
    sp_spans_done(&set);
    sp_spans_done(&set);
    sp_spans_done(NULL);
}

/* --- the model ----------------------------------------------------------- */

#define BYTES 96

static uint64_t model_total(const bool *there)
{
    uint64_t total = 0;

    for (size_t i = 0; i < BYTES; i++)
        total += there[i];
    return total;
}

/* The first byte at or behind at that is, or is not, there. */
static uint64_t model_next(const bool *there, uint64_t at, uint64_t size,
                           bool wanted)
{
    while (at < size && there[at] != wanted)
        at++;
    return at;
}

static void check_gap(const struct sp_spans *set, const bool *there,
                      uint64_t from, uint64_t size)
{
    struct sp_span gap = {0, 0};
    bool found = sp_spans_gap(set, from, size, &gap);
    uint64_t start = model_next(there, from, size, false);

    assert_int_equal(found, start < size);
    if (!found)
        return;
    assert_int_equal(gap.from, start);
    assert_int_equal(gap.to, model_next(there, start, size, true));
}

static void check_sorted(const struct sp_spans *set)
{
    for (size_t i = 0; i < set->count; i++) {
        assert_true(set->list[i].from < set->list[i].to);
        if (i > 0)
            assert_true(set->list[i - 1].to < set->list[i].from);
    }
}

static void random_add(struct sp_spans *set, bool *there, uint64_t *random)
{
    uint64_t from = unit_below(random, BYTES);
    uint64_t to = unit_below(random, 8) == 0
                      ? unit_below(random, BYTES + 1) /* backward, or long */
                      : from + unit_below(random, 6);

    if (to > BYTES)
        to = BYTES;
    add(set, from, to);
    for (uint64_t at = from; at < to; at++)
        there[at] = true;
}

static void agrees_with_a_model(void **state)
{
    struct sp_spans set = {0};
    bool there[BYTES] = {false};
    uint64_t random = 0x5eed;

    (void)state;
    for (int i = 0; i < UNIT_ROUNDS; i++) {
        if (unit_below(&random, 24) == 0) {
            sp_spans_clear(&set);
            memset(there, 0, sizeof(there));
        }
        random_add(&set, there, &random);
        check_sorted(&set);
        assert_int_equal(sp_spans_total(&set), model_total(there));
        assert_int_equal(sp_spans_frontier(&set),
                         model_next(there, 0, BYTES, false));
        for (int look = 0; look < 8; look++)
            check_gap(&set, there, unit_below(&random, BYTES + 1),
                      unit_below(&random, BYTES + 1));
    }
    sp_spans_done(&set);
}

/* As many spans as there can be, in an order that moves all the others. */
static void grows(void **state)
{
    struct sp_spans set = {0};
    struct sp_span gap = {0, 0};

    (void)state;
    for (uint64_t i = 1000; i-- > 0;)
        add(&set, 2 * i + 1, 2 * i + 2);
    assert_int_equal(set.count, 1000);
    assert_int_equal(sp_spans_total(&set), 1000);
    check_sorted(&set);
    for (uint64_t i = 0; i < 1000; i++)
        add(&set, 2 * i, 2 * i + 1);
    assert_int_equal(set.count, 1);
    assert_int_equal(sp_spans_frontier(&set), 2000);
    assert_false(sp_spans_gap(&set, 0, 2000, &gap));
    sp_spans_done(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges),
        cmocka_unit_test(gaps),
        cmocka_unit_test(begins_empty_and_clears),
        cmocka_unit_test(agrees_with_a_model),
        cmocka_unit_test(grows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
