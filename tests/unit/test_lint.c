/* SPDX-License-Identifier: MIT */
/*
 * lint: tables of documents and addresses, and what is found; and that it
 * agrees with manifest about what can be pulled, on the documents in data/.
 */
#include <dirent.h>

#include "buf.h"
#include "findings.h"
#include "limits.h"
#include "lint.h"

#define HEX   "c64213394d9a8cd90cea402d8bf6bc9fdd98a2a435b6c3796f6f63cceda9b9c3"
#define UPPER "C64213394D9A8CD90CEA402D8BF6BC9FDD98A2A435B6C3796F6F63CCEDA9B9C3"
#define OTHER "091df947dc868b77910e3dbd32cc646ea14aa36b71dc78ea16c73c1e068b632d"

#define LAYER_OF(size, digest, urls)                                           \
    "{\"size\": " size ", \"digest\": \"" digest "\", \"urls\": " urls "}"
#define LAYER      LAYER_OF("2000000", "sha256:" HEX, "[\"x\"]")
#define PAGE(rest) "{\"schemaVersion\": 2, " rest "}"
#define ONE(layer) PAGE("\"layers\": [" layer "]")
#define WITH_CONFIG(config)                                                    \
    PAGE("\"config\": " config ", \"layers\": [" LAYER "]")

static const struct {
    const char *what, *text, *codes;
} manifests[] = {
    {"plain", ONE(LAYER), ""},
    {"nothing", "", "E-json"},
    {"what the template prints for nothing", "-@", "E-json"},
    {"a web page", "<html></html>", "E-json"},
    {"cut", "{\"layers\": [", "E-json"},
    {"no object", "[]", "E-json"},
    {"empty", "{}", "W-schema E-layers"},
    {"another schema", "{\"schemaVersion\": 1, \"layers\": [" LAYER "]}",
     "W-schema"},
    {"a schema as text", "{\"schemaVersion\": \"2\", \"layers\": [" LAYER "]}",
     "W-schema"},
    {"a byte order mark", "\xef\xbb\xbf" ONE(LAYER), "W-json-strict"},
    {"a control character in a string",
     PAGE("\"a\": \"\t\", \"layers\": [" LAYER "]"), "W-json-strict"},
    {"Latin-1", PAGE("\"a\": \"\xe9\", \"layers\": [" LAYER "]"),
     "W-json-strict"},
    {"an octal number", ONE(LAYER_OF("02000000", "sha256:" HEX, "[\"x\"]")),
     "W-json-strict"},
    {"a number with a naked point",
     ONE(LAYER_OF("2000000.", "sha256:" HEX, "[\"x\"]")), "W-json-strict"},
    {"a vertical tab", PAGE("\"layers\":\v[" LAYER "]"), "W-json-strict"},
    {"every number and escape there is",
     PAGE("\"a\": [0, -0, 1.5, -1e5, 1E+5, 2e-5, "
          "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9"
          "\"], \"layers\": [" LAYER "]"),
     ""},
    {"a key twice",
     PAGE("\"a\": 1, \"b\": 2, \"a\": 3, \"layers\": [" LAYER "]"),
     "W-json-key"},
    {"a key three times, and another",
     PAGE("\"b\": 1, \"a\": 1, \"a\": 2, \"b\": 2, \"a\": 3, \"layers\": "
          "[" LAYER "]"),
     "W-json-key W-json-key"},
    {"a key twice in a layer",
     ONE("{\"size\": 2000000, \"size\": 1, \"digest\": \"sha256:" HEX
         "\", \"urls\": [\"x\"]}"),
     "W-json-key"},
    {"a foreign media type",
     PAGE("\"mediaType\": \"text/plain\", \"layers\": [" LAYER "]"),
     "W-media-type"},
    {"a media type that is a number",
     PAGE("\"mediaType\": 1, \"layers\": [" LAYER "]"), "W-media-type"},
    {"no list of layers", PAGE("\"layers\": {}"), "E-layers"},
    {"no layer", PAGE("\"layers\": []"), "E-layers"},
    {"two layers", ONE(LAYER ", " LAYER), "E-layers"},
    {"a layer that is a text", ONE("\"x\""), "E-layers"},
    {"an empty layer", ONE("{}"), "E-size E-digest E-urls"},
    {"a size of nothing", ONE(LAYER_OF("0", "sha256:" HEX, "[\"x\"]")),
     "E-size"},
    {"a size as text", ONE(LAYER_OF("\"1\"", "sha256:" HEX, "[\"x\"]")),
     "E-size"},
    {"a short digest", ONE(LAYER_OF("2000000", "sha256:12", "[\"x\"]")),
     "E-digest"},
    {"a bare digest", ONE(LAYER_OF("2000000", HEX, "[\"x\"]")), "E-digest"},
    {"an md5",
     ONE(LAYER_OF("2000000", "md5:a1025471b564766d08bdf2cb062c795c",
                  "[\"x\"]")),
     "E-digest-weak"},
    {"an md5 in base64",
     ONE(LAYER_OF("2000000", "md5:oQJUcbVkdm0IvfLLBix5XA==", "[\"x\"]")),
     "W-digest-case E-digest-weak"},
    {"an unknown algorithm", ONE(LAYER_OF("2000000", "sha3:00", "[\"x\"]")),
     "E-digest-weak"},
    {"upper case", ONE(LAYER_OF("2000000", "sha256:" UPPER, "[\"x\"]")),
     "W-digest-case"},
    {"no URL", ONE(LAYER_OF("2000000", "sha256:" HEX, "[]")), "E-urls"},
    {"a URL that is none", ONE(LAYER_OF("2000000", "sha256:" HEX, "[\"\"]")),
     "E-urls"},
    {"everything at once", ONE(LAYER_OF("-1", "md5:1", "{}")) "",
     "E-size E-digest E-urls"},
    {"a config that is none", WITH_CONFIG("[]"), "W-config"},
    {"an empty config", WITH_CONFIG("{}"), ""},
    {"a config with nonsense", WITH_CONFIG("{\"size\": -1, \"digest\": \"x\"}"),
     "W-config W-config"},
    {"a config that agrees",
     WITH_CONFIG("{\"size\": 2000000, \"digest\": \"sha256:" UPPER "\"}"), ""},
    {"a config that does not",
     WITH_CONFIG("{\"size\": 7000000, \"digest\": \"sha256:" OTHER "\"}"),
     "W-config-size W-config-digest"},
    {"a config in KiB of it",
     WITH_CONFIG("{\"size\": 1956, \"digest\": \"sha256:" HEX "\"}"), ""},
    {"a size in KiB, it seems",
     ONE(LAYER_OF("54372", "sha256:" HEX, "[\"x\"]")), "W-size-unit"},
    {"hostile text",
     PAGE("\"mediaType\": \"\\u001b[2J\\u202e\\n\", \"\\u001b\": 1, "
          "\"\\u001b\": 2, \"layers\": [" LAYER "]"),
     "W-json-key W-media-type"},
};

/* All that the bytes say by themselves. */
static void lint(const char *bytes, size_t len, struct heard *heard)
{
    struct sp_findings findings = heard_by(heard);
    struct sp_seen unseen = {.how = SP_SEEN_NOT};
    struct sp_stated stated;

    assert_int_equal(sp_lint_manifest(bytes, len, &findings, &stated, NULL),
                     SPULL_OK);
    sp_lint_stated(&stated, &unseen, &findings);
    sp_stated_done(&stated);
}

static void what_is_wrong_with_manifests(void **state)
{
    struct heard heard;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(manifests); i++) {
        lint(manifests[i].text, strlen(manifests[i].text), &heard);
        heard_is(&heard, manifests[i].codes, manifests[i].what);
    }
}

/* Is there an error in these codes that keeps a manifest from being pulled? */
static bool keeps(const char *codes)
{
    for (const char *at = strstr(codes, "E-"); at; at = strstr(at + 1, "E-"))
        if (strncmp(at, "E-digest-weak", 13) != 0)
            return true;
    return false;
}

/* What cannot be pulled has an error, and nothing else has one. Can it be? */
static bool agrees(const char *what, const char *bytes, size_t len)
{
    struct sp_manifest manifest = {.url_count = 0};
    struct heard heard;
    bool sound = sp_manifest_parse(bytes, len, &manifest, NULL) == SPULL_OK;

    lint(bytes, len, &heard);
    if (sound == keeps(heard.codes))
        fail_msg("%s: %s, but \"%s\"", what, sound ? "sound" : "refused",
                 heard.codes);
    sp_manifest_done(&manifest);
    return sound;
}

static void agrees_with_manifest(void **state)
{
    DIR *dir = opendir(UNIT_DATA);
    int count = 0;

    (void)state;
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        size_t len = 0;
        if (!strstr(entry->d_name, "-manifest-"))
            continue;
        char *bytes = unit_read(entry->d_name, &len);
        agrees(entry->d_name, bytes, len);
        free(bytes);
        count++;
    }
    closedir(dir);
    assert_true(count > 50);
    for (size_t i = 0; i < UNIT_COUNT(manifests); i++)
        agrees(manifests[i].what, manifests[i].text, strlen(manifests[i].text));
}

static void agrees_on_spoilt_ones(void **state)
{
    size_t seed_len = 0;
    char *seed = unit_read("good-manifest-config.json", &seed_len);
    uint64_t random = 0x11111;
    int sound = 0;

    (void)state;
    for (int i = 0; i < UNIT_ROUNDS; i++) {
        size_t len = 0;
        char *bytes = unit_spoil_bytes(seed, seed_len, &random, &len);
        if (agrees("spoilt", bytes, len))
            sound++;
        free(bytes);
    }
    unit_some(sound);
    free(seed);
}

static void what_is_wrong_with_tags(void **state)
{
    static const struct {
        const char *text, *codes;
        size_t count;
    } cases[] = {
        {"{\"name\": \"a/b\", \"tags\": [\"1\", \"2\"]}", "", 2},
        {"{\"tags\": []}", "", 0},
        {"-@", "E-json", 0},
        {"{}", "E-tags", 0},
        {"{\"tags\": {}}", "E-tags", 0},
        {"{\"name\": 1, \"tags\": []}", "W-tags-name", 0},
        {"{\"name\": \"a/c\", \"tags\": []}", "W-tags-name", 0},
        {"{\"tags\": [\"1\", \"README.md\"]}", "W-tag-stranger", 1},
        {"{\"tags\": [\"x/manifests/1\", 7, \"\\u001b\", \"1\"]}",
         "W-tag-stranger W-tag-stranger W-tag-stranger", 1},
        {"{\"tags\": [\"1\", \"2\", \"1\"]}", "W-tag-twice", 2},
        {"{\"tags\": [], \"tags\": [\"1\"]}", "W-json-key", 0},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct heard heard;
        struct sp_findings findings = heard_by(&heard);
        struct sp_tags tags;
        bool sound = false;
        assert_int_equal(sp_lint_tags(cases[i].text, strlen(cases[i].text),
                                      "a/b", &findings, &tags, &sound, NULL),
                         SPULL_OK);
        assert_int_equal(sound, strstr(cases[i].codes, "E-") == NULL);
        heard_is(&heard, cases[i].codes, cases[i].text);
        assert_int_equal(tags.count, cases[i].count);
        sp_tags_done(&tags);
    }
}

/* As many as there may be, half of them repeated: not a matter of minutes. */
static void many_tags_take_no_time(void **state)
{
    struct heard heard;
    struct sp_findings findings = heard_by(&heard);
    struct sp_tags tags;
    struct sp_buf text;
    bool sound = false;

    (void)state;
    sp_buf_init(&text, SP_DOCUMENT_MAX);
    sp_buf_add_text(&text, "{\"tags\": [\"0\"");
    for (int i = 1; i < SP_TAGS_MAX; i++)
        sp_buf_print(&text, ", \"%d\"", i % (SP_TAGS_MAX / 2));
    sp_buf_add_text(&text, "]}");
    assert_int_equal(sp_lint_tags(text.data, text.len, "a/b", &findings, &tags,
                                  &sound, NULL),
                     SPULL_OK);
    assert_int_equal(findings.counts[SPULL_WARNING], SP_TAGS_MAX / 2);
    assert_int_equal(tags.count, SP_TAGS_MAX / 2);
    sp_tags_done(&tags);
    sp_buf_done(&text);
}

static void finds_what_is_listed(void **state)
{
    char *names[] = {"b", "c", "a"};
    struct sp_tags tags = {.names = names, .count = 3};
    struct sp_tags none = {.count = 0};
    struct sp_index index;

    (void)state;
    assert_int_equal(sp_index_init(&index, &tags, NULL), SPULL_OK);
    for (size_t i = 0; i < 3; i++)
        assert_true(sp_index_has(&index, names[i]));
    assert_false(sp_index_has(&index, "d"));
    assert_false(sp_index_has(&index, ""));
    sp_index_done(&index);
    assert_int_equal(sp_index_init(&index, &none, NULL), SPULL_OK);
    assert_false(sp_index_has(&index, "a"));
    sp_index_done(&index);
}

/* 2026-11-24T06:00:00Z, a Tuesday. */
#define NOW 1795500000

static void what_is_wrong_with_urls(void **state)
{
    static const struct {
        const char *base, *text, *codes;
        bool usable;
    } cases[] = {
        {"https://h/a/b/", "x.sif", "", true},
        {"https://h/a/b/", "https://other//x%2Fy@z?generation=1&alt=media", "",
         true},
        {"http://h/a/", "https://h/x", "", true},
        {"http://h/a/", "http://h/x", "", true},
        {"file:///r/a/", "../x", "", true},
        {"file:///r/a/", "https://h/x", "", true},
        {"https://h/a/", "http://h/x", "E-url", false},
        {"https://h/a/", "file:///etc/passwd", "E-url", false},
        {"https://h/a/", "ftp://h/x", "E-url", false},
        {"https://h/a/", "https:///x", "E-url", false},
        {"https://h/a/", "a\nb", "E-url", false},
        {"file:///r/a/", "file:///r/x", "E-url-outside", false},
        {"file:///r/a/", "FILE:///r/x", "E-url-outside", false},
        {"https://h/a/", "https://me:secret@h/x", "W-url-secret", true},
        {"https://me:secret@h/a/", "x", "", true},
        {"https://me:secret@h/a/", "https://me:secret@i/x", "W-url-secret",
         true},
        {"https://h/a/",
         "x?X-Amz-Date=20261124T000000Z&X-Amz-Expires=604800&X-Amz-Signature=0",
         "W-url-expires", true},
        {"https://h/a/",
         "x?X-Amz-Date=20200101T000000Z&X-Amz-Expires=604800&X-Amz-Signature=0",
         "E-url-expired", true},
        {"https://h/a/", "x?X-Amz-Expires=604800", "W-url-expires", true},
        {"https://h/a/", "x?X-Goog-Expires=60&X-Goog-Date=20261124T060000Z",
         "W-url-expires", true},
        {"https://h/a/", "x?X-Goog-Expires=60&X-Goog-Date=20261123T060000Z",
         "E-url-expired", true},
        {"https://h/a/", "x?Expires=1795500001&Signature=a%2Bb",
         "W-url-expires", true},
        {"https://h/a/", "x?Expires=1795500000", "E-url-expired", true},
        {"https://h/a/", "x?a=b&expires=1", "E-url-expired", true},
        {"https://h/a/", "x?Expires=never", "W-url-expires", true},
        {"https://h/a/", "x?se=2026-11-24T06%3A00%3A01Z&sig=x", "W-url-expires",
         true},
        {"https://h/a/", "x?sv=1&se=2026-11-23&sig=x", "E-url-expired", true},
        {"https://h/a/", "x?se=2026-11-23", "", true},
        {"https://h/a/", "x?myExpires=1&NotExpires=2", "", true},
        {"https://h/a/Expires=1", "x", "", true},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct heard heard;
        struct sp_findings findings = heard_by(&heard);
        struct sp_url base = {0};
        struct sp_url url = {0};
        bool usable = false;
        assert_int_equal(sp_url_parse(cases[i].base, &base, NULL), SPULL_OK);
        assert_int_equal(sp_lint_url(&base, cases[i].text, NOW, &findings,
                                     &usable, &url, NULL),
                         SPULL_OK);
        heard_is(&heard, cases[i].codes, cases[i].text);
        assert_int_equal(usable, cases[i].usable);
        assert_null(strstr(heard.text, "secret"));
        assert_null(strstr(heard.text, "Signature=0"));
        sp_url_done(&url);
        sp_url_done(&base);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_with_manifests),
        cmocka_unit_test(agrees_with_manifest),
        cmocka_unit_test(agrees_on_spoilt_ones),
        cmocka_unit_test(what_is_wrong_with_tags),
        cmocka_unit_test(many_tags_take_no_time),
        cmocka_unit_test(finds_what_is_listed),
        cmocka_unit_test(what_is_wrong_with_urls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
