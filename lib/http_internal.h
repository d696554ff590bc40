/* SPDX-License-Identifier: MIT */
/*
 * http_internal: what the files of the room http share.
 *
 * http.c owns the thread and the multi handle, http_transfer.c one transfer and
 * its libcurl easy handle, http_setup.c what libcurl is told, http_alone.c who
 * speaks HTTP/2 alone, http_rate.c how quickly a body comes, http_why.c what
 * went wrong; http_run.c and http_get.c are for callers that wait. Nobody else
 * includes it.
 */
#ifndef SP_HTTP_INTERNAL_H
#define SP_HTTP_INTERNAL_H

#include <stdatomic.h>

#include <curl/curl.h>

#include "http.h"
#include "limits.h"

/* By scheme, host and port. The network thread's. */
struct sp_alone {
    char *origins[SP_HTTP2_ALONE_MAX];
    size_t count;
};

bool sp_alone_has(const struct sp_alone *alone, const char *origin);
void sp_alone_add(struct sp_alone *alone, const char *origin);
void sp_alone_done(struct sp_alone *alone);

struct sp_transfer {
    struct sp_ctx *ctx;
    const struct sp_url *home; /* who may see headers and certificate */
    struct sp_url url;         /* of this hop */
    struct sp_sink sink;
    bool document; /* may share a connection with others of its kind */
    bool hurried;  /* as in struct sp_request */
    uint64_t since_ms;
    bool no_http2; /* was asked for */
    bool http1; /* so this hop is without it, unless nothing else is spoken */
    struct sp_alone *alone; /* who speaks nothing else */
    bool to_begin;          /* the multi handle does not have it yet */
    CURL *easy;
    struct curl_slist *fields; /* of this hop's request */
    char *if_range;            /* the whole field, or NULL */
    bool whole_url;            /* was in the request: a proxy answers it */
    struct sp_head head;
    bool head_whole; /* its empty line has come */
    bool head_told;
    bool in_company; /* when it ended, others had answers of the same host */
    unsigned redirects;
    uint64_t rate;           /* bytes of the body a second; 0: no limit */
    uint64_t due_us;         /* when the next piece of it is due */
    bool paused;             /* until then */
    uint64_t discarded;      /* bytes of a body that nobody wants */
    enum spull_code refused; /* by the sink, or by a maximum */
    struct spull_error err;  /* why it was refused */
    char curl_text[CURL_ERROR_SIZE];
    atomic_bool dropped;
    struct sp_transfer *next; /* in the list of http.c that it is on */
};

/* A transfer that has not begun. NULL on failure, with err set. */
struct sp_transfer *sp_transfer_new(struct sp_ctx *ctx,
                                    const struct sp_url *home,
                                    const struct sp_request *request,
                                    const struct sp_sink *sink,
                                    struct spull_error *err);
void sp_transfer_free(struct sp_transfer *transfer);

/* Tells libcurl all of a request, or what one hop more changes. false: no
 * memory. */
bool sp_transfer_set_up(struct sp_transfer *transfer,
                        const struct sp_request *request);
bool sp_transfer_set_hop(struct sp_transfer *transfer);

/* And, in the network thread, by what was learned of the server meanwhile. */
bool sp_transfer_set_version(struct sp_transfer *transfer);

/* Does a piece of the body come before its time? Then libcurl has to keep it,
 * until the other one lets go on; what that returns but CURLE_OK is the end. */
bool sp_transfer_is_early(struct sp_transfer *transfer, size_t len);
CURLcode sp_transfer_go_on(struct sp_transfer *transfer);

/* Milliseconds until that makes sense; most where it never does. */
int sp_transfer_wait_ms(const struct sp_transfer *transfer, int most);

/*
 * Looks at how libcurl ended. true: it was a redirect, the transfer is set up
 * for the next hop. false: the end was reported to the sink.
 */
bool sp_transfer_finish(struct sp_transfer *transfer, CURLcode result);

/* Fills end's code, transient, lost, http1 and err from what happened. */
void sp_transfer_why(const struct sp_transfer *transfer, CURLcode result,
                     struct sp_end *end);

#endif
