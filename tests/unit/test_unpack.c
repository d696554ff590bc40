/* SPDX-License-Identifier: MIT */
/*
 * unpack: archives that are made here, by libarchive's other half, and spoilt
 * in every way. What comes out is the image, or an error; never more than was
 * allowed.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "limits.h"
#include "unit.h"
#include "unpack.h"

#define ROOM  (1 << 20)
#define IMAGE 9000
#define V7    (-1) /* a tar without a magic; libarchive has no code for it */

/* --- what is packed ------------------------------------------------------- */

/* A squashfs, as far as it is looked at: bytes that hardly compress. */
static unsigned char image[IMAGE];

static int make_image(void **state)
{
    uint64_t random = 0x5eed;

    (void)state;
    for (size_t i = 0; i < IMAGE; i++)
        image[i] = (unsigned char)unit_random(&random);
    memcpy(image, "hsqs", 4);
    return 0;
}

/* An entry of an archive that is to be made. */
struct item {
    const char *name;
    const void *bytes; /* NULL: the image */
    size_t len;
    unsigned type; /* 0: AE_IFREG */
    const char *link;
    bool hard;
    size_t hole; /* the image is sparse: zeros from here on */
};

struct recipe {
    const char *says; /* what the error says; NULL: it is good */
    int format, filter;
    const char *options;
    struct item items[4];
};

struct packed {
    unsigned char bytes[ROOM];
    size_t len;
};

static void add_item(struct archive *to, const struct item *item)
{
    struct archive_entry *entry = archive_entry_new();
    const void *bytes = item->bytes != NULL ? item->bytes : image;
    size_t len = item->bytes != NULL ? item->len : IMAGE;

    archive_entry_set_pathname(entry, item->name);
    archive_entry_set_filetype(entry, item->type == 0 ? AE_IFREG : item->type);
    archive_entry_set_perm(entry, 0644);
    if (item->link != NULL && item->hard)
        archive_entry_set_hardlink(entry, item->link);
    else if (item->link != NULL)
        archive_entry_set_symlink(entry, item->link);
    if (item->type != 0 || item->link != NULL)
        len = 0;
    if (item->hole > 0)
        archive_entry_sparse_add_entry(entry, 0, (la_int64_t)item->hole);
    archive_entry_set_size(entry, (la_int64_t)len);
    assert_in_range(archive_write_header(to, entry) + 100, 80, 100);
    if (len > 0)
        assert_int_equal(archive_write_data(to, bytes, len), len);
    archive_entry_free(entry);
}

static void make(const struct recipe *recipe, struct packed *out)
{
    struct archive *to = archive_write_new();

    assert_int_equal(recipe->format == V7
                         ? archive_write_set_format_v7tar(to)
                         : archive_write_set_format(to, recipe->format),
                     ARCHIVE_OK);
    assert_int_equal(archive_write_add_filter(to, recipe->filter), ARCHIVE_OK);
    /* Whoever unpacks a better compression needs megabytes, each time. */
    if (recipe->filter != ARCHIVE_FILTER_NONE)
        assert_int_equal(archive_write_set_filter_option(
                             to, NULL, "compression-level",
                             recipe->filter == ARCHIVE_FILTER_XZ ? "0" : "1"),
                         ARCHIVE_OK);
    archive_write_set_passphrase(to, "secret");
    if (recipe->options != NULL)
        assert_int_equal(archive_write_set_options(to, recipe->options),
                         ARCHIVE_OK);
    assert_int_equal(archive_write_open_memory(to, out->bytes, ROOM, &out->len),
                     ARCHIVE_OK);
    for (size_t i = 0; i < 4 && recipe->items[i].name != NULL; i++)
        add_item(to, &recipe->items[i]);
    assert_int_equal(archive_write_close(to), ARCHIVE_OK);
    archive_write_free(to);
}

/* --- and unpacked --------------------------------------------------------- */

struct got {
    unsigned char *bytes;
    size_t len;
    uint64_t announced;
    unsigned begins, ticks;
    unsigned stop_at; /* tick that ends it; 0: none */
    size_t room;      /* bytes until the disk is full; 0: always enough */
};

static enum spull_code on_begin(void *payload, uint64_t size,
                                struct spull_error *err)
{
    struct got *got = payload;

    (void)err;
    got->announced = size;
    got->begins++;
    return SPULL_OK;
}

static enum spull_code on_write(void *payload, const void *bytes, size_t len,
                                struct spull_error *err)
{
    struct got *got = payload;

    assert_int_equal(got->begins, 1);
    if (got->room > 0 && got->len + len > got->room) {
        if (err != NULL) {
            memset(err, 0, sizeof *err);
            err->code = SPULL_STORAGE;
            err->sys = ENOSPC;
            snprintf(err->text, sizeof err->text, "full");
        }
        return SPULL_STORAGE;
    }
    got->bytes = realloc(got->bytes, got->len + len);
    assert_non_null(got->bytes);
    memcpy(got->bytes + got->len, bytes, len);
    got->len += len;
    return SPULL_OK;
}

static enum spull_code on_tick(void *payload, uint64_t at,
                               struct spull_error *err)
{
    struct got *got = payload;

    (void)at;
    if (++got->ticks != got->stop_at)
        return SPULL_OK;
    memset(err, 0, sizeof *err);
    err->code = SPULL_CANCELLED;
    snprintf(err->text, sizeof err->text, "cancelled");
    return SPULL_CANCELLED;
}

static enum spull_code unpack(const void *bytes, size_t len, uint64_t most,
                              struct got *got, struct spull_error *err)
{
    const struct sp_unpack_limit limit = {most, "all that there is room for"};
    const struct sp_unpack_sink sink = {got, on_begin, on_write, on_tick};
    int fd = memfd_create("archive", MFD_CLOEXEC);
    enum spull_code code = SPULL_OK;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    code = sp_unpack(fd, len, &limit, &sink, err);
    close(fd);
    return code;
}

static void check_good(const struct packed *packed, const char *what)
{
    struct got got = {0};
    struct spull_error err = {0};

    if (unpack(packed->bytes, packed->len, IMAGE, &got, &err) != SPULL_OK)
        fail_msg("%s: %s", what, err.text);
    assert_int_equal(got.len, IMAGE);
    assert_memory_equal(got.bytes, image, IMAGE);
    assert_true(got.announced == 0 || got.announced == IMAGE);
    free(got.bytes);
}

static void check_bad(const void *bytes, size_t len, const char *says)
{
    struct got got = {0};
    struct spull_error err = {0};

    assert_int_equal(unpack(bytes, len, IMAGE, &got, &err), SPULL_INTEGRITY);
    unit_failed(&err, SPULL_INTEGRITY);
    unit_says(&err, says);
    assert_true(got.len <= IMAGE);
    free(got.bytes);
}

/* --- whole archives ------------------------------------------------------- */

#define TEXT(name)                                                             \
    {                                                                          \
        name, "read me", 7, 0, NULL, false, 0                                  \
    }
#define SIF(name)                                                              \
    {                                                                          \
        name, NULL, 0, 0, NULL, false, 0                                       \
    }
#define RAW(filter)                                                            \
    {                                                                          \
        NULL, ARCHIVE_FORMAT_RAW, filter, NULL,                                \
        {                                                                      \
            SIF("data")                                                        \
        }                                                                      \
    }
#define TAR(says, filter, ...)                                                 \
    {                                                                          \
        says, ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, filter, NULL,                 \
        {                                                                      \
            __VA_ARGS__                                                        \
        }                                                                      \
    }
#define ZIP(says, options, ...)                                                \
    {                                                                          \
        says, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, options,                \
        {                                                                      \
            __VA_ARGS__                                                        \
        }                                                                      \
    }
#define NONE ARCHIVE_FILTER_NONE

static const struct recipe recipes[] = {
    RAW(ARCHIVE_FILTER_GZIP),
    RAW(ARCHIVE_FILTER_XZ),
    RAW(ARCHIVE_FILTER_ZSTD),
    RAW(ARCHIVE_FILTER_BZIP2),
    TAR(NULL, NONE, SIF("image.sif")),
    TAR(NULL, ARCHIVE_FILTER_GZIP, SIF("image.sif")),
    TAR(NULL, ARCHIVE_FILTER_XZ, SIF("image.sif")),
    TAR(NULL, ARCHIVE_FILTER_ZSTD, SIF("image.sif")),
    TAR(NULL, ARCHIVE_FILTER_BZIP2, SIF("image.sif")),
    ZIP(NULL, NULL, SIF("image.sif")),
    ZIP(NULL, "compression=store", SIF("image.sif")),
    ZIP(NULL, "zip64", SIF("image.sif")),
    {NULL, ARCHIVE_FORMAT_TAR_USTAR, NONE, NULL, {SIF("image.sif")}},
    {NULL, ARCHIVE_FORMAT_TAR_GNUTAR, NONE, NULL, {SIF("image.sif")}},
    {NULL, V7, NONE, NULL, {SIF("image.sif")}},
    /* what may lie beside it, and odd names, which nobody uses */
    TAR(NULL, ARCHIVE_FILTER_GZIP, {"dir/", "", 0, AE_IFDIR, NULL, false, 0},
        TEXT("dir/README"), SIF("dir/image.sif"), TEXT("dir/SHA256SUMS")),
    ZIP(NULL, NULL, {"dir/", "", 0, AE_IFDIR, NULL, false, 0},
        TEXT("dir/README"), SIF("dir/image.sif"), TEXT("dir/SHA256SUMS")),
    TAR(NULL, NONE, SIF("\xc3\xbc\x1b[2J ..a/b.. /...")),
    TAR(NULL, NONE, SIF("..image")),
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
    for (size_t i = 0; i < UNIT_COUNT(recipes); i++) {
        make(&recipes[i], &packed);
        if (recipes[i].says == NULL)
            check_good(&packed, recipes[i].items[0].name);
        else
            check_bad(packed.bytes, packed.len, recipes[i].says);
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
        make(cases[i].inner, &inner);
        recipe.items[0] = (struct item){"image.sif", inner.bytes, inner.len, 0,
                                        NULL,        false,       0};
        make(&recipe, &outer);
        check_bad(outer.bytes, outer.len, cases[i].says);
    }
}

static void what_is_no_archive(void **state)
{
    (void)state;
    check_bad(image, IMAGE, "nothing that can be unpacked");
    check_bad("<html>", 6, "web page");
    check_bad("", 0, "empty file");
}

/* Holes in the middle of an image, and at its end, are zeros. */
static void sparse(void **state)
{
    static struct packed packed;
    static unsigned char holed[IMAGE];
    struct recipe recipe = {NULL,
                            ARCHIVE_FORMAT_TAR_PAX_RESTRICTED,
                            NONE,
                            NULL,
                            {SIF("image.sif")}};
    struct got got = {0};

    (void)state;
    memcpy(holed, image, 4096);
    recipe.items[0].bytes = holed;
    recipe.items[0].len = IMAGE;
    recipe.items[0].hole = 4096;
    make(&recipe, &packed);
    assert_true(packed.len > 4096);
    assert_int_equal(unpack(packed.bytes, packed.len, IMAGE, &got, NULL),
                     SPULL_OK);
    assert_int_equal(got.len, IMAGE);
    assert_memory_equal(got.bytes, holed, IMAGE);
    free(got.bytes);
}

/* --- more than there should be -------------------------------------------- */

static void limits(void **state)
{
    static struct packed packed;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(recipes); i++) {
        struct got got = {0};
        struct spull_error err = {0};
        if (recipes[i].says != NULL)
            continue;
        make(&recipes[i], &packed);
        assert_int_equal(
            unpack(packed.bytes, packed.len, IMAGE - 1, &got, &err),
            SPULL_INTEGRITY);
        unit_says(&err, "more than 8999 bytes, which is all that there is");
        assert_true(got.len < IMAGE);
        free(got.bytes);
    }
}

/* Gibibytes of zeros beside, behind or instead of an image. */
/* What is stated counts; else what is small is free, and what is not has a
 * ratio. */
static void how_large_it_may_be(void **state)
{
    static const struct {
        uint64_t archive, stated, most, bytes;
        const char *why;
    } cases[] = {
        {1000, 0, 0, SP_UNPACK_FREE, "any image"},
        {SP_MIB, 0, 0, SP_MIB * SP_UNPACK_RATIO, "any image"},
        {SP_IMAGE_MAX, 0, 0, SP_IMAGE_MAX, "any image"},
        {UINT64_MAX, 0, 0, SP_IMAGE_MAX, "any image"},
        {SP_MIB, 0, SP_GIB, SP_MIB * SP_UNPACK_RATIO, "any image"},
        {SP_MIB, 0, 1, 1, "the maximum set"},
        {1000, 5, 0, 5, "the manifest"},
        {1000, SP_TIB, 0, SP_TIB, "the manifest"},
        {1000, SP_TIB, SP_GIB, SP_GIB, "the maximum set"},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_unpack_limit limit = sp_unpack_limit_of(
            cases[i].archive, cases[i].stated, cases[i].most);
        assert_true(limit.bytes == cases[i].bytes);
        assert_non_null(strstr(limit.why, cases[i].why));
    }
}

static void zeros_beside(void **state)
{
    static unsigned char zeros[ROOM - 4096];
    static struct packed packed;
    static unsigned char *bomb;
    struct item many = {"zeros", NULL, 0, 0, NULL, false, 0};
    struct recipe recipe = TAR(NULL, NONE, SIF("image.sif"));
    size_t len = 0;
    enum { TIMES = 24 };

    (void)state;
    /* Members of one file: 24 MiB of a tar's padding. */
    make(&recipe, &packed);
    recipe.format = ARCHIVE_FORMAT_RAW;
    recipe.filter = ARCHIVE_FILTER_GZIP;
    bomb = malloc((size_t)TIMES * ROOM);
    assert_non_null(bomb);
    recipe.items[0] =
        (struct item){"tar", packed.bytes, packed.len, 0, NULL, false, 0};
    for (int i = 0; i <= TIMES; i++) {
        static struct packed member;
        if (i > 0) {
            many.bytes = zeros;
            many.len = sizeof zeros;
            recipe.items[0] = many;
        }
        make(&recipe, &member);
        memcpy(bomb + len, member.bytes, member.len);
        len += member.len;
    }
    check_bad(bomb, len, "holds too much");
    free(bomb);
}

/* --- damage --------------------------------------------------------------- */

/* All lengths of all good archives: an error, or what was left off is nothing
 * but the end of a tar. */
static void cut_short(void **state)
{
    static struct packed packed;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(recipes); i++) {
        if (recipes[i].says != NULL)
            continue;
        make(&recipes[i], &packed);
        for (size_t len = 0; len < packed.len; len += 1 + len / 64) {
            struct got got = {0};
            struct spull_error err = {0};
            enum spull_code code = unpack(packed.bytes, len, IMAGE, &got, &err);
            if (code == SPULL_OK) {
                assert_int_equal(recipes[i].filter, NONE);
                assert_int_not_equal(recipes[i].format, ARCHIVE_FORMAT_ZIP);
                assert_int_equal(got.len, IMAGE);
                assert_memory_equal(got.bytes, image, IMAGE);
            } else {
                unit_failed(&err, SPULL_INTEGRITY);
            }
            free(got.bytes);
        }
    }
}

static void followed_by_other_data(void **state)
{
    static struct packed packed;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(recipes); i++) {
        if (recipes[i].says != NULL)
            continue;
        make(&recipes[i], &packed);
        memcpy(packed.bytes + packed.len, "garbage", 7);
        check_bad(packed.bytes, packed.len + 7, "");
        memcpy(packed.bytes + packed.len, packed.bytes, packed.len);
        if (recipes[i].format != ARCHIVE_FORMAT_RAW)
            check_bad(packed.bytes, packed.len * 2, "");
    }
}

/* Members and streams that are joined are one file (RFC 1952, 2.2). */
static void joined(void **state)
{
    static const int filters[] = {ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_XZ,
                                  ARCHIVE_FILTER_ZSTD, ARCHIVE_FILTER_BZIP2};
    static struct packed packed, whole;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(filters); i++) {
        struct recipe half = RAW(filters[i]);
        half.items[0].bytes = image;
        half.items[0].len = 4000;
        make(&half, &whole);
        half.items[0].bytes = image + 4000;
        half.items[0].len = IMAGE - 4000;
        make(&half, &packed);
        memcpy(whole.bytes + whole.len, packed.bytes, packed.len);
        whole.len += packed.len;
        check_good(&whole, "joined");
    }
}

/* Has the format a sum over the content? zstd and tar need not. */
static bool has_sum(const struct recipe *recipe)
{
    return recipe->filter == ARCHIVE_FILTER_GZIP ||
           recipe->filter == ARCHIVE_FILTER_XZ ||
           recipe->filter == ARCHIVE_FILTER_BZIP2 ||
           recipe->format == ARCHIVE_FORMAT_ZIP;
}

static void check_spoilt(const struct recipe *recipe, const void *bytes,
                         size_t len)
{
    struct got got = {0};
    struct spull_error err = {0};
    enum spull_code code = unpack(bytes, len, IMAGE, &got, &err);

    assert_true(got.len <= IMAGE);
    if (code != SPULL_OK) {
        unit_failed(&err, SPULL_INTEGRITY);
    } else if (has_sum(recipe)) {
        assert_int_equal(got.len, IMAGE);
        assert_memory_equal(got.bytes, image, IMAGE);
    }
    free(got.bytes);
}

static void spoilt(void **state)
{
    static struct packed packed;
    uint64_t random = 0x5eed;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(recipes); i++) {
        make(&recipes[i], &packed);
        if (recipes[i].says != NULL)
            continue;
        /* Each byte of head and tail, and some in between, */
        for (size_t at = 0; at < packed.len;
             at += at < 600 || at + 300 > packed.len ? 1 : 97) {
            unsigned char before = packed.bytes[at];
            packed.bytes[at] ^= (unsigned char)(1 + unit_below(&random, 255));
            check_spoilt(&recipes[i], packed.bytes, packed.len);
            packed.bytes[at] = before;
        }
        /* and several at once, also fewer or more than there were. */
        for (int round = 0; round < 300; round++) {
            size_t len = 0;
            char *bad = unit_spoil_bytes((const char *)packed.bytes, packed.len,
                                         &random, &len);
            check_spoilt(&recipes[i], bad, len);
            free(bad);
        }
    }
}

static void a_wrong_check_sum(void **state)
{
    static struct packed packed;
    static const struct recipe gz = RAW(ARCHIVE_FILTER_GZIP);

    (void)state;
    for (size_t i = 1; i <= 8; i++) {
        make(&gz, &packed);
        packed.bytes[packed.len - i] ^= 1;
        check_bad(packed.bytes, packed.len, "check sum is wrong");
    }
}

/* --- memory --------------------------------------------------------------- */

/* A dictionary of 1.5 GiB, as "xz --lzma2=dict=1536MiB" asks for it: the byte
 * in the header of the first block, and the header's own sum, are written over.
 */
static void a_dictionary_of_gigabytes(void **state)
{
    static struct packed packed;
    static const struct recipe xz = RAW(ARCHIVE_FILTER_XZ);
    unsigned char *header = packed.bytes + 12;

    (void)state;
    make(&xz, &packed);
    assert_int_equal(header[0], 2); /* (2 + 1) * 4 bytes */
    assert_int_equal(header[2], 0x21);
    header[4] = 39;
    check_bad(packed.bytes, packed.len, "wants more than 128 MiB of memory");
}

/* --- whoever takes it may stop it ----------------------------------------- */

static void stopped(void **state)
{
    static struct packed packed;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(recipes); i++) {
        struct got cancelled = {.stop_at = 1};
        struct got full = {.room = 100};
        struct spull_error err = {0};
        if (recipes[i].says != NULL)
            continue;
        make(&recipes[i], &packed);
        assert_int_equal(
            unpack(packed.bytes, packed.len, IMAGE, &cancelled, &err),
            SPULL_CANCELLED);
        assert_string_equal(err.text, "cancelled");
        assert_int_equal(unpack(packed.bytes, packed.len, IMAGE, &full, &err),
                         SPULL_STORAGE);
        assert_int_equal(err.sys, ENOSPC);
        assert_int_equal(full.len, 0);
        free(cancelled.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_recipes),
        cmocka_unit_test(one_layer_only),
        cmocka_unit_test(what_is_no_archive),
        cmocka_unit_test(sparse),
        cmocka_unit_test(limits),
        cmocka_unit_test(how_large_it_may_be),
        cmocka_unit_test(zeros_beside),
        cmocka_unit_test(cut_short),
        cmocka_unit_test(followed_by_other_data),
        cmocka_unit_test(joined),
        cmocka_unit_test(spoilt),
        cmocka_unit_test(a_wrong_check_sum),
        cmocka_unit_test(a_dictionary_of_gigabytes),
        cmocka_unit_test(stopped),
    };

    return cmocka_run_group_tests(tests, make_image, NULL);
}
