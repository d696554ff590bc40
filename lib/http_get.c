/* SPDX-License-Identifier: MIT */
/*
 * http_get: a small document, whole and at once; images go through fetch.
 */
#include <string.h>

#include "err.h"
#include "http.h"
#include "limits.h"

struct get {
    struct sp_buf *body;
    struct sp_got *got;
    enum spull_code code; /* of taking note of the end */
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

    get->got->transient = end->transient;
    get->got->lost = end->lost;
    get->got->http1 = end->http1;
    get->got->retry_after = end->retry_after;
    if (end->code == SPULL_OK)
        get->code = sp_url_copy(end->url, &get->got->url, &get->err);
}

enum spull_code sp_http_get(struct sp_http *http,
                            const struct sp_request *request,
                            struct sp_buf *body, struct sp_got *out,
                            struct spull_error *err)
{
    uint64_t most = (uint64_t)SP_DOCUMENT_SECONDS * 1000;
    struct get get = {.body = body, .got = out};
    struct sp_request document = *request;
    struct sp_sink sink = {&get, on_head, on_body, on_end};
    enum spull_code code = SPULL_OK;

    memset(out, 0, sizeof *out);
    document.document = true;
    if (document.max_ms > most)
        document.max_ms = most;
    code = sp_http_run(http, &document, &sink, err);
    if (code == SPULL_OK && get.code != SPULL_OK && err != NULL)
        *err = get.err;
    return code == SPULL_OK ? get.code : code;
}
