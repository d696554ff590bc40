/* SPDX-License-Identifier: MIT */
/*
 * packed.h: archives that are made here, by libarchive's other half, and what
 * comes out of them, for the programs that try unpack.
 */
#ifndef SP_UNIT_PACKED_H
#define SP_UNIT_PACKED_H

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "unit.h"
#include "unpack.h"

#define PACKED_ROOM  (1 << 20)
#define PACKED_IMAGE 9000
#define V7           (-1) /* a tar without a magic: libarchive has no code */

/* --- what is packed ------------------------------------------------------- */

/* A squashfs, as far as it is looked at: bytes that hardly compress. */
static unsigned char packed_image[PACKED_IMAGE];

static inline int packed_enter(void **state)
{
    uint64_t random = 0x5eed;

    (void)state;
    for (size_t i = 0; i < PACKED_IMAGE; i++)
        packed_image[i] = (unsigned char)unit_random(&random);
    memcpy(packed_image, "hsqs", 4);
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
    unsigned char bytes[PACKED_ROOM];
    size_t len;
};

static inline void add_item(struct archive *to, const struct item *item)
{
    struct archive_entry *entry = archive_entry_new();
    const void *bytes = item->bytes != NULL ? item->bytes : packed_image;
    size_t len = item->bytes != NULL ? item->len : PACKED_IMAGE;

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

static inline void packed_make(const struct recipe *recipe, struct packed *out)
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
    assert_int_equal(
        archive_write_open_memory(to, out->bytes, PACKED_ROOM, &out->len),
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

static inline enum spull_code on_begin(void *payload, uint64_t size,
                                       struct spull_error *err)
{
    struct got *got = payload;

    (void)err;
    got->announced = size;
    got->begins++;
    return SPULL_OK;
}

static inline enum spull_code on_write(void *payload, const void *bytes,
                                       size_t len, struct spull_error *err)
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

static inline enum spull_code on_tick(void *payload, uint64_t at,
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

static inline enum spull_code packed_unpack(const void *bytes, size_t len,
                                            uint64_t most, struct got *got,
                                            struct spull_error *err)
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

static inline void packed_good(const struct packed *packed, const char *what)
{
    struct got got = {0};
    struct spull_error err = {0};

    if (packed_unpack(packed->bytes, packed->len, PACKED_IMAGE, &got, &err) !=
        SPULL_OK)
        fail_msg("%s: %s", what, err.text);
    assert_int_equal(got.len, PACKED_IMAGE);
    assert_memory_equal(got.bytes, packed_image, PACKED_IMAGE);
    assert_true(got.announced == 0 || got.announced == PACKED_IMAGE);
    free(got.bytes);
}

static inline void packed_bad(const void *bytes, size_t len, const char *says)
{
    struct got got = {0};
    struct spull_error err = {0};

    assert_int_equal(packed_unpack(bytes, len, PACKED_IMAGE, &got, &err),
                     SPULL_INTEGRITY);
    unit_failed(&err, SPULL_INTEGRITY);
    unit_says(&err, says);
    assert_true(got.len <= PACKED_IMAGE);
    free(got.bytes);
}

/* --- what has to be good -------------------------------------------------- */

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

static const struct recipe good_recipes[] = {
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
};

#endif
