/* SPDX-License-Identifier: MIT */
/*
 * mirror: a file becomes blob, manifest and tag; what is asked for twice
 * changes nothing; names that would meet in the tree; what a prune takes.
 * Servers, and processes that are killed, are e2e's.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manifest.h"
#include "mirror.h"
#include "scratch.h"
#include "unit.h"

#define TREE "tree"

static struct sp_ctx ctx;

static int enter(void **state)
{
    struct spull_options options;

    spull_options_init(&options);
    if (sp_ctx_init(&ctx, &options, NULL) != SPULL_OK)
        return -1;
    return scratch_enter(state);
}

static int leave(void **state)
{
    char command[64];

    (void)state;
    sp_ctx_done(&ctx);
    snprintf(command, sizeof(command), "rm -rf ./%s", scratch_folder);
    return chdir("..") != 0 ? -1 : system(command);
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    fclose(file);
}

/* To free(). */
static char *get(const char *name)
{
    char *text = calloc(1, 4096);
    FILE *file = fopen(name, "r");

    if (!file)
        fail_msg("there is no %s", name);
    assert_non_null(text);
    assert_true(fread(text, 1, 4095, file) > 0);
    fclose(file);
    return text;
}

static enum spull_code add(const char *text, const char *file,
                           struct spull_image **out, struct spull_error *err)
{
    struct sp_ref ref = {0};
    struct sp_mirror_order order = {
        .dir = TREE, .ref = &ref, .text = text, .file = file};
    enum spull_code code = SPULL_OK;

    assert_int_equal(sp_ref_parse(text, &ref, NULL), SPULL_OK);
    code = sp_mirror(&ctx, NULL, &order, out, err);
    sp_ref_done(&ref);
    return code;
}

static void add_ok(const char *text, const char *file, enum spull_state state)
{
    struct spull_image *image = NULL;
    struct spull_error err = {0};

    if (add(text, file, &image, &err) != SPULL_OK)
        fail_msg("%s: %s", text, err.text);
    assert_int_equal(image->state, state);
    assert_string_equal(image->ref, text);
    assert_int_equal(image->transferred, 0);
    spull_image_free(image);
}

static void check_manifest(const char *path, const char *url)
{
    char *text = get(path);
    struct sp_manifest manifest;
    char wanted[256];

    assert_int_equal(sp_manifest_parse(text, strlen(text), &manifest, NULL),
                     SPULL_OK);
    assert_int_equal(manifest.size, 4);
    snprintf(wanted, sizeof(wanted), "%s/blobs/sha256/%s", url,
             sp_digest_hex(&manifest.digest));
    assert_string_equal(manifest.urls[0], wanted);
    sp_manifest_done(&manifest);
    free(text);
}

static void check_tags(const char *path, const char *const *names, size_t count)
{
    char *text = get(path);
    struct sp_tags tags;

    assert_int_equal(sp_tags_parse(text, strlen(text), &tags, NULL), SPULL_OK);
    assert_int_equal(tags.count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(tags.names[i], names[i]);
    sp_tags_done(&tags);
    free(text);
}

static void blob_manifest_tag(void **state)
{
    static const char *const tags[] = {"1", "2", "latest"};

    (void)state;
    put("one", "1111");
    put("two", "2222");
    add_ok("a/b/c:latest", "one", SPULL_INSTALLED);
    add_ok("a/b/c:2", "two", SPULL_INSTALLED);
    add_ok("a/b/c:1", "one", SPULL_INSTALLED);
    add_ok("a/b/c:1", "one", SPULL_UP_TO_DATE);
    add_ok("a/b/c:2", "two", SPULL_UP_TO_DATE);
    check_manifest(TREE "/a/b/c/manifests/1/index.html", "../../../../..");
    check_tags(TREE "/a/b/c/tags/index.html", tags, UNIT_COUNT(tags));
    /* What somebody has spoilt is mended. */
    put(TREE "/a/b/c/manifests/1/index.html", "spoilt");
    put(TREE "/a/b/c/tags/index.html", "{\"tags\": [\"gone\"]}");
    add_ok("a/b/c:1", "one", SPULL_INSTALLED);
    check_manifest(TREE "/a/b/c/manifests/1/index.html", "../../../../..");
    check_tags(TREE "/a/b/c/tags/index.html", tags, UNIT_COUNT(tags));
}

static void absolute_urls(void **state)
{
    static const char *const bad[] = {
        "",           "h/x",   "file:///x",      "ftp://h/x",
        "https://h?", "//h/x", "https://u:p@h/x"};
    struct spull_error err;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
        unit_failed(&err, sp_mirror_check_base(bad[i], &err));
        assert_int_equal(err.code, SPULL_USAGE);
        assert_true(err.hint[0] != '\0');
    }
    assert_int_equal(sp_mirror_check_base("https://h:1/a b/", NULL), SPULL_OK);
    put("one", "1111");
    ctx.opts.mirror_base = "https://h:1/a b/";
    add_ok("a/b:c", "one", SPULL_INSTALLED);
    ctx.opts.mirror_base = NULL;
    check_manifest(TREE "/a/b/manifests/c/index.html", "https://h:1/a%20b");
    add_ok("a/b:c", "one", SPULL_INSTALLED);
    check_manifest(TREE "/a/b/manifests/c/index.html", "../../../..");
}

static void names_that_would_meet(void **state)
{
    static const char *const bad[] = {
        "a/b/manifests:c",  "a/b/manifests/c:d", "a/b/c/manifests:d",
        "manifests/a:b",    "a/manifests:b",     "a/tags/b:c",
        "tags/a:b",         "a/b/tags:c",        "blobs/sha256:a",
        "blobs/sha256/a:b", "a/b:README.md",     "https://h/r/a/b:c",
    };
    static const char *const good[] = {"manifest/a:b", "a/tagss:manifests",
                                       "blobs/a:b",    "blobs/sha256x:b",
                                       "mytags/b:c",   "a/b/manifest:tags"};

    (void)state;
    put("one", "1111");
    for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
        struct spull_error err;
        struct spull_image *image = NULL;
        unit_failed(&err, add(bad[i], "one", &image, &err));
        assert_int_equal(err.code, SPULL_USAGE);
        assert_null(image);
    }
    assert_int_equal(access(TREE, F_OK), -1);
    for (size_t i = 0; i < UNIT_COUNT(good); i++)
        add_ok(good[i], "one", SPULL_INSTALLED);
}

static void prune(uint64_t expected)
{
    uint64_t count = 99;
    uint64_t bytes = 0;

    assert_int_equal(sp_mirror_prune(&ctx, TREE, &count, &bytes, NULL),
                     SPULL_OK);
    assert_int_equal(count, expected);
}

static void what_nothing_names_goes(void **state)
{
    static const char *const left[] = {"2"};

    (void)state;
    put("one", "1111");
    put("two", "2222");
    add_ok("a/b:1", "one", SPULL_INSTALLED);
    add_ok("a/b:2", "two", SPULL_INSTALLED);
    prune(0);
    assert_int_equal(unlink(TREE "/a/b/manifests/1/index.html"), 0);
    prune(1);
    check_tags(TREE "/a/b/tags/index.html", left, UNIT_COUNT(left));
    add_ok("a/b:2", "two", SPULL_UP_TO_DATE);
    prune(0);
}

static void no_tree_to_prune(void **state)
{
    struct spull_error err;
    uint64_t count = 99;
    uint64_t bytes = 99;

    (void)state;
    unit_failed(&err, sp_mirror_prune(&ctx, TREE, &count, &bytes, &err));
    assert_int_equal(err.code, SPULL_NOT_FOUND);
    assert_int_equal(count, 99);
    /* One without blobs is no failure. */
    assert_int_equal(mkdir(TREE, 0755), 0);
    prune(0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(blob_manifest_tag),     TEST(absolute_urls),
        TEST(names_that_would_meet), TEST(what_nothing_names_goes),
        TEST(no_tree_to_prune),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
