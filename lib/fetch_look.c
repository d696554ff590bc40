/* SPDX-License-Identifier: MIT */
/*
 * fetch_look: the first bytes of a blob, for whoever wants to know what it is
 * and does not want all of it. One request for each URL until one answers;
 * nothing is tried again, since a download will say better what is wrong.
 */
#include <string.h>

#include "err.h"
#include "fetch.h"
#include "limits.h"

struct peek {
    unsigned char bytes[SP_LOOK_BYTES];
    size_t len;
};

/* A server that knows no ranges sends all of it, until we hang up. */
static enum spull_code on_body(void *payload, const void *bytes, size_t len,
                               struct spull_error *err)
{
    struct peek *peek = payload;
    size_t room = sizeof peek->bytes - peek->len;
    size_t some = len < room ? len : room;

    memcpy(peek->bytes + peek->len, bytes, some);
    peek->len += some;
    if (peek->len < sizeof peek->bytes)
        return SPULL_OK;
    return sp_err_set(err, SPULL_CANCELLED, "enough was seen");
}

static enum spull_code look_at(struct sp_http *http, const struct sp_url *url,
                               struct sp_watch *watch, struct sp_look *out,
                               struct spull_error *err)
{
    uint64_t most = (uint64_t)SP_DOCUMENT_SECONDS * 1000;
    uint64_t left = sp_watch_left_ms(watch);
    struct peek peek = {.len = 0};
    /* 0 would be no limit. */
    struct sp_request request = {.url = url,
                                 .max_ms = left < most ? left + 1 : most,
                                 .hurried = true,
                                 .since_ms = watch->start_ms,
                                 .ranged = url->scheme != SP_SCHEME_FILE,
                                 .to = sizeof peek.bytes};
    struct sp_sink sink = {.payload = &peek, .body = on_body};
    enum spull_code code = sp_http_run(http, &request, &sink, err);

    if (code != SPULL_OK && peek.len < sizeof peek.bytes)
        return code;
    *out = sp_sif_look(peek.bytes, peek.len);
    return SPULL_OK;
}

enum spull_code sp_fetch_look(struct sp_http *http, const struct sp_blob *blob,
                              struct sp_watch *watch, struct sp_look *out,
                              struct spull_error *err)
{
    enum spull_code code = SPULL_NOT_FOUND;

    for (size_t i = 0; i < blob->url_count && code != SPULL_OK; i++) {
        code = sp_watch_tick(watch, err);
        if (code != SPULL_OK)
            return code;
        code = look_at(http, &blob->urls[i], watch, out, err);
    }
    return code;
}
