/* SPDX-License-Identifier: MIT */
/* silent: a host is silent for a while, until it speaks, or is one too many. */
#include "silent.h"
#include "unit.h"

#define HOST "https://a.example:443"

static void for_a_while(void **state)
{
    struct sp_silent silent;

    (void)state;
    sp_silent_init(&silent);
    assert_false(sp_silent_has(&silent, HOST, 0));
    sp_silent_add(&silent, HOST, 1000);
    assert_true(sp_silent_has(&silent, HOST, 1000));
    assert_true(sp_silent_has(&silent, HOST, 1000 + SP_SILENT_MS - 1));
    assert_false(sp_silent_has(&silent, HOST, 1000 + SP_SILENT_MS));
    assert_false(sp_silent_has(&silent, "https://a.example:44", 1000));
    sp_silent_add(&silent, HOST, 2000);
    assert_true(sp_silent_has(&silent, HOST, 1000 + SP_SILENT_MS));
    sp_silent_done(&silent);
}

static void until_it_speaks(void **state)
{
    struct sp_silent silent;

    (void)state;
    sp_silent_init(&silent);
    sp_silent_forget(&silent, HOST);
    sp_silent_add(&silent, "http://b", 0);
    sp_silent_add(&silent, HOST, 0);
    sp_silent_forget(&silent, HOST);
    assert_false(sp_silent_has(&silent, HOST, 0));
    assert_true(sp_silent_has(&silent, "http://b", 0));
    sp_silent_done(&silent);
}

static void forgets_the_oldest(void **state)
{
    struct sp_silent silent;
    char origin[32];

    (void)state;
    sp_silent_init(&silent);
    for (unsigned i = 0; i <= SP_SILENT_MAX; i++) {
        snprintf(origin, sizeof origin, "http://%u", i);
        sp_silent_add(&silent, origin, 0);
        /* Who is known already takes nobody's place. */
        sp_silent_add(&silent, origin, 0);
    }
    assert_false(sp_silent_has(&silent, "http://0", 0));
    assert_true(sp_silent_has(&silent, "http://1", 0));
    assert_true(sp_silent_has(&silent, origin, 0));
    sp_silent_done(&silent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(for_a_while),
        cmocka_unit_test(until_it_speaks),
        cmocka_unit_test(forgets_the_oldest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
