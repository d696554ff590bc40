/* SPDX-License-Identifier: MIT */
/*
 * http: transfers. A request goes in; a head, a body and an end come out.
 *
 * One thread and one libcurl multi handle per session carry all transfers, so
 * connections are shared and kept alive. Redirects are followed here, each hop
 * vetted by sp_url_follow(). No retries and no files: what an end means for the
 * blob is the business of the steps.
 */
#ifndef SP_HTTP_H
#define SP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spull.h>

#include "buf.h"
#include "ctx.h"
#include "head.h"
#include "url.h"

struct sp_http;
struct sp_transfer;

/*
 * Headers and client certificate of the options go to home's scheme, host and
 * port alone. ctx and home must outlive it. No thread is started before the
 * first transfer.
 */
enum spull_code sp_http_new(struct sp_ctx *ctx, const struct sp_url *home,
                            struct sp_http **out, struct spull_error *err);

/* Ends what still runs (with SPULL_CANCELLED) and the thread. */
void sp_http_free(struct sp_http *http);

/* How a transfer ended. */
struct sp_end {
    enum spull_code code;       /* 0: the whole body came */
    bool transient;             /* another try may well succeed */
    bool lost;                  /* there was no answer, and the host was lost
                                   when that began for which it is */
    bool http1;                 /* the next try does better without HTTP/2 */
    unsigned retry_after;       /* seconds that the server asks for, or 0 */
    unsigned redirects;         /* that were taken, or refused last */
    const struct sp_url *url;   /* that answered last, after redirects */
    const struct sp_head *head; /* its last head; status 0: there was none */
    struct spull_error err;     /* "https://host/path: why" */
};

/* Who answers, and what. Lives as long as the callback runs. */
struct sp_answer {
    const struct sp_url *url; /* after redirects */
    const struct sp_head *head;
    bool reused;            /* the connection was open already */
    unsigned round_trip_ms; /* at least 1; what the server thinks is in it where
                               the connection was reused */
    bool proxied;           /* by a proxy that sees the request */
};

/*
 * What a transfer reports, in the network thread: be quick. head comes once,
 * for a 2xx status (a file that opens counts as 200), before any of the body.
 * Anything but 0 from head or body ends the transfer with that code and error.
 * end comes exactly once, last; the transfer is gone when it returns.
 */
struct sp_sink {
    void *payload;
    enum spull_code (*head)(void *payload, const struct sp_answer *answer,
                            struct spull_error *err);
    enum spull_code (*body)(void *payload, const void *bytes, size_t len,
                            struct spull_error *err);
    void (*end)(void *payload, const struct sp_end *end);
};

struct sp_request {
    const struct sp_url *url; /* copied */
    bool document;            /* may come compressed, and beside others over one
                                 connection; has a time limit */
    uint64_t max_ms;          /* that limit; for all else, 0: none */
    bool ranged;              /* ask for bytes [from, to) only */
    uint64_t from, to;
    bool hurried;         /* is given less time to connect: there is little
                             hope, or little need */
    uint64_t since_ms;    /* when that began for which it is, by sp_watch_ms():
                             a host that was lost by then is not waited for;
                             0: any is */
    const char *if_range; /* a strong ETag that must still hold; NULL, "" */
    bool http1;           /* no HTTP/2 */
};

/*
 * Starts a transfer. On failure (SPULL_INTERNAL) the sink is never called. *out
 * may be NULL if nobody will drop the transfer.
 */
enum spull_code sp_http_start(struct sp_http *http,
                              const struct sp_request *request,
                              const struct sp_sink *sink,
                              struct sp_transfer **out,
                              struct spull_error *err);

/*
 * The same, and waits for the end; returns what the transfer ended with. The
 * sink's head and end may be NULL.
 */
enum spull_code sp_http_run(struct sp_http *http,
                            const struct sp_request *request,
                            const struct sp_sink *sink,
                            struct spull_error *err);

/*
 * Ends a transfer soon, with SPULL_CANCELLED. The caller knows that end has not
 * been called yet, for instance by a lock that end takes too.
 */
void sp_http_drop(struct sp_http *http, struct sp_transfer *transfer);

/*
 * Milliseconds in which the network thread did not wait for the network, from a
 * start of no meaning: it used a processor, wanted one, or a disk held it up.
 */
uint64_t sp_http_busy_ms(struct sp_http *http);

/*
 * When the network thread last looked at all its connections, by sp_watch_ms():
 * what had come before has been told. On a busy machine that may be long ago.
 */
uint64_t sp_http_looked_ms(struct sp_http *http);

/* What came of a document. */
struct sp_got {
    struct sp_url url;    /* that answered; to end with sp_url_done() */
    bool transient;       /* of a failure: another try may well succeed */
    bool lost;            /* as of struct sp_end */
    bool http1;           /* the next try does better without HTTP/2 */
    unsigned retry_after; /* seconds, 0: the server did not say */
};

/*
 * Waits for the document that request asks for, no longer than its max_ms or
 * SP_DOCUMENT_SECONDS, and appends it to body, whose maximum counts. *out is
 * written in any case. Any code but USAGE and EXISTS.
 */
enum spull_code sp_http_get(struct sp_http *http,
                            const struct sp_request *request,
                            struct sp_buf *body, struct sp_got *out,
                            struct spull_error *err);

#endif
