/* SPDX-License-Identifier: MIT */
/*
 * url: what is fetched, what is shown of it, and what is no URL.
 *
 * The tables, here and in test_url_*.c, also hold libcurl to what the room
 * relies on: a version that parses otherwise fails here, not at a user's.
 */
#include "limits.h"
#include "unit.h"
#include "url.h"

static void parses(void **state)
{
    static const struct {
        const char *text, *fetched, *shown, *origin;
    } cases[] = {
        /* plain, and what is the same however it is written */
        {"http://h/a", "http://h/a", "http://h/a", "http://h:80"},
        {"https://h/a", "https://h/a", "https://h/a", "https://h:443"},
        {"https://h", "https://h/", "https://h/", "https://h:443"},
        {"HTTPS://H.Example:443/A", "https://H.Example:443/A",
         "https://H.Example:443/A", "https://h.example:443"},
        {"http://h:/x", "http://h/x", "http://h/x", "http://h:80"},
        {"http://h:0080/x", "http://h:80/x", "http://h:80/x", "http://h:80"},
        {"http://[::1]:81/a", "http://[::1]:81/a", "http://[::1]:81/a",
         "http://[::1]:81"},
        /* byte for byte */
        {"http://h//a//b/", "http://h//a//b/", "http://h//a//b/",
         "http://h:80"},
        {"http://h/a%2Fb%2fc", "http://h/a%2Fb%2fc", "http://h/a%2Fb%2fc",
         "http://h:80"},
        {"http://h/a@b:c;d=e", "http://h/a@b:c;d=e", "http://h/a@b:c;d=e",
         "http://h:80"},
        {"http://h/[a]{b}\"<>^`|\\", "http://h/[a]{b}\"<>^`|\\",
         "http://h/[a]{b}\"<>^`|\\", "http://h:80"},
        {"http://h/%zz%", "http://h/%zz%", "http://h/%zz%", "http://h:80"},
        {"https://h/b?generation=15&alt=media",
         "https://h/b?generation=15&alt=media", "https://h/b?...",
         "https://h:443"},
        {"http://h?x=/../y", "http://h/?x=/../y", "http://h/?...",
         "http://h:80"},
        {"http://h/x?", "http://h/x", "http://h/x", "http://h:80"},
        /* encoded */
        {"http://h/a b?c d", "http://h/a%20b?c%20d", "http://h/a%20b?...",
         "http://h:80"},
        {"http://h/\xc3\xa9?\xff", "http://h/%C3%A9?%FF", "http://h/%C3%A9?...",
         "http://h:80"},
        /* left out */
        {"http://h/x#frag ment", "http://h/x", "http://h/x", "http://h:80"},
        {"http://h/x?q#f?", "http://h/x?q", "http://h/x?...", "http://h:80"},
        {"https://u:p%40x@h:8/a", "https://u:p%40x@h:8/a", "https://h:8/a",
         "https://h:8"},
        {"https://token@h/a?k=s", "https://token@h/a?k=s", "https://h/a?...",
         "https://h:443"},
        /* as it would be done while fetching (RFC 3986 section 5.2.4) */
        {"http://h/a/../b/./c", "http://h/b/c", "http://h/b/c", "http://h:80"},
        {"http://h/../../a", "http://h/a", "http://h/a", "http://h:80"},
        /* files */
        {"file:///a/b%20c", "file:///a/b%20c", "file:///a/b%20c", "file://"},
        {"file:///a?q=1", "file:///a", "file:///a", "file://"},
        {"file:///", "file:///", "file:///", "file://"},
        {"file://localhost/a", "file:///a", "file:///a", "file://"},
        {"FILE://LocalHost/a", "file:///a", "file:///a", "file://"},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct spull_error err;
        struct sp_url url;
        if (sp_url_parse(cases[i].text, &url, &err) != SPULL_OK)
            fail_msg("%s", err.text);
        assert_string_equal(url.text, cases[i].fetched);
        assert_string_equal(url.shown, cases[i].shown);
        assert_string_equal(url.origin, cases[i].origin);
        sp_url_done(&url);
    }
}

static void refuses(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "no scheme: http, https or file"},
        {"h/x", "no scheme"},
        {"//h/x", "no scheme"},
        {" http://h/x", "no scheme"},
        {"://h/x", "no scheme"},
        {"ftp://h/x", "only http, https and file can be used"},
        {"oras://h/x", "only http, https and file can be used"},
        {"mailto:x", "only http, https and file can be used"},
        /* libcurl would take these three for "http://x/" */
        {"http:/x", "no \"//\" after the scheme"},
        {"http:///x", "no host"},
        {"http:////x", "no host"},
        {"http:x", "no \"//\" after the scheme"},
        {"http://", "no host"},
        {"http://?q", "no host"},
        {"http://u@/x", "URL \"http:///x\": "},
        {"http://h:99999/", "ort"},
        {"http://h:x/", "ort"},
        {"http://a b/", "URL \"http://a b/\": "},
        {"http://a\\@b/", "a backslash is not allowed in a host"},
        {"http://h\\x/", "a backslash is not allowed in a host"},
        {"http://b\xc3\xbc"
         "cher.example/",
         "use its xn-- form"},
        {"http://b%C3%BC"
         "cher.example/",
         "use its xn-- form"},
        {"http://h/a\tb", "control characters are not allowed"},
        {"http://h/a\nb", "URL \"http://h/a\\x0ab\": control"},
        {"http://h/\x7f", "control characters are not allowed"},
        {"file:relative", "no \"//\" after the scheme"},
        {"file:/x", "no \"//\" after the scheme"},
        {"file://relative", "can't name another host"},
        {"file://h/x", "can't name another host"},
        {"file://127.0.0.1/x", "can't name another host"},
        {"file:///a%00b", "a file name can't hold a NUL"},
        /* no secrets in errors */
        {"ftp://user:secret@h/x?secret", "URL \"ftp://h/x?...\": only"},
        {"secret@h", "URL \"h\": no scheme"},
        {"http://u:secret@h:x/?secret#secret", "URL \"http://h:x/?...\": "},
        {"http://u:se/secret@h/", "URL \"http://...\": "},
        {"http://u:secret#secret@h/", "URL \"http://...\": "},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct spull_error err;
        struct sp_url url;
        enum spull_code code = sp_url_parse(cases[i].text, &url, &err);
        if (code != SPULL_USAGE)
            fail_msg("\"%s\" gives %d", cases[i].text, code);
        unit_failed(&err, SPULL_USAGE);
        unit_says(&err, cases[i].says);
        unit_hides(&err, "secret");
    }
}

/* "https://h/" and the character, count times, parsed. */
static enum spull_code parse_long(char c, size_t count)
{
    static const char start[] = "https://h/";
    size_t len = sizeof(start) - 1;
    char *text = malloc(len + count + 1);
    struct sp_url url = {.scheme = SP_SCHEME_HTTP};
    struct spull_error err;

    assert_non_null(text);
    memcpy(text, start, len);
    memset(text + len, c, count);
    text[len + count] = '\0';
    enum spull_code code = sp_url_parse(text, &url, &err);
    if (code != SPULL_OK) {
        unit_failed(&err, SPULL_USAGE);
        unit_says(&err, ": too long");
    }
    sp_url_done(&url);
    free(text);
    return code;
}

static void lengths_have_an_end(void **state)
{
    (void)state;
    assert_int_equal(parse_long('a', SP_URL_MAX - 10), SPULL_OK);
    assert_int_equal(parse_long('a', SP_URL_MAX - 9), SPULL_USAGE);
    assert_int_equal(parse_long(' ', SP_URL_MAX / 3 - 4), SPULL_OK);
    assert_int_equal(parse_long(' ', SP_URL_MAX / 3), SPULL_USAGE);
    assert_int_equal(parse_long('a', 4 * 1024 * 1024), SPULL_USAGE);
}

static void origins(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"https://h/a", "https://H:443/b?c", true},
        {"https://h/a", "http://h/a", false},
        {"https://h/", "https://h:444/", false},
        {"https://h/", "https://h.example/", false},
        {"https://u:p@h/", "https://h/", true},
        {"file:///a", "file://localhost/b", true},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_url a, b;
        assert_int_equal(sp_url_parse(cases[i].a, &a, NULL), SPULL_OK);
        assert_int_equal(sp_url_parse(cases[i].b, &b, NULL), SPULL_OK);
        assert_int_equal(sp_url_same_origin(&a, &b), cases[i].same);
        sp_url_done(&a);
        sp_url_done(&b);
    }
}

static void copies(void **state)
{
    struct sp_url url, copy;

    (void)state;
    assert_int_equal(sp_url_parse("https://H/a?b", &url, NULL), SPULL_OK);
    assert_int_equal(sp_url_copy(&url, &copy, NULL), SPULL_OK);
    sp_url_done(&url);
    sp_url_done(&url);
    sp_url_done(NULL);
    assert_string_equal(copy.text, "https://H/a?b");
    assert_string_equal(copy.shown, "https://H/a?...");
    assert_string_equal(copy.origin, "https://h:443");
    assert_string_equal(copy.host, "h");
    assert_int_equal(copy.scheme, SP_SCHEME_HTTPS);
    sp_url_done(&copy);
}

/* What was accepted holds nothing to trip over, and parses to itself. */
static void check_accepted(const struct sp_url *url)
{
    struct spull_error err;
    struct sp_url again;

    for (const char *c = url->text; *c != '\0'; c++)
        assert_in_range(*c, '!', '~');
    assert_null(strchr(url->text, '#'));
    assert_int_equal(url->scheme == SP_SCHEME_FILE, url->host[0] == '\0');
    if (sp_url_parse(url->text, &again, &err) != SPULL_OK)
        fail_msg("%s", err.text);
    assert_string_equal(again.text, url->text);
    assert_string_equal(again.shown, url->shown);
    assert_string_equal(again.origin, url->origin);
    sp_url_done(&again);
}

static void spoilt_urls(void **state)
{
    static const char *const seeds[] = {
        "https://u:p@h.example:81/a//b%2F/../c?d=e&f#g",
        "http://[::1]/a@b/",
        "file:///a/b%20c",
        "../x/y?z",
        "//o.example/x",
        "?q=1"};
    struct sp_url base;
    uint64_t random = 0x5eed;
    int parsed = 0;
    int followed = 0;

    (void)state;
    assert_int_equal(sp_url_parse("https://h/a/b/", &base, NULL), SPULL_OK);
    for (int i = 0; i < UNIT_ROUNDS; i++) {
        const char *seed = seeds[unit_below(&random, UNIT_COUNT(seeds))];
        size_t len = 0;
        char *text = unit_spoil(seed, strlen(seed), &random, &len);
        struct spull_error err;
        struct sp_url url;
        if (sp_url_parse(text, &url, &err) == SPULL_OK) {
            check_accepted(&url);
            sp_url_done(&url);
            parsed++;
        } else {
            unit_failed(&err, SPULL_USAGE);
        }
        if (sp_url_follow(&base, text, &url, &err) == SPULL_OK) {
            assert_int_equal(url.scheme, SP_SCHEME_HTTPS);
            check_accepted(&url);
            sp_url_done(&url);
            followed++;
        } else {
            unit_failed(&err, SPULL_INTEGRITY);
        }
        free(text);
    }
    unit_some(parsed);
    unit_some(followed);
    sp_url_done(&base);
}

static void proxies(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"http://proxy.example.org:3128", true},
        {"HTTPS://me:s3cret@proxy:1/", true},
        {"proxy.example.org:3128", true},
        {"ftp.example.org:3128", true},
        {"me:s3cret@10.0.0.1", true},
        {"socks5h://[::1]:1080", true},
        {"socks4a://h", true},
        {"", false},
        {"ftp://h", false},
        {"socks9://s3cret@h", false},
        {"http://", false},
        {"http://s3cret:99999", false},
        {"http://h h", false},
        {"://h", false},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct spull_error err = {0};
        assert_int_equal(sp_url_check_proxy(cases[i].text, &err),
                         cases[i].good ? SPULL_OK : SPULL_USAGE);
        unit_hides(&err, "s3cret");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),
        cmocka_unit_test(refuses),
        cmocka_unit_test(lengths_have_an_end),
        cmocka_unit_test(origins),
        cmocka_unit_test(proxies),
        cmocka_unit_test(copies),
        cmocka_unit_test(spoilt_urls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
