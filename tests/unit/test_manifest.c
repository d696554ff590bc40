/* SPDX-License-Identifier: MIT */
/*
 * manifest: the documents in data/, what a manifest says, and what a body is.
 */
#include <dirent.h>

#include "documents.h"
#include "limits.h"
#include "manifest.h"
#include "unit.h"

#define SHA_1 "1111111111111111111111111111111111111111111111111111111111111111"
#define SHA_2 "2222222222222222222222222222222222222222222222222222222222222222"

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* As the name says: "bad-tags-..." is a tag list that must be refused. */
static enum spull_code parse_as_named(const char *name, struct spull_error *err)
{
    struct sp_manifest manifest = {.url_count = 0};
    struct sp_tags tags = {NULL, 0, NULL, 0};
    enum spull_code code;

    if (strstr(name, "-tags-"))
        code = document_tags(name, &tags, err);
    else
        code = document_manifest(name, &manifest, err);
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
        assert_int_equal(document_manifest(cases[i].name, &manifest, NULL),
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
        document_manifest("good-manifest-mirrors.json", &manifest, NULL),
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
        document_manifest("good-manifest-foreign.json", &manifest, NULL),
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
    unit_some(accepted);
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
        cmocka_unit_test(looks_at_bodies),
        cmocka_unit_test(spoilt_manifests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
