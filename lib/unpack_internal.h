/* SPDX-License-Identifier: MIT */
/*
 * unpack_internal: what the files of the room unpack share.
 *
 * unpack.c has the order of things, unpack_library.c finds libarchive,
 * unpack_file.c is the archive as libarchive reads it, unpack_plain.c what is
 * left when the compression is off, unpack_gzip.c and unpack_xz.c what
 * libarchive does not mind about these, unpack_tar.c and unpack_zip.c where an
 * archive begins and ends, unpack_entries.c what is in it. Nobody else includes
 * it.
 */
#ifndef SP_UNPACK_INTERNAL_H
#define SP_UNPACK_INTERNAL_H

#include <archive.h>
#include <archive_entry.h>

#include "unpack.h"

/* All that is used of libarchive. */
#define LIBARCHIVE(CALL)                                                       \
    CALL(archive_entry_filetype)                                               \
    CALL(archive_entry_hardlink)                                               \
    CALL(archive_entry_is_encrypted)                                           \
    CALL(archive_entry_pathname)                                               \
    CALL(archive_entry_pathname_utf8)                                          \
    CALL(archive_entry_size)                                                   \
    CALL(archive_entry_size_is_set)                                            \
    CALL(archive_entry_sparse_reset)                                           \
    CALL(archive_errno)                                                        \
    CALL(archive_error_string)                                                 \
    CALL(archive_filter_bytes)                                                 \
    CALL(archive_filter_code)                                                  \
    CALL(archive_filter_count)                                                 \
    CALL(archive_format_name)                                                  \
    CALL(archive_read_data)                                                    \
    CALL(archive_read_data_skip)                                               \
    CALL(archive_read_free)                                                    \
    CALL(archive_read_new)                                                     \
    CALL(archive_read_next_header)                                             \
    CALL(archive_read_open1)                                                   \
    CALL(archive_read_set_callback_data)                                       \
    CALL(archive_read_set_read_callback)                                       \
    CALL(archive_read_set_seek_callback)                                       \
    CALL(archive_read_set_skip_callback)                                       \
    CALL(archive_read_support_filter_bzip2)                                    \
    CALL(archive_read_support_filter_gzip)                                     \
    CALL(archive_read_support_filter_xz)                                       \
    CALL(archive_read_support_filter_zstd)                                     \
    CALL(archive_read_support_format_empty)                                    \
    CALL(archive_read_support_format_raw)                                      \
    CALL(archive_read_support_format_tar)                                      \
    CALL(archive_read_support_format_zip_seekable)

struct libarchive {
#define MEMBER(name) __typeof__(name) *name; /* NOLINT(*-macro-parentheses) */
    LIBARCHIVE(MEMBER)
#undef MEMBER
};

/* libarchive, found by the first who asks. SPULL_INTERNAL: it is not there. */
enum spull_code sp_unpack_library(const struct libarchive **out,
                                  struct spull_error *err);

/* One unpacking. */
struct unpack {
    const struct libarchive *lib;
    const struct sp_unpack_limit *limit;
    const struct sp_unpack_sink *sink;
    const char *kind;       /* "gzip file", "zip archive", ... */
    int fd;                 /* of the archive */
    uint64_t size;          /* of it */
    size_t start;           /* where libarchive's part of it starts */
    uint64_t at;            /* what libarchive reads next */
    unsigned char *chunk;   /* what it has read; SP_HASH_CHUNK bytes */
    uint64_t written;       /* bytes of the image */
    bool in_header;         /* of an entry of a tar; then read counts */
    uint64_t headers;       /* bytes of all of them so far */
    uint64_t read;          /* that came for the one that is read */
    struct spull_error why; /* what ended a callback; code 0: nothing did */
};

/* Exactly len bytes of the archive. SPULL_STORAGE. */
enum spull_code sp_unpack_read(struct unpack *unpack, uint64_t at, void *bytes,
                               size_t len, struct spull_error *err);

/* Lets archive read the file, with its formats and filters set. */
enum spull_code sp_unpack_open(struct unpack *unpack, struct archive *archive,
                               struct spull_error *err);

/* A failed call to libarchive: what a callback met, or what libarchive says. */
enum spull_code sp_unpack_failed(struct unpack *unpack, struct archive *archive,
                                 struct spull_error *err);

/* The archive has something wrong with it: "the KIND FORMAT". INTEGRITY. */
enum spull_code sp_unpack_bad(const struct unpack *unpack,
                              struct spull_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The image begins, and goes on; holds it to the limit. */
enum spull_code sp_unpack_begin(struct unpack *unpack, uint64_t size,
                                struct spull_error *err);
enum spull_code sp_unpack_write(struct unpack *unpack, const void *bytes,
                                size_t len, struct spull_error *err);

/* Is the archive from at on but zeros? false in *out: it is not. */
enum spull_code sp_unpack_ends(struct unpack *unpack, uint64_t at, bool *out,
                               struct spull_error *err);

/* Would the decoder of an xz file take too much memory? */
enum spull_code sp_xz_check_memory(struct unpack *unpack,
                                   struct spull_error *err);

/* A check sum that is being made of all that a gzip file gives. As zeros it
 * stands for nothing. */
struct gzip_sum {
    uint32_t crc;
    uint64_t bytes;
};

void sp_gzip_add(struct gzip_sum *sum, const unsigned char *bytes, size_t len);

/* Does the gzip file, of which the last member ends at end, say the same? */
enum spull_code sp_gzip_check(struct unpack *unpack, const struct gzip_sum *sum,
                              uint64_t end, struct spull_error *err);

/* The content, without compression, chunk by chunk. */
struct plain {
    struct unpack *unpack;
    struct archive *archive; /* that takes it off; NULL: there is none */
    unsigned char *chunk;    /* SP_HASH_CHUNK bytes */
    size_t len;              /* of them that hold something */
    uint64_t end;            /* of the chunk, in the content */
    bool over;
    struct gzip_sum sum;
};

enum spull_code sp_plain_open(struct plain *plain, struct unpack *unpack,
                              struct spull_error *err);
void sp_plain_done(struct plain *plain);

/*
 * The next chunk, full unless it is the last; len 0: there is no more, and all
 * was sound.
 */
enum spull_code sp_plain_next(struct plain *plain, struct spull_error *err);

/* Writes what is in a tar, of which plain has the first chunk; in a zip. */
enum spull_code sp_unpack_tar(struct plain *plain, struct spull_error *err);
enum spull_code sp_unpack_zip(struct unpack *unpack, struct spull_error *err);

/* Its headers are too much. INTEGRITY. */
enum spull_code sp_unpack_headers(const struct unpack *unpack,
                                  struct spull_error *err);

/* Walks over the entries, and writes the one image among them. */
enum spull_code sp_unpack_entries(struct unpack *unpack,
                                  struct archive *archive,
                                  struct spull_error *err);

#endif
