/* SPDX-License-Identifier: MIT */
/*
 * thread: starts a thread that no signal will interrupt, lets it step back, and
 * lets it wait for a while.
 *
 * Signals belong to the program, which may have set handlers that expect its
 * own threads; so ours block them all (pthread_sigmask(3)).
 */
#ifndef SP_THREAD_H
#define SP_THREAD_H

#include <pthread.h>

#include <spull.h>

/* SPULL_INTERNAL: the system gives no thread. */
enum spull_code sp_thread_start(pthread_t *thread, void *(*run)(void *),
                                void *arg, struct spull_error *err);

/*
 * The calling thread takes second place from now on, behind the program's
 * others where processors are short; for good, since the way back takes a
 * privilege (setpriority(2), "C library/kernel differences": on Linux it is the
 * thread's and not the process's). Elsewhere nothing happens.
 */
void sp_thread_step_back(void);

/* For sp_thread_wait(), whose clock is one that nobody turns back. */
void sp_thread_cond_init(pthread_cond_t *cond);

/* Waits for cond, made as above, but not much longer than ms. */
void sp_thread_wait(pthread_cond_t *cond, pthread_mutex_t *lock, unsigned ms);

#endif
