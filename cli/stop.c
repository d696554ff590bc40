/* SPDX-License-Identifier: MIT */
/*
 * stop: signals that end the program.
 *
 * The handler may run in any thread, libcurl's resolver included, while the
 * main thread frees the session; so it announces itself before it looks at the
 * pointer, and stop_watch() waits until nobody is looking.
 */
#include "stop.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

static _Atomic(struct spull *) watched;
static atomic_int looking;
static atomic_int received;
static bool pipe_ignored;

static void on_signal(int number)
{
    struct spull *session;

    atomic_store(&received, number);
    atomic_fetch_add(&looking, 1);
    session = atomic_load(&watched);
    if (session != NULL)
        spull_cancel(session);
    atomic_fetch_sub(&looking, 1);
}

void stop_init(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action, old;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    /* No SA_RESTART: a write to a stuck stdout has to end, too. */
    action.sa_flags = (int)SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        /* nohup(1) and shells that run things in the background do this. */
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
    /* A server that closes a TLS connection must not kill us. */
    action.sa_handler = SIG_IGN;
    action.sa_flags = 0;
    if (sigaction(SIGPIPE, &action, &old) == 0)
        pipe_ignored = old.sa_handler == SIG_IGN;
    /* Of a file that may grow no more, the failed write says more. */
    sigaction(SIGXFSZ, &action, NULL);
}

void stop_watch(struct spull *session)
{
    atomic_store(&watched, session);
    if (session == NULL) {
        while (atomic_load(&looking) > 0)
            sched_yield();
    } else if (stop_signal() != 0) {
        spull_cancel(session);
    }
}

int stop_signal(void)
{
    return atomic_load(&received);
}

bool stop_broken_pipe(void)
{
    int none = 0;

    if (pipe_ignored)
        return false;
    atomic_compare_exchange_strong(&received, &none, SIGPIPE);
    return true;
}

void stop_die(void)
{
    int number = stop_signal();
    struct sigaction action;
    sigset_t set;

    if (number == 0)
        return;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
}
