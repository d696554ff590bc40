/* SPDX-License-Identifier: MIT */
/*
 * tally: how far a list is, as text: counts in, one line out.
 *
 * Pure, and made of the same fields as the lines that bar makes. Who counts,
 * and where the line is shown, is not known here.
 */
#ifndef TALLY_H
#define TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally {
    size_t count; /* images in all */
    size_t installed;
    size_t up_to_date;
    size_t failed;
    size_t hidden;  /* that run, but have no line of their own */
    uint64_t bytes; /* that came over the network */
    double rate;    /* bytes a second; 0: not known */
    double seconds; /* since the beginning */
};

/* Under the lines of those that run; as bar_line(). */
void tally_line(char *dst, size_t cap, const struct tally *tally,
                unsigned width, bool colour);

/* At the end: "3 images: 2 installed, 1 failed; 1.2 GiB in 40 s". */
void tally_words(char *dst, size_t cap, const struct tally *tally);

#endif
