/* SPDX-License-Identifier: MIT */
/* known: finds what was added, and forgets only the oldest. */
#include "known.h"
#include "unit.h"

static void finds(void **state)
{
    struct sp_known known;
    char *path = NULL;

    (void)state;
    sp_known_init(&known);
    assert_null(sp_known_find(&known, "sha256:a"));
    sp_known_add(&known, "sha256:a", "one");
    sp_known_add(&known, "sha256:b", "two");
    path = sp_known_find(&known, "sha256:a");
    assert_string_equal(path, "one");
    free(path);
    path = sp_known_find(&known, "sha256:b");
    assert_string_equal(path, "two");
    free(path);
    assert_null(sp_known_find(&known, "sha256:"));
    sp_known_done(&known);
}

static void forgets_the_oldest(void **state)
{
    struct sp_known known;
    char digest[32];

    (void)state;
    sp_known_init(&known);
    for (unsigned i = 0; i <= SP_KNOWN_MAX; i++) {
        snprintf(digest, sizeof digest, "sha256:%u", i);
        sp_known_add(&known, digest, digest);
    }
    assert_null(sp_known_find(&known, "sha256:0"));
    for (unsigned i = 1; i <= SP_KNOWN_MAX; i++) {
        char *path = NULL;

        snprintf(digest, sizeof digest, "sha256:%u", i);
        path = sp_known_find(&known, digest);
        assert_non_null(path);
        assert_string_equal(path, digest);
        free(path);
    }
    sp_known_done(&known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds),
        cmocka_unit_test(forgets_the_oldest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
