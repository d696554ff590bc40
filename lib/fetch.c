/* SPDX-License-Identifier: MIT */
/*
 * fetch: the loop. Each turn takes note of the connections that ended, gives
 * free ones work, and waits for news or a tick. What a failure means is decided
 * in retry, how many connections in pace, which bytes in fetch_plan.c; the
 * bytes themselves pass through fetch_lane.c, in the network thread.
 */
#include "fetch.h"

#include <stdlib.h>

#include "err.h"
#include "fetch_internal.h"
#include "manifest.h"
#include "thread.h"

/* --- beginning and end ---------------------------------------------------- */

void sp_fetch_keep_to_one(struct fetch *fetch, const char *why)
{
    const struct sp_url *url = &fetch->blob->urls[0];

    fetch->pace.most = 1;
    if (url->scheme != SP_SCHEME_FILE)
        sp_ctx_detail(fetch->watch->ctx, "%s: one connection, because %s",
                      url->shown, why);
}

/* Why there need be no more than one, as far as the order tells; or NULL. */
static const char *why_one(const struct fetch *fetch)
{
    const struct spull_options *opts = &fetch->watch->ctx->opts;

    if (opts->limit_rate > 0)
        return "the rate is limited";
    if (opts->connections == 1)
        return "no more are allowed";
    /* A small blob has come before a second connection is open. */
    return fetch->bound < SP_SPLIT_MIN ? "the image is small" : NULL;
}

static void init(struct fetch *fetch)
{
    const struct sp_blob *blob = fetch->blob;
    const struct spull_options *opts = &fetch->watch->ctx->opts;
    const char *one = NULL;

    pthread_mutex_init(&fetch->lock, NULL);
    sp_thread_cond_init(&fetch->news);
    fetch->bound = sp_size_bound(blob->stated, blob->strict);
    fetch->start_ms = sp_watch_ms();
    fetch->size = sp_part_size(fetch->part);
    /* A journal is a file that anybody may have written. */
    fetch->has_size = fetch->size > 0 &&
                      sp_size_matches(blob->stated, fetch->size, blob->strict);
    fetch->credited = sp_part_total(fetch->part);
    fetch->silence_ms = SP_SILENT_LANE_MS;
    fetch->patience_ms = SP_PATIENCE_MS;
    fetch->resumed = fetch->credited;
    fetch->watch->now.resumed = fetch->resumed;
    for (size_t i = 0; i < blob->url_count; i++)
        sp_source_init(fetch, &fetch->sources[i], &blob->urls[i]);
    for (unsigned i = 0; i < SP_CONNECTIONS_MAX; i++)
        fetch->lanes[i].fetch = fetch;
    sp_pace_init(&fetch->pace, opts->connections, fetch->start_ms,
                 sp_http_busy_ms(fetch->http));
    one = why_one(fetch);
    fetch->plain_first = one != NULL;
    if (one != NULL)
        sp_fetch_keep_to_one(fetch, one);
}

static void done(struct fetch *fetch)
{
    for (unsigned i = 0; i < SP_CONNECTIONS_MAX; i++)
        free(fetch->lanes[i].staged);
    pthread_cond_destroy(&fetch->news);
    pthread_mutex_destroy(&fetch->lock);
}

/* Waits for news or a tick; a shorter one where a round trip has to be
 * foreseen.
 */
static void wait_for_news(struct fetch *fetch)
{
    unsigned ms = fetch->round_trip_ms / 2;

    if (fetch->busy <= 1 || ms < SP_TICK_MIN_MS || ms > SP_TICK_MS)
        ms = SP_TICK_MS;
    sp_thread_wait(&fetch->news, &fetch->lock, ms);
}

/* --- lanes ---------------------------------------------------------------- */

static bool any_over(const struct fetch *fetch)
{
    for (unsigned i = 0; i < SP_CONNECTIONS_MAX; i++)
        if (fetch->lanes[i].busy && fetch->lanes[i].over)
            return true;
    return false;
}

static void free_lane(struct fetch *fetch, struct lane *lane)
{
    lane->busy = false;
    fetch->busy--;
    fetch->transferred += lane->got;
    if (lane->ending == LANE_UNWANTED || lane->got == 0)
        return;
    lane->source->served = true;
    lane->source->down_ms = 0;
    lane->source->silences = 0;
}

/* Takes note of the lanes that ended; the first hopeless error is returned. */
static enum spull_code settle(struct fetch *fetch, struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    for (unsigned i = 0; i < SP_CONNECTIONS_MAX && code == SPULL_OK; i++) {
        struct lane *lane = &fetch->lanes[i];
        if (!lane->busy || !lane->over)
            continue;
        free_lane(fetch, lane);
        if (lane->ending != LANE_FAILED ||
            (lane->let_go && lane->code != SPULL_STORAGE))
            continue;
        fetch->broken = true;
        if (!fetch->restart)
            code = sp_source_failed(fetch, lane, err);
    }
    return code;
}

static void drop_all(struct fetch *fetch)
{
    for (unsigned i = 0; i < SP_CONNECTIONS_MAX; i++)
        if (fetch->lanes[i].busy && !fetch->lanes[i].over)
            sp_http_drop(fetch->http, fetch->lanes[i].transfer);
}

/* Everything points into fetch, so nothing may run when it goes. */
static void stop_all(struct fetch *fetch)
{
    pthread_mutex_lock(&fetch->lock);
    drop_all(fetch);
    while (fetch->busy > 0) {
        for (unsigned i = 0; i < SP_CONNECTIONS_MAX; i++)
            if (fetch->lanes[i].busy && fetch->lanes[i].over)
                free_lane(fetch, &fetch->lanes[i]);
        if (fetch->busy > 0)
            pthread_cond_wait(&fetch->news, &fetch->lock);
    }
    pthread_mutex_unlock(&fetch->lock);
}

static struct lane *free_one(struct fetch *fetch)
{
    for (unsigned i = 0; i < SP_CONNECTIONS_MAX; i++)
        if (!fetch->lanes[i].busy)
            return &fetch->lanes[i];
    return NULL;
}

void sp_fetch_empty(struct fetch *fetch)
{
    fetch->resumed = 0;
    if (sp_part_total(fetch->part) > 0)
        sp_part_restart(fetch->part);
}

/* --- what to do next ------------------------------------------------------ */

/* The network thread may look at busy as soon as the transfer has started. */
static enum spull_code put_to_work(struct fetch *fetch, struct source *source,
                                   const struct sp_span *span, bool ranged,
                                   struct spull_error *err)
{
    struct lane *lane = free_one(fetch);
    enum spull_code code = SPULL_OK;

    lane->busy = true;
    fetch->busy++;
    code = sp_lane_start(lane, source, span, ranged, err);
    if (code != SPULL_OK) {
        lane->busy = false;
        fetch->busy--;
    }
    return code;
}

/* One stream of the whole begins at 0, whatever is there. */
static enum spull_code start_whole(struct fetch *fetch, struct source *source,
                                   struct spull_error *err)
{
    struct sp_span whole = {0, fetch->bound};

    if (fetch->busy > 0)
        return SPULL_OK;
    sp_fetch_empty(fetch);
    return put_to_work(fetch, source, &whole, false, err);
}

/* What the session's other fetches leave of the connections: together they are
 * no more than one blob may have, or one for each. */
static bool has_share(const struct fetch *fetch)
{
    const struct sp_ctx *ctx = fetch->watch->ctx;
    unsigned fetches = atomic_load(&ctx->fetches);

    return fetch->busy == 0 || fetch->busy < ctx->opts.connections / fetches;
}

/*
 * Until the first answer tells the size, one connection has to do. A lane that
 * will be done within a round trip counts no more: the next one's request is
 * then answered when it ends, where the limit leaves room for both.
 */
static bool wants_more(const struct fetch *fetch, uint64_t now_ms)
{
    unsigned lasting = sp_plan_lasting(fetch, now_ms, fetch->round_trip_ms);

    if (!fetch->has_size)
        return fetch->busy == 0;
    /* A proxy may have lowered the most that there may be. */
    return lasting < fetch->pace.target && fetch->busy < fetch->pace.most &&
           has_share(fetch);
}

/* Gives every connection that the pace allows a span. */
static enum spull_code start_spans(struct fetch *fetch, uint64_t now_ms,
                                   struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    while (wants_more(fetch, now_ms) && code == SPULL_OK) {
        struct source *source = sp_source_pick(fetch, now_ms);
        struct sp_span span;
        if (source != NULL && source->no_ranges) {
            fetch->single = true;
            fetch->restart = fetch->busy > 0;
            return start_whole(fetch, source, err);
        }
        if (source == NULL || !sp_plan_next(fetch, now_ms, &span))
            break;
        code = put_to_work(fetch, source, &span, true, err);
    }
    return code;
}

/* What is there does not go on: away with it, once nobody writes. */
static void begin_again(struct fetch *fetch)
{
    if (fetch->busy > 0) {
        drop_all(fetch);
        return;
    }
    fetch->restart = false;
    fetch->has_size = false;
    fetch->is_fit = false;
    for (size_t i = 0; i < fetch->blob->url_count; i++) {
        fetch->sources[i].has_version = false;
        fetch->sources[i].served = false;
    }
    sp_fetch_empty(fetch);
}

/* As soon as it is known how much it will be. What an earlier run left behind
 * the end shows that it was another blob's, or nonsense. */
static void fit_to_size(struct fetch *fetch)
{
    if (!fetch->has_size || fetch->is_fit)
        return;
    fetch->is_fit = true;
    /* Sizes in KiB made it look larger than it is. */
    if (fetch->size < SP_SPLIT_MIN && fetch->pace.most > 1)
        sp_fetch_keep_to_one(fetch, "the image is small");
    if (sp_part_extent(fetch->part) > fetch->size)
        fetch->restart = true;
}

/* Before a server is asked. Of a size that may be in KiB, the bytes are the
 * least that it can mean; the answer's head tells how many there are. */
static enum spull_code foresee(struct fetch *fetch, struct spull_error *err)
{
    const struct sp_blob *blob = fetch->blob;

    if (fetch->has_size)
        return sp_part_reserve(fetch->part, fetch->size, err);
    if (blob->strict)
        return sp_part_reserve(fetch->part, blob->stated, err);
    return sp_part_check_room(fetch->part, blob->stated, err);
}

static enum spull_code employ(struct fetch *fetch, struct spull_error *err)
{
    uint64_t now_ms = sp_watch_ms();
    struct source *source = NULL;

    fetch->looked_ms = sp_http_looked_ms(fetch->http);
    fit_to_size(fetch);
    if (fetch->restart)
        begin_again(fetch);
    if (fetch->restart)
        return SPULL_OK;
    sp_fetch_release_robbed(fetch);
    sp_fetch_pass_over(fetch, now_ms);
    if (!fetch->single &&
        !(fetch->plain_first && sp_part_total(fetch->part) == 0))
        return start_spans(fetch, now_ms, err);
    source = sp_source_pick(fetch, now_ms);
    return source == NULL ? SPULL_OK : start_whole(fetch, source, err);
}

static bool is_complete(const struct fetch *fetch)
{
    return fetch->has_size && !fetch->restart &&
           sp_part_total(fetch->part) == fetch->size;
}

/* --- telling -------------------------------------------------------------- */

/* Have all connections that the pace asked for brought something? */
static bool all_warm(const struct fetch *fetch)
{
    unsigned warm = 0;

    for (unsigned i = 0; i < SP_CONNECTIONS_MAX; i++)
        if (atomic_load(&fetch->lanes[i].warm))
            warm++;
    return warm >= fetch->pace.target;
}

static void set_pace(struct fetch *fetch, uint64_t total)
{
    unsigned before = fetch->pace.target;
    unsigned now = before;
    struct sp_reading reading = {.now_ms = sp_watch_ms(),
                                 .bytes = total,
                                 .missing = fetch->size - total,
                                 .busy_ms = sp_http_busy_ms(fetch->http),
                                 .round_trip_ms = fetch->round_trip_ms,
                                 .warm = all_warm(fetch)};

    if (fetch->single || !fetch->has_size)
        return;
    now = sp_pace_read(&fetch->pace, &reading);
    if (now != before)
        sp_ctx_detail(fetch->watch->ctx, "%u connections instead of %u", now,
                      before);
}

static void save(struct fetch *fetch)
{
    if (fetch->has_size)
        sp_part_set_size(fetch->part, fetch->size);
    sp_part_save(fetch->part);
}

static enum spull_code report(struct fetch *fetch, struct spull_error *err)
{
    struct sp_watch *watch = fetch->watch;
    enum spull_phase phase = SPULL_DOWNLOADING;
    uint64_t now_ms = sp_watch_ms();
    uint64_t until = 0;

    pthread_mutex_lock(&fetch->lock);
    watch->now.bytes = sp_part_total(fetch->part);
    watch->now.resumed = fetch->resumed;
    watch->now.total = fetch->has_size ? fetch->size : 0;
    watch->now.connections = fetch->busy;
    watch->now.note = "";
    set_pace(fetch, watch->now.bytes);
    until = sp_source_rest_until(fetch, now_ms);
    if (fetch->busy == 0 && until > now_ms + SP_TICK_MS) {
        phase = SPULL_WAITING;
        watch->now.wait_seconds = (unsigned)((until - now_ms + 999) / 1000);
        watch->now.note = fetch->last.text;
    }
    pthread_mutex_unlock(&fetch->lock);
    save(fetch);
    if (phase != watch->now.phase)
        return sp_watch_phase(watch, phase, err);
    return sp_watch_tick(watch, err);
}

/* --- the loop ------------------------------------------------------------- */

static enum spull_code turn(struct fetch *fetch, bool *complete,
                            struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    pthread_mutex_lock(&fetch->lock);
    code = settle(fetch, err);
    *complete = is_complete(fetch);
    if (code == SPULL_OK && !*complete)
        code = employ(fetch, err);
    if (code == SPULL_OK && !*complete && !any_over(fetch))
        wait_for_news(fetch);
    pthread_mutex_unlock(&fetch->lock);
    if (code == SPULL_OK)
        code = report(fetch, err);
    return code;
}

static struct sp_fetched result_of(const struct fetch *fetch)
{
    struct sp_fetched result = {.size = fetch->size,
                                .transferred = fetch->transferred,
                                .broken = fetch->broken};

    for (size_t i = 0; i < fetch->blob->url_count; i++) {
        result.broken = result.broken || fetch->sources[i].fickle ||
                        fetch->sources[i].silences > 0;
        if (!fetch->sources[i].served)
            continue;
        if (result.sources++ == 0)
            result.url = i;
    }
    return result;
}

enum spull_code sp_fetch(struct sp_http *http, const struct sp_blob *blob,
                         struct sp_part *part, struct sp_watch *watch,
                         struct sp_fetched *out, struct spull_error *err)
{
    struct fetch *fetch = calloc(1, sizeof *fetch);
    enum spull_code code = SPULL_OK;
    bool complete = false;

    if (fetch == NULL)
        return sp_err_nomem(err);
    fetch->http = http;
    fetch->blob = blob;
    fetch->part = part;
    fetch->watch = watch;
    init(fetch);
    atomic_fetch_add(&watch->ctx->fetches, 1);
    code = foresee(fetch, err);
    while (code == SPULL_OK && !complete)
        code = turn(fetch, &complete, err);
    stop_all(fetch);
    atomic_fetch_sub(&watch->ctx->fetches, 1);
    watch->now.note = ""; /* it may be of this fetch, which goes */
    watch->now.resumed = fetch->resumed;
    if (code == SPULL_OK)
        code = sp_part_complete(part, fetch->size, err);
    if (code == SPULL_OK)
        *out = result_of(fetch);
    done(fetch);
    free(fetch);
    return code;
}
