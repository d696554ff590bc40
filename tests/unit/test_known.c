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
    assert_null(sp_known_find(&known, "sha256:a", NULL));
    sp_known_add(&known, "sha256:a", NULL, "one");
    sp_known_add(&known, "sha256:b", NULL, "two");
    path = sp_known_find(&known, "sha256:a", NULL);
    assert_string_equal(path, "one");
    free(path);
    path = sp_known_find(&known, "sha256:b", NULL);
    assert_string_equal(path, "two");
    free(path);
    assert_null(sp_known_find(&known, "sha256:", NULL));
    sp_known_done(&known);
}

/* What came out of a blob is not the blob, and the other way round. */
static void tells_what_was_unpacked(void **state)
{
    struct sp_known known;
    char *image = NULL;
    char *path = NULL;

    (void)state;
    sp_known_init(&known);
    sp_known_add(&known, "sha256:a", "sha256:b", "image");
    assert_null(sp_known_find(&known, "sha256:a", NULL));
    assert_null(sp_known_find(&known, "sha256:b", &image));
    assert_null(image);
    sp_known_add(&known, "sha256:a", NULL, "archive");
    path = sp_known_find(&known, "sha256:a", NULL);
    assert_string_equal(path, "archive");
    free(path);
    path = sp_known_find(&known, "sha256:a", &image);
    assert_string_equal(path, "image");
    assert_string_equal(image, "sha256:b");
    free(path);
    free(image);
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
        sp_known_add(&known, digest, NULL, digest);
    }
    assert_null(sp_known_find(&known, "sha256:0", NULL));
    for (unsigned i = 1; i <= SP_KNOWN_MAX; i++) {
        char *path = NULL;

        snprintf(digest, sizeof digest, "sha256:%u", i);
        path = sp_known_find(&known, digest, NULL);
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
        cmocka_unit_test(tells_what_was_unpacked),
        cmocka_unit_test(forgets_the_oldest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
