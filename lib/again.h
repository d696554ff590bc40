/* SPDX-License-Identifier: MIT */
/*
 * again: asks until there is an answer, or no more patience.
 *
 * The loop around a request that somebody waits for: retry judges a failure,
 * and the watch tells of the wait and may end it. What is asked for, and from
 * whom, is not known here. fetch, which has many requests under way at once,
 * can't sit in a loop and asks retry itself.
 */
#ifndef SP_AGAIN_H
#define SP_AGAIN_H

#include <spull.h>

#include "retry.h"
#include "watch.h"

/*
 * Asks once. On failure *out, which starts as zeros, says what retry wants to
 * know; its code is filled in from what is returned. err is not NULL.
 */
typedef enum spull_code (*sp_again_fn)(void *payload, struct sp_outcome *out,
                                       struct spull_error *err);

/*
 * Returns what the last call of ask returned; or, where the wait for the next
 * was cut short, why: CANCELLED, or NETWORK if max_time is over.
 */
enum spull_code sp_again(struct sp_watch *watch, sp_again_fn ask, void *payload,
                         struct spull_error *err);

#endif
