/* SPDX-License-Identifier: MIT */
/*
 * manifest_tags: tag lists of any length, and with strangers in them.
 */
#include "buf.h"
#include "documents.h"
#include "limits.h"
#include "manifest.h"
#include "ref.h"
#include "unit.h"

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
    assert_int_equal(document_tags("good-tags-strangers.json", &tags, NULL),
                     SPULL_OK);
    assert_int_equal(tags.count, 2);
    assert_string_equal(tags.names[0], "1.0");
    assert_string_equal(tags.names[1], "2.0");
    assert_int_equal(tags.left_out_count, UNIT_COUNT(left));
    for (size_t i = 0; i < UNIT_COUNT(left); i++)
        assert_string_equal(tags.left_out[i], left[i]);
    sp_tags_done(&tags);

    assert_int_equal(document_tags("good-tags-plain.json", &tags, NULL),
                     SPULL_OK);
    assert_int_equal(tags.count, 3);
    assert_string_equal(tags.names[2], "asciiart");
    assert_string_equal(tags.left_out[0], "README.md");
    sp_tags_done(&tags);
    sp_tags_done(NULL);
}

static void spoilt_tags(void **state)
{
    size_t seed_len = 0;
    char *seed = unit_read("good-tags-strangers.json", &seed_len);
    uint64_t random = 0x5eed;
    int parsed = 0;

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
            parsed++;
        } else {
            unit_failed(&err, SPULL_INTEGRITY);
        }
        free(bytes);
    }
    unit_some(parsed);
    free(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(very_long_tag_lists),
        cmocka_unit_test(strangers_are_left_out),
        cmocka_unit_test(spoilt_tags),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
