/* SPDX-License-Identifier: MIT */
/*
 * pace: compares the rate before a step up with the rate after it. That is all
 * it does; the care is in when a comparison means something.
 */
#include "pace.h"

#include "limits.h"

/*
 * A step that quadruples the connections must bring a quarter more. Less than
 * that is noise, or the ramp of a connection that would have got there by
 * itself.
 */
#define GAIN 1.25
#define STEP 4

/* The network thread carries all connections: when it works so much of its
 * time, or waits for a disk, more of them bring nothing. */
#define SATURATED 0.6

void sp_pace_init(struct sp_pace *pace, unsigned most, uint64_t now_ms,
                  uint64_t busy_ms)
{
    *pace = (struct sp_pace){.most = most,
                             .target = 1,
                             .since_ms = now_ms,
                             .since_busy_ms = busy_ms,
                             .pause_ms = SP_PACE_PAUSE_MS};
}

/* Long enough for a connection's bursts to even out; shorter where there is
 * nothing to compare with. */
static uint64_t window_ms(const struct sp_pace *pace, unsigned round_trip_ms)
{
    unsigned trips = pace->before != 0 && !(pace->rate > 0) ? 1 : 2;
    uint64_t window = (uint64_t)trips * round_trip_ms;

    return window > SP_PACE_WINDOW_MS ? window : SP_PACE_WINDOW_MS;
}

static void step_up(struct sp_pace *pace, double rate)
{
    unsigned more = pace->target * STEP;

    pace->before = pace->target;
    pace->rate = rate;
    pace->target = more < pace->most ? more : pace->most;
}

static void pause_from(struct sp_pace *pace, uint64_t now_ms)
{
    pace->before = 0;
    pace->again_ms = now_ms + pace->pause_ms;
    if (pace->pause_ms < SP_PACE_PAUSE_MAX_MS)
        pace->pause_ms *= 2;
}

/* A step is judged once: what comes later is not its doing. */
static void judge(struct sp_pace *pace, uint64_t now_ms, double rate,
                  bool saturated)
{
    bool failed = pace->before != 0 && !(rate > pace->rate * GAIN);

    if (failed) {
        pace->target = pace->before;
        pause_from(pace, now_ms);
    } else if (pace->target < pace->most && saturated) {
        pause_from(pace, now_ms);
    } else if (pace->target < pace->most) {
        step_up(pace, rate);
    } else {
        pace->before = 0;
    }
}

/*
 * On a long way a connection doubles its rate with each round trip, for a
 * second or so, and nothing can be compared meanwhile: the first step is taken
 * at once.
 */
static bool is_long_way(const struct sp_pace *pace,
                        const struct sp_reading *reading)
{
    bool fresh = pace->target == 1 && pace->before == 0 && pace->again_ms == 0;

    return fresh && reading->round_trip_ms >= SP_PACE_LONG_MS &&
           reading->missing >= SP_SPLIT_MIN;
}

static void begin_window(struct sp_pace *pace, const struct sp_reading *reading)
{
    pace->since_ms = reading->now_ms;
    pace->since_bytes = reading->bytes;
    pace->since_busy_ms = reading->busy_ms;
}

unsigned sp_pace_read(struct sp_pace *pace, const struct sp_reading *reading)
{
    uint64_t window = window_ms(pace, reading->round_trip_ms);
    uint64_t passed = reading->now_ms - pace->since_ms;
    double rate = 0;
    double busy = 0;

    if (pace->most == 1)
        return pace->target;
    if (is_long_way(pace, reading)) {
        step_up(pace, 0);
        begin_window(pace, reading);
        return pace->target;
    }
    /* Handshakes bring nothing: a step is judged by what comes after them. */
    if (reading->warm && passed < window)
        return pace->target;
    rate = (double)(reading->bytes - pace->since_bytes) / (double)(passed + 1);
    busy =
        (double)(reading->busy_ms - pace->since_busy_ms) / (double)(passed + 1);
    begin_window(pace, reading);
    /* What is over in two windows anyway is not worth a handshake. */
    if (reading->warm && reading->now_ms >= pace->again_ms &&
        (double)reading->missing > rate * 2 * (double)window)
        judge(pace, reading->now_ms, rate, busy > SATURATED);
    return pace->target;
}

void sp_pace_back_off(struct sp_pace *pace, uint64_t now_ms, uint64_t rest_ms)
{
    if (pace->target > 1)
        pace->target--;
    pause_from(pace, now_ms);
    if (pace->again_ms < now_ms + rest_ms)
        pace->again_ms = now_ms + rest_ms;
}
