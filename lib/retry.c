/* SPDX-License-Identifier: MIT */
/*
 * retry: the policy in numbers. The reasons for the numbers are in limits.h.
 */
#include "retry.h"

#include "limits.h"

/* Does another URL, or another try, have a chance at all? */
static bool is_ours(enum spull_code code)
{
    return code == SPULL_INTERNAL || code == SPULL_STORAGE ||
           code == SPULL_CANCELLED || code == SPULL_USAGE;
}

/*
 * 1, 2, 4 ... seconds up to the maximum, of which the upper half is random:
 * five hundred tasks that failed together must not come back together.
 */
static uint64_t back_off(unsigned tries, uint32_t dice)
{
    uint64_t wait = SP_RETRY_FIRST_MS;

    while (tries-- > 1 && wait < SP_RETRY_MAX_MS)
        wait *= 2;
    if (wait > SP_RETRY_MAX_MS)
        wait = SP_RETRY_MAX_MS;
    return wait / 2 + dice % (wait / 2 + 1);
}

uint64_t sp_retry_patience_ms(unsigned retries)
{
    uint64_t sum = 0;
    unsigned tries = 1;

    for (; tries <= retries && back_off(tries, 0) < SP_RETRY_MAX_MS / 2;
         tries++)
        sum += back_off(tries, 0);
    /* There may be billions of the others. */
    return sum + ((uint64_t)retries + 1 - tries) * (SP_RETRY_MAX_MS / 2);
}

/* The server's word counts more, up to a maximum; up to a tenth is added. */
uint64_t sp_retry_asked_ms(unsigned seconds, uint32_t dice)
{
    uint64_t wait = (uint64_t)seconds * 1000;

    if (wait > SP_RETRY_AFTER_MAX_MS)
        wait = SP_RETRY_AFTER_MAX_MS;
    return wait + dice % (wait / 10 + 1);
}

static uint64_t wait_for(const struct sp_retry *so_far,
                         const struct sp_outcome *outcome, uint32_t dice)
{
    if (outcome->retry_after > 0)
        return sp_retry_asked_ms(outcome->retry_after, dice);
    if (outcome->progress >= SP_PROGRESS_GOOD)
        return 0;
    if (outcome->progress >= SP_PROGRESS_SOME)
        return dice % SP_RETRY_SOON_MS;
    return back_off(so_far->tries, dice);
}

struct sp_verdict sp_retry_judge(struct sp_retry *so_far,
                                 const struct sp_outcome *outcome,
                                 unsigned retries, uint32_t dice)
{
    struct sp_verdict verdict = {SP_NEXT_URL, 0};

    if (is_ours(outcome->code)) {
        verdict.action = SP_GIVE_UP;
        return verdict;
    }
    if (outcome->progress >= SP_PROGRESS_SOME)
        so_far->tries = 0;
    else
        so_far->tries++;
    if (!outcome->transient || outcome->lost || so_far->tries > retries)
        return verdict;
    verdict.action = SP_TRY_AGAIN;
    verdict.wait_ms = wait_for(so_far, outcome, dice);
    return verdict;
}

uint64_t sp_retry_poll_ms(uint64_t waited_ms, uint32_t dice)
{
    uint64_t poll = waited_ms / SP_POLL_SHARE;

    if (poll < SP_POLL_FIRST_MS)
        poll = SP_POLL_FIRST_MS;
    if (poll > SP_POLL_MAX_MS)
        poll = SP_POLL_MAX_MS;
    return poll / 2 + dice % (poll / 2 + 1);
}
