/* SPDX-License-Identifier: MIT */
/*
 * url_registry: addresses of registries, which may be directories, and the
 * paths of files.
 */
#include <unistd.h>

#include "unit.h"
#include "url.h"

static void registries(void **state)
{
    static const struct {
        const char *text, *address;
    } cases[] = {
        {"https://h/registry/", "https://h/registry"},
        {"https://h///", "https://h"},
        {"http://h", "http://h"},
        {"file:///srv/reg/", "file:///srv/reg"},
        {"/srv/reg", "file:///srv/reg"},
        {"/srv//reg//", "file:///srv//reg"},
        {"/srv/a b#c?d%e", "file:///srv/a%20b%23c%3Fd%25e"},
        {"/srv/\xc3\xa9\n", "file:///srv/%C3%A9%0A"},
        {"/", "file://"},
    };
    struct sp_url url, below;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        assert_int_equal(sp_url_registry(cases[i].text, &url, NULL), SPULL_OK);
        assert_string_equal(url.text, cases[i].address);
        assert_int_equal(sp_url_below(&url, "a/b+c~/tags/", &below, NULL),
                         SPULL_OK);
        size_t len = strlen(url.text);
        assert_memory_equal(below.text, url.text, len);
        assert_string_equal(below.text + len, "/a/b+c~/tags/");
        sp_url_done(&below);
        sp_url_done(&url);
    }
}

static void bad_registries(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "the registry's address is empty"},
        {"https://h/?x=1", "a registry has no query"},
        {"https://h/#x", "no fragment"},
        {"ftp://h/", "only http, https and file can be used"},
        {"http:///x", "no host"},
        {"https://u:secret@h/?secret", "URL \"https://h/?...\""},
        /* a slash that nobody encoded has cut a password in two */
        {"https://u:123/secret@h", "URL \"https://...\": an \"@\" behind"},
        {"https://u:secret@secret/secret@h/x", "an \"@\" behind a \"/\""},
        {"https://secret:8/secret?secret@h/x", "a registry has no query"},
        {"https://secret:8?secret@h/x", "a registry has no query"},
        {"https://secret:8#secret@h/x", "no fragment"},
        {"http://h:8/a@b", "an \"@\" behind a \"/\""},
    };
    struct spull_error err;
    struct sp_url url;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        assert_int_equal(sp_url_registry(cases[i].text, &url, &err),
                         SPULL_USAGE);
        unit_failed(&err, SPULL_USAGE);
        unit_says(&err, cases[i].says);
        unit_hides(&err, "secret");
    }
}

static void check_path(const char *registry, const char *path)
{
    struct sp_url url;

    assert_int_equal(sp_url_registry(registry, &url, NULL), SPULL_OK);
    char *found = sp_url_file_path(&url);
    assert_string_equal(found, path);
    free(found);
    sp_url_done(&url);
}

static void a_relative_directory(void **state)
{
    (void)state;
    assert_int_equal(chdir("/"), 0);
    check_path("reg/x:y", "/reg/x:y");
    check_path("..", "/");
    assert_int_equal(chdir("/dev"), 0);
    check_path("reg/x:y", "/dev/reg/x:y");
    check_path(".", "/dev");
    check_path("./a b%/", "/dev/a b%");
    check_path("../usr", "/usr");
}

static void paths_of_files(void **state)
{
    static const struct {
        const char *text, *path;
    } cases[] = {
        {"file:///a/b%20c%2Fd", "/a/b c/d"},
        {"file:///a%3fb?c=d", "/a?b"},
        {"file:///%zz%4", "/%zz%4"},
        {"file:///%25%43", "/%C"},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_url url;
        assert_int_equal(sp_url_parse(cases[i].text, &url, NULL), SPULL_OK);
        char *path = sp_url_file_path(&url);
        assert_string_equal(path, cases[i].path);
        free(path);
        sp_url_done(&url);
    }

    struct sp_url root;
    assert_int_equal(sp_url_registry("/", &root, NULL), SPULL_OK);
    char *path = sp_url_file_path(&root);
    assert_string_equal(path, "/");
    free(path);
    sp_url_done(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registries),
        cmocka_unit_test(bad_registries),
        cmocka_unit_test(a_relative_directory),
        cmocka_unit_test(paths_of_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
