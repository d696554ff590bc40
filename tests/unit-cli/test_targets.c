/* SPDX-License-Identifier: MIT */
/*
 * targets: where images go, whatever the path to it; each once, and no two on
 * one file.
 */
#include <unistd.h>

#include "targets.h"
#include "unit.h"

#define PIN                                                                    \
    "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static enum spull_code plan(const char *const *refs, size_t count,
                            const char *dir, const char *output,
                            struct list *list, struct targets *targets,
                            struct spull_error *err)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(list_add(list, refs[i], err), SPULL_OK);
    return targets_plan(list, dir, output, targets, err);
}

static void goes_where_it_should(void **state)
{
    static const struct {
        const char *dir, *output, *path;
    } cases[] = {
        {NULL, NULL, "b_c.sif"},    {"d", NULL, "d/b_c.sif"},
        {NULL, "x.sif", "x.sif"},   {"d", "x.sif", "d/x.sif"},
        {"d/", "x.sif", "d/x.sif"}, {"d", "/e/x", "/e/x"},
        {"/", "x.sif", "/x.sif"},
    };
    static const char *const refs[] = {"a/b:c"};

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct list list = {0};
        struct targets targets = {0};
        struct spull_error err;

        assert_int_equal(
            plan(refs, 1, cases[i].dir, cases[i].output, &list, &targets, &err),
            SPULL_OK);
        assert_int_equal(targets.count, 1);
        assert_string_equal(targets.list[0].path, cases[i].path);
        targets_done(&targets);
        list_done(&list);
    }
}

static void keeps_the_order_and_drops_twins(void **state)
{
    static const char *const refs[] = {"z/z",        "a/a",   "m/m:2", "a/a",
                                       "z/z:latest", "m/m:1", "a/a",   "b/b"};
    static const char *const left[] = {"z/z", "a/a", "m/m:2", "m/m:1", "b/b"};
    struct list list = {0};
    struct targets targets = {0};
    struct spull_error err;

    (void)state;
    assert_int_equal(
        plan(refs, UNIT_COUNT(refs), NULL, NULL, &list, &targets, &err),
        SPULL_OK);
    assert_int_equal(targets.count, UNIT_COUNT(left));
    assert_int_equal(targets.twice, 3);
    for (size_t i = 0; i < UNIT_COUNT(left); i++)
        assert_string_equal(targets.list[i].line->ref, left[i]);
    targets_done(&targets);
    list_done(&list);
}

static void refuses_one_file_for_two(void **state)
{
    static const struct {
        const char *refs[4];
        const char *why;
    } cases[] = {
        {{"a/b:1", "x/y", "c/b:1", "d/e"}, "a/b:1 and c/b:1: both would"},
        {{"x/y", "a/b", "x/y", "a/b:latest" PIN},
         "a/b and a/b:latest" PIN ": both"},
        {{"x/y", "a/b", "x/y", "a"}, "a"},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct list list = {0};
        struct targets targets = {0};
        struct spull_error err = {0};

        unit_failed(&err,
                    plan(cases[i].refs, 4, NULL, NULL, &list, &targets, &err));
        assert_int_equal(err.code, SPULL_USAGE);
        unit_says(&err, cases[i].why);
        assert_int_equal(targets.count, 0);
        list_done(&list);
    }
}

/* A pair of lists with one line of a file each, for the message. */
static void says_the_line(void **state)
{
    char path[] = "spull-targets-XXXXXX";
    struct list list = {0};
    struct targets targets = {0};
    struct spull_error err = {0};
    FILE *file = fdopen(mkstemp(path), "w");

    (void)state;
    assert_non_null(file);
    assert_true(fputs("a/b:1\n# c\nnot a\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(list_read(&list, path, &err), SPULL_USAGE);
    list_done(&list);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("a/b:1\n# c\na/..\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(list_read(&list, path, &err), SPULL_OK);
    unit_failed(&err, targets_plan(&list, NULL, NULL, &targets, &err));
    unit_says(&err, ":3: ");
    list_done(&list);
    assert_int_equal(unlink(path), 0);
}

static void takes_long_lists(void **state)
{
    enum { COUNT = 10000 };
    static char refs[COUNT][24];
    struct list list = {0};
    struct targets targets = {0};
    struct spull_error err;

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(refs[i], sizeof refs[i], "a/b%zu:c", (i * 7919) % COUNT);
        assert_int_equal(list_add(&list, refs[i], &err), SPULL_OK);
    }
    assert_int_equal(targets_plan(&list, ".", NULL, &targets, &err), SPULL_OK);
    assert_int_equal(targets.count, COUNT);
    assert_string_equal(targets.list[1].line->ref, refs[1]);
    targets_done(&targets);
    list_done(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_where_it_should),
        cmocka_unit_test(keeps_the_order_and_drops_twins),
        cmocka_unit_test(refuses_one_file_for_two),
        cmocka_unit_test(says_the_line),
        cmocka_unit_test(takes_long_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
