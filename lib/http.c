/* SPDX-License-Identifier: MIT */
/*
 * http: the network thread. It takes transfers from a queue, runs libcurl's
 * multi handle, and waits in one place: for sockets, for new work, for the
 * session's cancel. Nothing else in the library touches the multi handle.
 */
#include "http.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

#include "err.h"
#include "http_internal.h"
#include "limits.h"
#include "thread.h"
#include "watch.h"

/* libcurl wakes by itself for its own timers. This is how old, at most, the
 * last look at connections gets where nothing happens. */
#define WAIT_MS 200

struct sp_http {
    struct sp_ctx *ctx;
    const struct sp_url *home;
    CURLM *multi;
    atomic_uint_fast64_t looked_ms;

    /* The network thread's own. */
    struct sp_transfer *transfers; /* all that have left the queue */
    bool to_begin;                 /* some of them are to begin */
    struct sp_alone alone;         /* who speaks HTTP/2 alone */

    pthread_mutex_t lock; /* guards all below */
    pthread_t thread;
    bool running;        /* there is a thread */
    uint64_t waited_us;  /* that it has waited for the network, so far */
    uint64_t waiting_us; /* since when it does now; 0: it works */
    bool stopping;
    struct sp_transfer *queue; /* what the thread has not seen yet */
    struct sp_transfer **queue_end;
};

/* libcurl counts its inits, and before 7.84 it did so without a lock. */
static CURLcode curl_ready = CURLE_FAILED_INIT;

static void init_curl(void)
{
    curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/*
 * Over HTTP/2, may who begins now be a stream beside others? Documents may:
 * they are short, and one connection is soon made. Blobs may not: streams in
 * one connection share its window and its losses. libcurl has no such option
 * for a single transfer, but looks at this one when a transfer gets its
 * connection.
 */
static void allow_sharing(struct sp_http *http, bool allow)
{
    curl_multi_setopt(http->multi, CURLMOPT_PIPELINING,
                      (long)(allow ? CURLPIPE_MULTIPLEX : CURLPIPE_NOTHING));
}

enum spull_code sp_http_new(struct sp_ctx *ctx, const struct sp_url *home,
                            struct sp_http **out, struct spull_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct sp_http *http = NULL;

    pthread_once(&once, init_curl);
    if (curl_ready != CURLE_OK)
        return sp_err_set(err, SPULL_INTERNAL, "libcurl: %s",
                          curl_easy_strerror(curl_ready));
    http = calloc(1, sizeof *http);
    if (http == NULL)
        return sp_err_nomem(err);
    http->ctx = ctx;
    http->home = home;
    http->queue_end = &http->queue;
    pthread_mutex_init(&http->lock, NULL);
    http->multi = curl_multi_init();
    if (http->multi == NULL) {
        sp_http_free(http);
        return sp_err_nomem(err);
    }
    allow_sharing(http, true);
    /* The default depends on how many transfers run at the moment. */
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS,
                      (long)SP_IDLE_CONNECTIONS);
    *out = http;
    return SPULL_OK;
}

static void unlink_transfer(struct sp_http *http, struct sp_transfer *transfer)
{
    struct sp_transfer **at = &http->transfers;

    while (*at != NULL && *at != transfer)
        at = &(*at)->next;
    if (*at != NULL)
        *at = transfer->next;
    transfer->next = NULL;
}

/* A blob begins a little later, in begin_blobs(). */
static bool begin(struct sp_http *http, struct sp_transfer *transfer)
{
    transfer->to_begin = !transfer->document;
    http->to_begin = http->to_begin || transfer->to_begin;
    return sp_transfer_set_version(transfer) &&
           (transfer->to_begin ||
            curl_multi_add_handle(http->multi, transfer->easy) == CURLM_OK);
}

/* Is another answer of the same host under way? */
static bool is_in_company(const struct sp_http *http,
                          const struct sp_transfer *transfer)
{
    for (struct sp_transfer *at = http->transfers; at != NULL; at = at->next)
        if (at != transfer && at->head_told &&
            strcmp(at->url.origin, transfer->url.origin) == 0)
            return true;
    return false;
}

static void end(struct sp_http *http, struct sp_transfer *transfer,
                CURLcode result)
{
    bool again = false;

    if (result != CURLE_OK)
        transfer->in_company = is_in_company(http, transfer);
    curl_multi_remove_handle(http->multi, transfer->easy);
    again = sp_transfer_finish(transfer, result);
    if (again && begin(http, transfer))
        return;
    if (again)
        sp_transfer_finish(transfer, CURLE_OUT_OF_MEMORY);
    unlink_transfer(http, transfer);
    sp_transfer_free(transfer);
}

/* Takes what sp_http_start() queued. Returns whether the thread should stop. */
static bool admit(struct sp_http *http)
{
    struct sp_transfer *queue = NULL;
    bool stopping = false;

    pthread_mutex_lock(&http->lock);
    queue = http->queue;
    http->queue = NULL;
    http->queue_end = &http->queue;
    stopping = http->stopping;
    pthread_mutex_unlock(&http->lock);
    while (queue != NULL) {
        struct sp_transfer *transfer = queue;
        queue = transfer->next;
        transfer->next = http->transfers;
        http->transfers = transfer;
        if (transfer->refused != SPULL_OK || !begin(http, transfer))
            end(http, transfer, CURLE_OUT_OF_MEMORY);
    }
    return stopping;
}

/* libcurl chooses their connections within this one call of it. */
static void begin_blobs(struct sp_http *http)
{
    struct sp_transfer *next = NULL;
    int left = 0;

    if (!http->to_begin)
        return;
    http->to_begin = false;
    allow_sharing(http, false);
    for (struct sp_transfer *at = http->transfers; at != NULL; at = next) {
        next = at->next;
        if (at->to_begin &&
            curl_multi_add_handle(http->multi, at->easy) != CURLM_OK)
            end(http, at, CURLE_OUT_OF_MEMORY);
        else
            at->to_begin = false;
    }
    curl_multi_perform(http->multi, &left);
    allow_sharing(http, true);
}

static void end_dropped(struct sp_http *http, bool all)
{
    struct sp_transfer *next = NULL;

    for (struct sp_transfer *at = http->transfers; at != NULL; at = next) {
        next = at->next;
        if (all || atomic_load(&at->dropped)) {
            atomic_store(&at->dropped, true);
            end(http, at, CURLE_ABORTED_BY_CALLBACK);
        }
    }
}

static void end_finished(struct sp_http *http)
{
    CURLMsg *message = NULL;
    int left = 0;

    for (;;) {
        struct sp_transfer *transfer = NULL;
        message = curl_multi_info_read(http->multi, &left);
        if (message == NULL)
            return;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        end(http, transfer, message->data.result);
    }
}

static uint64_t now_us(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void begin_waiting(struct sp_http *http)
{
    pthread_mutex_lock(&http->lock);
    http->waiting_us = now_us();
    pthread_mutex_unlock(&http->lock);
}

static void end_waiting(struct sp_http *http)
{
    pthread_mutex_lock(&http->lock);
    http->waited_us += now_us() - http->waiting_us;
    http->waiting_us = 0;
    pthread_mutex_unlock(&http->lock);
}

/* The session's cancel pipe stays readable for ever, so it is watched only
 * until it has spoken. */
static void wait_for_news(struct sp_http *http, bool cancelled)
{
    struct curl_waitfd cancel = {http->ctx->wake[0], CURL_WAIT_POLLIN, 0};
    int ms = WAIT_MS;

    for (struct sp_transfer *at = http->transfers; at != NULL; at = at->next)
        ms = sp_transfer_wait_ms(at, ms);
    begin_waiting(http);
    curl_multi_poll(http->multi, &cancel, cancelled ? 0 : 1, ms, NULL);
    end_waiting(http);
}

/* Those that came too quickly, when their time has come. */
static void go_on(struct sp_http *http)
{
    struct sp_transfer *next = NULL;

    for (struct sp_transfer *at = http->transfers; at != NULL; at = next) {
        CURLcode result = sp_transfer_go_on(at);
        next = at->next;
        if (result != CURLE_OK)
            end(http, at, result);
    }
}

static void perform(struct sp_http *http)
{
    uint64_t now_ms = sp_watch_ms();
    int left = 0;

    curl_multi_perform(http->multi, &left);
    atomic_store(&http->looked_ms, now_ms);
}

static void *network(void *arg)
{
    struct sp_http *http = arg;

    for (;;) {
        bool stopping = admit(http);
        bool cancelled = sp_ctx_cancelled(http->ctx);
        end_dropped(http, stopping || cancelled);
        if (stopping)
            return NULL;
        perform(http);
        begin_blobs(http);
        end_finished(http);
        go_on(http);
        if (!http->to_begin)
            wait_for_news(http, cancelled);
    }
}

/* The caller holds the lock. */
static enum spull_code ensure_thread(struct sp_http *http,
                                     struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    if (http->running)
        return SPULL_OK;
    code = sp_thread_start(&http->thread, network, http, err);
    http->running = code == SPULL_OK;
    return code;
}

enum spull_code sp_http_start(struct sp_http *http,
                              const struct sp_request *request,
                              const struct sp_sink *sink,
                              struct sp_transfer **out, struct spull_error *err)
{
    struct sp_transfer *transfer = NULL;
    enum spull_code code = SPULL_OK;

    transfer = sp_transfer_new(http->ctx, http->home, request, sink, err);
    if (transfer == NULL)
        return SPULL_INTERNAL;
    transfer->alone = &http->alone;
    pthread_mutex_lock(&http->lock);
    code = ensure_thread(http, err);
    if (code == SPULL_OK) {
        *http->queue_end = transfer;
        http->queue_end = &transfer->next;
        if (out != NULL)
            *out = transfer;
    }
    pthread_mutex_unlock(&http->lock);
    if (code != SPULL_OK)
        sp_transfer_free(transfer);
    else
        curl_multi_wakeup(http->multi);
    return code;
}

void sp_http_drop(struct sp_http *http, struct sp_transfer *transfer)
{
    atomic_store(&transfer->dropped, true);
    curl_multi_wakeup(http->multi);
}

uint64_t sp_http_busy_ms(struct sp_http *http)
{
    uint64_t us = 0;

    pthread_mutex_lock(&http->lock);
    us =
        (http->waiting_us != 0 ? http->waiting_us : now_us()) - http->waited_us;
    pthread_mutex_unlock(&http->lock);
    return us / 1000;
}

uint64_t sp_http_looked_ms(struct sp_http *http)
{
    return atomic_load(&http->looked_ms);
}

void sp_http_free(struct sp_http *http)
{
    if (http == NULL)
        return;
    pthread_mutex_lock(&http->lock);
    http->stopping = true;
    pthread_mutex_unlock(&http->lock);
    if (http->running) {
        curl_multi_wakeup(http->multi);
        pthread_join(http->thread, NULL);
    }
    curl_multi_cleanup(http->multi);
    sp_alone_done(&http->alone);
    pthread_mutex_destroy(&http->lock);
    free(http);
}
