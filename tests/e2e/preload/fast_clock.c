/* SPDX-License-Identifier: MIT */
/*
 * A clock that runs FAST times as quickly as it should: who measures a silence
 * of 90 seconds with it has not to wait for so long. Sleeps are as they are.
 */
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static long long real_now(void)
{
    struct timespec now = {0, 0};

    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

static struct timespec of(long long ns)
{
    struct timespec time = {ns / SECOND, ns % SECOND};

    return time;
}

int clock_gettime(clockid_t id, struct timespec *out)
{
    if (id != CLOCK_MONOTONIC)
        return (int)syscall(SYS_clock_gettime, id, out);
    *out = of(real_now() * FAST);
    return 0;
}

/* Until is by that clock. */
int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock,
                           const struct timespec *until)
{
    struct timespec end = of((until->tv_sec * SECOND + until->tv_nsec) / FAST);

    return pthread_cond_clockwait(cond, lock, CLOCK_MONOTONIC, &end);
}
