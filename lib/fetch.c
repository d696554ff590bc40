/* SPDX-License-Identifier: MIT */
/*
 * fetch: one stream from one URL into the part, then from the next one. The
 * callbacks stage and write in the network thread, while this one waits and
 * tells the watch.
 */
#include "fetch.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "err.h"
#include "limits.h"
#include "manifest.h"

/* One stream on its way into the part. */
struct stream {
    const struct sp_blob *blob;
    struct sp_part *part;
    unsigned char *staged; /* libcurl gives 16 KiB at a time; write more */
    size_t staged_len;
    uint64_t at; /* offset in the file of what is staged */
    uint64_t bound;
    uint64_t transferred;
    pthread_mutex_t lock; /* guards what is below */
    pthread_cond_t over;
    bool ended;
    enum spull_code code;
    struct spull_error err;
};

static enum spull_code wrong_size(const struct stream *stream, const char *what,
                                  uint64_t bytes, struct spull_error *err)
{
    const struct sp_blob *blob = stream->blob;

    return sp_err_set(err, SPULL_INTEGRITY,
                      "size mismatch: the manifest says %" PRIu64 " %s, the "
                      "server %s %" PRIu64 " bytes",
                      blob->stated, blob->strict ? "bytes" : "bytes or KiB",
                      what, bytes);
}

static enum spull_code on_head(void *payload, const struct sp_url *url,
                               const struct sp_head *head,
                               struct spull_error *err)
{
    struct stream *stream = payload;

    (void)url;
    if (head->status == 206)
        return sp_err_set(err, SPULL_NETWORK,
                          "the server sends a part (206) "
                          "where the whole was asked for");
    if (head->has_length && !sp_size_matches(stream->blob->stated, head->length,
                                             stream->blob->strict))
        return wrong_size(stream, "announces", head->length, err);
    return SPULL_OK;
}

static enum spull_code flush(struct stream *stream, struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    if (stream->staged_len > 0)
        code = sp_part_write(stream->part, stream->at, stream->staged,
                             stream->staged_len, err);
    if (code == SPULL_OK) {
        stream->at += stream->staged_len;
        stream->staged_len = 0;
    }
    return code;
}

static enum spull_code on_body(void *payload, const void *bytes, size_t len,
                               struct spull_error *err)
{
    struct stream *stream = payload;
    enum spull_code code = SPULL_OK;

    stream->transferred += len;
    if (stream->at + stream->staged_len + len > stream->bound)
        return wrong_size(stream, "sends more than", stream->bound, err);
    if (stream->staged_len + len > SP_CHUNK)
        code = flush(stream, err);
    if (code != SPULL_OK)
        return code;
    if (len > SP_CHUNK)
        return sp_err_set(err, SPULL_INTERNAL, "%zu bytes at once", len);
    memcpy(stream->staged + stream->staged_len, bytes, len);
    stream->staged_len += len;
    return SPULL_OK;
}

static void on_end(void *payload, const struct sp_end *end)
{
    struct stream *stream = payload;
    struct spull_error err = end->err;
    enum spull_code code = end->code;

    if (code == SPULL_OK)
        code = flush(stream, &err);
    pthread_mutex_lock(&stream->lock);
    stream->code = code;
    stream->err = err;
    stream->ended = true;
    pthread_cond_signal(&stream->over);
    pthread_mutex_unlock(&stream->lock);
}

/* The end of a tick's wait, for pthread_cond_timedwait(). */
static struct timespec tick_end(void)
{
    struct timespec end;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_nsec += (long)SP_TICK_MS * 1000000;
    end.tv_sec += end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    return end;
}

static bool wait_a_tick(struct stream *stream)
{
    struct timespec end = tick_end();
    bool ended = false;

    pthread_mutex_lock(&stream->lock);
    if (!stream->ended)
        pthread_cond_timedwait(&stream->over, &stream->lock, &end);
    ended = stream->ended;
    pthread_mutex_unlock(&stream->lock);
    return ended;
}

/* Until the end, which a cancel hastens; the first error is kept. */
static enum spull_code follow(struct sp_http *http,
                              struct sp_transfer *transfer,
                              struct stream *stream, struct sp_watch *watch,
                              struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    while (!wait_a_tick(stream)) {
        watch->now.bytes = sp_part_total(stream->part);
        if (code != SPULL_OK)
            continue;
        code = sp_watch_tick(watch, err);
        pthread_mutex_lock(&stream->lock);
        if (code != SPULL_OK && !stream->ended)
            sp_http_drop(http, transfer);
        pthread_mutex_unlock(&stream->lock);
    }
    if (code == SPULL_OK && stream->code != SPULL_OK && err != NULL)
        *err = stream->err;
    return code != SPULL_OK ? code : stream->code;
}

static enum spull_code fetch_from(struct sp_http *http,
                                  const struct sp_url *url,
                                  struct stream *stream, struct sp_watch *watch,
                                  struct spull_error *err)
{
    struct sp_request request = {.url = url};
    struct sp_sink sink = {stream, on_head, on_body, on_end};
    struct sp_transfer *transfer = NULL;
    enum spull_code code = SPULL_OK;

    stream->at = 0;
    stream->staged_len = 0;
    stream->ended = false;
    code = sp_http_start(http, &request, &sink, &transfer, err);
    if (code != SPULL_OK)
        return code;
    code = follow(http, transfer, stream, watch, err);
    if (code == SPULL_OK && !sp_size_matches(stream->blob->stated, stream->at,
                                             stream->blob->strict)) {
        code = wrong_size(stream, "sent", stream->at, err);
        sp_err_wrap(err, code, "%s", url->shown);
    }
    return code;
}

static bool next_may_help(enum spull_code code)
{
    return code == SPULL_NOT_FOUND || code == SPULL_NETWORK ||
           code == SPULL_INTEGRITY || code == SPULL_DENIED;
}

static enum spull_code fetch_any(struct sp_http *http, struct stream *stream,
                                 struct sp_watch *watch, struct sp_fetched *out,
                                 struct spull_error *err)
{
    const struct sp_blob *blob = stream->blob;
    enum spull_code code = SPULL_INTERNAL;

    for (size_t i = 0; i < blob->url_count; i++) {
        struct spull_error why = {0};
        code = fetch_from(http, &blob->urls[i], stream, watch, &why);
        out->url = i;
        if (code == SPULL_OK)
            return SPULL_OK;
        if (err != NULL)
            *err = why;
        if (i + 1 == blob->url_count || !next_may_help(code))
            return code;
        sp_ctx_warn(watch->ctx, "%s; trying the next address", why.text);
        code = sp_part_restart(stream->part, err);
        if (code != SPULL_OK)
            return code;
    }
    return code;
}

enum spull_code sp_fetch(struct sp_http *http, const struct sp_blob *blob,
                         struct sp_part *part, struct sp_watch *watch,
                         struct sp_fetched *out, struct spull_error *err)
{
    struct stream stream = {.blob = blob,
                            .part = part,
                            .staged = malloc(SP_CHUNK),
                            .bound = sp_size_bound(blob->stated, blob->strict),
                            .lock = PTHREAD_MUTEX_INITIALIZER,
                            .over = PTHREAD_COND_INITIALIZER};
    struct sp_fetched fetched = {0};
    enum spull_code code = SPULL_OK;

    if (stream.staged == NULL)
        return sp_err_nomem(err);
    watch->now.total = stream.bound;
    code = fetch_any(http, &stream, watch, &fetched, err);
    if (code == SPULL_OK)
        code = sp_part_complete(part, stream.at, err);
    fetched.size = stream.at;
    fetched.transferred = stream.transferred;
    if (code == SPULL_OK)
        *out = fetched;
    pthread_cond_destroy(&stream.over);
    pthread_mutex_destroy(&stream.lock);
    free(stream.staged);
    return code;
}
