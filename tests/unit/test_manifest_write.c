/* SPDX-License-Identifier: MIT */
/*
 * manifest_write: what we write, we read; what is carried over, and what is
 * not; no markup; the same bytes each time.
 */
#include "limits.h"
#include "manifest.h"
#include "unit.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEX_OF_CONFIG                                                          \
    "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define URL "../../../../blobs/sha256/" HEX

static struct sp_draft draft(const char *source, bool is_image)
{
    return (struct sp_draft){.source = source,
                             .size = 40960,
                             .digest = "sha256:" HEX,
                             .url = URL,
                             .is_image = is_image};
}

/* To free(). */
static char *print(const char *source, bool is_image)
{
    struct sp_draft what = draft(source, is_image);
    char *text = NULL;

    assert_int_equal(sp_manifest_print(&what, &text, NULL), SPULL_OK);
    assert_true(text[strlen(text) - 1] == '\n');
    return text;
}

static void says(const char *text, const char *part, bool expected)
{
    if ((strstr(text, part) != NULL) != expected)
        fail_msg("%s \"%s\" in %s", expected ? "no" : "there is", part, text);
}

static size_t times(const char *text, const char *part)
{
    size_t count = 0;

    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
        count++;
    return count;
}

static void we_read_what_we_write(void **state)
{
    static const uint64_t sizes[] = {1, 40960, 4294967297, SP_IMAGE_MAX};

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
        struct sp_draft what = draft(NULL, true);
        struct sp_manifest manifest;
        char *text = NULL;
        what.size = sizes[i];
        assert_int_equal(sp_manifest_print(&what, &text, NULL), SPULL_OK);
        assert_int_equal(sp_manifest_parse(text, strlen(text), &manifest, NULL),
                         SPULL_OK);
        assert_true(manifest.size == sizes[i]);
        assert_int_equal(manifest.digest.algorithm, SP_SHA256);
        assert_string_equal(manifest.digest.text, "sha256:" HEX);
        assert_int_equal(manifest.url_count, 1);
        assert_string_equal(manifest.urls[0], URL);
        says(text, "\"schemaVersion\":", true);
        assert_int_equal(times(text, "\"sha256:" HEX "\""), 2);
        sp_manifest_done(&manifest);
        free(text);
    }
}

static void the_config_of_an_archive_stays(void **state)
{
    static const struct {
        const char *config;
        bool is_image;
        bool kept;
    } cases[] = {
        {"{\"size\": 77, \"digest\": \"sha256:" HEX_OF_CONFIG "\"}", false,
         true},
        {"{\"size\": 77, \"digest\": \"sha256:" HEX_OF_CONFIG "\"}", true,
         false},
        {"{\"size\": 77, \"digest\": \"sha256:" HEX "\"}", false, false},
        {"{\"size\": 77, \"digest\": \"md5:00000000000000000000000000000000\"}",
         false, false},
        {"{\"size\": 77, \"digest\": \"sha256:0\"}", false, false},
        {"{\"size\": 77, \"digest\": 1}", false, false},
        {"{\"size\": 77}", false, false},
        {"[77]", false, false},
        {"77", false, false},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        char source[512];
        char *text = NULL;
        snprintf(source, sizeof(source), "{\"config\": %s}", cases[i].config);
        text = print(source, cases[i].is_image);
        says(text, "77", cases[i].kept);
        assert_int_equal(times(text, "\"config\":"), 1);
        assert_int_equal(times(text, "\"sha256:" HEX "\""),
                         cases[i].kept ? 1 : 2);
        free(text);
    }
}

/* cJSON's numbers are doubles; an author's may be longer. */
static void numbers_stay_as_they_are(void **state)
{
    static const char *const numbers[] = {
        "9007199254740993", "-12345678901234567890", "0.1000", "1E+3", "0",
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(numbers); i++) {
        char source[512];
        char part[128];
        char *text = NULL;
        snprintf(source, sizeof(source),
                 "{\"a\": [\"1\\\"2\", 3], \"annotations\": {\"n\": %s}, "
                 "\"layers\": [{\"size\": 4, \"annotations\": {\"m\": [5, %s, "
                 "true]}}]}",
                 numbers[i], numbers[i]);
        text = print(source, true);
        snprintf(part, sizeof(part), "\"n\":\t%s\n", numbers[i]);
        says(text, part, true);
        snprintf(part, sizeof(part), "\"m\":\t[5, %s, true]", numbers[i]);
        says(text, part, true);
        free(text);
    }
}

static void what_is_carried_over(void **state)
{
    char *text =
        print("{\"schemaVersion\": 1, \"annotations\": {\"a\": \"kept-1\"}, "
              "\"other\": \"lost-1\", \"layers\": [{\"mediaType\": \"kept-2\", "
              "\"size\": 77777, \"digest\": \"md5:lost-2\", \"urls\": "
              "[\"lost-3\"], \"annotations\": {\"b\": \"kept-3\"}, "
              "\"size\": 6}], \"layers\": []}",
              true);

    (void)state;
    assert_int_equal(times(text, "kept-"), 3);
    says(text, "lost", false);
    says(text, "77777", false);
    assert_int_equal(times(text, "\"layers\":"), 1);
    free(text);
}

static void no_markup(void **state)
{
    char *text = print("{\"annotations\": {\"<b>\": \"</title><script>x&amp;"
                       "\\u003cimg>\"}}",
                       true);
    struct sp_manifest manifest;

    (void)state;
    assert_null(strpbrk(text, "<>&"));
    says(text, "\\u003cscript\\u003e", true);
    assert_int_equal(sp_manifest_parse(text, strlen(text), &manifest, NULL),
                     SPULL_OK);
    says(manifest.json, "</title><script>x&amp;<img>", true);
    sp_manifest_done(&manifest);
    free(text);
}

static void the_same_bytes_each_time(void **state)
{
    char *once =
        print("{\"annotations\": {\"n\": 1.25e3, \"u\": \"\\u00e9\"}}", true);
    char *again = print(once, true);

    (void)state;
    assert_string_equal(once, again);
    free(once);
    free(again);
}

static void too_long(void **state)
{
    /* Each "<" becomes six bytes. */
    size_t len = SP_DOCUMENT_MAX / 4;
    char *source = malloc(len + 64);
    struct sp_draft what = draft(source, true);
    struct spull_error err;
    char *text = NULL;

    (void)state;
    assert_non_null(source);
    strcpy(source, "{\"annotations\": {\"a\": \"");
    memset(source + strlen(source), '<', len);
    strcpy(source + 23 + len, "\"}}");
    unit_failed(&err, sp_manifest_print(&what, &text, &err));
    assert_int_equal(err.code, SPULL_INTEGRITY);
    assert_null(text);
    free(source);
}

static void lists_of_tags(void **state)
{
    char *names[] = {"1.0", "latest"};

    (void)state;
    for (size_t count = 0; count <= UNIT_COUNT(names); count++) {
        char *text = NULL;
        struct sp_tags tags;
        assert_int_equal(sp_tags_print("a/b", names, count, &text, NULL),
                         SPULL_OK);
        says(text, "\"a/b\"", true);
        assert_int_equal(sp_tags_parse(text, strlen(text), &tags, NULL),
                         SPULL_OK);
        assert_int_equal(tags.count, count);
        for (size_t i = 0; i < count; i++)
            assert_string_equal(tags.names[i], names[i]);
        assert_int_equal(tags.left_out_count, 0);
        sp_tags_done(&tags);
        free(text);
    }
}

static void what_can_be_a_tag(void **state)
{
    (void)state;
    assert_true(sp_tag_ok("latest"));
    assert_true(sp_tag_ok("README"));
    assert_false(sp_tag_ok("README.md"));
    assert_false(sp_tag_ok(".."));
    assert_false(sp_tag_ok(""));
    assert_false(sp_tag_ok("a/b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(we_read_what_we_write),
        cmocka_unit_test(the_config_of_an_archive_stays),
        cmocka_unit_test(numbers_stay_as_they_are),
        cmocka_unit_test(what_is_carried_over),
        cmocka_unit_test(no_markup),
        cmocka_unit_test(the_same_bytes_each_time),
        cmocka_unit_test(too_long),
        cmocka_unit_test(lists_of_tags),
        cmocka_unit_test(what_can_be_a_tag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
