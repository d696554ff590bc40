/* SPDX-License-Identifier: MIT */
/*
 * pool: every item once, results in order and in the calling thread, the first
 * failure of the list, and no more once one was cancelled.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "pool.h"
#include "unit.h"

#define ITEMS 300

struct world {
    pthread_t caller;
    enum spull_code codes[ITEMS]; /* what becomes of an item */
    atomic_uint worked[ITEMS];
    atomic_uint at_once, most;
    atomic_bool wrong_slot; /* cmocka's checks are for the calling thread */
    size_t done, settled;   /* how many */
    size_t next;            /* the lowest item that may be settled */
    size_t lost;            /* to settle this fails; ITEMS: none */
    enum spull_code loss;
    atomic_bool is_lost; /* it has happened */
};

static enum spull_code work(void *payload, unsigned slot, size_t item)
{
    struct world *world = payload;
    unsigned now = atomic_fetch_add(&world->at_once, 1) + 1;
    unsigned most = atomic_load(&world->most);

    if (slot >= POOL_JOBS_MAX)
        atomic_store(&world->wrong_slot, true);
    while (now > most &&
           !atomic_compare_exchange_weak(&world->most, &most, now))
        continue;
    atomic_fetch_add(&world->worked[item], 1);
    /* The first of each dozen is slow, so that the others overtake it. */
    if (item % 12 == 0)
        usleep(2000);
    while (item >= 100 && world->lost < ITEMS && !atomic_load(&world->is_lost))
        usleep(100);
    atomic_fetch_sub(&world->at_once, 1);
    return world->codes[item];
}

static enum spull_code done(void *payload, size_t item, enum spull_code code)
{
    struct world *world = payload;

    assert_true(pthread_equal(pthread_self(), world->caller));
    assert_int_equal(code, world->codes[item]);
    world->done++;
    return code;
}

static enum spull_code settle(void *payload, size_t item, enum spull_code code)
{
    struct world *world = payload;

    assert_true(pthread_equal(pthread_self(), world->caller));
    assert_true(item >= world->next);
    world->next = item + 1;
    world->settled++;
    if (item != world->lost)
        return code;
    atomic_store(&world->is_lost, true);
    return world->loss;
}

static enum spull_code run(struct world *world, size_t count, unsigned jobs)
{
    struct pool pool = {count, jobs, world, work, done, settle};

    world->caller = pthread_self();
    return pool_run(&pool);
}

static const unsigned jobs[] = {1, 2, 7, POOL_JOBS_MAX};

static void does_each_once(void **state)
{
    (void)state;
    for (size_t j = 0; j < UNIT_COUNT(jobs); j++) {
        struct world world = {.lost = ITEMS};

        assert_int_equal(run(&world, ITEMS, jobs[j]), SPULL_OK);
        for (size_t i = 0; i < ITEMS; i++)
            assert_int_equal(atomic_load(&world.worked[i]), 1);
        assert_int_equal(world.done, ITEMS);
        assert_int_equal(world.settled, ITEMS);
        assert_true(atomic_load(&world.most) <= jobs[j]);
        assert_false(atomic_load(&world.wrong_slot));
    }
}

static void takes_few(void **state)
{
    (void)state;
    for (size_t count = 0; count < 3; count++) {
        struct world world = {.lost = ITEMS};

        assert_int_equal(run(&world, count, POOL_JOBS_MAX), SPULL_OK);
        assert_int_equal(world.settled, count);
    }
}

/* Item 12 is slow and fails, the ones behind it fail sooner. */
static void returns_the_first_failure(void **state)
{
    (void)state;
    for (size_t j = 0; j < UNIT_COUNT(jobs); j++) {
        struct world world = {.lost = ITEMS};

        world.codes[12] = SPULL_NOT_FOUND;
        world.codes[13] = SPULL_NETWORK;
        world.codes[200] = SPULL_DENIED;
        assert_int_equal(run(&world, ITEMS, jobs[j]), SPULL_NOT_FOUND);
        assert_int_equal(world.settled, ITEMS);
    }
}

/* What ended is still handed out, in order, though there are gaps. */
static void stops_where_one_is_cancelled(void **state)
{
    (void)state;
    for (size_t j = 0; j < UNIT_COUNT(jobs); j++) {
        struct world world = {.lost = ITEMS};
        size_t worked = 0;

        world.codes[3] = SPULL_DENIED;
        world.codes[50] = SPULL_CANCELLED;
        assert_int_equal(run(&world, ITEMS, jobs[j]), SPULL_CANCELLED);
        for (size_t i = 0; i < ITEMS; i++)
            worked += atomic_load(&world.worked[i]);
        assert_true(worked < ITEMS);
        assert_int_equal(world.done, worked);
        assert_int_equal(world.settled, worked);
    }
}

static void stops_where_a_result_is_lost(void **state)
{
    (void)state;
    for (size_t j = 0; j < UNIT_COUNT(jobs); j++) {
        struct world world = {.lost = 20, .loss = SPULL_CANCELLED};
        struct world other = {.lost = 20, .loss = SPULL_STORAGE};

        assert_int_equal(run(&world, ITEMS, jobs[j]), SPULL_CANCELLED);
        assert_true(world.settled < ITEMS);
        assert_int_equal(run(&other, ITEMS, jobs[j]), SPULL_STORAGE);
        assert_int_equal(other.settled, ITEMS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_each_once),
        cmocka_unit_test(takes_few),
        cmocka_unit_test(returns_the_first_failure),
        cmocka_unit_test(stops_where_one_is_cancelled),
        cmocka_unit_test(stops_where_a_result_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
