/* SPDX-License-Identifier: MIT */
/*
 * spelling: what is said and what goes without saying.
 */
#include <stdlib.h>

#include "spelling.h"
#include "unit.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PIN "@sha256:" HEX

static void bare(void **state)
{
    static const char *const bare[] = {"a/b", "a/b/c", "https://h:1/r/a/b",
                                       "https://u:p@h/r/a/b", ""};
    static const char *const others[] = {"a/b:c", "a/b" PIN, "a/b:c" PIN,
                                         "https://h:1/r/a/b:c"};

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(bare); i++)
        assert_true(spelling_is_bare(bare[i]));
    for (size_t i = 0; i < UNIT_COUNT(others); i++)
        assert_false(spelling_is_bare(others[i]));
}

static void whole(void **state)
{
    static const struct {
        const char *ref, *whole;
    } cases[] = {
        {"a/b", "a/b:latest"},
        {"a/b:c", "a/b:c"},
        {"a/b" PIN, "a/b:latest" PIN},
        {"A/b:C@sha256:ABcd", "A/b:C@sha256:abcd"},
        {"https://U:P@h:1/r/A/b", "https://U:P@h:1/r/A/b:latest"},
        {"", ":latest"},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        char *text = spelling_whole(cases[i].ref);
        assert_string_equal(text, cases[i].whole);
        free(text);
    }
}

static void same(void **state)
{
    (void)state;
    assert_true(spelling_is_same("a/b", "a/b:latest"));
    assert_true(spelling_is_same("a/b" PIN, "a/b:latest" PIN));
    assert_false(spelling_is_same("a/b", "a/b" PIN));
    assert_false(spelling_is_same("a/b", "a/B"));
    assert_false(spelling_is_same("a/b", "https://h/r/a/b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bare),
        cmocka_unit_test(whole),
        cmocka_unit_test(same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
