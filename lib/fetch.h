/* SPDX-License-Identifier: MIT */
/*
 * fetch: fills a partial file with a blob.
 *
 * It decides from which URL bytes come, holds the server to the size that the
 * manifest states, and moves on to the next URL where one fails. Whether the
 * bytes are the right ones is verify's question.
 */
#ifndef SP_FETCH_H
#define SP_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spull.h>

#include "http.h"
#include "part.h"
#include "sif.h"
#include "url.h"
#include "watch.h"

struct sp_blob {
    const struct sp_url *urls; /* at least one, the best first */
    size_t url_count;
    uint64_t stated; /* size in the manifest: bytes or KiB */
    bool strict;     /* bytes */
    bool afresh;     /* parts that seemed to fit together have not */
    bool tried; /* others have just asked in vain, as often as we would: one
                   try for each URL, until something comes */
};

struct sp_fetched {
    size_t url;     /* index of the first one that served bytes of it */
    size_t sources; /* how many did */
    bool broken;    /* some bytes came before a transfer failed, some after; or
                       they seemed to be of several versions */
    uint64_t size;
    uint64_t transferred; /* bytes of bodies, wasted ones included */
};

/*
 * Downloads what part lacks of blob, and completes it. On failure, part is not
 * given up: the caller may try again or do so. Any code but USAGE and EXISTS.
 */
enum spull_code sp_fetch(struct sp_http *http, const struct sp_blob *blob,
                         struct sp_part *part, struct sp_watch *watch,
                         struct sp_fetched *out, struct spull_error *err);

/*
 * What the first bytes of blob say: a few KiB from one of its URLs. Any code
 * but USAGE and EXISTS.
 */
enum spull_code sp_fetch_look(struct sp_http *http, const struct sp_blob *blob,
                              struct sp_watch *watch, struct sp_look *out,
                              struct spull_error *err);

#endif
