/* SPDX-License-Identifier: MIT */
/*
 * http_transfer: one transfer on one easy handle, over all its redirects. What
 * libcurl is told, and what it tells, is here; what its errors mean is in
 * http_why.c.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "err.h"
#include "http_internal.h"
#include "limits.h"

static bool is_redirect(const struct sp_transfer *transfer)
{
    int status = transfer->head.status;

    return transfer->head.location != NULL &&
           (status == 301 || status == 302 || status == 303 || status == 307 ||
            status == 308);
}

static bool is_wanted(const struct sp_transfer *transfer)
{
    return transfer->head.status >= 200 && transfer->head.status < 300;
}

/* libcurl sends no head for a file, only a length. */
static void head_of_file(struct sp_transfer *transfer)
{
    curl_off_t length = -1;

    curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
                      &length);
    transfer->head.status = 200;
    transfer->head.has_length = length >= 0;
    transfer->head.length = length >= 0 ? (uint64_t)length : 0;
}

/*
 * Of plain http, what was sent tells: only a proxy that sees the request gets a
 * whole URL in it (RFC 9112, section 3.2.2). Of a tunnel, libcurl tells since
 * 8.7; before, the port that it is connected to does.
 */
static bool is_proxied(const struct sp_transfer *transfer)
{
    long used = 0;

    if (transfer->url.scheme == SP_SCHEME_HTTP)
        return transfer->whole_url;
#if LIBCURL_VERSION_NUM >= 0x080700
    curl_easy_getinfo(transfer->easy, CURLINFO_USED_PROXY, &used);
    return used != 0;
#else
    const char *port = strrchr(transfer->url.origin, ':');
    curl_easy_getinfo(transfer->easy, CURLINFO_PRIMARY_PORT, &used);
    return port != NULL && strtol(port + 1, NULL, 10) != used;
#endif
}

static double seconds_between(const struct sp_transfer *transfer, CURLINFO from,
                              CURLINFO to)
{
    double start = 0;
    double end = 0;

    curl_easy_getinfo(transfer->easy, from, &start);
    curl_easy_getinfo(transfer->easy, to, &end);
    return end > start ? end - start : 0;
}

/* TCP's handshake, or the time from request to answer. */
static unsigned round_trip_ms(const struct sp_transfer *transfer, bool reused)
{
    double seconds = reused
                         ? seconds_between(transfer, CURLINFO_PRETRANSFER_TIME,
                                           CURLINFO_STARTTRANSFER_TIME)
                         : seconds_between(transfer, CURLINFO_NAMELOOKUP_TIME,
                                           CURLINFO_CONNECT_TIME);

    return (unsigned)(seconds * 1000) + 1;
}

static const char *protocol(const struct sp_transfer *transfer)
{
    long version = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_VERSION, &version);
    switch (version) {
    case CURL_HTTP_VERSION_1_0:
        return "HTTP/1.0";
    case CURL_HTTP_VERSION_1_1:
        return "HTTP/1.1";
    case CURL_HTTP_VERSION_2_0:
        return "HTTP/2";
    default:
        return "HTTP";
    }
}

static void tell_detail(const struct sp_transfer *transfer,
                        const struct sp_answer *answer)
{
    const struct sp_head *head = answer->head;
    char *address = NULL;
    char bytes[64] = "";

    if (transfer->url.scheme == SP_SCHEME_FILE)
        return;
    curl_easy_getinfo(transfer->easy, CURLINFO_PRIMARY_IP, &address);
    if (head->has_range)
        snprintf(bytes, sizeof bytes, ", bytes %" PRIu64 "-%" PRIu64,
                 head->from, head->to - 1);
    sp_ctx_detail(transfer->ctx, "%s: %s %d%s from %s, %s connection%s",
                  transfer->url.shown, protocol(transfer), head->status, bytes,
                  address == NULL ? "?" : address,
                  answer->reused ? "reused" : "new",
                  answer->proxied ? ", by a proxy" : "");
}

/* Once, before the first byte: at the end of the head, where there is one. */
static enum spull_code tell_head(struct sp_transfer *transfer)
{
    struct sp_answer answer = {.url = &transfer->url, .head = &transfer->head};
    long fresh = 0;

    if (transfer->head_told)
        return SPULL_OK;
    transfer->head_told = true;
    curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &fresh);
    answer.reused = fresh == 0;
    answer.round_trip_ms = round_trip_ms(transfer, answer.reused);
    answer.proxied = is_proxied(transfer);
    tell_detail(transfer, &answer);
    transfer->refused =
        transfer->sink.head(transfer->sink.payload, &answer, &transfer->err);
    return transfer->refused;
}

/*
 * The empty line that ends a head: 1xx are followed by another, and trailers
 * (RFC 9110, section 6.5) come when the sink knows already. libcurl takes a
 * connection that closes within a head for an answer without a body.
 */
static void note_end(struct sp_transfer *transfer, const char *line, size_t len)
{
    if (len >= 5 && strncmp(line, "HTTP/", 5) == 0)
        transfer->head_whole = false;
    else if (len == 0 || line[0] == '\r' || line[0] == '\n')
        transfer->head_whole = true;
}

static size_t on_line(char *line, size_t one, size_t len, void *payload)
{
    struct sp_transfer *transfer = payload;

    (void)one;
    if (!sp_head_line(&transfer->head, line, len)) {
        transfer->refused = sp_err_set(&transfer->err, SPULL_INTEGRITY,
                                       "the answer's head has no end");
        return 0;
    }
    note_end(transfer, line, len);
    if (transfer->head_whole)
        sp_hosts_heard(&transfer->ctx->hosts, transfer->url.origin);
    if (transfer->head_whole && is_wanted(transfer) &&
        tell_head(transfer) != SPULL_OK)
        return 0;
    return len;
}

/* A little of a redirect's or an error's body is worth a kept connection. */
static size_t discard(struct sp_transfer *transfer, size_t len)
{
    transfer->discarded += len;
    return transfer->discarded > SP_DISCARD_MAX ? 0 : len;
}

static size_t on_body(char *bytes, size_t one, size_t len, void *payload)
{
    struct sp_transfer *transfer = payload;

    (void)one;
    if (sp_ctx_cancelled(transfer->ctx) || atomic_load(&transfer->dropped))
        return 0;
    if (transfer->url.scheme == SP_SCHEME_FILE && !transfer->head_told)
        head_of_file(transfer);
    if (!is_wanted(transfer))
        return discard(transfer, len);
    if (tell_head(transfer) != SPULL_OK)
        return 0;
    if (sp_transfer_is_early(transfer, len))
        return CURL_WRITEFUNC_PAUSE;
    transfer->refused =
        transfer->sink.body(transfer->sink.payload, bytes, len, &transfer->err);
    return transfer->refused == SPULL_OK ? len : 0;
}

/* What libcurl logs is asked for until it has sent the request. */
static int on_log(CURL *easy, curl_infotype type, char *bytes, size_t len,
                  void *payload)
{
    struct sp_transfer *transfer = payload;
    const char *target = NULL;

    if (type != CURLINFO_HEADER_OUT)
        return 0;
    target = memchr(bytes, ' ', len);
    transfer->whole_url = target != NULL &&
                          (size_t)(bytes + len - target) > strlen(" http://") &&
                          strncmp(target, " http://", strlen(" http://")) == 0;
    curl_easy_setopt(easy, CURLOPT_VERBOSE, 0L);
    return 0;
}

static bool set_callbacks(struct sp_transfer *transfer)
{
    CURL *easy = transfer->easy;

    return curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_line) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_log) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_DEBUGDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_text) ==
               CURLE_OK;
}

/* To open a pipe or a tape would block the thread that carries all transfers;
 * what is missing or forbidden is found out by the attempt. */
static void refuse_special_file(struct sp_transfer *transfer)
{
    struct stat info;
    char *path = NULL;

    if (transfer->url.scheme != SP_SCHEME_FILE)
        return;
    path = sp_url_file_path(&transfer->url);
    if (path == NULL)
        transfer->refused = sp_err_nomem(&transfer->err);
    else if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        transfer->refused = sp_err_set(&transfer->err, SPULL_NOT_FOUND,
                                       "it is not a regular file");
    free(path);
}

struct sp_transfer *sp_transfer_new(struct sp_ctx *ctx,
                                    const struct sp_url *home,
                                    const struct sp_request *request,
                                    const struct sp_sink *sink,
                                    struct spull_error *err)
{
    struct sp_transfer *transfer = calloc(1, sizeof *transfer);

    if (transfer == NULL)
        goto nomem;
    transfer->ctx = ctx;
    transfer->home = home;
    transfer->sink = *sink;
    transfer->document = request->document;
    transfer->hurried = request->hurried;
    transfer->since_ms = request->since_ms;
    transfer->no_http2 = request->http1;
    transfer->easy = curl_easy_init();
    if (transfer->easy == NULL ||
        sp_url_copy(request->url, &transfer->url, err) != SPULL_OK ||
        !set_callbacks(transfer) || !sp_transfer_set_up(transfer, request))
        goto nomem;
    refuse_special_file(transfer);
    return transfer;
nomem:
    sp_transfer_free(transfer);
    sp_err_nomem(err);
    return NULL;
}

void sp_transfer_free(struct sp_transfer *transfer)
{
    if (transfer == NULL)
        return;
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->fields);
    free(transfer->if_range);
    sp_head_done(&transfer->head);
    sp_url_done(&transfer->url);
    free(transfer);
}

/* Sets the transfer up for where its Location leads. */
static bool take_redirect(struct sp_transfer *transfer)
{
    struct sp_url next = {0};

    if (transfer->redirects++ == SP_REDIRECTS_MAX) {
        transfer->refused =
            sp_err_set(&transfer->err, SPULL_NETWORK, "more than %d redirects",
                       SP_REDIRECTS_MAX);
        return false;
    }
    transfer->refused = sp_url_follow(&transfer->url, transfer->head.location,
                                      &next, &transfer->err);
    if (transfer->refused != SPULL_OK)
        return false;
    sp_ctx_detail(transfer->ctx, "%s: redirected to %s", transfer->url.shown,
                  next.shown);
    sp_url_done(&transfer->url);
    transfer->url = next;
    transfer->head.status = 0;
    transfer->head.seen = 0;
    transfer->head_whole = false;
    transfer->discarded = 0;
    return sp_transfer_set_hop(transfer);
}

static void report(struct sp_transfer *transfer, CURLcode result)
{
    struct sp_end end = {0};
    curl_off_t wait = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &wait);
    /* A date that has passed makes it negative. */
    end.retry_after = wait < 0          ? 0
                      : wait > UINT_MAX ? UINT_MAX
                                        : (unsigned)wait;
    end.redirects = transfer->redirects;
    end.url = &transfer->url;
    end.head = &transfer->head;
    sp_transfer_why(transfer, result, &end);
    transfer->sink.end(transfer->sink.payload, &end);
}

bool sp_transfer_finish(struct sp_transfer *transfer, CURLcode result)
{
    bool given_up = sp_ctx_cancelled(transfer->ctx) ||
                    atomic_load(&transfer->dropped) ||
                    transfer->refused != SPULL_OK;

    if (transfer->url.scheme != SP_SCHEME_FILE && !transfer->head_whole &&
        result == CURLE_OK)
        result = CURLE_RECV_ERROR;
    if (!given_up && transfer->head_whole && is_redirect(transfer) &&
        take_redirect(transfer))
        return true;
    if (!given_up && result == CURLE_OK) {
        if (transfer->url.scheme == SP_SCHEME_FILE && !transfer->head_told)
            head_of_file(transfer);
        if (is_wanted(transfer))
            tell_head(transfer);
    }
    report(transfer, result);
    return false;
}
