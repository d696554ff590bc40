/* SPDX-License-Identifier: MIT */
/*
 * stop: signals that end the program.
 *
 * The first SIGINT, SIGTERM or SIGHUP is noted and cancels the session, so that
 * everything unwinds as after an error; then the program dies by that signal,
 * and the shell sees the truth. A second one of the same kind kills at once.
 * What a signal had ignored at the start stays ignored.
 */
#ifndef STOP_H
#define STOP_H

#include <stdbool.h>

#include <spull.h>

void stop_init(void);

/* The session to cancel; NULL before it is freed. */
void stop_watch(struct spull *session);

/* The signal that came, or 0. */
int stop_signal(void);

/*
 * stdout's reader is gone: dies of SIGPIPE in the end, as if it were not
 * caught. False: whoever started us ignores it and wants to see an error.
 */
bool stop_broken_pipe(void);

/* Dies by the signal that came; returns if none did. */
void stop_die(void);

#endif
