/* SPDX-License-Identifier: MIT */
/*
 * near: finds what was meant, and keeps quiet where nothing is near.
 */
#include "near.h"
#include "unit.h"

static const char *nearest(const char *typed)
{
    static const char *const names[] = {
        "pull", "tags", "manifest", "resolve", "config", "help",
    };
    struct near search = {.typed = typed};

    for (size_t i = 0; i < UNIT_COUNT(names); i++)
        near_try(&search, names[i]);
    return search.best;
}

static void finds_the_nearest(void **state)
{
    static const struct {
        const char *typed, *meant;
    } cases[] = {
        {"tags", "tags"},
        {"tgas", "tags"}, /* swapped */
        {"tag", "tags"},
        {"tagss", "tags"}, /* too few, too many */
        {"pill", "pull"},
        {"manifset", "manifest"},
        {"confg", "config"},
        {"rezolv", "resolve"}, /* two errors */
        {"greeting", NULL},
        {"", NULL},
        {"xyzzy", NULL},
        {"gats", NULL}, /* half of it wrong */
        {"manifestmanifestmanifestmanifestmanifest", NULL},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        const char *found = nearest(cases[i].typed);

        if (cases[i].meant == NULL)
            assert_null(found);
        else if (found == NULL)
            fail_msg("nothing near %s", cases[i].typed);
        else
            assert_string_equal(found, cases[i].meant);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
