/* SPDX-License-Identifier: MIT */
/*
 * term: shows how a pull gets on: a bar on a terminal, else a line now and
 * then.
 *
 * Decides when and where; what a line looks like is decided by bar, and say
 * writes it. One struct per pull, so that several can run one day.
 */
#ifndef TERM_H
#define TERM_H

#include <stdbool.h>

#include <spull.h>

#include "bar.h"

struct term_job {
    const char *ref;
    struct bar_meter meter;
    enum spull_phase phase;
    bool begun;  /* the first line of a log was written */
    double next; /* seconds; before that, nothing is due */
};

/* Looks at stderr and the environment, once. */
void term_init(void);

/* May lines have colours? */
bool term_colour(void);

/* ref has to live as long as the job. */
void term_job_start(struct term_job *job, const char *ref);
void term_job_progress(struct term_job *job, const struct spull_progress *now);

/* image: what was installed; NULL: it failed, and the error says the rest. */
void term_job_end(struct term_job *job, const struct spull_image *image);

#endif
