/* SPDX-License-Identifier: MIT */
/*
 * thread: pthread_create(3) with the signals blocked around it, since a thread
 * inherits the mask of the one that creates it.
 */
#include "thread.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#ifdef __linux__
#include <sys/resource.h>
#endif

#include "err.h"
#include "limits.h"

/* Ours call libcurl, OpenSSL and a resolver; glibc's default of 8 MiB is only
 * address space, but it counts where a batch system limits that. */
#define STACK_BYTES ((size_t)1 << 20)

enum spull_code sp_thread_start(pthread_t *thread, void *(*run)(void *),
                                void *arg, struct spull_error *err)
{
    pthread_attr_t attr;
    sigset_t all;
    sigset_t before;
    int failed = 0;

    sigfillset(&all);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(thread, &attr, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (failed != 0)
        return sp_err_sys(err, SPULL_INTERNAL, failed, "cannot start a thread");
    return SPULL_OK;
}

void sp_thread_step_back(void)
{
#ifdef __linux__
    int priority = 0;

    errno = 0;
    priority = getpriority(PRIO_PROCESS, 0);
    if (errno == 0)
        setpriority(PRIO_PROCESS, 0, priority + SP_STEP_BACK);
#endif
}

void sp_thread_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

void sp_thread_wait(pthread_cond_t *cond, pthread_mutex_t *lock, unsigned ms)
{
    struct timespec end;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += ms / 1000;
    end.tv_nsec += (long)(ms % 1000) * 1000000;
    end.tv_sec += end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    pthread_cond_timedwait(cond, lock, &end);
}
