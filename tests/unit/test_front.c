/* SPDX-License-Identifier: MIT */
/*
 * front: the pages in data/front/, and what they render.
 */
#include <dirent.h>

#include "front.h"
#include "limits.h"
#include "manifest.h"
#include "unit.h"

static enum spull_code render(const char *bytes, size_t len, char **json,
                              struct spull_error *err)
{
    struct sp_buf out;

    sp_buf_init(&out, SP_DOCUMENT_MAX);
    enum spull_code code = sp_front_render(bytes, len, &out, err);
    if (code == SPULL_OK)
        *json = sp_buf_take(&out);
    sp_buf_done(&out);
    return code;
}

/* What they render, and for the bad ones, what the error says. */
static const struct {
    const char *name, *expected;
} pages[] = {
    {"good-plain.md",
     "{\"schemaVersion\": 2, \"layers\": [{\"size\": 54372, \"digest\": "
     "\"sha256:c6\", \"urls\": [\"https://h/a//b.sif?x=1&y=2\"]}], \"config\": "
     "{\"size\": 54372, \"digest\": \"sha256:c6\"}}"},
    {"good-indented.md",
     "{\"schemaVersion\": 2, \"layers\": [{\"size\": 7, \"digest\": "
     "\"sha256:1\", \"urls\": [\"https://h/a\"]}, {\"size\": 8, \"digest\": "
     "\"\", \"urls\": [\"\"]}], \"config\": {\"size\": 5, \"digest\": \"\"}}"},
    {"good-strangers.md",
     "{\"schemaVersion\": 2, \"layers\": [{\"size\": 7, \"digest\": "
     "\"sha256:1\", \"urls\": [\"https://h/a#b\"]}], \"config\": {\"size\": 5, "
     "\"digest\": \"sha256:2\"}}"},
    {"good-empty-list.md",
     "{\"schemaVersion\": 2, \"layers\": [], \"config\": {\"size\": 5, "
     "\"digest\": \"\"}}"},
    {"good-windows.md",
     "{\"schemaVersion\": 2, \"layers\": [{\"size\": 7, \"digest\": "
     "\"sha256:1\", \"urls\": [\"u\"]}], \"config\": {\"size\": 5, "
     "\"digest\": \"\"}}"},
    {"bad-none.md", "there is no front matter"},
    {"bad-empty.md", "there is no front matter"},
    {"bad-no-end.md", "line 4: it ends without"},
    {"bad-no-size.md", "it has no \"size\""},
    {"bad-size-unit.md", "line 2: its size is no number"},
    {"bad-size-octal.md", "line 2: its size is no number"},
    {"bad-size-long.md", "line 2: its size is no number"},
    {"bad-size-empty.md", "line 2: its size is no number"},
    {"bad-layer-size.md", "line 6: a layer without size"},
    {"bad-twice.md", "line 3: a key for the second time"},
    {"bad-layers-twice.md", "line 5: a key for the second time"},
    {"bad-layers-flow.md", "line 3: \"layers\" is not a list"},
    {"bad-quote.md", "line 3: a quote that does not end"},
    {"bad-quote-rest.md", "line 3: more text behind a quote"},
    {"bad-escape.md", "line 3: a value that would break"},
    {"bad-anchor.md", "line 3: a value that is neither plain nor quoted"},
    {"bad-block.md", "line 3: a value that is neither plain nor quoted"},
    {"bad-tab.md", "line 4: a tab"},
    {"bad-indent.md", "line 3: an indentation"},
    {"bad-list-indent.md", "line 5: a list with two indentations"},
    {"bad-item.md", "line 4: not of the form KEY: VALUE"},
    {"bad-line.md", "line 3: not of the form KEY: VALUE"},
};

static const char *expected_of(const char *name)
{
    for (size_t i = 0; i < UNIT_COUNT(pages); i++)
        if (strcmp(pages[i].name, name) == 0)
            return pages[i].expected;
    fail_msg("nothing is known of %s", name);
    return NULL;
}

static void try_page(const char *name)
{
    const char *expected = expected_of(name);
    struct spull_error err;
    char path[256];
    size_t len = 0;
    snprintf(path, sizeof(path), "front/%s", name);
    char *bytes = unit_read(path, &len);
    char *json = NULL;
    enum spull_code code = render(bytes, len, &json, &err);

    if (name[0] == 'b') {
        unit_failed(&err, SPULL_INTEGRITY);
        unit_says(&err, expected);
    } else {
        if (code != SPULL_OK)
            fail_msg("%s: %s", name, err.text);
        assert_string_equal(json, expected);
        assert_true(sp_front_look(bytes, len));
    }
    free(json);
    free(bytes);
}

static void every_page(void **state)
{
    DIR *dir = opendir(UNIT_DATA "/front");
    size_t count = 0;

    (void)state;
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (!strchr("gb", entry->d_name[0]))
            continue;
        try_page(entry->d_name);
        count++;
    }
    closedir(dir);
    assert_int_equal(count, UNIT_COUNT(pages));
}

static void knows_front_matter(void **state)
{
    static const struct {
        const char *text;
        bool front;
    } cases[] = {
        {"---\n", true},
        {"---", true},
        {"---  \r\nsize: 1", true},
        {"\xef\xbb\xbf---\n", true},
        {"", false},
        {"----\n", false},
        {" ---\n", false},
        {"{}", false},
        {"# A title\n---\n", false},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++)
        assert_int_equal(sp_front_look(cases[i].text, strlen(cases[i].text)),
                         cases[i].front);
}

/* Whatever the page is: what is rendered is JSON, for manifest to judge. */
static void spoilt_pages(void **state)
{
    size_t seed_len = 0;
    char *seed = unit_read("front/good-strangers.md", &seed_len);
    uint64_t random = 0x5eed;
    int rendered = 0;

    (void)state;
    for (int i = 0; i < UNIT_ROUNDS; i++) {
        size_t len = 0;
        char *bytes = unit_spoil_bytes(seed, seed_len, &random, &len);
        struct spull_error err = {0};
        struct sp_manifest manifest = {.url_count = 0};
        char *json = NULL;
        if (render(bytes, len, &json, &err) != SPULL_OK) {
            unit_failed(&err, SPULL_INTEGRITY);
        } else {
            rendered++;
            if (sp_manifest_parse(json, strlen(json), &manifest, &err) !=
                    SPULL_OK &&
                strstr(err.text, "malformed"))
                fail_msg("%s: %s", err.text, json);
            sp_manifest_done(&manifest);
        }
        free(json);
        free(bytes);
    }
    free(seed);
    unit_some(rendered);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_page),
        cmocka_unit_test(knows_front_matter),
        cmocka_unit_test(spoilt_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
