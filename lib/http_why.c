/* SPDX-License-Identifier: MIT */
/*
 * http_why: how a transfer failed, in the words of spull.h, and whether another
 * try may mend it. It counts no tries: that is retry's.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "http_internal.h"
#include "watch.h"

/* Statuses that say "not now": RFC 9110 section 15, RFC 6585, RFC 8470, and
 * those of proxies in front of the origin. */
static bool is_transient_status(int status)
{
    static const int list[] = {408, 425, 429, 500, 502, 503, 504, 522, 524};

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (list[i] == status)
            return true;
    return false;
}

static enum spull_code code_of_status(int status)
{
    switch (status) {
    case 404:
    case 410:
        return SPULL_NOT_FOUND;
    case 401:
    case 402:
    case 403:
    case 407:
    case 451:
        return SPULL_DENIED;
    default:
        return SPULL_NETWORK;
    }
}

/* What another try may mend: the way to the server, not what it says. */
static bool is_transient_result(CURLcode result)
{
    switch (result) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return true;
    default:
        return false;
    }
}

static void hint_at_proxy(struct spull_error *err)
{
    sp_err_hint(err, "a user and a password in the proxy's URL, "
                     "SCHEME://USER:PASSWORD@HOST:PORT, tell it who asks");
}

static void say_status(const struct sp_transfer *transfer, struct sp_end *end)
{
    int status = transfer->head.status;

    end->code = sp_err_set(&end->err, code_of_status(status),
                           "the %s answers with HTTP status %d",
                           status == 407 ? "proxy" : "server", status);
    end->err.http = status;
    if (status == 407)
        hint_at_proxy(&end->err);
    if (status == 401)
        sp_err_hint(&end->err, "--netrc, a header in spullrc or --client-cert "
                               "can tell it who asks");
    end->transient = is_transient_status(status);
}

/* What a proxy said to CONNECT, where that is why no server was reached. */
static int refused_tunnel(const struct sp_transfer *transfer, CURLcode result)
{
    long status = 0;

    if (result != CURLE_OK)
        curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    return status >= 300 ? (int)status : 0;
}

/* Its 404 is not about the blob. */
static void say_tunnel(int status, struct sp_end *end)
{
    enum spull_code code = code_of_status(status);

    if (code == SPULL_NOT_FOUND)
        code = SPULL_NETWORK;
    end->code = sp_err_set(&end->err, code,
                           "the proxy answers with HTTP status %d", status);
    if (status == 407)
        hint_at_proxy(&end->err);
    end->transient = is_transient_status(status);
}

/* libcurl does not say why a file can't be read. */
static void say_file(const struct sp_transfer *transfer, struct sp_end *end)
{
    char *path = sp_url_file_path(&transfer->url);
    struct stat info;
    int why = EIO;

    if (path == NULL) {
        end->code = sp_err_nomem(&end->err);
        return;
    }
    if (stat(path, &info) != 0 || access(path, R_OK) != 0)
        why = errno;
    free(path);
    end->code = why == ENOENT || why == ENOTDIR ? SPULL_NOT_FOUND
                : why == EACCES || why == EPERM ? SPULL_DENIED
                                                : SPULL_STORAGE;
    sp_err_sys(&end->err, end->code, why, "cannot read it");
}

/*
 * libcurl has a maximum of its own for a line of the head, and until 8.6 said
 * "out of memory" when it was reached.
 */
static bool is_endless_head(const struct sp_transfer *transfer, CURLcode result)
{
    char *address = NULL;

#if LIBCURL_VERSION_NUM >= 0x080600
    if (result == CURLE_TOO_LARGE)
        return true;
#endif
    if (result != CURLE_OUT_OF_MEMORY || transfer->head_told)
        return false;
    curl_easy_getinfo(transfer->easy, CURLINFO_PRIMARY_IP, &address);
    return address != NULL && address[0] != '\0';
}

/* What a SOCKS proxy says: of who asks, or of the way from there to the server,
 * which is as good or bad as ours. */
static enum spull_code judge_socks(long why, bool *transient)
{
    switch (why) {
    case CURLPX_IDENTD:
    case CURLPX_IDENTD_DIFFER:
    case CURLPX_NO_AUTH:
    case CURLPX_REPLY_NOT_ALLOWED:
    case CURLPX_USER_REJECTED:
        return SPULL_DENIED;
    case CURLPX_CLOSED:
    case CURLPX_RECV_ADDRESS:
    case CURLPX_RECV_AUTH:
    case CURLPX_RECV_CONNECT:
    case CURLPX_RECV_REQACK:
    case CURLPX_REPLY_CONNECTION_REFUSED:
    case CURLPX_REPLY_GENERAL_SERVER_FAILURE:
    case CURLPX_REPLY_HOST_UNREACHABLE:
    case CURLPX_REPLY_NETWORK_UNREACHABLE:
    case CURLPX_REPLY_TTL_EXPIRED:
    case CURLPX_REQUEST_FAILED: /* all that SOCKS 4 says */
    case CURLPX_RESOLVE_HOST:
    case CURLPX_SEND_AUTH:
    case CURLPX_SEND_CONNECT:
    case CURLPX_SEND_REQUEST:
        *transient = true;
        return SPULL_NETWORK;
    default:
        return SPULL_NETWORK;
    }
}

static void say_socks(const struct sp_transfer *transfer, const char *text,
                      struct sp_end *end)
{
    long why = CURLPX_OK;

    curl_easy_getinfo(transfer->easy, CURLINFO_PROXY_ERROR, &why);
    end->code = sp_err_set(&end->err, judge_socks(why, &end->transient),
                           "the proxy: %s", text);
    if (why == CURLPX_NO_AUTH || why == CURLPX_USER_REJECTED)
        hint_at_proxy(&end->err);
}

static void say_result(const struct sp_transfer *transfer, CURLcode result,
                       struct sp_end *end)
{
    const char *text = transfer->curl_text[0] != '\0'
                           ? transfer->curl_text
                           : curl_easy_strerror(result);

    if (result == CURLE_PROXY) {
        say_socks(transfer, text, end);
        return;
    }
    end->code = sp_err_set(&end->err, SPULL_NETWORK, "%s", text);
    end->transient = is_transient_result(result);
    if (result == CURLE_PEER_FAILED_VERIFICATION ||
        result == CURLE_SSL_CACERT_BADFILE)
        sp_err_hint(&end->err, "--ca-file FILE names the certificates to "
                               "trust, if your site has its own");
}

/* Why it ended, without the URL. */
static void say(const struct sp_transfer *transfer, CURLcode result,
                struct sp_end *end)
{
    int status = transfer->head.status;
    int tunnel = refused_tunnel(transfer, result);

    if (sp_ctx_cancelled(transfer->ctx) || atomic_load(&transfer->dropped)) {
        end->code = sp_ctx_say_cancelled(&end->err);
    } else if (transfer->refused != SPULL_OK) {
        end->code = transfer->refused;
        end->err = transfer->err;
    } else if (status >= 300 && transfer->head_whole) {
        say_status(transfer, end);
    } else if (tunnel != 0) {
        say_tunnel(tunnel, end);
    } else if (is_endless_head(transfer, result)) {
        end->code = sp_err_set(&end->err, SPULL_INTEGRITY,
                               "the answer's head has no end");
    } else if (result == CURLE_OUT_OF_MEMORY) {
        end->code = sp_err_nomem(&end->err);
    } else if (result == CURLE_FILE_COULDNT_READ_FILE) {
        say_file(transfer, end);
    } else if (result != CURLE_OK) {
        say_result(transfer, result, end);
    } else if (status < 200) {
        end->code = sp_err_set(&end->err, SPULL_NETWORK,
                               "the server's answer is no HTTP response");
    }
}

/* Has the host of this hop given no answer at all? A stream of HTTP/2 that is
 * refused is one; that a proxy gets none either is none. */
static bool is_missed(const struct sp_transfer *transfer, CURLcode result)
{
    return transfer->head.status == 0 && !transfer->in_company &&
           result != CURLE_HTTP2 && result != CURLE_HTTP2_STREAM;
}

/* Was it lost before? */
static bool note_missed(const struct sp_transfer *transfer,
                        struct spull_error *err)
{
    struct sp_hosts *hosts = &transfer->ctx->hosts;
    const char *origin = transfer->url.origin;
    uint64_t now_ms = sp_watch_ms();

    sp_hosts_missed(hosts, origin, now_ms);
    if (!sp_hosts_is_lost(hosts, origin, transfer->since_ms, now_ms))
        return false;
    sp_err_hint(err, "the host has given no answer for minutes, and is not "
                     "waited for");
    return true;
}

/* It was reached, and had no answer. A proxy's refusal is none of its. */
static bool is_silent(const struct sp_transfer *transfer, CURLcode result)
{
    return transfer->head.status == 0 &&
           refused_tunnel(transfer, result) == 0 &&
           (result == CURLE_SSL_CONNECT_ERROR || result == CURLE_GOT_NOTHING ||
            result == CURLE_SEND_ERROR || result == CURLE_RECV_ERROR);
}

/* A server may be better at HTTP/1.1, and may not speak it at all: that is
 * tried once. */
static bool wants_http1(const struct sp_transfer *transfer, CURLcode result)
{
    const char *origin = transfer->url.origin;

    if (transfer->http1 && is_silent(transfer, result))
        sp_alone_add(transfer->alone, origin);
    if (transfer->http1)
        return transfer->head.status != 0;
    return (result == CURLE_HTTP2 || result == CURLE_HTTP2_STREAM) &&
           !sp_alone_has(transfer->alone, origin);
}

void sp_transfer_why(const struct sp_transfer *transfer, CURLcode result,
                     struct sp_end *end)
{
    say(transfer, result, end);
    if (end->transient && is_missed(transfer, result))
        end->lost = note_missed(transfer, &end->err);
    end->http1 = wants_http1(transfer, result);
    if (end->code == SPULL_OK || end->code == SPULL_CANCELLED)
        return;
    /* A full disk here has nothing to do with the server. */
    if (transfer->refused != SPULL_STORAGE)
        sp_err_wrap(&end->err, end->code, "%s", transfer->url.shown);
}
