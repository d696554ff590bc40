/* SPDX-License-Identifier: MIT */
/*
 * http_get: a small document, whole and at once. The one place where somebody
 * waits for a transfer doing nothing else; images go through fetch.
 */
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "err.h"
#include "http.h"
#include "limits.h"

/* One document on its way, and who waits for it. */
struct get {
    struct sp_buf *body;
    struct sp_got *got;
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool ended;
    enum spull_code code;
    struct spull_error err;
};

static enum spull_code too_long(const struct get *get, struct spull_error *err)
{
    return sp_err_set(err, SPULL_INTEGRITY,
                      "the document is longer than %zu bytes", get->body->max);
}

static enum spull_code on_head(void *payload, const struct sp_answer *answer,
                               struct spull_error *err)
{
    struct get *get = payload;

    if (answer->head->has_length && answer->head->length > get->body->max)
        return too_long(get, err);
    return SPULL_OK;
}

static enum spull_code on_body(void *payload, const void *bytes, size_t len,
                               struct spull_error *err)
{
    struct get *get = payload;

    switch (sp_buf_add(get->body, bytes, len)) {
    case SP_BUF_OK:
        return SPULL_OK;
    case SP_BUF_FULL:
        return too_long(get, err);
    default:
        return sp_err_nomem(err);
    }
}

static void on_end(void *payload, const struct sp_end *end)
{
    struct get *get = payload;

    pthread_mutex_lock(&get->lock);
    get->code = end->code;
    get->err = end->err;
    get->got->transient = end->transient;
    get->got->http2_trouble = end->http2_trouble;
    get->got->retry_after = end->retry_after;
    if (end->code == SPULL_OK)
        get->code = sp_url_copy(end->url, &get->got->url, &get->err);
    get->ended = true;
    pthread_cond_signal(&get->over);
    pthread_mutex_unlock(&get->lock);
}

static void wait_for(struct get *get)
{
    pthread_mutex_lock(&get->lock);
    while (!get->ended)
        pthread_cond_wait(&get->over, &get->lock);
    pthread_mutex_unlock(&get->lock);
}

enum spull_code sp_http_get(struct sp_http *http, const struct sp_url *url,
                            bool http1, uint64_t max_ms, struct sp_buf *body,
                            struct sp_got *out, struct spull_error *err)
{
    uint64_t most = (uint64_t)SP_DOCUMENT_SECONDS * 1000;
    struct get get = {.body = body,
                      .got = out,
                      .lock = PTHREAD_MUTEX_INITIALIZER,
                      .over = PTHREAD_COND_INITIALIZER};
    struct sp_request request = {.url = url,
                                 .document = true,
                                 .http1 = http1,
                                 .max_ms = max_ms < most ? max_ms : most};
    struct sp_sink sink = {&get, on_head, on_body, on_end};
    enum spull_code code = SPULL_OK;

    memset(out, 0, sizeof *out);
    code = sp_http_start(http, &request, &sink, NULL, err);
    if (code != SPULL_OK)
        return code;
    wait_for(&get);
    pthread_cond_destroy(&get.over);
    pthread_mutex_destroy(&get.lock);
    if (get.code != SPULL_OK && err != NULL)
        *err = get.err;
    return get.code;
}
