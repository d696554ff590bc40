/* SPDX-License-Identifier: MIT */
/*
 * unpack_entries: the files in a tar or a zip, of which one must be an image.
 *
 * Folders and files that are no image (a read-me, check sums) may lie beside
 * it. Anything else has no business there: a link, a device, a name that leads
 * out of the folder in which somebody might unpack it by hand.
 */
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "limits.h"
#include "unpack_internal.h"

/* Where the walk is. */
struct walk {
    struct unpack *unpack;
    struct archive *archive;
    struct archive_entry *entry;
    bool is_tar;
    const char *name;        /* of the entry, or "" */
    unsigned entries, files; /* seen; of these, regular ones with a content */
    bool found;              /* the image */
    struct sp_look last;     /* of a file that is none */
};

/* Text in a pax header is UTF-8, whatever our locale is. */
static const char *name_of(const struct walk *walk)
{
    const struct libarchive *lib = walk->unpack->lib;
    const char *name = lib->archive_entry_pathname(walk->entry);

    if (name == NULL)
        name = lib->archive_entry_pathname_utf8(walk->entry);
    return name == NULL ? "" : name;
}

/* Absolute, or with ".." in it. */
static bool leads_out(const char *name)
{
    if (name[0] == '/')
        return true;
    while (*name != '\0') {
        size_t len = strcspn(name, "/");
        if (len == 2 && name[0] == '.' && name[1] == '.')
            return true;
        name += len;
        name += strspn(name, "/");
    }
    return false;
}

static const char *special(const struct walk *walk)
{
    const struct libarchive *lib = walk->unpack->lib;

    if (lib->archive_entry_hardlink(walk->entry) != NULL)
        return "a hard link";
    switch (lib->archive_entry_filetype(walk->entry)) {
    case AE_IFREG:
    case AE_IFDIR:
    case 0: /* a zip need not say */
        return NULL;
    case AE_IFLNK:
        return "a symbolic link";
    case AE_IFIFO:
        return "a named pipe";
    case AE_IFBLK:
    case AE_IFCHR:
        return "a device";
    default:
        return "no plain file";
    }
}

static enum spull_code check_entry(const struct walk *walk,
                                   struct spull_error *err)
{
    const struct unpack *unpack = walk->unpack;
    const char *wrong = special(walk);

    if (walk->entries > SP_UNPACK_ENTRIES_MAX)
        return sp_unpack_bad(unpack, err, "has more than %d entries",
                             SP_UNPACK_ENTRIES_MAX);
    if (leads_out(walk->name))
        return sp_unpack_bad(unpack, err, "has an entry that leads out: \"%s\"",
                             walk->name);
    if (wrong != NULL)
        return sp_unpack_bad(unpack, err, "has %s in it: \"%s\"", wrong,
                             walk->name);
    if (unpack->lib->archive_entry_is_encrypted(walk->entry))
        return sp_unpack_bad(unpack, err, "is encrypted");
    return SPULL_OK;
}

/* Up to len bytes of the entry; fewer: that is all. */
static enum spull_code read_data(struct walk *walk, unsigned char *bytes,
                                 size_t len, size_t *got,
                                 struct spull_error *err)
{
    la_ssize_t n = 1;

    *got = 0;
    while (*got < len && n > 0) {
        n = walk->unpack->lib->archive_read_data(walk->archive, bytes + *got,
                                                 len - *got);
        if (n < 0)
            return sp_unpack_failed(walk->unpack, walk->archive, err);
        *got += (size_t)n;
    }
    return SPULL_OK;
}

/* A hole at the end of a sparse file has no data, not even zeros. */
static enum spull_code add_hole(struct walk *walk, uint64_t size,
                                struct spull_error *err)
{
    static const unsigned char zeros[4096];
    struct unpack *unpack = walk->unpack;
    enum spull_code code = SPULL_OK;

    while (unpack->written < size && code == SPULL_OK) {
        uint64_t left = size - unpack->written;
        code = sp_unpack_write(
            unpack, zeros, left < sizeof zeros ? (size_t)left : sizeof zeros,
            err);
    }
    return code;
}

/* bytes is room for a chunk, and holds the first got of the entry. */
static enum spull_code write_image(struct walk *walk, unsigned char *bytes,
                                   size_t got, struct spull_error *err)
{
    struct unpack *unpack = walk->unpack;
    const struct libarchive *lib = unpack->lib;
    bool sized = lib->archive_entry_size_is_set(walk->entry) != 0;
    la_int64_t said = lib->archive_entry_size(walk->entry);
    uint64_t size = sized && said > 0 ? (uint64_t)said : 0;
    enum spull_code code = sp_unpack_begin(unpack, size, err);

    while (code == SPULL_OK && got > 0) {
        code = sp_unpack_write(unpack, bytes, got, err);
        if (code == SPULL_OK)
            code = read_data(walk, bytes, SP_HASH_CHUNK, &got, err);
    }
    if (code == SPULL_OK && lib->archive_entry_sparse_reset(walk->entry) > 0)
        code = add_hole(walk, size, err);
    if (code == SPULL_OK && sized && unpack->written != size)
        code = sp_unpack_bad(unpack, err, "is damaged: its image is cut short");
    return code;
}

static enum spull_code take_file(struct walk *walk, unsigned char *bytes,
                                 struct spull_error *err)
{
    size_t got = 0;
    struct sp_look look;
    enum spull_code code = read_data(walk, bytes, SP_LOOK_BYTES, &got, err);

    if (code != SPULL_OK)
        return code;
    walk->files++;
    look = sp_sif_look(bytes, got);
    if (!look.image) {
        walk->last = look;
        return SPULL_OK;
    }
    if (walk->found)
        return sp_unpack_bad(walk->unpack, err,
                             "holds more than one image: \"%s\" is the second",
                             walk->name);
    walk->found = true;
    return write_image(walk, bytes, got, err);
}

static enum spull_code say_none(const struct walk *walk,
                                struct spull_error *err)
{
    if (walk->files == 0)
        return sp_unpack_bad(walk->unpack, err, "holds no image: it is empty");
    if (walk->files > 1)
        return sp_unpack_bad(walk->unpack, err,
                             "holds no image: none of its %u files is one",
                             walk->files);
    return sp_unpack_bad(walk->unpack, err,
                         "holds no image; its file looks like: %s",
                         walk->last.kind);
}

/* Of an old or an unusual zip the decoder may want any amount of memory. */
static bool is_plain_zip(const struct walk *walk)
{
    const char *format = walk->unpack->lib->archive_format_name(walk->archive);

    return format == NULL || strncmp(format, "ZIP", 3) != 0 ||
           strstr(format, "(uncompressed)") != NULL ||
           strstr(format, "(deflation)") != NULL;
}

static enum spull_code take_entry(struct walk *walk, unsigned char *bytes,
                                  struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    walk->entries++;
    walk->name = name_of(walk);
    code = check_entry(walk, err);
    if (code != SPULL_OK ||
        walk->unpack->lib->archive_entry_filetype(walk->entry) == AE_IFDIR)
        return code;
    if (!is_plain_zip(walk))
        return sp_unpack_bad(
            walk->unpack, err,
            "is compressed in a way that is not supported: %s",
            walk->unpack->lib->archive_format_name(walk->archive));
    return take_file(walk, bytes, err);
}

/* --- the next one --------------------------------------------------------- */

enum spull_code sp_unpack_headers(const struct unpack *unpack,
                                  struct spull_error *err)
{
    return sp_unpack_bad(unpack, err, "has headers that are too long");
}

/* What is left of the entry before, so that it counts for no header. */
static enum spull_code skip_data(const struct walk *walk,
                                 struct spull_error *err)
{
    int result = walk->entries == 0
                     ? ARCHIVE_OK
                     : walk->unpack->lib->archive_read_data_skip(walk->archive);

    if (result == ARCHIVE_OK || result == ARCHIVE_WARN)
        return SPULL_OK;
    return sp_unpack_failed(walk->unpack, walk->archive, err);
}

/* ARCHIVE_WARN: a name that can't be said in our locale, for instance. */
static enum spull_code read_header(struct walk *walk, bool *more,
                                   struct spull_error *err)
{
    struct unpack *unpack = walk->unpack;
    const struct libarchive *lib = unpack->lib;
    la_int64_t before = lib->archive_filter_bytes(walk->archive, 0);
    int result = ARCHIVE_OK;

    unpack->read = 0;
    unpack->in_header = true;
    result = lib->archive_read_next_header(walk->archive, &walk->entry);
    unpack->in_header = false;
    *more = result == ARCHIVE_OK || result == ARCHIVE_WARN;
    if (!*more && result != ARCHIVE_EOF)
        return sp_unpack_failed(unpack, walk->archive, err);
    if (walk->is_tar)
        unpack->headers +=
            (uint64_t)(lib->archive_filter_bytes(walk->archive, 0) - before);
    return unpack->headers > SP_UNPACK_HEADERS_MAX
               ? sp_unpack_headers(unpack, err)
               : SPULL_OK;
}

static enum spull_code next_entry(struct walk *walk, bool *more,
                                  struct spull_error *err)
{
    enum spull_code code = skip_data(walk, err);

    return code == SPULL_OK ? read_header(walk, more, err) : code;
}

enum spull_code sp_unpack_entries(struct unpack *unpack,
                                  struct archive *archive,
                                  struct spull_error *err)
{
    struct walk walk = {.unpack = unpack, .archive = archive};
    unsigned char *bytes = malloc(SP_HASH_CHUNK);
    enum spull_code code = bytes == NULL ? sp_err_nomem(err) : SPULL_OK;
    bool more = true;

    walk.is_tar = strcmp(unpack->kind, "zip archive") != 0;
    while (code == SPULL_OK && more) {
        code = next_entry(&walk, &more, err);
        if (code == SPULL_OK && more)
            code = take_entry(&walk, bytes, err);
    }
    free(bytes);
    if (code != SPULL_OK)
        return code;
    return walk.found ? SPULL_OK : say_none(&walk, err);
}
