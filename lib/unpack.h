/* SPDX-License-Identifier: MIT */
/*
 * unpack: an archive or a compressed file to its one image.
 *
 * What a file is, its content says: a gzip, xz, zstd or bzip2 file that holds
 * an image, or a tar, compressed or not, or a zip with exactly one image among
 * its files. No name of an archive's entry becomes a path, nothing is nested,
 * and no other program is run. Where the bytes go is the caller's business.
 */
#ifndef SP_UNPACK_H
#define SP_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spull.h>

#include "sif.h"

/*
 * Who takes the image. All are called in the caller's thread; what they return
 * ends the unpacking, with that error.
 */
struct sp_unpack_sink {
    void *payload;
    /* Once, first: how many bytes there will be; 0: it can't be said. */
    enum spull_code (*begin)(void *payload, uint64_t size,
                             struct spull_error *err);
    /* The next of them. */
    enum spull_code (*write)(void *payload, const void *bytes, size_t len,
                             struct spull_error *err);
    /* Every now and then: where in the archive we are. */
    enum spull_code (*tick)(void *payload, uint64_t at,
                            struct spull_error *err);
};

/* How large an image may be, and who says so: for messages, to stand behind
 * "more than N bytes". */
struct sp_unpack_limit {
    uint64_t bytes;
    const char *why;
};

/*
 * The limit for an archive of so many bytes: what is stated of its image, if
 * that is not 0; else what is credible. most is a maximum beside that, if not
 * 0.
 */
struct sp_unpack_limit sp_unpack_limit_of(uint64_t archive, uint64_t stated,
                                          uint64_t most);

/* Is a file that looks like this one that can be unpacked? */
bool sp_unpack_takes(const struct sp_look *look);

/*
 * Unpacks the size bytes of fd, by pread(2), and hands the image to sink.
 * Success means that the archive was read to its end and is sound.
 * SPULL_INTEGRITY: damaged, cut, followed by other data, larger than limit, in
 * want of too much memory; no image, several, or entries that have no place
 * beside one. SPULL_INTERNAL: libarchive is not there, or can't read such a
 * file. SPULL_STORAGE: fd can't be read. Also what sink returns.
 */
enum spull_code sp_unpack(int fd, uint64_t size,
                          const struct sp_unpack_limit *limit,
                          const struct sp_unpack_sink *sink,
                          struct spull_error *err);

#endif
