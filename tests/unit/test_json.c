/* SPDX-License-Identifier: MIT */
/*
 * json: which bytes are one object, which are too much, and how text comes out.
 * Whole documents are in test_manifest.c.
 */
#include "json.h"
#include "limits.h"
#include "unit.h"

static void strips_what_is_around(void **state)
{
    static const struct {
        const char *text, *left;
    } cases[] = {
        {"", ""},
        {" \t\r\n", ""},
        {"{}", "{}"},
        {"\xef\xbb\xbf", ""},
        {"\n { } \n", "{ }"},
        {"\xef\xbb\xbf {}\r\n", "{}"},
        {"\xef\xbb{}", "\xef\xbb{}"},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        const char *bytes = cases[i].text;
        size_t len = strlen(bytes);
        sp_json_strip(&bytes, &len);
        assert_int_equal(len, strlen(cases[i].left));
        assert_memory_equal(bytes, cases[i].left, len);
    }
}

static void one_object(void **state)
{
    static const struct {
        const char *text, *says; /* NULL: it is fine */
    } cases[] = {
        {"{}", NULL},
        {" {\"a\": [1, {}]}\n", NULL},
        {"", "empty"},
        {"[]", "no object"},
        {"{} {}", "more text after its end at byte 2"},
        {"{\"a\": }", "malformed JSON at byte 7 of 7"},
        {"{\"a\": \"\\u0000\"}", "a NUL"},
        /* what cJSON would take for one */
        {"{\"a\": \"1.0\\u0x1b\"}", "an unknown escape"},
        {"{\"a\": \"\\\\\\u12\"}", "an unknown escape"},
        {"{\"a\": \"\\u", "an unknown escape"},
        {"{\"a\": \"\\\\u\"}", NULL},
        {"{\"a\": \"\\v\"}", "malformed JSON at byte"},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct spull_error err;
        cJSON *root = NULL;
        enum spull_code code =
            sp_json_parse(cases[i].text, strlen(cases[i].text), &root, &err);
        if (cases[i].says == NULL) {
            assert_int_equal(code, SPULL_OK);
            cJSON_Delete(root);
        } else {
            unit_failed(&err, SPULL_INTEGRITY);
            unit_says(&err, cases[i].says);
            assert_null(root);
        }
    }
}

/* {"a": [[...]]}: as deep as it may be, and one level more. */
static enum spull_code nested(int levels, struct spull_error *err)
{
    char text[SP_JSON_DEPTH_MAX * 2 + 32] = "{\"a\":";
    cJSON *root = NULL;

    for (int i = 1; i < levels; i++)
        strcat(text, "[");
    for (int i = 1; i < levels; i++)
        strcat(text, "]");
    strcat(text, "}");
    enum spull_code code = sp_json_parse(text, strlen(text), &root, err);
    cJSON_Delete(root);
    return code;
}

static void has_an_end(void **state)
{
    struct spull_error err;

    (void)state;
    assert_int_equal(nested(SP_JSON_DEPTH_MAX, &err), SPULL_OK);
    assert_int_equal(nested(SP_JSON_DEPTH_MAX + 1, &err), SPULL_INTEGRITY);
    unit_says(&err, "nested");
}

static void comes_out_as_ascii(void **state)
{
    static const char text[] = "{\"a\":\"\xc3\xa9\xf0\x9f\x90\xae\xff\x7f\"}";
    cJSON *root = NULL;

    (void)state;
    assert_int_equal(sp_json_parse(text, strlen(text), &root, NULL), SPULL_OK);
    char *json = sp_json_ascii(root);
    assert_non_null(json);
    assert_non_null(strstr(json, "\\u00e9\\ud83d\\udc2e\\ufffd\\u007f"));
    free(json);
    cJSON_Delete(root);
}

static void comes_out_as_it_was_sent(void **state)
{
    static const struct {
        const char *text, *printed;
    } cases[] = {
        {"{}", "{}"},
        {"\xef\xbb\xbf\n{ \f}\n", "{}"},
        {"{\"a\":[],\"b\" : { },\"c\":[ [1 ,2], {}]}",
         "{\n\t\"a\":\t[],\n\t\"b\":\t{},\n\t\"c\":\t[[1, 2], {}]\n}"},
        {"{\"a\":{\"b\":[{\"c\":true},null,false]}}",
         "{\n\t\"a\":\t{\n\t\t\"b\":\t[{\n\t\t\t\t\"c\":\ttrue\n\t\t\t}, "
         "null, false]\n\t}\n}"},
        /* no double has these */
        {"{\"a\":9007199254740993}", "{\n\t\"a\":\t9007199254740993\n}"},
        {"{\"a\":[18446744073709551615,-0,1.10,1E+400]}",
         "{\n\t\"a\":\t[18446744073709551615, -0, 1.10, 1E+400]\n}"},
        /* nor has JSON these */
        {"{\"a\":[01,-007,1.]}", "{\n\t\"a\":\t[1, -7, 1]\n}"},
        {"{\"a\":[009e999]}", "{\n\t\"a\":\t[null]\n}"},
        {"{\"a\":\"x\ty\nz\"}", "{\n\t\"a\":\t\"x\\u0009y\\u000az\"\n}"},
        {"{\"a\":\"\\\"{[,:]}\\\\\"}", "{\n\t\"a\":\t\"\\\"{[,:]}\\\\\"\n}"},
        {"{\"a\":\"\\u003c\\u0022\\u005C\\u001f\\ud83d\\udc2e\\n\"}",
         "{\n\t\"a\":\t\"<\\u0022\\u005C\\u001f\\ud83d\\udc2e\\n\"\n}"},
        {"{\"a\":\"\\/\\u00e9\",\"a\":1}",
         "{\n\t\"a\":\t\"/\\u00e9\",\n\t\"a\":\t1\n}"},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        size_t len = strlen(cases[i].text);
        cJSON *root = NULL;
        assert_int_equal(sp_json_parse(cases[i].text, len, &root, NULL),
                         SPULL_OK);
        char *json = sp_json_print(cases[i].text, len);
        assert_string_equal(json, cases[i].printed);
        cJSON_Delete(root);
        free(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strips_what_is_around),
        cmocka_unit_test(one_object),
        cmocka_unit_test(has_an_end),
        cmocka_unit_test(comes_out_as_ascii),
        cmocka_unit_test(comes_out_as_it_was_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
