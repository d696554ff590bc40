/* SPDX-License-Identifier: MIT */
/*
 * pace: how many connections a blob is worth, from the rate that they bring.
 *
 * Begins with one, quadruples while that brings more, and goes back to the last
 * number that did; after a pause that grows, it has another look, because
 * servers begin with a burst and networks change. Where this machine is what
 * limits the rate, more connections would only cost. Arithmetic on times and
 * byte counts that the caller gives; no clock and no connections of its own.
 */
#ifndef SP_PACE_H
#define SP_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct sp_pace {
    unsigned most;     /* never more than this */
    unsigned target;   /* how many to have now */
    unsigned before;   /* target before the step that is to be judged; 0: there
                          is none */
    double rate;       /* bytes a millisecond in the last window before it */
    uint64_t since_ms; /* start of the running window, and what was read then */
    uint64_t since_bytes;
    uint64_t since_busy_ms;
    uint64_t again_ms; /* no step before this */
    uint64_t pause_ms; /* after the next step, if that brings nothing */
};

/* busy_ms as in a reading. */
void sp_pace_init(struct sp_pace *pace, unsigned most, uint64_t now_ms,
                  uint64_t busy_ms);

struct sp_reading {
    uint64_t now_ms;
    uint64_t bytes;   /* so far */
    uint64_t missing; /* bytes */
    uint64_t busy_ms; /* in which the network thread did not wait, so far */
    unsigned round_trip_ms; /* of a connection */
    bool warm;              /* each of the target has brought bytes */
};

/* Takes a reading. Returns the target, which may have changed. */
unsigned sp_pace_read(struct sp_pace *pace, const struct sp_reading *reading);

/* A connection failed while others went on: one less is what they bear, and no
 * more are tried before the pause is over, and rest_ms too. */
void sp_pace_back_off(struct sp_pace *pace, uint64_t now_ms, uint64_t rest_ms);

#endif
