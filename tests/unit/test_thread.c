/* SPDX-License-Identifier: MIT */
/*
 * thread: what a thread of ours lets through, where it stands, how it waits.
 */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "limits.h"
#include "thread.h"
#include "unit.h"
#include "watch.h"

#define WAIT_MS 30

struct seen {
    bool blocked; /* SIGTERM */
    int before;
    int after;
};

static void *look(void *arg)
{
    struct seen *seen = arg;
    sigset_t mask;

    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    seen->blocked = sigismember(&mask, SIGTERM) == 1;
    seen->before = getpriority(PRIO_PROCESS, 0);
    sp_thread_step_back();
    seen->after = getpriority(PRIO_PROCESS, 0);
    return NULL;
}

static void test_start(void **state)
{
    struct seen seen = {0};
    struct spull_error err = {0};
    pthread_t thread;
    sigset_t mask;

    (void)state;
    assert_int_equal(sp_thread_start(&thread, look, &seen, &err), SPULL_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(seen.blocked);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    assert_false(sigismember(&mask, SIGTERM));
}

/* That thread alone; and no further than there is. */
static void test_step_back(void **state)
{
    struct seen seen = {0};
    struct spull_error err = {0};
    pthread_t thread;
    int mine = getpriority(PRIO_PROCESS, 0);
    int expected = mine + SP_STEP_BACK > 19 ? 19 : mine + SP_STEP_BACK;

    (void)state;
    assert_int_equal(sp_thread_start(&thread, look, &seen, &err), SPULL_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(seen.before, mine);
    assert_int_equal(seen.after, expected);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), mine);
}

/* Nobody signals; what wakes it early, if anything, is the system. */
static void test_wait(void **state)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond;
    uint64_t start = sp_watch_ms();

    (void)state;
    sp_thread_cond_init(&cond);
    pthread_mutex_lock(&lock);
    while (sp_watch_ms() < start + WAIT_MS)
        sp_thread_wait(&cond, &lock, WAIT_MS);
    assert_int_equal(pthread_mutex_trylock(&lock), EBUSY);
    pthread_mutex_unlock(&lock);
    pthread_cond_destroy(&cond);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_step_back),
        cmocka_unit_test(test_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
