/* SPDX-License-Identifier: MIT */
/*
 * retry: what to do after a transfer failed. A pure function: what happened and
 * how often go in; again, next URL or give up come out, and how long to wait.
 * And how long to wait for who downloads the same, until the next look.
 *
 * The budget counts failures in a row that brought nothing. A connection that
 * breaks after megabytes is the network's habit, and costs no patience; one
 * that breaks at once, five times, is down.
 */
#ifndef SP_RETRY_H
#define SP_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include <spull.h>

/* What is known of the failures of one URL so far. Starts as zeros. */
struct sp_retry {
    unsigned tries; /* in a row that brought (next to) nothing */
};

struct sp_outcome {
    enum spull_code code; /* not 0 */
    bool transient;       /* as http judges it */
    bool lost;            /* the host has given no answer for long */
    unsigned retry_after; /* seconds, 0: the server did not say */
    uint64_t progress;    /* new bytes since the last failure */
};

enum sp_action { SP_TRY_AGAIN, SP_NEXT_URL, SP_GIVE_UP };

struct sp_verdict {
    enum sp_action action;
    uint64_t wait_ms; /* before the next try */
};

/*
 * Judges one more failure and counts it in *so_far. retries is the budget, dice
 * any random number. Who is lost has none: others have waited for it. What no
 * URL can mend (the disk, a cancel) is given up at once; what this URL can't
 * mend, left for the next.
 */
struct sp_verdict sp_retry_judge(struct sp_retry *so_far,
                                 const struct sp_outcome *outcome,
                                 unsigned retries, uint32_t dice);

/* What so many retries wait in all, at least, if nothing ever comes. */
uint64_t sp_retry_patience_ms(unsigned retries);

/* What a server asks for by Retry-After, within bounds; 0: nothing. */
uint64_t sp_retry_asked_ms(unsigned seconds, uint32_t dice);

/*
 * The pause before the next look at a leader, after waiting for so long. It
 * grows with that, so that 500 tasks don't ask their file server all the time,
 * and nobody is late by more than a share of it; half of it is the dice's, to
 * keep them apart.
 */
uint64_t sp_retry_poll_ms(uint64_t waited_ms, uint32_t dice);

#endif
