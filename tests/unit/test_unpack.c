/* SPDX-License-Identifier: MIT */
/*
 * unpack: whole archives. What comes out is the image, or an error.
 */
#include "packed.h"
#include "unit.h"

static const struct recipe bad_recipes[] = {
    /* none, or too many */
    TAR("nothing that can be unpacked", NONE, {.name = NULL}), /* all zeros */
    TAR("content looks like: unknown data", ARCHIVE_FILTER_GZIP,
        {.name = NULL}),
    TAR("holds no image: it is empty", NONE,
        {"dir/", "", 0, AE_IFDIR, NULL, false, 0}),
    ZIP("holds no image: it is empty", NULL, {.name = NULL}),
    TAR("its file looks like: text", NONE, TEXT("README")),
    ZIP("its file looks like: text", NULL, TEXT("README")),
    ZIP("none of its 2 files", NULL, TEXT("README"), TEXT("SHA256SUMS")),
    TAR("looks like: empty file", NONE,
        {"image.sif", "", 0, 0, NULL, false, 0}),
    ZIP("looks like: empty file", NULL,
        {"image.sif", "", 0, 0, NULL, false, 0}),
    TAR("more than one image: \"b.sif\"", NONE, SIF("a.sif"), SIF("b.sif")),
    TAR("more than one image", ARCHIVE_FILTER_XZ, SIF("a.sif"), SIF("a.sif")),
    ZIP("more than one image: \"b.sif\"", NULL, SIF("a.sif"), TEXT("c"),
        SIF("b.sif")),
    ZIP("is encrypted", "encryption=traditional", SIF("image.sif")),
    ZIP("is encrypted", "encryption=aes256", SIF("image.sif")),
    /* what has no business there, before and behind the image */
    TAR("leads out: \"../image.sif\"", NONE, SIF("../image.sif")),
    TAR("leads out: \"a/../image.sif\"", NONE, SIF("a/../image.sif")),
    TAR("leads out: \"a/..\"", NONE, SIF("a.sif"), TEXT("a/..")),
    TAR("leads out: \"/etc/image.sif\"", NONE, SIF("/etc/image.sif")),
    ZIP("leads out: \"../image.sif\"", NULL, SIF("../image.sif")),
    ZIP("leads out: \"/image.sif\"", NULL, SIF("/image.sif")),
    TAR("a symbolic link in it: \"image.sif\"", NONE,
        {"image.sif", "", 0, AE_IFLNK, "elsewhere", false, 0}),
    TAR("a symbolic link", ARCHIVE_FILTER_GZIP, SIF("image.sif"),
        {"link", "", 0, AE_IFLNK, "image.sif", false, 0}),
    ZIP("a symbolic link", NULL, SIF("image.sif"),
        {"link", "", 0, AE_IFLNK, "image.sif", false, 0}),
    TAR("a hard link in it: \"link\"", NONE, SIF("image.sif"),
        {"link", "", 0, 0, "image.sif", true, 0}),
    TAR("a device in it: \"sda\"", NONE,
        {"sda", "", 0, AE_IFBLK, NULL, false, 0}, SIF("image.sif")),
    TAR("a device", NONE, {"tty", "", 0, AE_IFCHR, NULL, false, 0},
        SIF("image.sif")),
    TAR("a named pipe", NONE, SIF("image.sif"),
        {"pipe", "", 0, AE_IFIFO, NULL, false, 0}),
};

static void all_recipes(void **state)
{
    static struct packed packed;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(good_recipes); i++) {
        packed_make(&good_recipes[i], &packed);
        packed_good(&packed, good_recipes[i].items[0].name);
    }
    for (size_t i = 0; i < UNIT_COUNT(bad_recipes); i++) {
        packed_make(&bad_recipes[i], &packed);
        packed_bad(packed.bytes, packed.len, bad_recipes[i].says);
    }
}

static void one_layer_only(void **state)
{
    static struct packed inner, outer;
    static const struct recipe gz = RAW(ARCHIVE_FILTER_GZIP);
    static const struct recipe bz = RAW(ARCHIVE_FILTER_BZIP2);
    static const struct recipe tar = TAR(NULL, NONE, SIF("image.sif"));
    static const struct recipe zip = ZIP(NULL, NULL, SIF("image.sif"));
    static const struct {
        const struct recipe *inner;
        int format, filter;
        const char *says;
    } cases[] = {
        {&gz, ARCHIVE_FORMAT_RAW, ARCHIVE_FILTER_GZIP, "more than once"},
        {&bz, ARCHIVE_FORMAT_RAW, ARCHIVE_FILTER_BZIP2, "more than once"},
        {&bz, ARCHIVE_FORMAT_RAW, ARCHIVE_FILTER_GZIP, "bzip2 file"},
        {&zip, ARCHIVE_FORMAT_RAW, ARCHIVE_FILTER_GZIP, "zip archive"},
        {&gz, ARCHIVE_FORMAT_TAR, NONE, "gzip file"},
        {&tar, ARCHIVE_FORMAT_TAR, NONE, "tar archive"},
        {&gz, ARCHIVE_FORMAT_ZIP, NONE, "gzip file"},
        {&zip, ARCHIVE_FORMAT_ZIP, NONE, "zip archive"},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct recipe recipe = {NULL,
                                cases[i].format,
                                cases[i].filter,
                                NULL,
                                {{NULL, NULL, 0, 0, NULL, false, 0}}};
        packed_make(cases[i].inner, &inner);
        recipe.items[0] = (struct item){"image.sif", inner.bytes, inner.len, 0,
                                        NULL,        false,       0};
        packed_make(&recipe, &outer);
        packed_bad(outer.bytes, outer.len, cases[i].says);
    }
}

static void what_is_no_archive(void **state)
{
    (void)state;
    packed_bad(packed_image, PACKED_IMAGE, "nothing that can be unpacked");
    packed_bad("<html>", 6, "web page");
    packed_bad("", 0, "empty file");
}

/* A hole, as here the end of an image, is zeros. */
static void sparse(void **state)
{
    static struct packed packed;
    static unsigned char holed[PACKED_IMAGE];
    struct recipe recipe = {NULL,
                            ARCHIVE_FORMAT_TAR_PAX_RESTRICTED,
                            NONE,
                            NULL,
                            {SIF("image.sif")}};
    struct got got = {0};

    (void)state;
    memcpy(holed, packed_image, 4096);
    recipe.items[0].bytes = holed;
    recipe.items[0].len = PACKED_IMAGE;
    recipe.items[0].hole = 4096;
    packed_make(&recipe, &packed);
    assert_true(packed.len > 4096);
    assert_int_equal(
        packed_unpack(packed.bytes, packed.len, PACKED_IMAGE, &got, NULL),
        SPULL_OK);
    assert_int_equal(got.len, PACKED_IMAGE);
    assert_memory_equal(got.bytes, holed, PACKED_IMAGE);
    free(got.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_recipes),
        cmocka_unit_test(one_layer_only),
        cmocka_unit_test(what_is_no_archive),
        cmocka_unit_test(sparse),
    };

    return cmocka_run_group_tests(tests, packed_enter, NULL);
}
