/* SPDX-License-Identifier: MIT */
/*
 * fetch_lane: one connection's stream. The head decides whether the answer fits
 * what was asked and what the others do; the body is staged into writes of a
 * useful size; the end says how much of the span is there. Network thread.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "err.h"
#include "fetch_internal.h"
#include "manifest.h"

/* --- the head: is this what was asked for? -------------------------------- */

static enum spull_code wrong_size(const struct fetch *fetch, const char *what,
                                  uint64_t bytes, struct spull_error *err)
{
    const struct sp_blob *blob = fetch->blob;

    return sp_err_set(err, SPULL_INTEGRITY,
                      "size mismatch: the manifest says %" PRIu64 " %s, the "
                      "server %s %" PRIu64 " bytes",
                      blob->stated, blob->strict ? "bytes" : "bytes or KiB",
                      what, bytes);
}

/* The first to know the size tells the others, and makes room for it before a
 * byte is written; who disagrees is refused. */
static enum spull_code agree_on_size(struct fetch *fetch, uint64_t size,
                                     struct spull_error *err)
{
    if (fetch->has_size && fetch->size != size)
        return sp_err_set(err, SPULL_INTEGRITY,
                          "size mismatch: %" PRIu64 " bytes here, %" PRIu64
                          " bytes before",
                          size, fetch->size);
    if (!sp_size_matches(fetch->blob->stated, size, fetch->blob->strict))
        return wrong_size(fetch, "announces", size, err);
    if (fetch->has_size)
        return SPULL_OK;
    fetch->has_size = true;
    fetch->size = size;
    sp_part_set_size(fetch->part, size);
    return sp_part_reserve(fetch->part, size, err);
}

/*
 * If-Range holds for servers that know it; for the rest, this is the equivalent
 * check. An answer of a later version is of no use to the bytes before. The
 * first answer sets what the others have to be. A strong ETag says all: the
 * hosts behind a name may each have a date of their own, and an answer to
 * If-Range should have none (RFC 9110, section 15.3.7).
 */
static bool is_same_version(struct source *source, const struct sp_head *head)
{
    if (source->fickle)
        return true;
    if (!source->has_version) {
        source->has_version = true;
        memcpy(source->etag, head->etag, sizeof source->etag);
        memcpy(source->last_modified, head->last_modified,
               sizeof source->last_modified);
        return true;
    }
    if (strcmp(source->etag, head->etag) != 0)
        return false;
    return source->etag[0] != '\0' ||
           strcmp(source->last_modified, head->last_modified) == 0;
}

static enum spull_code begin_again(struct lane *lane, const char *why,
                                   struct spull_error *err)
{
    sp_ctx_detail(lane->fetch->watch->ctx, "%s: %s; beginning again",
                  lane->source->url->shown, why);
    lane->fetch->restart = true;
    lane->ending = LANE_UNWANTED;
    return sp_err_set(err, SPULL_NETWORK, "%s", why);
}

/* In one stream: a server that changes its mind is not asked for ranges a
 * second time. */
static enum spull_code begin_whole(struct lane *lane, const char *why,
                                   struct spull_error *err)
{
    lane->fetch->single = true;
    return begin_again(lane, why, err);
}

/* Is what the part holds worth more than this answer, which contradicts it? */
static bool others_hold(const struct fetch *fetch, const struct source *source)
{
    for (size_t i = 0; i < fetch->blob->url_count; i++)
        if (&fetch->sources[i] != source && !fetch->sources[i].out &&
            sp_source_has_brought(fetch, &fetch->sources[i]))
            return true;
    return false;
}

/*
 * An answer that does not fit what others have brought is one URL's affair: it
 * is dropped as long as there are others, and their bytes stay. Where there are
 * none, all begin again.
 */
static enum spull_code contradict(struct lane *lane, const char *why,
                                  struct spull_error *err)
{
    if (!others_hold(lane->fetch, lane->source))
        return begin_whole(lane, why, err);
    lane->source->differs = true;
    return sp_err_set(err, SPULL_NETWORK, "%s", why);
}

/*
 * The hosts behind a name may each have a validator of their own, and then none
 * says anything of the bytes, but the digest does. So the first change makes
 * all begin again without it, ranges as before. Where the digest was wrong
 * after that, the next attempt takes a change for what it seems to be.
 */
static enum spull_code change(struct lane *lane, struct spull_error *err)
{
    static const char why[] = "the blob changed meanwhile";

    if (lane->fetch->blob->afresh || others_hold(lane->fetch, lane->source))
        return contradict(lane, why, err);
    lane->source->fickle = true;
    return begin_again(lane, why, err);
}

/* Are these the bytes that were asked for? Of several parts, each has a head of
 * its own in the body (RFC 9110, section 15.3.7.2). */
static bool is_span_asked(const struct lane *lane, const struct sp_head *head)
{
    return strncasecmp(head->type, "multipart/", strlen("multipart/")) != 0 &&
           head->has_range && head->has_total && head->to > head->from &&
           head->from == atomic_load(&lane->at) &&
           (!head->has_length || head->length == head->to - head->from);
}

static enum spull_code take_span(struct lane *lane, const struct sp_head *head,
                                 struct spull_error *err)
{
    struct fetch *fetch = lane->fetch;
    enum spull_code code = SPULL_OK;

    if (!lane->ranged)
        return sp_err_set(err, SPULL_NETWORK,
                          "the server sends a part (206) "
                          "where the whole was asked for");
    if (fetch->single) {
        lane->ending = LANE_UNWANTED;
        return sp_err_set(err, SPULL_NETWORK, "too late");
    }
    if (!is_span_asked(lane, head))
        return contradict(lane, "the server sends other bytes than asked for",
                          err);
    if (!is_same_version(lane->source, head))
        return change(lane, err);
    if (fetch->has_size && fetch->size != head->total) {
        if (!others_hold(fetch, lane->source))
            return begin_whole(lane, "the blob changed meanwhile", err);
        lane->source->differs = true;
    }
    code = agree_on_size(fetch, head->total, err);
    if (code == SPULL_OK && head->to < atomic_load(&lane->to))
        atomic_store(&lane->to, head->to);
    return code;
}

/* Where others know ranges, its stream of the whole is not needed. */
static enum spull_code pass(struct lane *lane, struct spull_error *err)
{
    static const char why[] = "the server ignores ranges";

    sp_ctx_detail(lane->fetch->watch->ctx,
                  "%s: %s; going on with other addresses",
                  lane->source->url->shown, why);
    lane->source->no_ranges = true;
    lane->ending = LANE_UNWANTED;
    return sp_err_set(err, SPULL_NETWORK, "%s", why);
}

/* What is there is written again from 0. */
static void take_all(struct lane *lane)
{
    lane->fetch->has_size = false;
    lane->ranged = false;
    lane->from = 0;
    atomic_store(&lane->at, 0);
    atomic_store(&lane->to, lane->fetch->bound);
    sp_fetch_empty(lane->fetch);
}

/* A whole that was not asked for can be used all the same where nothing else is
 * under way. */
static enum spull_code use_whole(struct lane *lane, struct spull_error *err)
{
    struct fetch *fetch = lane->fetch;

    if (!fetch->single &&
        sp_source_can_pass(fetch, lane->source, sp_watch_ms()))
        return pass(lane, err);
    if (fetch->single || fetch->busy > 1)
        return begin_whole(lane, "the server ignores ranges", err);
    sp_ctx_detail(fetch->watch->ctx,
                  "%s: the server ignores ranges; taking the whole, over one "
                  "connection",
                  lane->source->url->shown);
    lane->source->no_ranges = true;
    fetch->single = true;
    take_all(lane);
    return SPULL_OK;
}

/* Does the server know ranges, and only not the version that If-Range named? */
static bool is_about_version(const struct lane *lane,
                             const struct sp_head *head)
{
    return lane->ranged && lane->conditional && !lane->fetch->blob->afresh &&
           head->etag[0] != '\0' && strcmp(lane->source->etag, head->etag) != 0;
}

/* The same, where the one connection that there may be brings the whole. */
static enum spull_code use_version(struct lane *lane, struct spull_error *err)
{
    if (lane->fetch->pace.most > 1 || lane->fetch->busy > 1)
        return change(lane, err);
    sp_ctx_detail(lane->fetch->watch->ctx,
                  "%s: the blob changed meanwhile; taking the whole",
                  lane->source->url->shown);
    lane->source->fickle = true;
    take_all(lane);
    return SPULL_OK;
}

static enum spull_code take_whole(struct lane *lane, const struct sp_head *head,
                                  struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    if (is_about_version(lane, head))
        code = use_version(lane, err);
    else if (lane->ranged)
        code = use_whole(lane, err);
    lane->source->has_version = false;
    is_same_version(lane->source, head);
    if (code == SPULL_OK && head->has_length)
        code = agree_on_size(lane->fetch, head->length, err);
    return code;
}

/* All that runs is about to be dropped. */
static enum spull_code come_too_late(struct lane *lane, struct spull_error *err)
{
    lane->ending = LANE_UNWANTED;
    return sp_err_set(err, SPULL_NETWORK, "too late");
}

static enum spull_code on_head(void *payload, const struct sp_answer *answer,
                               struct spull_error *err)
{
    struct lane *lane = payload;
    struct fetch *fetch = lane->fetch;
    enum spull_code code = SPULL_OK;

    lane->is_coded = answer->head->is_coded;
    pthread_mutex_lock(&fetch->lock);
    if (!answer->reused || fetch->round_trip_ms == 0)
        fetch->round_trip_ms = answer->round_trip_ms;
    /* A plain proxy would fetch, and perhaps keep, the whole for each span. */
    if (answer->proxied && answer->url->scheme == SP_SCHEME_HTTP &&
        fetch->pace.most > 1)
        sp_fetch_keep_to_one(fetch, "there is a proxy for plain http");
    if (fetch->restart)
        code = come_too_late(lane, err);
    else if (answer->head->status == 206)
        code = take_span(lane, answer->head, err);
    else
        code = take_whole(lane, answer->head, err);
    pthread_cond_signal(&fetch->news); /* the size, for more lanes */
    pthread_mutex_unlock(&fetch->lock);
    return code;
}

/* --- the body ------------------------------------------------------------- */

static enum spull_code flush(struct lane *lane, struct spull_error *err)
{
    uint64_t at = atomic_load(&lane->at) - lane->staged_len;
    size_t len = lane->staged_len;

    lane->staged_len = 0;
    if (len == 0)
        return SPULL_OK;
    return sp_part_write(lane->fetch->part, at, lane->staged, len, err);
}

/* Writes end where a multiple of SP_CHUNK does in the file, and so where pages,
 * blocks and stripes do: no write begins in the middle of one. */
static enum spull_code stage(struct lane *lane, const unsigned char *bytes,
                             size_t len, struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    while (len > 0 && code == SPULL_OK) {
        size_t room = SP_CHUNK - (size_t)(atomic_load(&lane->at) % SP_CHUNK);
        size_t some = len < room ? len : room;
        memcpy(lane->staged + lane->staged_len, bytes, some);
        lane->staged_len += some;
        atomic_fetch_add(&lane->at, some);
        if (some == room)
            code = flush(lane, err);
        bytes += some;
        len -= some;
    }
    return code;
}

static enum spull_code on_body(void *payload, const void *bytes, size_t len,
                               struct spull_error *err)
{
    struct lane *lane = payload;
    uint64_t at = atomic_load(&lane->at);
    uint64_t to = atomic_load(&lane->to);
    uint64_t room = to > at ? to - at : 0;
    enum spull_code code = SPULL_OK;

    lane->got += len;
    atomic_store(&lane->warm, true);
    atomic_store(&lane->heard_ms, sp_watch_ms());
    if (len > room && !lane->ranged)
        return wrong_size(lane->fetch, "sends more than", room + at, err);
    code = stage(lane, bytes, len < room ? len : (size_t)room, err);
    if (code != SPULL_OK || len <= room)
        return code;
    /* Another lane has taken the rest over. */
    lane->ending = LANE_DONE;
    return sp_err_set(err, SPULL_CANCELLED, "enough");
}

/* --- the end -------------------------------------------------------------- */

static void truncated(struct lane *lane, uint64_t missing)
{
    lane->code = sp_err_set(&lane->err, SPULL_NETWORK,
                            "%s: the body ends %" PRIu64 " bytes early",
                            lane->source->url->shown, missing);
    lane->transient = true;
    lane->ending = LANE_FAILED;
}

/* The body came to its end by itself. Was that the end of the span? */
static void judge_whole_body(struct lane *lane)
{
    struct fetch *fetch = lane->fetch;
    uint64_t at = atomic_load(&lane->at);
    uint64_t to = atomic_load(&lane->to);

    if (!lane->ranged && fetch->has_size)
        to = fetch->size;
    if (!lane->ranged && !fetch->has_size) {
        to = at;
        lane->code = agree_on_size(fetch, at, &lane->err);
        if (lane->code != SPULL_OK)
            sp_err_wrap(&lane->err, lane->code, "%s", lane->source->url->shown);
    }
    lane->ending = lane->code == SPULL_OK ? LANE_DONE : LANE_FAILED;
    if (at < to)
        truncated(lane, to - at);
}

/* written is how the last flush went. */
static void judge(struct lane *lane, enum spull_code written)
{
    if (written != SPULL_OK)
        lane->ending = LANE_FAILED;
    else if (lane->ending != LANE_RUNS)
        return;
    else if (lane->code == SPULL_OK)
        judge_whole_body(lane);
    else
        lane->ending =
            lane->ranged && atomic_load(&lane->at) >= atomic_load(&lane->to)
                ? LANE_DONE
                : LANE_FAILED;
}

static void on_end(void *payload, const struct sp_end *end)
{
    struct lane *lane = payload;
    struct fetch *fetch = lane->fetch;
    struct spull_error err = {0};
    enum spull_code code = SPULL_OK;

    /* What came is kept, however it ended; but not of an unwanted answer. */
    if (lane->ending != LANE_UNWANTED)
        code = flush(lane, &err);
    pthread_mutex_lock(&fetch->lock);
    lane->code = code != SPULL_OK ? code : end->code;
    lane->err = code != SPULL_OK ? err : end->err;
    lane->transient = code == SPULL_OK && end->transient;
    lane->lost = code == SPULL_OK && end->lost;
    lane->http1 = end->http1;
    lane->retry_after = end->retry_after;
    judge(lane, code);
    if (lane->is_coded && lane->code == SPULL_INTEGRITY)
        sp_err_hint(&lane->err, "the server says that it has compressed it, "
                                "which nobody asked for (Content-Encoding)");
    lane->over = true;
    pthread_cond_signal(&fetch->news);
    pthread_mutex_unlock(&fetch->lock);
}

enum spull_code sp_lane_start(struct lane *lane, struct source *source,
                              const struct sp_span *span, bool ranged,
                              struct spull_error *err)
{
    struct sp_request request = {
        .url = source->url,
        .ranged = ranged,
        .from = span->from,
        .to = span->to,
        .http1 = source->http1,
        .hurried = lane->fetch->blob->tried && !source->served,
        .since_ms = lane->fetch->watch->start_ms,
        .if_range = source->fickle ? NULL : source->etag};
    struct sp_sink sink = {lane, on_head, on_body, on_end};

    if (lane->staged == NULL)
        lane->staged = malloc(SP_CHUNK);
    if (lane->staged == NULL)
        return sp_err_nomem(err);
    lane->source = source;
    lane->ranged = ranged;
    lane->from = span->from;
    atomic_store(&lane->at, span->from);
    atomic_store(&lane->to, span->to);
    lane->staged_len = 0;
    lane->got = 0;
    lane->is_coded = false;
    lane->start_ms = sp_watch_ms();
    atomic_store(&lane->heard_ms, lane->start_ms);
    lane->conditional = request.if_range != NULL && source->etag[0] != '\0';
    lane->asked_http1 = source->http1;
    lane->ending = LANE_RUNS;
    lane->let_go = false;
    lane->looked_ms = 0;
    lane->over = false;
    lane->code = SPULL_OK;
    return sp_http_start(lane->fetch->http, &request, &sink, &lane->transfer,
                         err);
}
