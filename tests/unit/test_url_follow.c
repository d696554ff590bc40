/* SPDX-License-Identifier: MIT */
/*
 * url_follow: who may lead where, and whose credentials stay behind.
 */
#include "unit.h"
#include "url.h"

static void follows(void **state)
{
    static const char http[] = "http://u:p@h:81/a/b/c?q=1";
    static const char https[] = "https://h/a/b/";
    static const char file[] = "file:///a/b/c";
    static const struct {
        const char *base, *reference, *text;
    } cases[] = {
        {http, "x", "http://u:p@h:81/a/b/x"},
        {http, "./x", "http://u:p@h:81/a/b/x"},
        {http, "../x", "http://u:p@h:81/a/x"},
        {http, "../../../../x", "http://u:p@h:81/x"},
        {http, "..", "http://u:p@h:81/a/"},
        {http, ".", "http://u:p@h:81/a/b/"},
        {http, "/x", "http://u:p@h:81/x"},
        {http, "?q=2", "http://u:p@h:81/a/b/c?q=2"},
        {http, "", "http://u:p@h:81/a/b/c?q=1"},
        {http, "#f", "http://u:p@h:81/a/b/c?q=1"},
        {http, "x#f", "http://u:p@h:81/a/b/x"},
        {http, "a//b", "http://u:p@h:81/a/b/a//b"},
        {http, "/a@b%2Fc[d]", "http://u:p@h:81/a@b%2Fc[d]"},
        {http, "a b?c d\xc3\xa9", "http://u:p@h:81/a/b/a%20b?c%20d%C3%A9"},
        {http, "y?u=http://z/", "http://u:p@h:81/a/b/y?u=http://z/"},
        {http, "?u=/../x", "http://u:p@h:81/a/b/c?u=/../x"},
        {http, "\\\\o\\x", "http://u:p@h:81/a/b/\\\\o\\x"},
        /* nobody's credentials go to another host */
        {http, "//o/x", "http://o/x"},
        {http, "http://o/x", "http://o/x"},
        {http, "https://o:1/x", "https://o:1/x"},
        {https, "x", "https://h/a/b/x"},
        {https, "//o", "https://o/"},
        {https, "https://o/x?sig=1", "https://o/x?sig=1"},
        {file, "x", "file:///a/b/x"},
        {file, "../../../x", "file:///x"},
        {file, "/x", "file:///x"},
        {file, "", "file:///a/b/c"},
        {file, "http://h/x", "http://h/x"},
        {file, "https://h/x", "https://h/x"},
        {file, "file:///y", "file:///y"},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct spull_error err;
        struct sp_url base, url;
        assert_int_equal(sp_url_parse(cases[i].base, &base, NULL), SPULL_OK);
        if (sp_url_follow(&base, cases[i].reference, &url, &err) != SPULL_OK)
            fail_msg("%s", err.text);
        assert_string_equal(url.text, cases[i].text);
        sp_url_done(&url);
        sp_url_done(&base);
    }
}

static void does_not_follow(void **state)
{
    static const struct {
        const char *base, *reference, *says;
    } cases[] = {
        {"https://h/a", "http://h/a", "https never falls back to http"},
        {"https://h/a", "HTTP://h/a", "https never falls back to http"},
        {"https://h/a", "file:///etc/passwd", "can't point to local files"},
        {"http://h/a", "file:///etc/passwd", "can't point to local files"},
        {"http://h/a", "FILE://localhost/x", "can't point to local files"},
        {"http://h/a", "file:/etc/passwd", "no \"//\" after the scheme"},
        {"http://h/a", "ftp://h/", "only http, https and file"},
        {"http://h/a", "javascript:x", "only http, https and file"},
        {"http://h/a", "http:b", "no \"//\" after the scheme"},
        {"http://h/a", "http:///b", "no host"},
        {"http://h/a", "///b", "no host"},
        {"http://h/a", "//", "no host"},
        {"http://h/a", "b\r\nX: y", "control characters are not allowed"},
        {"http://h/a", "//h\\.evil.example/", "a backslash"},
        {"file:///a", "//h/x", "can't name another host"},
        {"https://h/a?secret", "http://u:secret@o/?secret",
         "https://h:443 leads to http://o/?...: "},
        {"https://u:secret@h/a?secret", "b:secret@x",
         "https://h/a?... leads to a bad URL: "},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct spull_error err;
        struct sp_url base, url;
        assert_int_equal(sp_url_parse(cases[i].base, &base, NULL), SPULL_OK);
        enum spull_code code =
            sp_url_follow(&base, cases[i].reference, &url, &err);
        if (code != SPULL_INTEGRITY)
            fail_msg("\"%s\" gives %d", cases[i].reference, code);
        unit_failed(&err, SPULL_INTEGRITY);
        unit_says(&err, cases[i].says);
        unit_hides(&err, "secret");
        sp_url_done(&base);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows),
        cmocka_unit_test(does_not_follow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
