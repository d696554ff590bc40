/* SPDX-License-Identifier: MIT */
/*
 * err: every text is printable, a cut is seen, a cause survives its wrapping,
 * and no wrapping makes a success of a failure.
 */
#include <errno.h>

#include "err.h"
#include "unit.h"

static void shows_foreign_text(void **state)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"", ""},
        {"plain text, 100%", "plain text, 100%"},
        {"na\xc3\xafve \xe2\x82\xac \xf0\x9f\x90\x84", /* naive, euro, a cow */
         "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x90\x84"},
        {"a\nb\tc\r", "a\\x0ab\\x09c\\x0d"},
        {"\x1b[31mred", "\\x1b[31mred"},
        {"\x7f", "\\x7f"},
        {"\xc2\x9b", "\\xc2\\x9b"},          /* CSI as one C1 character */
        {"\xe2\x80\xae", "\\xe2\\x80\\xae"}, /* right-to-left override */
        {"\xe2\x80\xa8", "\\xe2\\x80\\xa8"}, /* line separator */
        {"\xe2\x81\xa6", "\\xe2\\x81\\xa6"}, /* isolate */
        {"\xe2\x80\x8b", "\\xe2\\x80\\x8b"}, /* zero-width space */
        {"\xef\xbb\xbf", "\\xef\\xbb\\xbf"}, /* byte order mark */
        {"\xff\xfe", "\\xff\\xfe"},          /* never in UTF-8 */
        {"\x80", "\\x80"},                   /* no lead */
        {"\xc3", "\\xc3"},                   /* no rest */
        {"\xc3(", "\\xc3("},                 /* a wrong rest */
        {"\xc0\x80", "\\xc0\\x80"},          /* overlong NUL */
        {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"}, /* overlong slash */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* surrogate */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* past the last plane */
        {"\xf0\x9f\x90", "\\xf0\\x9f\\x90"},          /* cut off */
    };
    char shown[128];

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        size_t len = sp_printable(shown, sizeof(shown), cases[i].text,
                                  strlen(cases[i].text));
        assert_string_equal(shown, cases[i].shown);
        assert_int_equal(len, strlen(shown));
    }
}

static void shows_a_nul(void **state)
{
    char shown[16];

    (void)state;
    assert_int_equal(sp_printable(shown, sizeof(shown), "a\0b", 3), 6);
    assert_string_equal(shown, "a\\x00b");
}

static void cuts_between_characters(void **state)
{
    static const struct {
        size_t cap;
        const char *text, *shown;
    } cases[] = {
        {4, "abc", "abc"},
        {4, "abcd", "..."},
        {5, "abcde", "a..."},
        {6, "abcde", "abcde"},
        {8, "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", "\xe2\x82\xac..."},
        {8, "abcd\x01", "abcd..."},
        {9, "abcd\x01", "abcd\\x01"},
        {9, "abc\x01\x01", "abc..."},
    };
    char shown[16];

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        memset(shown, 'X', sizeof(shown));
        size_t len = sp_printable(shown, cases[i].cap, cases[i].text,
                                  strlen(cases[i].text));
        assert_string_equal(shown, cases[i].shown);
        assert_int_equal(len, strlen(shown));
        assert_int_equal(shown[cases[i].cap], 'X');
    }
}

static void spoilt_text_stays_printable(void **state)
{
    static const char seed[] = "sha256:\xc3\xa9\xe2\x80\xae \x1b[0m \xf0\x9f";
    uint64_t random = 0x5eed;

    (void)state;
    for (int i = 0; i < UNIT_ROUNDS; i++) {
        size_t len = 0;
        char once[48];
        char twice[48];
        char *text = unit_spoil_bytes(seed, sizeof(seed) - 1, &random, &len);
        size_t cap = 4 + unit_below(&random, sizeof(once) - 4);
        size_t written = sp_printable(once, cap, text, len);
        assert_true(written < cap);
        assert_int_equal(once[written], '\0');
        unit_printable(once);
        /* What is printable already comes through as it is. */
        assert_int_equal(sp_printable(twice, cap, once, written), written);
        assert_string_equal(twice, once);
        free(text);
    }
}

static void sets_and_clears(void **state)
{
    struct spull_error err;

    (void)state;
    memset(&err, 'X', sizeof(err));
    assert_int_equal(sp_err_set(&err, SPULL_NETWORK, "host %s: %d", "a\nb", 7),
                     SPULL_NETWORK);
    assert_int_equal(err.code, SPULL_NETWORK);
    assert_int_equal(err.sys, 0);
    assert_int_equal(err.http, 0);
    assert_string_equal(err.text, "host a\\x0ab: 7");
    assert_string_equal(err.hint, "");
    sp_err_hint(&err, "try %s", "\x1b");
    assert_string_equal(err.hint, "try \\x1b");
    assert_int_equal(sp_err_nomem(&err), SPULL_INTERNAL);
    assert_string_equal(err.text, "out of memory");
    assert_string_equal(err.hint, "");
}

static void says_errno(void **state)
{
    struct spull_error err;

    (void)state;
    assert_int_equal(sp_err_sys(&err, SPULL_STORAGE, ENOSPC, "write %s", "f"),
                     SPULL_STORAGE);
    assert_string_equal(err.text, "write f: No space left on device");
    assert_int_equal(err.sys, ENOSPC);
}

static void wraps_and_keeps_the_rest(void **state)
{
    struct spull_error err;

    (void)state;
    sp_err_sys(&err, SPULL_STORAGE, EIO, "read");
    err.http = 500;
    sp_err_hint(&err, "look at the disk");
    assert_int_equal(sp_err_wrap(&err, SPULL_NETWORK, "pull \"%s\"", "a/b"),
                     SPULL_NETWORK);
    assert_string_equal(err.text, "pull \"a/b\": read: Input/output error");
    assert_int_equal(err.code, SPULL_NETWORK);
    assert_int_equal(err.sys, EIO);
    assert_int_equal(err.http, 500);
    assert_string_equal(err.hint, "look at the disk");
}

static void a_long_prefix_keeps_the_cause(void **state)
{
    struct spull_error err;
    char url[9000];

    (void)state;
    memset(url, 'u', sizeof(url) - 1);
    url[sizeof(url) - 1] = '\0';
    sp_err_set(&err, SPULL_NETWORK, "refused");
    sp_err_wrap(&err, SPULL_NETWORK, "%s", url);
    assert_true(strlen(err.text) < sizeof(err.text));
    assert_non_null(strstr(err.text, "uuu...: refused"));

    sp_err_set(&err, SPULL_NETWORK, "%s", url);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_string_equal(err.text + sizeof(err.text) - 4, "...");
    sp_err_wrap(&err, SPULL_NETWORK, "again");
    assert_memory_equal(err.text, "again: uuu", 10);
    assert_string_equal(err.text + strlen(err.text) - 3, "...");

    sp_err_hint(&err, "%s", url);
    assert_int_equal(strlen(err.hint), sizeof(err.hint) - 1);
    assert_string_equal(err.hint + sizeof(err.hint) - 4, "...");
}

static void wrapping_success_is_a_bug(void **state)
{
    struct spull_error err;

    (void)state;
    memset(&err, 'X', sizeof(err)); /* nobody has filled it, nor ended it */
    assert_int_equal(sp_err_wrap(&err, SPULL_OK, "pull"), SPULL_INTERNAL);
    unit_failed(&err, SPULL_INTERNAL);
    assert_memory_equal(err.text, "pull: ", 6);
}

static void takes_no_error(void **state)
{
    (void)state;
    assert_int_equal(sp_err_set(NULL, SPULL_USAGE, "x"), SPULL_USAGE);
    assert_int_equal(sp_err_sys(NULL, SPULL_STORAGE, EIO, "x"), SPULL_STORAGE);
    assert_int_equal(sp_err_wrap(NULL, SPULL_DENIED, "x"), SPULL_DENIED);
    assert_int_equal(sp_err_wrap(NULL, SPULL_OK, "x"), SPULL_INTERNAL);
    assert_int_equal(sp_err_nomem(NULL), SPULL_INTERNAL);
    sp_err_hint(NULL, "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_foreign_text),
        cmocka_unit_test(shows_a_nul),
        cmocka_unit_test(cuts_between_characters),
        cmocka_unit_test(spoilt_text_stays_printable),
        cmocka_unit_test(sets_and_clears),
        cmocka_unit_test(says_errno),
        cmocka_unit_test(wraps_and_keeps_the_rest),
        cmocka_unit_test(a_long_prefix_keeps_the_cause),
        cmocka_unit_test(wrapping_success_is_a_bug),
        cmocka_unit_test(takes_no_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
