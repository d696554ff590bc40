/* SPDX-License-Identifier: MIT */
/*
 * manifest: the documents in data/, the arithmetic of sizes, and tag lists of
 * any length.
 */
#include <dirent.h>

#include "buf.h"
#include "limits.h"
#include "manifest.h"
#include "ref.h"
#include "unit.h"

#define SHA_1 "1111111111111111111111111111111111111111111111111111111111111111"
#define SHA_2 "2222222222222222222222222222222222222222222222222222222222222222"

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static enum spull_code parse_manifest(const char *name, struct sp_manifest *out,
                                      struct spull_error *err)
{
    size_t len = 0;
    char *bytes = unit_read(name, &len);
    enum spull_code code = sp_manifest_parse(bytes, len, out, err);

    free(bytes);
    return code;
}

static enum spull_code parse_tags(const char *name, struct sp_tags *out,
                                  struct spull_error *err)
{
    size_t len = 0;
    char *bytes = unit_read(name, &len);
    enum spull_code code = sp_tags_parse(bytes, len, out, err);

    free(bytes);
    return code;
}

/* As the name says: "bad-tags-..." is a tag list that must be refused. */
static enum spull_code parse_as_named(const char *name, struct spull_error *err)
{
    struct sp_manifest manifest = {.url_count = 0};
    struct sp_tags tags = {NULL, 0, NULL, 0};
    enum spull_code code;

    if (strstr(name, "-tags-"))
        code = parse_tags(name, &tags, err);
    else
        code = parse_manifest(name, &manifest, err);
    sp_manifest_done(&manifest);
    sp_tags_done(&tags);
    return code;
}

static const char *words_for(const char *name)
{
    static const struct {
        const char *name, *says;
    } bad[] = {
        {"bad-manifest-array.json", "the JSON is no object"},
        {"bad-manifest-blank.json", "the document is empty"},
        {"bad-manifest-comma.json", "malformed JSON"},
        {"bad-manifest-cut.json", "malformed JSON"},
        {"bad-manifest-deep.json", "JSON nested more than 32 deep"},
        {"bad-manifest-digest-bare.json", "not of the form ALGORITHM:VALUE"},
        {"bad-manifest-digest-number.json", "its layer's digest is no string"},
        {"bad-manifest-digest-short.json", "its layer: digest \"sha256:"},
        {"bad-manifest-empty.json", "the document is empty"},
        {"bad-manifest-layer-list.json", "its layer is no object"},
        {"bad-manifest-layer-string.json", "its layer is no object"},
        {"bad-manifest-layers-none.json", "it has 0 layers"},
        {"bad-manifest-layers-object.json", "its \"layers\" is no list"},
        {"bad-manifest-layers-two.json", "it has 2 layers"},
        {"bad-manifest-no-digest.json", "its layer states no digest"},
        {"bad-manifest-no-layers.json", "it has no \"layers\""},
        {"bad-manifest-no-size.json", "its layer states no size"},
        {"bad-manifest-no-urls.json", "it names no URL of the image"},
        {"bad-manifest-none.json", "malformed JSON at byte 1"},
        {"bad-manifest-nul-escaped.json", "malformed JSON: a NUL in a string"},
        {"bad-manifest-nul-string.json", "malformed JSON: a NUL in a string"},
        {"bad-manifest-nul.json", "malformed JSON: a NUL at byte"},
        {"bad-manifest-page.json", "malformed JSON at byte 1"},
        {"bad-manifest-rest.json", "malformed JSON: more text after its end"},
        {"bad-manifest-size-fraction.json",
         "its layer's size 1.5 is no whole number"},
        {"bad-manifest-size-hex.json", "malformed JSON"},
        {"bad-manifest-size-huge.json",
         "its layer's size 9007199254740992 is no whole"},
        {"bad-manifest-size-infinite.json",
         "its layer's size inf is no whole number"},
        {"bad-manifest-size-nan.json", "malformed JSON"},
        {"bad-manifest-size-negative.json",
         "its layer's size -1 is no whole number"},
        {"bad-manifest-size-null.json", "its layer states no size"},
        {"bad-manifest-size-string.json", "its layer's size is no number"},
        {"bad-manifest-size-tiny.json",
         "its layer's size 0 is no whole number"},
        {"bad-manifest-size-true.json", "its layer's size is no number"},
        {"bad-manifest-size-zero.json",
         "its layer's size 0 is no whole number"},
        {"bad-manifest-string.json", "the JSON is no object"},
        {"bad-manifest-twice.json", "malformed JSON: more text after its end"},
        {"bad-manifest-urls-empty.json", "its URL number 1 is empty"},
        {"bad-manifest-urls-many.json",
         "it names 17 URLs of the image, 16 at most"},
        {"bad-manifest-urls-none.json", "it names no URL of the image"},
        {"bad-manifest-urls-null.json", "it names no URL of the image"},
        {"bad-manifest-urls-number.json", "its URL number 2 is no string"},
        {"bad-manifest-urls-string.json", "its \"urls\" is no list"},
        {"bad-tags-array.json", "the JSON is no object"},
        {"bad-tags-cut.json", "malformed JSON"},
        {"bad-tags-missing.json", "it has no \"tags\""},
        {"bad-tags-null.json", "it has no \"tags\""},
        {"bad-tags-object.json", "its \"tags\" is no list"},
    };

    for (size_t i = 0; i < UNIT_COUNT(bad); i++)
        if (strcmp(bad[i].name, name) == 0)
            return bad[i].says;
    fail_msg("no words are known for %s", name);
    return NULL;
}

static void every_document(void **state)
{
    DIR *dir = opendir(UNIT_DATA);
    int good = 0;
    int bad = 0;

    (void)state;
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        struct spull_error err;
        const char *name = entry->d_name;
        if (starts(name, "good-")) {
            good++;
            if (parse_as_named(name, &err) != SPULL_OK)
                fail_msg("%s: %s", name, err.text);
        } else if (starts(name, "bad-")) {
            bad++;
            if (parse_as_named(name, &err) != SPULL_INTEGRITY)
                fail_msg("%s was not refused", name);
            unit_failed(&err, SPULL_INTEGRITY);
            unit_says(&err, words_for(name));
        } else if (strcmp(name, "README.md") != 0 &&
                   strcmp(name, "front") != 0 && name[0] != '.') {
            fail_msg("%s is neither good nor bad", name);
        }
    }
    closedir(dir);
    assert_int_equal(good, 16);
    assert_int_equal(bad, 48);
}

static void what_a_manifest_says(void **state)
{
    static const char plain[] = "sha256:c64213394d9a8cd90cea402d8bf6bc9f"
                                "dd98a2a435b6c3796f6f63cceda9b9c3";
    static const char md5[] = "md5:a1025471b564766d08bdf2cb062c795c";
    static const struct {
        const char *name;
        uint64_t size;
        const char *digest;
        size_t urls;
    } cases[] = {
        {"good-manifest-plain.json", 54372, plain, 1},
        {"good-manifest-bom.json", 54372, plain, 1},
        {"good-manifest-config.json", 54372, plain, 1},
        {"good-manifest-duplicate.json", 54372, plain, 1},
        {"good-manifest-upper.json", 54372, plain, 1},
        {"good-manifest-size-e.json", 54372, plain, 1},
        {"good-manifest-size-max.json", 9007199254740991, plain, 1},
        {"good-manifest-mirrors.json", 54372, plain, SP_URLS_MAX},
        {"good-manifest-md5.json", 2065537, md5, 1},
        {"good-manifest-md5-base64.json", 2065537, md5, 1},
        {"good-manifest-sha512.json", 54372, "sha512:00", 1},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_manifest manifest;
        assert_int_equal(parse_manifest(cases[i].name, &manifest, NULL),
                         SPULL_OK);
        assert_true(manifest.size == cases[i].size);
        assert_string_equal(manifest.digest.text, cases[i].digest);
        assert_int_equal(manifest.url_count, cases[i].urls);
        sp_manifest_done(&manifest);
    }
}

/* Only what is other than the layer's, and makes sense, is a statement. */
static void what_config_says(void **state)
{
    static const char layer[] =
        "\"layers\": [{\"size\": 7, \"digest\": \"sha256:" SHA_1
        "\", \"urls\": [\"u\"]}]}";
    static const struct {
        const char *config;
        uint64_t size;
        const char *digest; /* "": none */
    } cases[] = {
        {"{", 0, ""},
        {"{\"config\": 1, ", 0, ""},
        {"{\"config\": {}, ", 0, ""},
        {"{\"config\": {\"size\": 7, \"digest\": \"sha256:" SHA_1 "\"}, ", 0,
         ""},
        {"{\"config\": {\"size\": 8, \"digest\": \"sha256:" SHA_2 "\"}, ", 8,
         "sha256:" SHA_2},
        {"{\"config\": {\"digest\": \"sha256:" SHA_2 "\"}, ", 0,
         "sha256:" SHA_2},
        {"{\"config\": {\"size\": 8}, ", 8, ""},
        {"{\"config\": {\"size\": -8, \"digest\": \"sha256:22\"}, ", 0, ""},
        {"{\"config\": {\"size\": \"8\", \"digest\": 8}, ", 0, ""},
        {"{\"config\": {\"digest\": "
         "\"md5:a1025471b564766d08bdf2cb062c795c\"}, ",
         0, ""},
        {"{\"config\": {\"digest\": \"sha512:00\"}, ", 0, ""},
    };
    char text[1024];

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_manifest manifest;
        int len = snprintf(text, sizeof(text), "%s%s", cases[i].config, layer);
        assert_int_equal(sp_manifest_parse(text, (size_t)len, &manifest, NULL),
                         SPULL_OK);
        assert_true(manifest.image_size == cases[i].size);
        assert_int_equal(manifest.has_image_digest, cases[i].digest[0] != '\0');
        assert_string_equal(manifest.image_digest.text, cases[i].digest);
        sp_manifest_done(&manifest);
    }
}

static void urls_come_as_they_were_written(void **state)
{
    struct sp_manifest manifest;

    (void)state;
    assert_int_equal(
        parse_manifest("good-manifest-mirrors.json", &manifest, NULL),
        SPULL_OK);
    assert_string_equal(manifest.urls[0], "../../../blobs/x.sif");
    assert_string_equal(manifest.urls[1],
                        "https://h.example//a@b%2Fc?generation=1&alt=media");
    assert_string_equal(manifest.urls[15], "https://m13.example/");
    sp_manifest_done(&manifest);
    sp_manifest_done(&manifest);
    sp_manifest_done(NULL);
}

static void the_json_is_ascii(void **state)
{
    struct sp_manifest manifest, again;

    (void)state;
    assert_int_equal(
        parse_manifest("good-manifest-foreign.json", &manifest, NULL),
        SPULL_OK);
    for (const char *c = manifest.json; *c != '\0'; c++)
        assert_true(*c == '\n' || *c == '\t' || (*c >= ' ' && *c <= '~'));
    assert_true(manifest.json[strlen(manifest.json) - 1] == '}');
    assert_non_null(strstr(manifest.json,
                           "caf\\u00e9 \\ud83d\\udc04 \\u009b31m \\u202e "
                           "\\u001b \\u007f"));
    assert_int_equal(
        sp_manifest_parse(manifest.json, strlen(manifest.json), &again, NULL),
        SPULL_OK);
    assert_string_equal(again.json, manifest.json);
    sp_manifest_done(&again);
    sp_manifest_done(&manifest);
}

static void what_is_no_utf8_is_replaced(void **state)
{
    static const char text[] =
        "{\"note\": \"caf\xe9\", \"layers\": [{\"size\": 1, \"digest\": "
        "\"x:y\", \"urls\": [\"u\"]}]}";
    struct sp_manifest manifest;

    (void)state;
    assert_int_equal(sp_manifest_parse(text, sizeof(text) - 1, &manifest, NULL),
                     SPULL_OK);
    assert_non_null(strstr(manifest.json, "caf\\ufffd\""));
    sp_manifest_done(&manifest);
}

/* {"tags": [FIRST, then count - 1 times MORE, each with its number]} */
static enum spull_code parse_many(size_t count, const char *more,
                                  struct sp_tags *out, struct spull_error *err)
{
    struct sp_buf text;

    sp_buf_init(&text, SP_DOCUMENT_MAX * 2);
    sp_buf_add_text(&text, "{\"tags\": [\"first\"");
    for (size_t i = 1; i < count; i++) {
        sp_buf_add_text(&text, ",\"");
        sp_buf_print(&text, "%s%zu", more, i / 2);
        sp_buf_add_text(&text, "\"");
    }
    sp_buf_add_text(&text, "]}");
    enum spull_code code = sp_tags_parse(text.data, text.len, out, err);
    sp_buf_done(&text);
    return code;
}

static void very_long_tag_lists(void **state)
{
    struct spull_error err;
    struct sp_tags tags;

    (void)state;
    /* Every name but the first two is there twice. */
    assert_int_equal(parse_many(SP_TAGS_MAX, "v", &tags, &err), SPULL_OK);
    assert_int_equal(tags.count, SP_TAGS_MAX / 2 + 1);
    assert_int_equal(tags.left_out_count, SP_TAGS_MAX / 2 - 1);
    assert_string_equal(tags.names[0], "first");
    assert_string_equal(tags.names[1], "v0");
    assert_string_equal(tags.names[2], "v1");
    assert_string_equal(tags.left_out[0], "v1");
    sp_tags_done(&tags);

    assert_int_equal(parse_many(SP_TAGS_MAX + 1, "v", &tags, &err),
                     SPULL_INTEGRITY);
    unit_says(&err, "it has 100001 tags, 100000 at most");
    assert_int_equal(parse_many(SP_JSON_VALUES_MAX + 1, "v", &tags, &err),
                     SPULL_INTEGRITY);
    unit_says(&err, "JSON with more than 200000 values");
    assert_int_equal(parse_many(60000, /* 100 bytes each */
                                "0123456789012345678901234567890123456789"
                                "0123456789012345678901234567890123456789"
                                "01234567",
                                &tags, &err),
                     SPULL_INTEGRITY);
    unit_says(&err, "the document is too long");
}

static void strangers_are_left_out(void **state)
{
    static const char *const left[] = {"other/manifests/latest",
                                       "1.0",
                                       "7",
                                       "null",
                                       "{\"a\":[1]}",
                                       "",
                                       "-x",
                                       "b c",
                                       "\\x1b[31m"};
    struct sp_tags tags;

    (void)state;
    assert_int_equal(parse_tags("good-tags-strangers.json", &tags, NULL),
                     SPULL_OK);
    assert_int_equal(tags.count, 2);
    assert_string_equal(tags.names[0], "1.0");
    assert_string_equal(tags.names[1], "2.0");
    assert_int_equal(tags.left_out_count, UNIT_COUNT(left));
    for (size_t i = 0; i < UNIT_COUNT(left); i++)
        assert_string_equal(tags.left_out[i], left[i]);
    sp_tags_done(&tags);

    assert_int_equal(parse_tags("good-tags-plain.json", &tags, NULL), SPULL_OK);
    assert_int_equal(tags.count, 3);
    assert_string_equal(tags.names[2], "asciiart");
    assert_string_equal(tags.left_out[0], "README.md");
    sp_tags_done(&tags);
    sp_tags_done(NULL);
}

static void sizes_match(void **state)
{
    static const struct {
        uint64_t stated, bytes;
        bool loose, strict;
    } cases[] = {
        {40960, 40960, true, true},
        {40960, 40961, false, false},
        {40, 40960, true, false},
        {40, 40961, false, false}, /* more than it occupies */
        {104, 40960, true, false}, /* 64 KiB of rounding */
        {105, 40960, false, false},
        {104, 40959, false, false}, /* one byte too many of it */
        {1, 0, true, false},
        {1, 1, true, true},
        {1, 1024, true, false},
        {1, 1025, false, false},
        {54372, 55676928, true, false},
        {54372, 54372, true, true}, /* bytes, even if KiB would fit */
        {0, 0, true, true},
        {UINT64_MAX, UINT64_MAX, true, true},
        {UINT64_MAX, UINT64_MAX - 1023, false, false},
        {UINT64_MAX / 1024 + 1, 0, false, false}, /* times 1024 is 2^64 */
        {UINT64_MAX / 1024, UINT64_MAX - 1023, true, false},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        bool loose = sp_size_matches(cases[i].stated, cases[i].bytes, false);
        bool strict = sp_size_matches(cases[i].stated, cases[i].bytes, true);
        if (loose != cases[i].loose || strict != cases[i].strict)
            fail_msg("case %zu gives %d and %d", i, loose, strict);
    }
}

static void sizes_have_a_bound(void **state)
{
    (void)state;
    assert_true(sp_size_bound(40, false) == 40960);
    assert_true(sp_size_bound(40, true) == 40);
    assert_true(sp_size_bound(UINT64_MAX, true) == SP_IMAGE_MAX);
    assert_true(sp_size_bound(UINT64_MAX, false) == SP_IMAGE_MAX);
    assert_true(sp_size_bound(SP_IMAGE_MAX / 1024, false) == SP_IMAGE_MAX);
    assert_true(sp_size_bound(SP_IMAGE_MAX / 1024 - 1, false) ==
                SP_IMAGE_MAX - 1024);
    assert_true(sp_size_bound(SP_IMAGE_MAX, true) == SP_IMAGE_MAX);
}

static void looks_at_bodies(void **state)
{
    static const struct {
        const char *text;
        enum sp_body body;
    } cases[] = {
        {"", SP_BODY_NOTHING},
        {"\xef\xbb\xbf\r\n \t", SP_BODY_NOTHING},
        {"-@", SP_BODY_NOTHING},
        {" \n-@\n\n", SP_BODY_NOTHING},
        {"\xef\xbb\xbf-@", SP_BODY_NOTHING},
        {"-@x", SP_BODY_OTHER},
        {"{", SP_BODY_JSON},
        {"\xef\xbb\xbf\n  {\"a\": 1}", SP_BODY_JSON},
        {"<!doctype html>", SP_BODY_PAGE},
        {"\n<!DOCTYPE HTML PUBLIC \"-//W3C//DTD\">", SP_BODY_PAGE},
        {"<html>", SP_BODY_PAGE},
        {"<!-- a --><!-- b -->\n<HEAD>", SP_BODY_PAGE},
        {"<title>Index of /</title>", SP_BODY_PAGE},
        {"<pre>\n<a href=\"x\">", SP_BODY_PAGE},
        {"<?xml version=\"1.0\"?>\n<!DOCTYPE html>", SP_BODY_PAGE},
        {"<?xml version=\"1.0\"?><ListBucketResult>", SP_BODY_LISTING},
        {"<ListBucketResult>", SP_BODY_LISTING},
        {"<EnumerationResults ServiceEndpoint=\"\">", SP_BODY_LISTING},
        {"<Error><Code>AccessDenied</Code></Error>", SP_BODY_LISTING},
        {"[1]", SP_BODY_OTHER},
        {"Not found", SP_BODY_OTHER},
        {"<htmlx>", SP_BODY_OTHER},
        {"<!-- {", SP_BODY_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        enum sp_body body = sp_body_look(cases[i].text, strlen(cases[i].text));
        if (body != cases[i].body)
            fail_msg("\"%s\" gives %d", cases[i].text, body);
    }
}

static void check_manifest(const struct sp_manifest *manifest)
{
    struct sp_manifest again;

    assert_in_range(manifest->url_count, 1, SP_URLS_MAX);
    for (size_t i = 0; i < manifest->url_count; i++)
        assert_true(manifest->urls[i][0] != '\0');
    assert_in_range(manifest->size, 1, 9007199254740991);
    assert_int_equal(
        sp_manifest_parse(manifest->json, strlen(manifest->json), &again, NULL),
        SPULL_OK);
    assert_true(again.size == manifest->size);
    /* A foreign one may hold what the printed form has to replace. */
    if (manifest->digest.algorithm != SP_OTHER_ALGORITHM)
        assert_true(sp_digest_equal(&again.digest, &manifest->digest));
    assert_string_equal(again.json, manifest->json);
    sp_manifest_done(&again);
}

static void spoilt_manifests(void **state)
{
    size_t seed_len = 0;
    char *seed = unit_read("good-manifest-foreign.json", &seed_len);
    uint64_t random = 0x5eed;
    int accepted = 0;

    (void)state;
    for (int i = 0; i < UNIT_ROUNDS; i++) {
        size_t len = 0;
        char *bytes = unit_spoil_bytes(seed, seed_len, &random, &len);
        struct sp_manifest manifest;
        struct spull_error err;
        sp_body_look(bytes, len);
        if (sp_manifest_parse(bytes, len, &manifest, &err) == SPULL_OK) {
            accepted++;
            check_manifest(&manifest);
            sp_manifest_done(&manifest);
        } else {
            unit_failed(&err, SPULL_INTEGRITY);
        }
        free(bytes);
    }
    free(seed);
    assert_in_range(accepted, UNIT_ROUNDS / 50, UNIT_ROUNDS - 1);
}

static void spoilt_tags(void **state)
{
    size_t seed_len = 0;
    char *seed = unit_read("good-tags-strangers.json", &seed_len);
    uint64_t random = 0x5eed;

    (void)state;
    for (int i = 0; i < UNIT_ROUNDS; i++) {
        size_t len = 0;
        char *bytes = unit_spoil_bytes(seed, seed_len, &random, &len);
        struct sp_tags tags;
        struct spull_error err;
        if (sp_tags_parse(bytes, len, &tags, &err) == SPULL_OK) {
            for (size_t j = 0; j < tags.count; j++)
                assert_true(
                    sp_ref_component_ok(tags.names[j], strlen(tags.names[j])));
            for (size_t j = 0; j < tags.left_out_count; j++)
                unit_printable(tags.left_out[j]);
            sp_tags_done(&tags);
        } else {
            unit_failed(&err, SPULL_INTEGRITY);
        }
        free(bytes);
    }
    free(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_document),
        cmocka_unit_test(what_a_manifest_says),
        cmocka_unit_test(what_config_says),
        cmocka_unit_test(urls_come_as_they_were_written),
        cmocka_unit_test(the_json_is_ascii),
        cmocka_unit_test(what_is_no_utf8_is_replaced),
        cmocka_unit_test(very_long_tag_lists),
        cmocka_unit_test(strangers_are_left_out),
        cmocka_unit_test(sizes_match),
        cmocka_unit_test(sizes_have_a_bound),
        cmocka_unit_test(looks_at_bodies),
        cmocka_unit_test(spoilt_manifests),
        cmocka_unit_test(spoilt_tags),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
