/* SPDX-License-Identifier: MIT */
/*
 * http_transfer: one transfer on one easy handle, over all its redirects. What
 * libcurl is told, and what it tells, is here; what its errors mean is in
 * http_why.c.
 */
#include <limits.h>
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

/* Once, before the first byte: at the end of the head, where there is one. */
static enum spull_code tell_head(struct sp_transfer *transfer)
{
    if (transfer->head_told)
        return SPULL_OK;
    transfer->head_told = true;
    transfer->refused =
        transfer->sink.head(transfer->sink.payload, &transfer->url,
                            &transfer->head, &transfer->err);
    return transfer->refused;
}

/* The empty line that ends a head: 1xx are followed by another, and trailers
 * (RFC 9110, section 6.5) come when the sink knows already. */
static bool ends_head(const struct sp_transfer *transfer, const char *line,
                      size_t len)
{
    return is_wanted(transfer) &&
           (len == 0 || line[0] == '\r' || line[0] == '\n');
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
    if (ends_head(transfer, line, len) && tell_head(transfer) != SPULL_OK)
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
    transfer->refused =
        transfer->sink.body(transfer->sink.payload, bytes, len, &transfer->err);
    return transfer->refused == SPULL_OK ? len : 0;
}

/* The addresses' names as CURLOPT_PROTOCOLS wants them; 7.85 changed how. */
static CURLcode allow_scheme(CURL *easy, enum sp_scheme scheme)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    static const char *const names[] = {"http", "https", "file"};
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, names[scheme]);
#else
    static const long bits[] = {CURLPROTO_HTTP, CURLPROTO_HTTPS,
                                CURLPROTO_FILE};
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, bits[scheme]);
#endif
}

static CURLcode set_hop(struct sp_transfer *transfer)
{
    CURLcode code = allow_scheme(transfer->easy, transfer->url.scheme);

    if (code == CURLE_OK)
        code =
            curl_easy_setopt(transfer->easy, CURLOPT_URL, transfer->url.text);
    transfer->curl_text[0] = '\0';
    return code;
}

static CURLcode set_callbacks(struct sp_transfer *transfer)
{
    CURL *easy = transfer->easy;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);

    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_line);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_text);
    return code;
}

static CURLcode set_timers(struct sp_transfer *transfer)
{
    const struct spull_options *opts = &transfer->ctx->opts;
    CURL *easy = transfer->easy;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT,
                                     (long)opts->connect_timeout);

    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT,
                                (long)SP_STALL_RATE);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                                (long)opts->stall_timeout);
    if (code == CURLE_OK && transfer->document)
        code =
            curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)SP_DOCUMENT_SECONDS);
    if (code == CURLE_OK && transfer->document)
        code = curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    return code;
}

/* One bundle or directory stands instead of libcurl's own, not beside it. */
static CURLcode set_trust(struct sp_transfer *transfer)
{
    const struct spull_options *opts = &transfer->ctx->opts;
    CURLcode code = CURLE_OK;

    if (opts->ca_file == NULL && opts->ca_dir == NULL)
        return CURLE_OK;
    code = curl_easy_setopt(transfer->easy, CURLOPT_CAINFO, opts->ca_file);
    if (code == CURLE_OK)
        code = curl_easy_setopt(transfer->easy, CURLOPT_CAPATH, opts->ca_dir);
    return code;
}

static CURLcode set_up(struct sp_transfer *transfer)
{
    CURL *easy = transfer->easy;
    CURLcode code = set_callbacks(transfer);

    if (code == CURLE_OK)
        code = set_timers(transfer);
    if (code == CURLE_OK)
        code = set_trust(transfer);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_USERAGENT,
                                transfer->ctx->opts.user_agent);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)SP_CHUNK);
    if (code == CURLE_OK) /* threads and SIGALRM don't go together */
        code = curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (code == CURLE_OK) /* a firewall forgets a connection that is silent */
        code = curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    if (code == CURLE_OK)
        code = set_hop(transfer);
    return code;
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
                                    const struct sp_request *request,
                                    const struct sp_sink *sink,
                                    struct spull_error *err)
{
    struct sp_transfer *transfer = calloc(1, sizeof *transfer);

    if (transfer == NULL)
        goto nomem;
    transfer->ctx = ctx;
    transfer->sink = *sink;
    transfer->document = request->document;
    transfer->easy = curl_easy_init();
    if (transfer->easy == NULL ||
        sp_url_copy(request->url, &transfer->url, err) != SPULL_OK ||
        set_up(transfer) != CURLE_OK)
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
    transfer->discarded = 0;
    return set_hop(transfer) == CURLE_OK;
}

static void report(struct sp_transfer *transfer, CURLcode result)
{
    struct sp_end end = {0};
    curl_off_t wait = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &wait);
    end.retry_after = wait > UINT_MAX ? UINT_MAX : (unsigned)wait;
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

    if (!given_up && is_redirect(transfer) && take_redirect(transfer))
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
