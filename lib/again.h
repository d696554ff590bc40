/* SPDX-License-Identifier: MIT */
/*
 * again: asks until there is an answer, or no more patience.
 *
 * The loop around a request that is waited for: a failure is judged by retry,
 * the wait is the caller's, whom the watch tells and can stop. What is asked
 * for, and from whom, is not known here. Who has many requests under way and
 * other work meanwhile (fetch) can't sit in a loop, and goes by retry itself.
 */
#ifndef SP_AGAIN_H
#define SP_AGAIN_H

#include <spull.h>

#include "retry.h"
#include "watch.h"

/*
 * Asks once. On failure *out, which is zeros, says what came of it, its code
 * aside: that is the one that is returned. err is not NULL.
 */
typedef enum spull_code (*sp_again_fn)(void *payload, struct sp_outcome *out,
                                       struct spull_error *err);

/*
 * Returns what the last call of ask returned; or why it was not waited for the
 * next: CANCELLED, or NETWORK when the time that the options allow is over.
 */
enum spull_code sp_again(struct sp_watch *watch, sp_again_fn ask, void *payload,
                         struct spull_error *err);

#endif
