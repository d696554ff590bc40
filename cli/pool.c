/* SPDX-License-Identifier: MIT */
/*
 * pool: works on the items of a list, several at once.
 *
 * Workers take the next item under a lock and put it on a queue when it has
 * ended; the calling thread empties the queue. One item, or one job, needs no
 * thread: then the caller works itself.
 */
#include "pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#define STACK_BYTES ((size_t)1 << 20)

struct item {
    enum spull_code code;
    bool ended;   /* its code holds */
    bool settled; /* its code is final */
};

struct run {
    const struct pool *pool;
    struct item *items;
    size_t *ended; /* the queue: items in the order in which they ended */
    size_t settled;
    pthread_mutex_t lock; /* guards all below, and ended */
    pthread_cond_t news;
    size_t begun;
    size_t ended_count;
    unsigned working; /* threads */
    bool stopped;     /* begin no more */
};

/* A thread and its number. */
struct worker {
    struct run *run;
    pthread_t thread;
    unsigned slot;
};

/* false: there is none, or none shall be begun. */
static bool next_item(struct run *run, size_t *item)
{
    bool ok = false;

    pthread_mutex_lock(&run->lock);
    ok = !run->stopped && run->begun < run->pool->count;
    if (ok)
        *item = run->begun++;
    pthread_mutex_unlock(&run->lock);
    return ok;
}

static void end_item(struct run *run, size_t item, enum spull_code code)
{
    pthread_mutex_lock(&run->lock);
    run->items[item].code = code;
    run->ended[run->ended_count++] = item;
    if (code == SPULL_CANCELLED)
        run->stopped = true;
    pthread_cond_signal(&run->news);
    pthread_mutex_unlock(&run->lock);
}

static void *work(void *arg)
{
    const struct worker *worker = arg;
    struct run *run = worker->run;
    size_t item = 0;

    while (next_item(run, &item))
        end_item(run, item,
                 run->pool->work(run->pool->payload, worker->slot, item));
    pthread_mutex_lock(&run->lock);
    run->working--;
    pthread_cond_signal(&run->news);
    pthread_mutex_unlock(&run->lock);
    return NULL;
}

/* --- results, in the calling thread --------------------------------------- */

/* What a result has become; if it can't be told, no more are wanted. */
static void judge(struct run *run, struct item *item, enum spull_code code)
{
    item->code = code;
    if (code != SPULL_CANCELLED)
        return;
    pthread_mutex_lock(&run->lock);
    run->stopped = true;
    pthread_mutex_unlock(&run->lock);
}

static void settle(struct run *run, size_t number)
{
    const struct pool *pool = run->pool;
    struct item *item = &run->items[number];

    if (!item->ended || item->settled)
        return;
    item->settled = true;
    if (pool->settle != NULL)
        judge(run, item, pool->settle(pool->payload, number, item->code));
}

static void take_result(struct run *run, size_t number)
{
    const struct pool *pool = run->pool;
    struct item *item = &run->items[number];

    item->ended = true;
    if (pool->done != NULL)
        judge(run, item, pool->done(pool->payload, number, item->code));
    while (run->settled < pool->count && run->items[run->settled].ended)
        settle(run, run->settled++);
}

/* Waits for the next result. false: there will be none. */
static bool next_result(struct run *run, size_t taken, size_t *number)
{
    bool ok = false;

    pthread_mutex_lock(&run->lock);
    while (run->ended_count == taken && run->working > 0)
        pthread_cond_wait(&run->news, &run->lock);
    ok = run->ended_count > taken;
    if (ok)
        *number = run->ended[taken];
    pthread_mutex_unlock(&run->lock);
    return ok;
}

/* Behind a gap of items that were never begun. */
static enum spull_code verdict(struct run *run)
{
    enum spull_code first = SPULL_OK;

    for (size_t i = 0; i < run->pool->count; i++) {
        const struct item *item = &run->items[i];

        settle(run, i);
        if (item->ended && item->code == SPULL_CANCELLED)
            return SPULL_CANCELLED;
        if (item->ended && first == SPULL_OK)
            first = item->code;
    }
    return first;
}

/* --- threads -------------------------------------------------------------- */

/* Signals are for the calling thread: a thread inherits the mask. */
static bool start(struct worker *worker)
{
    pthread_attr_t attr;
    sigset_t all, before;
    bool ok = false;

    sigfillset(&all);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    ok = pthread_create(&worker->thread, &attr, work, worker) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return ok;
}

/* Where threads are scarce, fewer have to do. */
static unsigned start_all(struct run *run, struct worker *workers,
                          unsigned jobs)
{
    for (unsigned i = 0; i < jobs; i++) {
        workers[i] = (struct worker){.run = run, .slot = i};
        pthread_mutex_lock(&run->lock);
        run->working++;
        pthread_mutex_unlock(&run->lock);
        if (start(&workers[i]))
            continue;
        pthread_mutex_lock(&run->lock);
        run->working--;
        pthread_mutex_unlock(&run->lock);
        return i;
    }
    return jobs;
}

static void run_alone(struct run *run)
{
    size_t item = 0;

    while (next_item(run, &item)) {
        end_item(run, item, run->pool->work(run->pool->payload, 0, item));
        take_result(run, item);
    }
}

static void run_threads(struct run *run, unsigned jobs)
{
    struct worker workers[POOL_JOBS_MAX];
    unsigned started = start_all(run, workers, jobs);
    size_t taken = 0, item = 0;

    if (started == 0) {
        run_alone(run);
        return;
    }
    while (next_result(run, taken, &item)) {
        taken++;
        take_result(run, item);
    }
    for (unsigned i = 0; i < started; i++)
        pthread_join(workers[i].thread, NULL);
}

enum spull_code pool_run(const struct pool *pool)
{
    struct run run = {.pool = pool,
                      .lock = PTHREAD_MUTEX_INITIALIZER,
                      .news = PTHREAD_COND_INITIALIZER};
    size_t jobs = pool->jobs < pool->count ? pool->jobs : pool->count;
    enum spull_code code = SPULL_INTERNAL;

    run.items = calloc(pool->count + 1, sizeof *run.items);
    run.ended = calloc(pool->count + 1, sizeof *run.ended);
    if (run.items != NULL && run.ended != NULL) {
        if (jobs <= 1)
            run_alone(&run);
        else
            run_threads(&run, (unsigned)jobs);
        code = verdict(&run);
    }
    free(run.items);
    free(run.ended);
    pthread_cond_destroy(&run.news);
    pthread_mutex_destroy(&run.lock);
    return code;
}
