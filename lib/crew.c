/* SPDX-License-Identifier: MIT */
/*
 * crew: threads that work side by side, for one that takes what they have done.
 */
#include "crew.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "err.h"
#include "limits.h"
#include "thread.h"

struct sp_crew {
    struct sp_crew_task task;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t todo;
    pthread_cond_t done;
    bool stopping;
    unsigned count; /* of threads; constant once they run */
    pthread_t threads[];
};

/* Does what comes next, if there is anything. The caller holds the lock. */
static bool work_once(struct sp_crew *crew)
{
    const struct sp_crew_task *task = &crew->task;
    void *thing = task->next(task->payload);

    if (thing == NULL)
        return false;
    pthread_mutex_unlock(&crew->lock);
    task->work(task->payload, thing);
    pthread_mutex_lock(&crew->lock);
    task->done(task->payload, thing);
    pthread_cond_broadcast(&crew->done);
    return true;
}

static void *work(void *arg)
{
    struct sp_crew *crew = arg;

    pthread_mutex_lock(&crew->lock);
    while (!crew->stopping)
        if (!work_once(crew))
            pthread_cond_wait(&crew->todo, &crew->lock);
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

enum spull_code sp_crew_new(unsigned threads, const struct sp_crew_task *task,
                            struct sp_crew **out, struct spull_error *err)
{
    struct sp_crew *crew =
        calloc(1, sizeof *crew + threads * sizeof crew->threads[0]);

    if (crew == NULL)
        return sp_err_nomem(err);
    crew->task = *task;
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->todo, NULL);
    sp_thread_cond_init(&crew->done);
    pthread_mutex_lock(&crew->lock);
    while (crew->count < threads &&
           sp_thread_start(&crew->threads[crew->count], work, crew, NULL) ==
               SPULL_OK)
        crew->count++;
    pthread_mutex_unlock(&crew->lock);
    *out = crew;
    return SPULL_OK;
}

void sp_crew_free(struct sp_crew *crew)
{
    if (crew == NULL)
        return;
    pthread_mutex_lock(&crew->lock);
    crew->stopping = true;
    pthread_cond_broadcast(&crew->todo);
    pthread_mutex_unlock(&crew->lock);
    for (unsigned i = 0; i < crew->count; i++)
        pthread_join(crew->threads[i], NULL);
    pthread_cond_destroy(&crew->done);
    pthread_cond_destroy(&crew->todo);
    pthread_mutex_destroy(&crew->lock);
    free(crew);
}

void sp_crew_lock(struct sp_crew *crew)
{
    pthread_mutex_lock(&crew->lock);
}

void sp_crew_unlock(struct sp_crew *crew)
{
    pthread_mutex_unlock(&crew->lock);
}

void sp_crew_wake(struct sp_crew *crew)
{
    pthread_cond_broadcast(&crew->todo);
}

void sp_crew_wait(struct sp_crew *crew)
{
    if (crew->count > 0 || !work_once(crew))
        sp_thread_wait(&crew->done, &crew->lock, SP_TICK_MS);
}
