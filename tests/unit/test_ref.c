/* SPDX-License-Identifier: MIT */
/*
 * ref: what is a reference and what it means; what is none, and the character
 * that is to blame.
 */
#include "limits.h"
#include "ref.h"
#include "unit.h"

#define HEX16 "0123456789abcdef"
#define HEX   HEX16 HEX16 HEX16 HEX16

static void parses(void **state)
{
    static const struct {
        const char *text, *base, *container, *tag, *pin, *printed, *file;
    } cases[] = {
        {"vanessa/greeting", NULL, "vanessa/greeting", "latest", "",
         "vanessa/greeting:latest", "greeting_latest.sif"},
        {"vanessa/greeting:asciiart", NULL, "vanessa/greeting", "asciiart", "",
         "vanessa/greeting:asciiart", "greeting_asciiart.sif"},
        {"a/b/c/d/e:1.0+2~rc_3-x", NULL, "a/b/c/d/e", "1.0+2~rc_3-x", "",
         "a/b/c/d/e:1.0+2~rc_3-x", "e_1.0+2~rc_3-x.sif"},
        {"a/b@sha256:" HEX, NULL, "a/b", "latest", HEX, "a/b:latest",
         "b_latest.sif"},
        {"a/b:t@sha256:0123456789ABCDEF" HEX16 HEX16 HEX16, NULL, "a/b", "t",
         HEX, "a/b:t", "b_t.sif"},
        {"~/b", NULL, "~/b", "latest", "", "~/b:latest", "b_latest.sif"},
        {"https://h.example/a/b:t", "https://h.example", "a/b", "t", "",
         "https://h.example/a/b:t", "b_t.sif"},
        {"http://h:8080/reg/x/a/b", "http://h:8080/reg/x", "a/b", "latest", "",
         "http://h:8080/reg/x/a/b:latest", "b_latest.sif"},
        {"https://u:p@h/a/b@sha256:" HEX, "https://u:p@h", "a/b", "latest", HEX,
         "https://u:p@h/a/b:latest", "b_latest.sif"},
        {"file:///srv/reg/a/b:t", "file:///srv/reg", "a/b", "t", "",
         "file:///srv/reg/a/b:t", "b_t.sif"},
        {"https://h//a/b", "https://h", "a/b", "latest", "",
         "https://h/a/b:latest", "b_latest.sif"},
        {"https://[::1]:8/a/b", "https://[::1]:8", "a/b", "latest", "",
         "https://[::1]:8/a/b:latest", "b_latest.sif"},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct spull_error err;
        struct sp_ref ref;
        if (sp_ref_parse(cases[i].text, &ref, &err) != SPULL_OK)
            fail_msg("%s", err.text);
        if (cases[i].base)
            assert_string_equal(ref.base, cases[i].base);
        else
            assert_null(ref.base);
        assert_string_equal(ref.container, cases[i].container);
        assert_string_equal(ref.tag, cases[i].tag);
        assert_string_equal(ref.pin, cases[i].pin);
        char *printed = sp_ref_text(&ref);
        char *file = sp_ref_filename(&ref);
        assert_string_equal(printed, cases[i].printed);
        assert_string_equal(file, cases[i].file);
        free(printed);
        free(file);
        sp_ref_done(&ref);
    }
}

static void says_what_is_wrong(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "reference \"\": a name is missing at 1"},
        {"greeting", "it has no collection"},
        {"greeting:tag", "it has no collection"},
        {"a/b:x y", "reference \"a/b:x y\": character \" \" at 6 is not "
                    "allowed in a tag"},
        {"a/b:", "a tag is missing at 5"},
        {"a/b:-x", "character \"-\" at 5 can't start a tag"},
        {"a/b:.x", "character \".\" at 5 can't start a tag"},
        {"a/b:c:d", "character \":\" at 4 is not allowed in a name"},
        {"a:b/c", "character \":\" at 2 is not allowed in a collection"},
        {"a//b", "a collection is missing at 3"},
        {"a/", "a name is missing at 3"},
        {"/a/b", "a collection is missing at 1"},
        {"./a/b", "character \".\" at 1 can't start a collection"},
        {"../a", "character \".\" at 1 can't start a collection"},
        {"a/../b", "character \".\" at 3 can't start a collection"},
        {"-a/b", "character \"-\" at 1 can't start a collection"},
        {"a/b\n", "character \"\\x0a\" at 4 is not allowed in a name"},
        {"a/n\xc3\xa4m\xc3\xa9", "character \"\xc3\xa4\" at 4 is not allowed"},
        {"\xc3\xa4/b$", "character \"\xc3\xa4\" at 1 is not allowed"},
        {"a/b:\xff", "character \"\\xff\" at 5 is not allowed in a tag"},
        {"a/b\\c", "character \"\\\" at 4 is not allowed in a name"},
        {"a/b%2Fc", "character \"%\" at 4 is not allowed in a name"},
        {"a@sha256:" HEX "/b", "character \"@\" at 2 is not allowed"},
        {"a/b@", "what follows @ is not sha256:HEX"},
        {"a/b@md5:" HEX16 HEX16, "what follows @ is not sha256:HEX"},
        {"a/b@SHA256:" HEX, "what follows @ is not sha256:HEX"},
        {"a/b@sha256:", "the sha256 has 0 digits, not 64"},
        {"a/b@sha256:" HEX "0", "the sha256 has 65 digits, not 64"},
        {"a/b@sha256:" HEX16 "g", "character \"g\" at 28 is not allowed in a "
                                  "sha256"},
        {"a/b@sha256:" HEX "@", "character \"@\" at 76 is not allowed"},
        {"https://h", "no COLLECTION/NAME after the registry"},
        {"https://h/a", "no COLLECTION/NAME after the registry"},
        {"https:///a/b", "no registry before COLLECTION/NAME"},
        {"file:///a/b", "no registry before COLLECTION/NAME"},
        {"docker://alpine", "only http, https and file can be used"},
        {"oras://ghcr.io/a/b:1", "only http, https and file can be used"},
        {"library://u:secret@a/b/c", "reference \"library://a/b/c\": only"},
        {"://h/a/b", "only http, https and file can be used"},
        {"FILE:///a/b", "no registry before COLLECTION/NAME"},
        {"https://h/a/b:c/d", "character \":\" at 14 is not allowed"},
        {"https://u:secret@h/a/b c", "reference \"https://h/a/b c\": char"},
        {"https://u:8/secret@h/a/b c", "reference \"https://h/a/b c\": char"},
        {"https://u:secret@secret/@h/a/b c", "reference \"https://h/a/b c\""},
        {"http://h:8/a/b@md5:0", "reference \"http://h:8/a/b@md5:0\": what"},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct spull_error err;
        struct sp_ref ref;
        enum spull_code code = sp_ref_parse(cases[i].text, &ref, &err);
        if (code != SPULL_USAGE)
            fail_msg("\"%s\" gives %d", cases[i].text, code);
        unit_failed(&err, SPULL_USAGE);
        unit_says(&err, cases[i].says);
        assert_true(err.hint[0] != '\0');
        assert_null(strstr(err.text, "secret"));
    }
}

static void a_path_gets_a_hint(void **state)
{
    static const char *const paths[] = {"/srv/reg/a/b", "./reg/a/b", "../a/b",
                                        "~/reg/a b"};
    struct spull_error err;
    struct sp_ref ref;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(paths); i++) {
        assert_int_equal(sp_ref_parse(paths[i], &ref, &err), SPULL_USAGE);
        assert_non_null(strstr(err.hint, "--registry DIR"));
    }
    assert_int_equal(sp_ref_parse("a/b c", &ref, &err), SPULL_USAGE);
    assert_null(strstr(err.hint, "--registry DIR"));
}

/* "a/NNN...", with so many Ns, parsed. */
static enum spull_code parse_long(size_t len, struct spull_error *err)
{
    char *text = malloc(len + 3);
    struct sp_ref ref = {NULL, NULL, NULL, ""};

    assert_non_null(text);
    memset(text, 'N', len + 2);
    text[1] = '/';
    text[len + 2] = '\0';
    enum spull_code code = sp_ref_parse(text, &ref, err);
    sp_ref_done(&ref);
    free(text);
    return code;
}

static void lengths_have_an_end(void **state)
{
    struct spull_error err;
    struct sp_ref ref;
    char deep[2 * SP_COMPONENTS_MAX + 2];

    (void)state;
    assert_int_equal(parse_long(SP_COMPONENT_MAX, &err), SPULL_OK);
    assert_int_equal(parse_long(SP_COMPONENT_MAX + 1, &err), SPULL_USAGE);
    unit_says(&err, "a name has 121 characters, 120 at most");
    assert_int_equal(parse_long(SP_REF_MAX, &err), SPULL_USAGE);
    unit_says(&err, "2050 bytes, 2048 at most");

    memset(deep, 'a', sizeof(deep));
    for (size_t i = 1; i < sizeof(deep); i += 2)
        deep[i] = '/';
    deep[2 * SP_COMPONENTS_MAX - 1] = '\0';
    assert_int_equal(sp_ref_parse(deep, &ref, &err), SPULL_OK);
    sp_ref_done(&ref);
    deep[2 * SP_COMPONENTS_MAX - 1] = '/';
    deep[2 * SP_COMPONENTS_MAX + 1] = '\0';
    assert_int_equal(sp_ref_parse(deep, &ref, &err), SPULL_USAGE);
    unit_says(&err, "17 components, 16 at most");
}

static void a_container_alone(void **state)
{
    struct spull_error err;
    struct sp_ref ref;

    (void)state;
    assert_int_equal(sp_ref_parse_container("https://h/r/a/b", &ref, &err),
                     SPULL_OK);
    assert_string_equal(ref.base, "https://h/r");
    assert_string_equal(ref.container, "a/b");
    assert_null(ref.tag);
    assert_string_equal(sp_ref_name(&ref), "b");
    sp_ref_done(&ref);

    assert_int_equal(sp_ref_parse_container("a/b:t", &ref, &err), SPULL_USAGE);
    unit_says(&err, "a tag is not expected here");
    assert_int_equal(sp_ref_parse_container("a/b@sha256:" HEX, &ref, &err),
                     SPULL_USAGE);
    unit_says(&err, "a digest is not expected here");
}

static void prints_the_pinned_form(void **state)
{
    struct sp_ref ref;

    (void)state;
    assert_int_equal(sp_ref_parse("a/b", &ref, NULL), SPULL_OK);
    char *pinned = sp_ref_pinned(&ref, HEX);
    assert_string_equal(pinned, "a/b:latest@sha256:" HEX);
    free(pinned);
    sp_ref_done(&ref);
    sp_ref_done(&ref);
    sp_ref_done(NULL);
}

static void fails_without_touching_out(void **state)
{
    struct sp_ref ref;
    struct sp_ref before;

    (void)state;
    memset(&ref, 0x5a, sizeof(ref));
    memcpy(&before, &ref, sizeof(ref));
    assert_int_equal(sp_ref_parse("a/b:-", &ref, NULL), SPULL_USAGE);
    assert_memory_equal(&ref, &before, sizeof(ref));
}

/* What is accepted is safe as a path, and prints as what it was parsed from. */
static void check_accepted(const struct sp_ref *ref)
{
    struct sp_ref again;
    char *text = sp_ref_text(ref);
    char *file = sp_ref_filename(ref);

    assert_null(strchr(file, '/'));
    assert_true(file[0] != '.' && file[0] != '-');
    assert_true(strlen(file) <= 255);
    assert_null(strstr(ref->container, "/."));
    unit_printable(ref->container);
    unit_printable(ref->tag);
    assert_int_equal(sp_ref_parse(text, &again, NULL), SPULL_OK);
    assert_string_equal(again.container, ref->container);
    assert_string_equal(again.tag, ref->tag);
    sp_ref_done(&again);
    free(text);
    free(file);
}

static void spoilt_references(void **state)
{
    static const char *const seeds[] = {
        "vanessa/greeting:asciiart", "a/b@sha256:" HEX,
        "https://u:p@h.example:81/reg/a/b:t@sha256:" HEX, "file:///srv/a/b"};
    uint64_t random = 0x5eed;
    size_t accepted = 0;

    (void)state;
    for (int i = 0; i < UNIT_ROUNDS; i++) {
        const char *seed = seeds[unit_below(&random, UNIT_COUNT(seeds))];
        size_t len = 0;
        char *text = unit_spoil(seed, strlen(seed), &random, &len);
        struct spull_error err;
        struct sp_ref ref;
        enum spull_code code = sp_ref_parse(text, &ref, &err);
        if (code == SPULL_OK) {
            accepted++;
            check_accepted(&ref);
            sp_ref_done(&ref);
        } else {
            unit_failed(&err, SPULL_USAGE);
        }
        free(text);
    }
    assert_in_range(accepted, UNIT_ROUNDS / 20, UNIT_ROUNDS - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(a_path_gets_a_hint),
        cmocka_unit_test(lengths_have_an_end),
        cmocka_unit_test(a_container_alone),
        cmocka_unit_test(prints_the_pinned_form),
        cmocka_unit_test(fails_without_touching_out),
        cmocka_unit_test(spoilt_references),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
