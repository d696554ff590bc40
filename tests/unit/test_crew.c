/* SPDX-License-Identifier: MIT */
/*
 * crew: all is done, once each, by as many threads as there may be, and by none
 * where there are none. Threads wait for each other, and no clock is asked.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "crew.h"
#include "limits.h"
#include "unit.h"

#define THINGS 500

/* Things are numbers, of which each is done once. */
struct job {
    int things[THINGS];
    size_t next;
    size_t todo; /* how many of them may be taken by now */
    size_t done;
    atomic_uint at_once;
    atomic_uint most;
    unsigned meet; /* that many have to be at work before one goes on */
    pthread_mutex_t lock;
    pthread_cond_t met;
};

static void *next(void *payload)
{
    struct job *job = payload;

    return job->next < job->todo ? &job->things[job->next++] : NULL;
}

static void work(void *payload, void *thing)
{
    struct job *job = payload;
    int *number = thing;

    pthread_mutex_lock(&job->lock);
    unsigned now = atomic_fetch_add(&job->at_once, 1) + 1;
    if (now > atomic_load(&job->most))
        atomic_store(&job->most, now);
    pthread_cond_broadcast(&job->met);
    while (atomic_load(&job->most) < job->meet)
        pthread_cond_wait(&job->met, &job->lock);
    pthread_mutex_unlock(&job->lock);
    ++*number;
    atomic_fetch_sub(&job->at_once, 1);
}

static void done(void *payload, void *thing)
{
    struct job *job = payload;

    assert_int_equal(*(int *)thing, 1);
    job->done++;
}

static void run(struct job *job, unsigned threads)
{
    struct sp_crew_task task = {job, next, work, done};
    struct sp_crew *crew = NULL;

    pthread_mutex_init(&job->lock, NULL);
    pthread_cond_init(&job->met, NULL);
    assert_int_equal(sp_crew_new(threads, &task, &crew, NULL), SPULL_OK);
    sp_crew_lock(crew);
    while (job->todo < THINGS) {
        job->todo += 100;
        sp_crew_wake(crew);
        while (job->done < job->todo)
            sp_crew_wait(crew);
    }
    sp_crew_unlock(crew);
    sp_crew_free(crew);
    for (size_t i = 0; i < THINGS; i++)
        assert_int_equal(job->things[i], 1);
    pthread_cond_destroy(&job->met);
    pthread_mutex_destroy(&job->lock);
}

static void does_all_side_by_side(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 8; threads *= 2) {
        struct job job = {.meet = threads};
        run(&job, threads);
        assert_int_equal(atomic_load(&job.most), threads);
    }
}

static void needs_no_thread(void **state)
{
    struct job job = {.meet = 1};

    (void)state;
    run(&job, 0);
    assert_int_equal(atomic_load(&job.most), 1);
}

/* What was not begun is left. */
static void can_be_ended_early(void **state)
{
    struct job job = {.todo = THINGS,
                      .lock = PTHREAD_MUTEX_INITIALIZER,
                      .met = PTHREAD_COND_INITIALIZER};
    struct sp_crew_task task = {&job, next, work, done};
    struct sp_crew *crew = NULL;

    (void)state;
    assert_int_equal(sp_crew_new(2, &task, &crew, NULL), SPULL_OK);
    sp_crew_lock(crew);
    while (job.done < 2)
        sp_crew_wait(crew);
    job.todo = 0;
    sp_crew_unlock(crew);
    sp_crew_free(crew);
    assert_int_equal(job.done, job.next);
    sp_crew_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_all_side_by_side),
        cmocka_unit_test(needs_no_thread),
        cmocka_unit_test(can_be_ended_early),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
