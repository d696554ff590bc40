/* SPDX-License-Identifier: MIT */
/*
 * thread: starts a thread that no signal will interrupt.
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

#endif
