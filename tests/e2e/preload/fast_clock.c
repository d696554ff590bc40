/* SPDX-License-Identifier: MIT */
/*
 * A clock that runs FAST times as quickly as it should: who measures a silence
 * of 90 seconds with it has not to wait for so long. Sleeps are as they are.
 */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

int clock_gettime(clockid_t id, struct timespec *out)
{
    long result = syscall(SYS_clock_gettime, id, out);
    long long now;

    if (result != 0 || id != CLOCK_MONOTONIC)
        return (int)result;
    now = (out->tv_sec * SECOND + out->tv_nsec) * FAST;
    out->tv_sec = now / SECOND;
    out->tv_nsec = now % SECOND;
    return 0;
}
