/* SPDX-License-Identifier: MIT */
/*
 * term: shows how pulls get on: a bar for each on a terminal, else a line now
 * and then; and what came of all of them.
 *
 * Decides when and where; what a line looks like is decided by bar and tally,
 * and say writes it. Any thread may call, each for its own job.
 */
#ifndef TERM_H
#define TERM_H

#include <stdbool.h>
#include <stddef.h>

#include <spull.h>

#include "bar.h"

/* One pull. */
struct term_job {
    const char *ref;
    struct bar_meter meter;
    struct bar_view view; /* what its line shows; note is kept apart */
    char note[256];
    uint64_t fetched; /* bytes that came over the network */
    bool copied;      /* some came from a file that was at hand */
    double start;
    double seconds; /* that it took, once it has ended */
    enum spull_phase phase;
    bool begun;  /* the first line of a log was written */
    double next; /* seconds; before that, nothing is due */
};

/* Looks at stderr and the environment, once. */
void term_init(void);

/* May lines have colours? */
bool term_colour(void);

/* So many images will be pulled, and so many have failed before it came to
 * that. More than one have a line for all. */
void term_begin(size_t count, size_t refused);

/* All have ended: says what came of them. */
void term_end(void);

/* ref and job have to live until the job has ended. No more than 16 at once. */
void term_job_start(struct term_job *job, const char *ref);
void term_job_progress(struct term_job *job, const struct spull_progress *now);

/* image: what was installed; NULL: it failed, and the error says the rest. */
void term_job_end(struct term_job *job, const struct spull_image *image);

#endif
