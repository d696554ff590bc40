/* SPDX-License-Identifier: MIT */
/*
 * orders: what each reference is called in a mirror, each once, and no two by
 * one name.
 */
#include "orders.h"
#include "unit.h"

#define PIN                                                                    \
    "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static enum spull_code add(struct orders *orders, const char *ref,
                           const char *tag, struct spull_error *err)
{
    struct list_line line = {.ref = ref};

    return orders_add(orders, &line, tag, err);
}

static void names(void **state)
{
    static const struct {
        const char *ref, *tag, *name;
    } cases[] = {
        {"a/b:c", NULL, "a/b:c"},
        {"a/b", NULL, "a/b:latest"},
        {"a/b", "x", "a/b:x"},
        {"a/b" PIN, NULL, "a/b:latest"},
        {"a/b:c" PIN, NULL, "a/b:c"},
        {"https://u:p@h:1/r/a/b:c", NULL, "a/b:c"},
        {"https://h:1/r/a/b", "d", "a/b:d"},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct orders orders = {0};
        assert_int_equal(add(&orders, cases[i].ref, cases[i].tag, NULL),
                         SPULL_OK);
        assert_string_equal(orders.list[0].name, cases[i].name);
        assert_null(orders.list[0].file);
        orders_done(&orders);
    }
}

static void files(void **state)
{
    static const char *const bad[] = {"",    "a/b",    "a/b:c=",    "=x",
                                      "a=x", "a/b:=x", "a/b:c d=x", "../b=x"};
    struct orders orders = {0};

    (void)state;
    assert_int_equal(orders_add_file(&orders, "a/b:c=d=e.sif", NULL), SPULL_OK);
    assert_string_equal(orders.list[0].line.ref, "a/b:c");
    assert_string_equal(orders.list[0].file, "d=e.sif");
    for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
        struct spull_error err;
        unit_failed(&err, orders_add_file(&orders, bad[i], &err));
        assert_int_equal(err.code, SPULL_USAGE);
    }
    assert_int_equal(orders.count, 1);
    orders_done(&orders);
}

static void keeps_the_order_and_drops_twins(void **state)
{
    static const char *const refs[] = {"z/z:latest" PIN, "a/a:1",   "m/m:2",
                                       "a/a:1",          "z/z" PIN, "m/m:1",
                                       "a/a:1",          "b/b:1"};
    static const char *const left[] = {("z/z:latest" PIN), "a/a:1", "m/m:2",
                                       "m/m:1", "b/b:1"};
    struct orders orders = {0};

    (void)state;
    assert_int_equal(orders_settle(&orders, NULL), SPULL_OK);
    for (size_t i = 0; i < UNIT_COUNT(refs); i++)
        assert_int_equal(add(&orders, refs[i], NULL, NULL), SPULL_OK);
    assert_int_equal(orders_settle(&orders, NULL), SPULL_OK);
    assert_int_equal(orders.count, UNIT_COUNT(left));
    assert_int_equal(orders.twice, 3);
    for (size_t i = 0; i < UNIT_COUNT(left); i++)
        assert_string_equal(orders.list[i].line.ref, left[i]);
    orders_done(&orders);
}

static void no_two_by_one_name(void **state)
{
    static const char *const refs[] = {"a/b:latest", ("a/b" PIN),
                                       "https://h/r/a/b"};

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(refs); i++) {
        struct orders orders = {0};
        struct spull_error err;
        assert_int_equal(add(&orders, refs[i], NULL, NULL), SPULL_OK);
        assert_int_equal(add(&orders, "c/d:e", NULL, NULL), SPULL_OK);
        assert_int_equal(orders_add_file(&orders, "a/b:latest=x", NULL),
                         SPULL_OK);
        unit_failed(&err, orders_settle(&orders, &err));
        assert_int_equal(err.code, SPULL_USAGE);
        unit_says(&err, "a/b:latest=x");
        orders_done(&orders);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(files),
        cmocka_unit_test(keeps_the_order_and_drops_twins),
        cmocka_unit_test(no_two_by_one_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
