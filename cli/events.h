/* SPDX-License-Identifier: MIT */
/*
 * events: how a pull gets on, as JSON lines for another program.
 *
 * Says the same as term, on a descriptor that the caller has opened
 * (--progress-fd). A reader that goes away ends the events, not the pull; for
 * one that is slow, some are left out.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include <spull.h>

#define EVENTS_NONE (-1)

/* Of one pull; several that run at once have a copy each. */
struct events {
    int fd; /* EVENTS_NONE: nobody listens */
    enum spull_phase phase;
    double next; /* seconds; before that, nothing is due */
};

/* number is the descriptor, as text; NULL: none. SPULL_USAGE: it is not open,
 * or one that has another purpose. */
enum spull_code events_open(struct events *events, const char *number,
                            struct spull_error *err);

void events_progress(struct events *events, const struct spull_progress *now);

#endif
