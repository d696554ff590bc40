/* SPDX-License-Identifier: MIT */
/*
 * options: they are copied whatever their age, and what was left out has its
 * default.
 */
#include "options.h"
#include "unit.h"

static void copies_strings(void **state)
{
    struct spull_options opts;
    struct spull_options own;
    char arch[] = "amd64";

    (void)state;
    spull_options_init(&opts);
    opts.arch = arch;
    opts.force = 1;
    assert_int_equal(sp_options_copy(&opts, &own, NULL), SPULL_OK);
    arch[0] = 'X';
    assert_string_equal(own.arch, "amd64");
    assert_int_equal(own.force, 1);
    assert_int_equal(own.size, sizeof(opts));
    sp_options_done(&own);
}

static void an_older_caller_gets_defaults(void **state)
{
    struct spull_options defaults;
    struct spull_options opts;
    struct spull_options own;

    (void)state;
    spull_options_init(&defaults);
    memset(&opts, 0x5a, sizeof(opts)); /* what it does not know is rubbish */
    memcpy(&opts, &defaults, offsetof(struct spull_options, connect_timeout));
    opts.size = offsetof(struct spull_options, connect_timeout);
    opts.allow_md5 = 1;
    assert_int_equal(sp_options_copy(&opts, &own, NULL), SPULL_OK);
    assert_int_equal(own.allow_md5, 1);
    assert_int_equal(own.connect_timeout, defaults.connect_timeout);
    assert_int_equal(own.stall_timeout, defaults.stall_timeout);
    assert_true(own.log == defaults.log);
    sp_options_done(&own);
}

static void a_wrong_size_is_refused(void **state)
{
    static const size_t sizes[] = {0, 1, sizeof(size_t),
                                   sizeof(struct spull_options) + 1, SIZE_MAX};
    struct spull_options opts;
    struct spull_error err;
    struct spull_options own;

    (void)state;
    spull_options_init(&opts);
    for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
        opts.size = sizes[i];
        assert_int_equal(sp_options_copy(&opts, &own, &err), SPULL_USAGE);
        unit_failed(&err, SPULL_USAGE);
    }
}

/* A program that asks for nothing gets what one that asks for all defaults
 * gets, and its lists of headers are its own again. */
static void null_means_the_default(void **state)
{
    const char *headers[] = {"A: b", "C: d", NULL};
    struct spull_options opts = {.size = sizeof opts, .headers = headers};
    struct spull_options defaults;
    struct spull_options own;

    (void)state;
    spull_options_init(&defaults);
    assert_int_equal(sp_options_copy(&opts, &own, NULL), SPULL_OK);
    assert_string_equal(own.registry, defaults.registry);
    assert_string_equal(own.scratch, defaults.scratch);
    assert_string_equal(own.user_agent, defaults.user_agent);
    assert_string_equal(own.hint_options, "");
    assert_null(own.proxy);
    headers[0] = "changed";
    assert_string_equal(own.headers[0], "A: b");
    assert_string_equal(own.headers[1], "C: d");
    assert_null(own.headers[2]);
    assert_true(sp_options_set(&own.arch, "amd64"));
    assert_true(sp_options_set(&own.arch, "arm64"));
    assert_string_equal(own.arch, "arm64");
    sp_options_done(&own);
    assert_null(own.arch);
    sp_options_done(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_strings),
        cmocka_unit_test(an_older_caller_gets_defaults),
        cmocka_unit_test(a_wrong_size_is_refused),
        cmocka_unit_test(null_means_the_default),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
