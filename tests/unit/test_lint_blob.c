/* SPDX-License-Identifier: MIT */
/*
 * lint_blob: tables of what was seen of a blob, beside what is stated of it,
 * and what is found.
 */
#include "findings.h"
#include "limits.h"
#include "lint.h"

#define HEX   "c64213394d9a8cd90cea402d8bf6bc9fdd98a2a435b6c3796f6f63cceda9b9c3"
#define OTHER "091df947dc868b77910e3dbd32cc646ea14aa36b71dc78ea16c73c1e068b632d"

/* A blob as it should be: 2,000,000 bytes of a SIF. */
static struct sp_seen good_blob(void)
{
    return (struct sp_seen){.how = SP_SEEN_THERE,
                            .http = true,
                            .told_length = true,
                            .has_length = true,
                            .length = 2000000,
                            .ranges = true,
                            .look = {"SIF", "amd64", true}};
}

/* What a layer and a config state; 0 and NULL: nothing. */
static struct sp_stated statement(uint64_t size, const char *digest,
                                  uint64_t config_size,
                                  const char *config_digest)
{
    struct sp_stated stated = {.layer = {.has_size = size > 0, .size = size}};

    stated.layer.has_digest = digest != NULL;
    if (digest != NULL)
        sp_digest_parse(digest, &stated.layer.digest, NULL);
    stated.config.has_size = config_size > 0;
    stated.config.size = config_size;
    stated.config.has_digest = config_digest != NULL;
    if (config_digest != NULL)
        sp_digest_parse(config_digest, &stated.config.digest, NULL);
    return stated;
}

static void judge(const struct sp_stated *stated, const struct sp_seen *seen,
                  const char *codes, const char *what)
{
    struct heard heard;
    struct sp_findings findings = heard_by(&heard);

    sp_lint_blob(stated, "https://h/x", seen, &findings);
    sp_lint_stated(stated, seen, &findings);
    heard_is(&heard, codes, what);
}

static void what_is_wrong_with_sizes(void **state)
{
    static const struct {
        uint64_t stated, length;
        const char *codes;
    } cases[] = {
        {2000000, 2000000, ""},
        {1954, 2000000, "W-size-unit"},
        {1956, 2000000, "W-size-unit"},
        {1953, 2000000, "E-blob-size"},
        {1956 + 64, 2000000, "E-blob-size"},
        {1999999, 2000000, "E-blob-size"},
        {40960, 40960, ""}, /* small, and right */
        {40, 40960, "W-size-unit"},
        {40960, 40961, "E-blob-size"},
        {1, 0, "W-size-unit"}, /* du -k of nothing is 0, but who knows */
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_stated stated =
            statement(cases[i].stated, "sha256:" HEX, 0, NULL);
        struct sp_seen seen = good_blob();
        char what[64];
        seen.length = cases[i].length;
        snprintf(what, sizeof(what), "case %zu", i);
        judge(&stated, &seen, cases[i].codes, what);
    }
}

static void what_is_wrong_with_absent_blobs(void **state)
{
    static const struct {
        enum sp_seen_how how;
        const char *codes;
    } cases[] = {
        {SP_SEEN_NOT, ""},
        {SP_SEEN_MISSING, "E-blob-missing"},
        {SP_SEEN_DENIED, "E-blob-denied"},
        {SP_SEEN_LOST, "E-blob-unreachable"},
        {SP_SEEN_ASTRAY, "E-blob-redirect"},
        {SP_SEEN_OUTSIDE, "E-url-outside"},
    };
    struct sp_stated stated = statement(2000000, "sha256:" HEX, 0, NULL);

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_seen seen = {.how = cases[i].how, .why = "because"};
        judge(&stated, &seen, cases[i].codes, "absent");
    }
}

static void an_error_names_its_url_once(void **state)
{
    struct sp_stated stated = statement(2000000, NULL, 0, NULL);
    struct sp_seen seen = {.how = SP_SEEN_LOST, .why = "https://h/x: gone"};
    struct heard heard;
    struct sp_findings findings = heard_by(&heard);

    (void)state;
    sp_lint_blob(&stated, "https://h/x", &seen, &findings);
    assert_string_equal(heard.text, "https://h/x: gone");
    seen.why = "https://other/y: gone";
    sp_lint_blob(&stated, "https://h/x", &seen, &findings);
    assert_string_equal(heard.text, "https://h/x: https://other/y: gone");
}

static void what_is_wrong_with_servers(void **state)
{
    struct sp_stated stated = statement(2000000, "sha256:" HEX, 0, NULL);
    struct sp_seen seen = good_blob();

    (void)state;
    judge(&stated, &seen, "", "good");
    seen.ranges = false;
    judge(&stated, &seen, "W-blob-ranges", "no ranges");
    seen.http = false;
    judge(&stated, &seen, "", "a file has none");
    seen = good_blob();
    seen.redirects = SP_REDIRECTS_USUAL;
    judge(&stated, &seen, "", "a few redirects");
    seen.redirects++;
    judge(&stated, &seen, "W-blob-redirects", "one too many");
    seen = good_blob();
    seen.page_type = true;
    judge(&stated, &seen, "W-blob-type", "called a page");
    seen = good_blob();
    seen.told_length = false;
    judge(&stated, &seen, "W-blob-length", "length not told");
    seen.has_length = false;
    judge(&stated, &seen, "W-blob-length", "length not known");
    seen.beyond = true;
    judge(&stated, &seen, "W-blob-length E-blob-size", "too much came");
}

static void what_is_wrong_with_contents(void **state)
{
    static const struct {
        const char *kind, *codes;
    } cases[] = {
        {"SIF", ""},
        {"squashfs", ""},
        {"gzip file", ""},
        {"zip archive", ""},
        {"web page", "E-blob-page"},
        {"XML document", "E-blob-page"},
        {"text", "W-blob-kind"},
        {"JSON document", "W-blob-kind"},
        {"unknown data", "W-blob-kind"},
    };
    struct sp_stated stated = statement(2000000, "sha256:" HEX, 0, NULL);

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_seen seen = good_blob();
        seen.look = (struct sp_look){cases[i].kind, "", i < 2};
        judge(&stated, &seen, cases[i].codes, cases[i].kind);
    }
}

/* What comes out of an archive, beside what config states of it. */
static void what_is_wrong_inside(void **state)
{
    static const struct {
        enum sp_seen_inside inside;
        uint64_t length;
        const char *digest;
        uint64_t config_size; /* 0: none */
        const char *config_digest;
        const char *codes;
    } cases[] = {
        {SP_INSIDE_NOT, 0, NULL, 4096, "sha256:" OTHER, ""},
        {SP_INSIDE_BAD, 0, NULL, 4096, "sha256:" OTHER, "E-unpack"},
        {SP_INSIDE_IMAGE, 4096, OTHER, 0, NULL, ""},
        {SP_INSIDE_IMAGE, 4096, OTHER, 4096, "sha256:" OTHER, ""},
        {SP_INSIDE_IMAGE, 4096, OTHER, 4, "sha256:" OTHER, ""},
        {SP_INSIDE_IMAGE, 4096, OTHER, 5000, "sha256:" OTHER, "W-unpack-size"},
        {SP_INSIDE_IMAGE, 4096, HEX, 4096, "sha256:" OTHER, "E-unpack-digest"},
        {SP_INSIDE_IMAGE, 4096, HEX, 99, "sha256:" OTHER,
         "E-unpack-digest W-unpack-size"},
        /* The same as the layer says: of the image, nothing. */
        {SP_INSIDE_IMAGE, 4096, OTHER, 2000000, "sha256:" HEX, ""},
        {SP_INSIDE_IMAGE, 4096, HEX, 0, "md5:d41d8cd98f00b204e9800998ecf8427e",
         ""},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_stated stated =
            statement(2000000, "sha256:" HEX, cases[i].config_size,
                      cases[i].config_digest);
        struct sp_seen seen = good_blob();
        seen.look = (struct sp_look){"gzip file", "", false};
        seen.why = "because";
        seen.inside = cases[i].inside;
        seen.image_length = cases[i].length;
        if (cases[i].digest != NULL)
            seen.image_digest = sp_digest_of_pin(cases[i].digest);
        judge(&stated, &seen, cases[i].codes, "inside");
    }
}

static void what_is_wrong_with_digests(void **state)
{
    struct sp_stated stated = statement(2000000, "sha256:" HEX, 0, NULL);
    struct sp_seen seen = good_blob();

    (void)state;
    seen.hashed = true;
    sp_digest_parse("sha256:" HEX, &seen.digest, NULL);
    judge(&stated, &seen, "", "right");
    sp_digest_parse("sha256:" OTHER, &seen.digest, NULL);
    judge(&stated, &seen, "E-blob-digest", "wrong");
    stated.layer.has_digest = false;
    judge(&stated, &seen, "", "none is stated");
}

/* Of what has to be unpacked, the config describes something else. */
static void configs_of_archives_may_differ(void **state)
{
    struct sp_stated stated =
        statement(2000000, "sha256:" HEX, 9000000, "sha256:" OTHER);
    struct sp_seen seen = good_blob();

    (void)state;
    judge(&stated, &seen, "W-config-size W-config-digest", "an image");
    seen.look = (struct sp_look){"gzip file", "", false};
    judge(&stated, &seen, "", "an archive");
    seen = (struct sp_seen){.how = SP_SEEN_NOT};
    judge(&stated, &seen, "W-config-size W-config-digest", "not seen");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_with_sizes),
        cmocka_unit_test(what_is_wrong_with_absent_blobs),
        cmocka_unit_test(an_error_names_its_url_once),
        cmocka_unit_test(what_is_wrong_with_servers),
        cmocka_unit_test(what_is_wrong_with_contents),
        cmocka_unit_test(what_is_wrong_inside),
        cmocka_unit_test(what_is_wrong_with_digests),
        cmocka_unit_test(configs_of_archives_may_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
