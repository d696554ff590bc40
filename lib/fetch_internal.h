/* SPDX-License-Identifier: MIT */
/*
 * fetch_internal: what the files of the room fetch share.
 *
 * fetch.c owns the loop: who works, on what, until when. fetch_lane.c is one
 * connection's stream into the part, and runs in the network thread.
 * fetch_plan.c cuts the missing bytes into spans. fetch_source.c knows what was
 * learned of each URL and what a failure means, fetch_silent.c who is not
 * waited for. fetch_look.c is for a few bytes alone, and needs none of this.
 * Nobody else includes it.
 */
#ifndef SP_FETCH_INTERNAL_H
#define SP_FETCH_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "fetch.h"
#include "limits.h"
#include "pace.h"
#include "retry.h"
#include "span.h"

/* A URL of the blob, and what was learned of it. Under the lock of fetch. */
struct source {
    const struct sp_url *url;
    struct sp_retry retry;
    bool out;               /* dropped for this run */
    bool differs;           /* but only for contradicting what others hold */
    bool no_ranges;         /* answered a range with the whole */
    bool http1;             /* is asked without HTTP/2 */
    bool served;            /* bytes of it are in the part */
    uint64_t rest_until_ms; /* no new transfer before */
    uint64_t down_ms;       /* since when it has brought nothing; 0: it does */
    unsigned silences;      /* how often others got its work since then */
    bool fickle;            /* says now this, now that of its version */
    bool has_version;       /* the first answer has said what it serves */
    char etag[SP_HEAD_VALIDATOR];
    char last_modified[SP_HEAD_VALIDATOR];
};

/* How a transfer ended, in the words of this room. */
enum ending {
    LANE_RUNS,
    LANE_DONE,     /* all of its span is written */
    LANE_FAILED,   /* code and err say why */
    LANE_UNWANTED, /* its answer does not fit what the others do */
};

/* One connection's work: bytes [at, to) of the blob. */
struct lane {
    struct fetch *fetch;
    struct source *source;
    struct sp_transfer *transfer; /* while busy and not over */
    bool busy;                    /* it has a transfer */
    bool ranged;                  /* asked for a span, not the whole */
    bool conditional;             /* and for one of this version */
    bool let_go;                  /* others have its work: how the network
                                     ends it means nothing */
    uint64_t from;                /* where its span began */
    uint64_t start_ms;
    uint64_t looked_ms; /* of the first look since then; 0: none yet */

    /* Either thread, without the lock. */
    atomic_uint_fast64_t at;       /* next byte to come */
    atomic_uint_fast64_t to;       /* may be lowered while it runs */
    atomic_uint_fast64_t heard_ms; /* when bytes last came */
    atomic_bool warm;              /* it has brought bytes, for any span */

    /* The network thread's, without the lock, until it is over. */
    unsigned char *staged; /* SP_CHUNK bytes: libcurl hands out 16 KiB at a
                              time, which is too little for a write */
    size_t staged_len;
    uint64_t got;  /* bytes of the body */
    bool is_coded; /* its head says so; it is taken as it is all the same */
    enum ending ending;

    bool over; /* what follows holds */
    enum spull_code code;
    struct spull_error err;
    bool transient;
    bool lost;        /* as of struct sp_end */
    bool asked_http1; /* it was asked without HTTP/2 */
    bool http1;       /* and the next try should be */
    unsigned retry_after;
};

struct fetch {
    struct sp_http *http;
    const struct sp_blob *blob;
    struct sp_part *part;
    struct sp_watch *watch;
    uint64_t bound; /* no blob of the stated size has more bytes */
    uint64_t start_ms;

    /* The caller's thread alone. */
    uint64_t transferred;
    bool broken;       /* a transfer has failed, and others went on */
    uint64_t credited; /* most bytes there ever were: more is progress */

    pthread_mutex_t lock; /* guards all below, but see struct lane */
    pthread_cond_t news;
    struct source sources[SP_URLS_MAX];
    struct lane lanes[SP_CONNECTIONS_MAX];
    struct sp_pace pace;
    unsigned busy;    /* lanes */
    uint64_t resumed; /* bytes of an earlier run that are in the part */
    bool has_size;
    uint64_t size;
    bool is_fit;      /* to that size */
    bool plain_first; /* begin without a range: it may be all there is */
    bool single;      /* one stream of the whole; ranges are of no use here */
    bool restart;     /* what is in the part can't be continued */
    unsigned round_trip_ms;
    uint64_t silence_ms;     /* after which a lane counts as dead */
    uint64_t patience_ms;    /* and one that is asked alone */
    uint64_t looked_ms;      /* what came before has been told to its lane */
    struct spull_error last; /* why the last source was dropped */
};

/* --- fetch.c --- */

/* No more connections than one, and says why. Needs the lock. */
void sp_fetch_keep_to_one(struct fetch *fetch, const char *why);

/* Forgets every byte that is there, those of an earlier run included. Needs the
 * lock. */
void sp_fetch_empty(struct fetch *fetch);

/* --- fetch_silent.c --- */

/* A thief took all that a stalled lane had left: it need not wait longer. Needs
 * the lock. */
void sp_fetch_release_robbed(struct fetch *fetch);

/*
 * Who is asked alone and brings nothing may be gone, which takes until
 * --connect-timeout to be certain. Meanwhile another one is asked, and this one
 * again, with more patience, if that one is silent, too. Needs the lock.
 */
void sp_fetch_pass_over(struct fetch *fetch, uint64_t now_ms);

/* --- fetch_lane.c --- */

/* Starts a transfer of span, or of the whole, on a free lane. */
enum spull_code sp_lane_start(struct lane *lane, struct source *source,
                              const struct sp_span *span, bool ranged,
                              struct spull_error *err);

/* --- fetch_plan.c --- */

/*
 * The next span for one more lane: the first that nobody has or fetches, of a
 * size that keeps the frontier moving; or else the end of the slowest lane's,
 * which then stops earlier. false: nothing is left to give. Needs the lock.
 */
bool sp_plan_next(struct fetch *fetch, uint64_t now_ms, struct sp_span *out);

/* Lanes that will still bring bytes in so many milliseconds; one that has been
 * silent for long doesn't count, so that another can have its work. Needs the
 * lock. */
unsigned sp_plan_lasting(const struct fetch *fetch, uint64_t now_ms,
                         unsigned ms);

/* --- fetch_source.c --- */

void sp_source_init(const struct fetch *fetch, struct source *source,
                    const struct sp_url *url);

/* The source for one more lane; NULL: none can be asked now. */
struct source *sp_source_pick(struct fetch *fetch, uint64_t now_ms);

/* Are there bytes to go on from, and others that may be expected to bring the
 * rest of them, so that nobody needs this one's stream of the whole? Needs the
 * lock. */
bool sp_source_can_pass(const struct fetch *fetch, const struct source *source,
                        uint64_t now_ms);

/* Could another one than this lane's, which is silent, be asked now, with as
 * much hope? Needs the lock. */
bool sp_source_has_other(const struct fetch *fetch, const struct lane *lane,
                         uint64_t now_ms);

/* The lane's source brings nothing, at least since it began. Needs the lock. */
void sp_source_is_down(const struct lane *lane);

/* Has it brought bytes that are in the part, or soon will be? Needs the lock.
 */
bool sp_source_has_brought(const struct fetch *fetch,
                           const struct source *source);

/* When a source may be asked again; 0: no source is left. */
uint64_t sp_source_rest_until(const struct fetch *fetch, uint64_t now_ms);

/*
 * Draws the conclusion of a lane's failure: another try, another source, or an
 * error that ends the fetch, whose code is returned.
 */
enum spull_code sp_source_failed(struct fetch *fetch, const struct lane *lane,
                                 struct spull_error *err);

#endif
