/* SPDX-License-Identifier: MIT */
/*
 * fetch_look: the first bytes of a blob, for who wants to know what it is and
 * does not want all of it. One request for each URL until one answers; nothing
 * is tried again, since a download will say better what is wrong.
 */
#include <pthread.h>
#include <string.h>

#include "err.h"
#include "fetch.h"
#include "limits.h"

/* The answer on its way, and who waits for it. */
struct peek {
    unsigned char bytes[SP_LOOK_BYTES];
    size_t len;
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool ended;
    enum spull_code code;
    struct spull_error err;
};

static enum spull_code on_head(void *payload, const struct sp_answer *answer,
                               struct spull_error *err)
{
    (void)payload;
    (void)answer;
    (void)err;
    return SPULL_OK;
}

/* A server that knows no ranges sends all of it, until we hang up. */
static enum spull_code on_body(void *payload, const void *bytes, size_t len,
                               struct spull_error *err)
{
    struct peek *peek = payload;
    size_t room = sizeof peek->bytes - peek->len;

    memcpy(peek->bytes + peek->len, bytes, len < room ? len : room);
    peek->len += len < room ? len : room;
    if (peek->len < sizeof peek->bytes)
        return SPULL_OK;
    return sp_err_set(err, SPULL_CANCELLED, "enough was seen");
}

static void on_end(void *payload, const struct sp_end *end)
{
    struct peek *peek = payload;

    pthread_mutex_lock(&peek->lock);
    peek->code = end->code;
    peek->err = end->err;
    peek->ended = true;
    pthread_cond_signal(&peek->over);
    pthread_mutex_unlock(&peek->lock);
}

static void wait_for(struct peek *peek)
{
    pthread_mutex_lock(&peek->lock);
    while (!peek->ended)
        pthread_cond_wait(&peek->over, &peek->lock);
    pthread_mutex_unlock(&peek->lock);
}

static enum spull_code look_at(struct sp_http *http, const struct sp_url *url,
                               struct sp_look *out, struct spull_error *err)
{
    struct peek peek = {.lock = PTHREAD_MUTEX_INITIALIZER,
                        .over = PTHREAD_COND_INITIALIZER};
    struct sp_request request = {.url = url,
                                 .ranged = url->scheme != SP_SCHEME_FILE,
                                 .to = sizeof peek.bytes};
    struct sp_sink sink = {&peek, on_head, on_body, on_end};
    enum spull_code code = sp_http_start(http, &request, &sink, NULL, err);

    if (code != SPULL_OK)
        return code;
    wait_for(&peek);
    pthread_cond_destroy(&peek.over);
    pthread_mutex_destroy(&peek.lock);
    if (peek.code == SPULL_OK || peek.len == sizeof peek.bytes) {
        *out = sp_sif_look(peek.bytes, peek.len);
        return SPULL_OK;
    }
    if (err != NULL)
        *err = peek.err;
    return peek.code;
}

enum spull_code sp_fetch_look(struct sp_http *http, const struct sp_blob *blob,
                              struct sp_watch *watch, struct sp_look *out,
                              struct spull_error *err)
{
    enum spull_code code = SPULL_NOT_FOUND;

    for (size_t i = 0; i < blob->url_count && code != SPULL_OK; i++) {
        if (sp_ctx_cancelled(watch->ctx))
            return sp_ctx_say_cancelled(err);
        code = look_at(http, &blob->urls[i], out, err);
    }
    return code;
}
