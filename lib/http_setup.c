/* SPDX-License-Identifier: MIT */
/*
 * http_setup: what libcurl is told before a transfer, and before each hop of
 * it. Who may see a header or a certificate is decided in sp_transfer_set_hop()
 * and nowhere else.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "http_internal.h"
#include "limits.h"
#include "watch.h"

/* What libcurl reads at once below a limit of the rate, so that it comes
 * evenly. The least is the least that it takes (CURLOPT_BUFFERSIZE(3)). */
#define LIMITED_READ_MAX 8192
#define LIMITED_READ_MIN 1024

/* Remembers the first failure, so that settings can be a list of lines. */
struct setter {
    CURL *easy;
    CURLcode code;
};

static void set_number(struct setter *to, CURLoption option, long value)
{
    if (to->code == CURLE_OK)
        to->code = curl_easy_setopt(to->easy, option, value);
}

static void set_text(struct setter *to, CURLoption option, const char *value)
{
    if (to->code == CURLE_OK)
        to->code = curl_easy_setopt(to->easy, option, value);
}

static void set_given(struct setter *to, CURLoption option, const char *value)
{
    if (value != NULL)
        set_text(to, option, value);
}

/* The option wants names since 7.85 and bits before. */
static void allow_scheme(struct setter *to, enum sp_scheme scheme)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    static const char *const names[] = {"http", "https", "file"};
    set_text(to, CURLOPT_PROTOCOLS_STR, names[scheme]);
#else
    static const long bits[] = {CURLPROTO_HTTP, CURLPROTO_HTTPS,
                                CURLPROTO_FILE};
    set_number(to, CURLOPT_PROTOCOLS, bits[scheme]);
#endif
}

static void add_field(struct setter *to, struct sp_transfer *transfer,
                      const char *field)
{
    struct curl_slist *longer = curl_slist_append(transfer->fields, field);

    if (longer != NULL)
        transfer->fields = longer;
    else
        to->code = CURLE_OUT_OF_MEMORY;
}

static void set_fields(struct setter *to, struct sp_transfer *transfer,
                       bool home)
{
    const char *const *headers = transfer->ctx->opts.headers;

    curl_slist_free_all(transfer->fields);
    transfer->fields = NULL;
    if (transfer->if_range != NULL)
        add_field(to, transfer, transfer->if_range);
    for (size_t i = 0; home && headers != NULL && headers[i] != NULL; i++)
        add_field(to, transfer, headers[i]);
    if (to->code == CURLE_OK)
        to->code =
            curl_easy_setopt(to->easy, CURLOPT_HTTPHEADER, transfer->fields);
}

static long connect_ms(const struct sp_transfer *transfer)
{
    struct sp_ctx *ctx = transfer->ctx;
    long most = (long)ctx->opts.connect_timeout * 1000;
    bool hurried = transfer->hurried ||
                   sp_hosts_is_lost(&ctx->hosts, transfer->url.origin,
                                    transfer->since_ms, sp_watch_ms());

    return hurried && most > SP_HURRY_MS ? SP_HURRY_MS : most;
}

bool sp_transfer_set_hop(struct sp_transfer *transfer)
{
    const struct spull_options *opts = &transfer->ctx->opts;
    bool home = sp_url_same_origin(&transfer->url, transfer->home);
    struct setter to = {transfer->easy, CURLE_OK};

    transfer->curl_text[0] = '\0';
    allow_scheme(&to, transfer->url.scheme);
    set_text(&to, CURLOPT_URL, transfer->url.text);
    set_number(&to, CURLOPT_CONNECTTIMEOUT_MS, connect_ms(transfer));
    transfer->whole_url = false;
    set_number(&to, CURLOPT_VERBOSE, transfer->url.scheme == SP_SCHEME_HTTP);
    /* Rather one stream of a connection that is being made than one more. Only
     * TLS says early whether there will be streams. */
    set_number(&to, CURLOPT_PIPEWAIT,
               transfer->document && transfer->url.scheme == SP_SCHEME_HTTPS);
    set_fields(&to, transfer, home);
    set_text(&to, CURLOPT_SSLCERT, home ? opts->client_cert : NULL);
    set_text(&to, CURLOPT_SSLKEY, home ? opts->client_key : NULL);
    return to.code == CURLE_OK;
}

bool sp_transfer_set_version(struct sp_transfer *transfer)
{
    struct setter to = {transfer->easy, CURLE_OK};

    transfer->http1 = transfer->no_http2 &&
                      !sp_alone_has(transfer->alone, transfer->url.origin);
    set_number(&to, CURLOPT_HTTP_VERSION,
               transfer->http1 ? CURL_HTTP_VERSION_1_1
                               : CURL_HTTP_VERSION_NONE);
    return to.code == CURLE_OK;
}

static void set_timers(struct setter *to, const struct spull_options *opts,
                       const struct sp_request *request)
{
    set_number(to, CURLOPT_LOW_SPEED_LIMIT, SP_STALL_RATE);
    set_number(to, CURLOPT_LOW_SPEED_TIME, (long)opts->stall_timeout);
    if (request->document || request->max_ms > 0)
        set_number(to, CURLOPT_TIMEOUT_MS, (long)request->max_ms + 1);
}

/* Who is slow because he was told to be is not stalled. */
static void set_rate(struct setter *to, uint64_t limit)
{
    long bytes =
        limit / 10 < LIMITED_READ_MAX ? (long)(limit / 10) : LIMITED_READ_MAX;

    if (limit == 0)
        return;
    set_number(to, CURLOPT_BUFFERSIZE,
               bytes > LIMITED_READ_MIN ? bytes : LIMITED_READ_MIN);
    if (limit / 2 < SP_STALL_RATE)
        set_number(to, CURLOPT_LOW_SPEED_LIMIT, (long)(limit / 2));
}

/* One bundle or directory stands instead of libcurl's own, not beside it. */
static void set_trust(struct setter *to, const struct spull_options *opts)
{
    if (opts->ca_file == NULL && opts->ca_dir == NULL)
        return;
    set_text(to, CURLOPT_CAINFO, opts->ca_file);
    set_text(to, CURLOPT_CAPATH, opts->ca_dir);
}

static void set_network(struct setter *to, const struct spull_options *opts)
{
    static const long versions[] = {
        [4] = CURL_IPRESOLVE_V4, [6] = CURL_IPRESOLVE_V6};

    set_number(to, CURLOPT_NOSIGNAL, 1); /* SIGALRM and threads don't mix */
#if LIBCURL_VERSION_NUM >= 0x075700
    /* Or the end of a transfer waits for getaddrinfo(3), and with it all other
     * transfers, a cancel and the timers. */
    set_number(to, CURLOPT_QUICK_EXIT, 1);
#endif
    set_number(to, CURLOPT_TCP_KEEPALIVE, 1); /* firewalls forget the silent */
    set_number(to, CURLOPT_BUFFERSIZE, (long)SP_CHUNK);
    set_number(to, CURLOPT_IPRESOLVE, versions[opts->ip_version]);
    set_given(to, CURLOPT_PROXY, opts->proxy);
    set_given(to, CURLOPT_USERAGENT, opts->user_agent);
    if (opts->netrc_file != NULL)
        set_number(to, CURLOPT_NETRC, CURL_NETRC_OPTIONAL);
    set_given(to, CURLOPT_NETRC_FILE, opts->netrc_file);
}

static void set_range(struct setter *to, struct sp_transfer *transfer,
                      const struct sp_request *request)
{
    char range[48];

    if (!request->ranged)
        return;
    snprintf(range, sizeof range, "%" PRIu64 "-%" PRIu64, request->from,
             request->to - 1);
    set_text(to, CURLOPT_RANGE, range);
    if (request->if_range == NULL || request->if_range[0] == '\0')
        return;
    if (asprintf(&transfer->if_range, "If-Range: %s", request->if_range) < 0) {
        transfer->if_range = NULL;
        to->code = CURLE_OUT_OF_MEMORY;
    }
}

bool sp_transfer_set_up(struct sp_transfer *transfer,
                        const struct sp_request *request)
{
    const struct spull_options *opts = &transfer->ctx->opts;
    struct setter to = {transfer->easy, CURLE_OK};

    set_timers(&to, opts, request);
    set_trust(&to, opts);
    set_network(&to, opts);
    set_range(&to, transfer, request);
    if (request->document)
        set_text(&to, CURLOPT_ACCEPT_ENCODING, "");
    else
        set_rate(&to, opts->limit_rate);
    transfer->rate = request->document ? 0 : opts->limit_rate;
    return to.code == CURLE_OK && sp_transfer_set_hop(transfer);
}
