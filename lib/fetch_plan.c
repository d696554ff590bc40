/* SPDX-License-Identifier: MIT */
/*
 * fetch_plan: which bytes next. Spans are handed out in order, so that the
 * frontier, and the hash behind it, never lags more than what is under way:
 * about SP_SPAN_WINDOW bytes.
 */
#include "fetch_internal.h"

static uint64_t at_most(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What has come so far, by this fetch. */
static uint64_t fetched(const struct fetch *fetch)
{
    uint64_t total = sp_part_total(fetch->part);

    return total > fetch->resumed ? total - fetch->resumed : 0;
}

/* What takes SP_SPAN_MS, and near the end no more than half a fair share, so
 * that all connections end together. */
static uint64_t span_length(const struct fetch *fetch, uint64_t now_ms)
{
    uint64_t total = sp_part_total(fetch->part);
    uint64_t passed = now_ms - fetch->start_ms + 1;
    unsigned lanes = fetch->pace.target;
    uint64_t length = SP_SPAN_FIRST;

    if (fetch->has_size) {
        length = fetched(fetch) * SP_SPAN_MS / passed / lanes;
        if (length < SP_SPAN_FIRST)
            length = SP_SPAN_FIRST;
        length = at_most(length, SP_SPAN_WINDOW / lanes);
        if (lanes > 1)
            length = at_most(length, (fetch->size - total) / lanes / 2);
    }
    return length < SP_SPAN_MIN ? SP_SPAN_MIN : length;
}

/* The lane that is to bring this byte, or NULL. */
static const struct lane *lane_at(const struct fetch *fetch, uint64_t byte)
{
    for (unsigned i = 0; i < SP_CONNECTIONS_MAX; i++) {
        const struct lane *lane = &fetch->lanes[i];
        if (lane->busy && lane->from <= byte && byte < atomic_load(&lane->to))
            return lane;
    }
    return NULL;
}

/* Where the next lane behind this byte begins, or end. */
static uint64_t next_lane_behind(const struct fetch *fetch, uint64_t byte,
                                 uint64_t end)
{
    for (unsigned i = 0; i < SP_CONNECTIONS_MAX; i++) {
        const struct lane *lane = &fetch->lanes[i];
        if (lane->busy && lane->from > byte)
            end = at_most(end, lane->from);
    }
    return end;
}

/* The first bytes that are neither there nor on their way. */
static bool first_free(const struct fetch *fetch, uint64_t size,
                       struct sp_span *out)
{
    uint64_t from = 0;

    while (sp_part_gap(fetch->part, from, size, out)) {
        const struct lane *lane = lane_at(fetch, out->from);
        if (lane == NULL) {
            out->to = next_lane_behind(fetch, out->from, out->to);
            return true;
        }
        from = atomic_load(&lane->to);
    }
    return false;
}

/* Bytes a second of an average lane. */
static uint64_t fair_rate(const struct fetch *fetch, uint64_t now_ms)
{
    return fetched(fetch) * 1000 / (now_ms - fetch->start_ms + 1) /
               fetch->busy +
           1;
}

/* Bytes a second that a lane makes; one that has just begun is given credit. */
static uint64_t rate_of(const struct fetch *fetch, const struct lane *lane,
                        uint64_t now_ms)
{
    uint64_t credit_ms = SP_STEAL_MS + fetch->round_trip_ms;
    uint64_t got = atomic_load(&lane->at) - lane->from;
    uint64_t credit = fair_rate(fetch, now_ms) * credit_ms;

    return (got * 1000 + credit) / (now_ms - lane->start_ms + credit_ms) + 1;
}

static uint64_t ms_left(const struct fetch *fetch, const struct lane *lane,
                        uint64_t now_ms)
{
    uint64_t at = atomic_load(&lane->at);
    uint64_t to = atomic_load(&lane->to);

    return to > at ? (to - at) * 1000 / rate_of(fetch, lane, now_ms) : 0;
}

static struct lane *slowest(struct fetch *fetch, uint64_t now_ms)
{
    struct lane *worst = NULL;

    for (unsigned i = 0; i < SP_CONNECTIONS_MAX; i++) {
        struct lane *lane = &fetch->lanes[i];
        if (lane->busy && lane->ranged && !lane->over &&
            (worst == NULL ||
             ms_left(fetch, lane, now_ms) > ms_left(fetch, worst, now_ms)))
            worst = lane;
    }
    return worst;
}

/* The lane that the frontier waits for. */
static struct lane *foremost(struct fetch *fetch)
{
    struct lane *first = NULL;

    for (unsigned i = 0; i < SP_CONNECTIONS_MAX; i++) {
        struct lane *lane = &fetch->lanes[i];
        if (lane->busy && lane->ranged && !lane->over &&
            (first == NULL || lane->from < first->from))
            first = lane;
    }
    return first;
}

/* Somebody has listened for so long: on a busy machine, what has come may wait
 * for the network thread. */
static bool is_silent(const struct fetch *fetch, const struct lane *lane)
{
    return fetch->looked_ms >= atomic_load(&lane->heard_ms) + fetch->silence_ms;
}

/* All that a lane has left, if nothing has come for long: it is dropped. */
static bool rob(struct fetch *fetch, struct sp_span *out)
{
    for (unsigned i = 0; i < SP_CONNECTIONS_MAX; i++) {
        struct lane *lane = &fetch->lanes[i];
        uint64_t at = atomic_load(&lane->at);
        if (!lane->busy || lane->over || !lane->ranged ||
            at >= atomic_load(&lane->to) || !is_silent(fetch, lane))
            continue;
        fetch->silence_ms *= 2;
        *out = (struct sp_span){at, atomic_load(&lane->to)};
        atomic_store(&lane->to, at);
        return true;
    }
    return false;
}

/*
 * Splits what a lane still has, in proportion to what it makes and what the
 * thief may be expected to make; if that is worth it.
 */
static bool split(struct fetch *fetch, struct lane *lane, uint64_t now_ms,
                  struct sp_span *out)
{
    double slow = 0;
    double fair = 0;
    uint64_t left = 0;

    if (lane == NULL || ms_left(fetch, lane, now_ms) <
                            SP_STEAL_MS + 3 * (uint64_t)fetch->round_trip_ms)
        return false;
    slow = (double)rate_of(fetch, lane, now_ms);
    fair = (double)fair_rate(fetch, now_ms);
    out->from = atomic_load(&lane->at);
    out->to = atomic_load(&lane->to);
    left = out->to > out->from ? out->to - out->from : 0;
    out->from += (uint64_t)((double)left * slow / (slow + fair));
    if (out->to < out->from + SP_STEAL_MIN)
        return false;
    atomic_store(&lane->to, out->from);
    return true;
}

bool sp_plan_next(struct fetch *fetch, uint64_t now_ms, struct sp_span *out)
{
    uint64_t size = fetch->has_size ? fetch->size : fetch->bound;
    bool alone = fetch->pace.most == 1;
    uint64_t length = 0;

    /* Where one connection has to do, nothing is taken from it. */
    if (!alone && fetch->has_size && split(fetch, foremost(fetch), now_ms, out))
        return true;
    if (!first_free(fetch, size, out))
        return !alone && fetch->has_size &&
               (split(fetch, slowest(fetch, now_ms), now_ms, out) ||
                rob(fetch, out));
    if (alone)
        return true;
    length = span_length(fetch, now_ms);
    /* What would be left over is too little for a request of its own. */
    if (out->to - out->from > length + SP_SPAN_MIN)
        out->to = (out->from + length) / SP_SPAN_MIN * SP_SPAN_MIN;
    return true;
}

static bool lasts(const struct fetch *fetch, const struct lane *lane,
                  uint64_t now_ms, unsigned ms)
{
    if (!lane->ranged)
        return true;
    return !is_silent(fetch, lane) &&
           (ms < SP_TICK_MIN_MS || ms_left(fetch, lane, now_ms) > ms);
}

unsigned sp_plan_lasting(const struct fetch *fetch, uint64_t now_ms,
                         unsigned ms)
{
    unsigned count = 0;

    for (unsigned i = 0; i < SP_CONNECTIONS_MAX; i++) {
        const struct lane *lane = &fetch->lanes[i];
        if (lane->busy && lasts(fetch, lane, now_ms, ms))
            count++;
    }
    return count;
}
