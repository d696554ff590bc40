/* SPDX-License-Identifier: MIT */
/*
 * fetch_source: what is known of each URL, whom to ask next, and what a failure
 * means for the URL and for the whole. The policy itself is in retry.
 */

#include "fetch_internal.h"

/* Who kept silent or is lost is asked after all others, and nobody is passed
 * over for it. */
void sp_source_init(const struct fetch *fetch, struct source *source,
                    const struct sp_url *url)
{
    struct sp_hosts *hosts = &fetch->watch->ctx->hosts;
    uint64_t since_ms = fetch->watch->start_ms;

    source->url = url;
    source->no_ranges = url->scheme == SP_SCHEME_FILE;
    if (fetch->blob->tried)
        source->retry.tries = fetch->watch->ctx->opts.retries;
    if (!sp_hosts_is_shunned(hosts, url->origin, fetch->start_ms) &&
        !sp_hosts_is_lost(hosts, url->origin, since_ms, fetch->start_ms))
        return;
    source->silences = 2;
    source->down_ms = fetch->start_ms;
}

static unsigned busy_on(const struct fetch *fetch, const struct source *source)
{
    unsigned count = 0;

    for (unsigned i = 0; i < SP_CONNECTIONS_MAX; i++)
        if (fetch->lanes[i].busy && fetch->lanes[i].source == source)
            count++;
    return count;
}

static bool is_bringing(const struct fetch *fetch, const struct source *source)
{
    for (unsigned i = 0; i < SP_CONNECTIONS_MAX; i++) {
        const struct lane *lane = &fetch->lanes[i];
        if (lane->busy && lane->source == source &&
            atomic_load(&lane->at) > lane->from)
            return true;
    }
    return false;
}

/*
 * What is there is worth to wait for one that is down, about as long as it
 * would take to come again. So a few bytes don't make anybody wait, and many
 * are thrown away only when that one is given up.
 */
static bool is_worth_waiting_for(const struct fetch *fetch,
                                 const struct source *source, uint64_t now_ms)
{
    uint64_t worth_ms =
        sp_part_total(fetch->part) / (SP_COME_AGAIN_RATE / 1000);

    return source->down_ms == 0 || is_bringing(fetch, source) ||
           now_ms < source->down_ms + worth_ms;
}

bool sp_source_can_pass(const struct fetch *fetch, const struct source *source,
                        uint64_t now_ms)
{
    bool any = sp_part_total(fetch->part) > 0;

    for (size_t i = 0; i < fetch->blob->url_count; i++) {
        const struct source *other = &fetch->sources[i];
        if (other != source && !other->out && !other->no_ranges &&
            (any || busy_on(fetch, other) > 0) &&
            is_worth_waiting_for(fetch, other, now_ms))
            return true;
    }
    return false;
}

/* May it be asked at all, if not now? */
static bool is_of_use(const struct fetch *fetch, const struct source *source,
                      uint64_t now_ms)
{
    return !source->out && (fetch->single || !source->no_ranges ||
                            !sp_source_can_pass(fetch, source, now_ms));
}

/* Nobody has heard of it, and one who waits for that is enough. An answer's
 * head comes first, and the bytes may take their time. */
static bool is_doubtful(const struct fetch *fetch, const struct source *source)
{
    return source->silences > 0 ||
           (busy_on(fetch, source) > 0 && !source->has_version &&
            !sp_source_has_brought(fetch, source));
}

/*
 * The least busy; the first of those, since the manifest names the best first.
 * Before the size is known, and in one stream, there is nothing to share; but
 * who would have to wait for the best asks the next one meanwhile.
 */
static bool is_better(const struct fetch *fetch, const struct source *source,
                      const struct source *best)
{
    if (best == NULL)
        return true;
    if (fetch->single || !fetch->has_size)
        return (source->down_ms == 0) == (best->down_ms == 0)
                   ? source->silences < best->silences
                   : source->down_ms == 0;
    if (is_doubtful(fetch, source) != is_doubtful(fetch, best))
        return is_doubtful(fetch, best);
    if (busy_on(fetch, source) != busy_on(fetch, best))
        return busy_on(fetch, source) < busy_on(fetch, best);
    return source->silences < best->silences;
}

struct source *sp_source_pick(struct fetch *fetch, uint64_t now_ms)
{
    struct source *best = NULL;

    for (size_t i = 0; i < fetch->blob->url_count; i++) {
        struct source *source = &fetch->sources[i];
        if (source->rest_until_ms <= now_ms &&
            is_of_use(fetch, source, now_ms) && is_better(fetch, source, best))
            best = source;
    }
    return best;
}

bool sp_source_has_other(const struct fetch *fetch, const struct lane *lane,
                         uint64_t now_ms)
{
    const struct source *source = lane->source;

    for (size_t i = 0; i < fetch->blob->url_count; i++) {
        const struct source *other = &fetch->sources[i];
        if (other != source && other->rest_until_ms <= now_ms &&
            other->silences <= source->silences + 1 &&
            is_of_use(fetch, other, now_ms))
            return true;
    }
    return false;
}

void sp_source_is_down(const struct lane *lane)
{
    if (lane->source->down_ms == 0)
        lane->source->down_ms = lane->start_ms;
}

bool sp_source_has_brought(const struct fetch *fetch,
                           const struct source *source)
{
    return source->served || is_bringing(fetch, source);
}

uint64_t sp_source_rest_until(const struct fetch *fetch, uint64_t now_ms)
{
    uint64_t first = 0;

    for (size_t i = 0; i < fetch->blob->url_count; i++) {
        const struct source *source = &fetch->sources[i];
        uint64_t until = source->rest_until_ms + 1;
        if (is_of_use(fetch, source, now_ms) && (first == 0 || until < first))
            first = until;
    }
    return first;
}

static bool any_left(const struct fetch *fetch)
{
    for (size_t i = 0; i < fetch->blob->url_count; i++)
        if (!fetch->sources[i].out)
            return true;
    return false;
}

/* Some servers refuse the range and not the request: 416 for an empty or
 * changed file, 400, 405 or 501 where a range is unheard of. */
static bool refuses_ranges(const struct lane *lane)
{
    static const int list[] = {400, 405, 406, 412, 416, 501};

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (lane->ranged && lane->err.http == list[i])
            return !lane->source->no_ranges;
    return false;
}

static void rest(struct fetch *fetch, struct source *source,
                 const struct lane *lane, uint64_t wait_ms)
{
    source->rest_until_ms = sp_watch_ms() + wait_ms;
    fetch->last = lane->err;
    if (wait_ms == 0)
        sp_ctx_detail(fetch->watch->ctx, "%s; again at once", lane->err.text);
    else
        sp_ctx_detail(fetch->watch->ctx, "%s; again in %.1f s", lane->err.text,
                      (double)wait_ms / 1000);
}

/*
 * Those that others contradicted, when these are lost: better any than none. A
 * validator of theirs counts no more, and what is there is gone on with; if
 * that was wrong, the digest finds out, and each is tried alone.
 */
static bool revive(struct fetch *fetch)
{
    bool any = false;

    for (size_t i = 0; i < fetch->blob->url_count; i++) {
        struct source *source = &fetch->sources[i];
        if (!source->out || !source->differs)
            continue;
        source->out = false;
        source->differs = false;
        source->fickle = true;
        source->retry = (struct sp_retry){0};
        any = true;
    }
    return any;
}

static enum spull_code drop(struct fetch *fetch, struct source *source,
                            const struct lane *lane, struct spull_error *err)
{
    source->out = true;
    if (!any_left(fetch) && !revive(fetch)) {
        if (err != NULL)
            *err = lane->err;
        return lane->code;
    }
    sp_ctx_warn(fetch->watch->ctx, "%s; trying the next address",
                lane->err.text);
    /* The next one may know ranges, and go on where a lost one stopped; what a
     * liar left is not built upon. */
    fetch->single = false;
    fetch->restart =
        lane->code == SPULL_INTEGRITY && sp_source_has_brought(fetch, source);
    return SPULL_OK;
}

static uint64_t new_bytes(struct fetch *fetch)
{
    uint64_t total = sp_part_total(fetch->part);
    uint64_t before = fetch->credited;

    if (total <= before)
        return 0;
    fetch->credited = total;
    return total - before;
}

/*
 * What the lane has brought of its span, which nobody else had, counts even if
 * a failure beside it has taken the credit for all that was there. A stream of
 * the whole may bring the same bytes each time.
 */
static uint64_t progress_of(struct fetch *fetch, const struct lane *lane)
{
    uint64_t all = new_bytes(fetch);
    uint64_t own = lane->ranged ? atomic_load(&lane->at) - lane->from : 0;

    return own > all ? own : all;
}

static void do_without_ranges(struct fetch *fetch, struct source *source,
                              const struct lane *lane)
{
    bool pass = sp_source_can_pass(fetch, source, sp_watch_ms());

    source->no_ranges = true;
    if (!pass) {
        fetch->single = true;
        fetch->restart = true;
    }
    sp_ctx_detail(fetch->watch->ctx, "%s; %s", lane->err.text,
                  pass ? "going on with other addresses"
                       : "asking for the whole, over one connection");
}

/* While others go on, the host only bears fewer connections, and is not to
 * blame. A Retry-After is about the one too many. */
static void go_on_with_fewer(struct fetch *fetch, const struct lane *lane)
{
    sp_pace_back_off(&fetch->pace, sp_watch_ms(),
                     sp_retry_asked_ms(lane->retry_after, sp_ctx_dice()));
    sp_ctx_detail(fetch->watch->ctx, "%s; going on with %u connections",
                  lane->err.text, fetch->pace.target);
}

static enum spull_code judge(struct fetch *fetch, struct source *source,
                             const struct lane *lane,
                             const struct sp_outcome *outcome,
                             struct spull_error *err)
{
    struct sp_verdict verdict =
        sp_retry_judge(&source->retry, outcome, fetch->watch->ctx->opts.retries,
                       sp_ctx_dice());

    switch (verdict.action) {
    case SP_TRY_AGAIN:
        rest(fetch, source, lane, verdict.wait_ms);
        return SPULL_OK;
    case SP_NEXT_URL:
        return drop(fetch, source, lane, err);
    case SP_GIVE_UP:
        break;
    }
    if (err != NULL)
        *err = lane->err;
    return lane->code;
}

enum spull_code sp_source_failed(struct fetch *fetch, const struct lane *lane,
                                 struct spull_error *err)
{
    struct source *source = lane->source;
    struct sp_outcome outcome = {.code = lane->code,
                                 .transient = lane->transient,
                                 .lost = lane->lost,
                                 .retry_after = lane->retry_after,
                                 .progress = progress_of(fetch, lane)};

    if (source->out)
        return SPULL_OK;
    if (refuses_ranges(lane)) {
        do_without_ranges(fetch, source, lane);
        return SPULL_OK;
    }
    /* A failure over HTTP/2 alone says nothing of HTTP/1.1, and is no try of
     * it. */
    if (lane->http1 != lane->asked_http1)
        source->http1 = lane->http1;
    if (lane->http1 && !lane->asked_http1 && source->retry.tries > 0)
        source->retry.tries--;
    if (lane->transient && busy_on(fetch, source) > 0) {
        go_on_with_fewer(fetch, lane);
        return SPULL_OK;
    }
    if (outcome.progress < SP_PROGRESS_SOME)
        sp_source_is_down(lane);
    return judge(fetch, source, lane, &outcome, err);
}
