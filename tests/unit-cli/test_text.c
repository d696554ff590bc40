/* SPDX-License-Identifier: MIT */
/*
 * text: what is shown can't move a cursor, and nothing is written past an end.
 */
#include <stdlib.h>

#include "fail.h"
#include "text.h"
#include "unit.h"

static void shows_foreign_text(void **state)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"na\xc3\xafve \xe2\x82\xac", "na\xc3\xafve \xe2\x82\xac"},
        {"a\nb\tc\r", "a\\x0ab\\x09c\\x0d"},
        {"\x1b[31mred", "\\x1b[31mred"},
        {"\x7f", "\\x7f"},
        {"\xc2\x9b", "\\xc2\\x9b"},          /* CSI as one C1 character */
        {"\xe2\x80\xae", "\\xe2\\x80\\xae"}, /* right-to-left override */
        {"\xc2\xad", "\\xc2\\xad"},          /* soft hyphen */
        {"\xd8\x9c", "\\xd8\\x9c"},          /* Arabic letter mark */
        {"\xef\xbf\xb9", "\\xef\\xbf\\xb9"}, /* annotation */
        {"\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81"}, /* tag "A" */
        {"\xff", "\\xff"},                            /* never in UTF-8 */
        {"\xc3", "\\xc3"},                            /* no rest */
        {"\xc0\x80", "\\xc0\\x80"},                   /* overlong NUL */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* surrogate */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
        {"\xf0\x9f\x90\x84", "\xf0\x9f\x90\x84"}, /* a cow */
    };
    char shown[64];

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        text_printable(shown, sizeof shown, cases[i].text);
        assert_string_equal(shown, cases[i].shown);
    }
}

static void cuts_between_characters(void **state)
{
    /* An escape, two letters, a character of three bytes. */
    static const char *const wanted[] = {"",
                                         "",
                                         "",
                                         "",
                                         "\\x01",
                                         "\\x01a",
                                         "\\x01ab",
                                         "\\x01ab",
                                         "\\x01ab",
                                         "\\x01ab\xe2\x82\xac",
                                         "\\x01ab\xe2\x82\xac"};
    char shown[16];

    (void)state;
    for (size_t cap = 1; cap <= UNIT_COUNT(wanted); cap++) {
        memset(shown, '#', sizeof shown);
        text_printable(shown, cap,
                       "\x01"
                       "ab\xe2\x82\xac");
        assert_string_equal(shown, wanted[cap - 1]);
        assert_int_equal(shown[cap], '#');
    }
}

static void hides_users(void **state)
{
    static const struct {
        const char *text, *shown;
        size_t cap; /* 0: there is room */
    } cases[] = {
        {"http://me:word@h:1/a/b", "http://h:1/a/b", 0},
        {"http://me@h/a/b@sha256:0", "http://h/a/b@sha256:0", 0},
        {"http://me:w@rd@h/a", "http://h/a", 0},
        {"http://h/a/b@c", "http://h/a/b@c", 0},
        {"a/b@sha256:0", "a/b@sha256:0", 0},
        {"http://u:w@h/a and HTTP://u:w@i/b", "http://h/a and HTTP://i/b", 0},
        {"http://u:w@", "http://", 0},
        {"http://h", "http://h", 0},
        {"http://", "http://", 0},
        {"://://u:w@h", "://://h", 0},
        {"", "", 0},
        /* with a slash, that should have been "%2F" */
        {"http://u:p/w@h/a/b", "http://h/a/b", 0},
        {"http://u:8p/w@h/a/b:c@sha256:0", "http://h/a/b:c@sha256:0", 0},
        {"http://u:/w/@d@h:1/a", "http://h:1/a", 0},
        {"http://u:w d/x@h/a", "http://h/a", 0},
        {"http://u:123456/x@h/a", "http://h/a", 0},
        {"'http://u:p/w@h/a': no", "'http://h/a': no", 0},
        {"http://u:p/w@h/a to http://v:q/@i/b", "http://h/a to http://i/b", 0},
        /* that are none */
        {"http://h/a@b/c", "http://h/a@b/c", 0},
        {"http://h:80/a@b/c", "http://h:80/a@b/c", 0},
        {"http://h:80?a/b@c", "http://h:80?a/b@c", 0},
        {"http://[::1]:80/a@b", "http://[::1]:80/a@b", 0},
        {"http://[::1]/a@b", "http://[::1]/a@b", 0},
        {"http://h: no/a@b", "http://h: no/a@b", 0},
        {"http://h:80: no/a@b", "http://h:80: no/a@b", 0},
        {"http://h:8x/a@sha256:0", "http://h:8x/a@sha256:0", 0},
        {"\"http://h\": no: a/b@c", "\"http://h\": no: a/b@c", 0},
        /* What may be cut is not shown, nor is what can't be but looks so. */
        {"x http://me:wo", "x http://", 15},
        {"x http://me:w/", "x http://", 15},
        {"x http://me:8/", "x http://me:8/", 15},
        {"x http://me:w@", "x http://", 15},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        char text[64];

        snprintf(text, sizeof text, "%s", cases[i].text);
        text_hide_users(text, cases[i].cap ? cases[i].cap : sizeof text);
        assert_string_equal(text, cases[i].shown);
    }
}

/* In a reference, an '@' behind a port is none of a path. */
static void hides_what_a_slash_left(void **state)
{
    static const struct {
        const char *text, *shown;
        size_t cap; /* 0: there is room */
    } cases[] = {
        {"https://u:123/x@h/c/n", "https://h/c/n", 0},
        {"https://u:p@ss/w@h/c/n:t", "https://h/c/n:t", 0},
        {"https://u:1/2@3/4@h.org:8/c/n", "https://h.org:8/c/n", 0},
        {"https://u:p@w.d/e@h/c/n@sha256:0", "https://h/c/n@sha256:0", 0},
        {"https://u:8/x@h/c/n@md5:0", "https://h/c/n@md5:0", 0},
        {"'https://u:8/x@h/c/n': no", "'https://h/c/n': no", 0},
        {"https://u:8/x@h/c/n c/n@sha256:0", "https://h/c/n c/n@sha256:0", 0},
        {"https://u:8/x@h/c https://v:8/y@i/d", "https://h/c https://i/d", 0},
        {"http://u:8/xx@h", "http://", 15},
        /* that are none */
        {"http://h:80/c/n@sha256:0", "http://h:80/c/n@sha256:0", 0},
        {"http://h:80/c/n@sha25:0", "http://h:80/c/n@sha25:0", 0},
        {"http://h:80/c/n d/e@f", "http://h:80/c/n d/e@f", 0},
        {"http://u:p@h:80/c/n@x", "http://h:80/c/n@x", 0},
        {"http://h/a@b/c/n", "http://h/a@b/c/n", 0},
        {"http://[::1]:80/a@b/c", "http://[::1]:80/a@b/c", 0},
        {"a/b@sha256:0", "a/b@sha256:0", 0},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        char text[64], *copy = text_public(cases[i].text);

        snprintf(text, cases[i].cap ? cases[i].cap : sizeof text, "%s",
                 cases[i].text);
        text_hide_refs(text, cases[i].cap ? cases[i].cap : sizeof text);
        assert_string_equal(text, cases[i].shown);
        if (cases[i].cap == 0)
            assert_string_equal(copy, cases[i].shown);
        free(copy);
    }
}

static void finds_control_characters(void **state)
{
    (void)state;
    assert_false(text_has_control("plain \xc3\xaf \xe2\x82\xac"));
    assert_false(text_has_control("latin \xef\xe9")); /* names of files */
    assert_true(text_has_control("a\nb"));
    assert_true(text_has_control("a\x7f"));
    assert_true(text_has_control("\xc2\x85"));
}

static void adds_up_to_the_end(void **state)
{
    char data[8];
    struct text text = text_on(data, sizeof data);

    (void)state;
    text_add(&text, "%s", "abc");
    text_add(&text, "%d", 12345);
    text_add(&text, "%s", "more");
    assert_string_equal(data, "abc1234");
    assert_int_equal(text.len, 7);
}

static void errors_are_printable(void **state)
{
    struct spull_error err;

    (void)state;
    assert_int_equal(fail_set(&err, SPULL_USAGE, "'%s'", "a\nb"), SPULL_USAGE);
    assert_int_equal(fail_wrap(&err, "%s", "\x1b"), SPULL_USAGE);
    fail_hint(&err, "%s", "\x07");
    assert_string_equal(err.text, "\\x1b: 'a\\x0ab'");
    assert_string_equal(err.hint, "\\x07");
    fail_set(&err, SPULL_USAGE, "%s", "http://u:w@h/");
    fail_wrap(&err, "%s", "ftp://u:w@i/");
    assert_string_equal(err.text, "ftp://i/: http://h/");
    fail_set(&err, SPULL_STORAGE, "new");
    assert_string_equal(err.hint, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_foreign_text),
        cmocka_unit_test(cuts_between_characters),
        cmocka_unit_test(hides_users),
        cmocka_unit_test(hides_what_a_slash_left),
        cmocka_unit_test(finds_control_characters),
        cmocka_unit_test(adds_up_to_the_end),
        cmocka_unit_test(errors_are_printable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
