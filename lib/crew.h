/* SPDX-License-Identifier: MIT */
/*
 * crew: threads that work side by side, for one that takes what they have done.
 *
 * Why threads, where the network thread carries all transfers anyhow: the work
 * is a dialogue of documents, waits and further tries. In a thread of its own
 * it reads from beginning to end, and an answer that takes long to look at does
 * not hold up the network.
 *
 * Owns threads, their lock and their waking. What there is to do, and in which
 * order, is the task's.
 */
#ifndef SP_CREW_H
#define SP_CREW_H

#include <spull.h>

/* What a crew works on. All functions get payload. */
struct sp_crew_task {
    void *payload;
    /* Under the lock: what comes next; NULL: nothing, for now. */
    void *(*next)(void *payload);
    /* Does it, without the lock. */
    void (*work)(void *payload, void *thing);
    /* Under the lock: it is done. */
    void (*done)(void *payload, void *thing);
};

struct sp_crew;

/* Where threads are scarce, there are fewer, down to none: then sp_crew_wait()
 * does the work. SPULL_INTERNAL: no memory. */
enum spull_code sp_crew_new(unsigned threads, const struct sp_crew_task *task,
                            struct sp_crew **out, struct spull_error *err);

/* Nothing is begun any more; what was begun is done when it returns. */
void sp_crew_free(struct sp_crew *crew);

/* Guards what next() and done() look at. */
void sp_crew_lock(struct sp_crew *crew);
void sp_crew_unlock(struct sp_crew *crew);

/* Under the lock: there may be something to do. */
void sp_crew_wake(struct sp_crew *crew);

/* Under the lock, which is given away meanwhile: waits until something is done,
 * or for a tick. */
void sp_crew_wait(struct sp_crew *crew);

#endif
