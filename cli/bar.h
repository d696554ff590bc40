/* SPDX-License-Identifier: MIT */
/*
 * bar: progress as text: numbers in, one line out.
 *
 * Pure: no clock, no terminal, no output, so that every width and phase can be
 * tried in a table. Lines are ASCII whatever the names contain, so a byte is a
 * column, colours aside.
 */
#ifndef BAR_H
#define BAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spull.h>

#include "text.h"

/* What a line shows. */
struct bar_view {
    const char *name;
    enum spull_phase phase;
    uint64_t bytes;
    uint64_t total;   /* 0: not known */
    uint64_t resumed; /* of bytes */
    double rate;      /* bytes a second; 0: not known */
    unsigned wait;    /* seconds, with SPULL_WAITING */
    const char *note; /* "" or why */
};

/* A smoothed rate. Starts zeroed. */
struct bar_meter {
    bool started;
    double when; /* seconds of any clock that does not jump */
    uint64_t bytes;
    double rate;
};

/* Takes a count as it is now; called about ten times a second. */
void bar_meter_add(struct bar_meter *meter, double when, uint64_t bytes);

/* "512 B", "52.1 MiB", "1.2 GiB". At most 8 characters. */
#define BAR_SIZE_TEXT 16
void bar_size(char dst[BAR_SIZE_TEXT], double bytes);

/* Adds "[===>   ]", of width columns. */
void bar_fill(struct text *text, unsigned percent, size_t width, bool colour);

/* Adds "0.5 s", "40 s", "3 min". */
void bar_duration(struct text *text, double seconds);

/*
 * What to call ref on a line: the container and tag, without registry and pin.
 * Points into ref; *len says how much of it.
 */
const char *bar_name(const char *ref, size_t *len);

/*
 * For a terminal: at most width - 1 columns, since in the last one many
 * terminals wrap. Longer than width in bytes if in colour.
 */
void bar_line(char *dst, size_t cap, const struct bar_view *view,
              unsigned width, bool colour);

/* For a log: "45 % of 1.2 GiB, 30.0 MiB/s, 22 s left". */
void bar_words(char *dst, size_t cap, const struct bar_view *view);

/* At the end: "52.1 MiB in 3 s (17.0 MiB/s)", "up to date". copied: bytes came
 * from a file that was at hand. */
void bar_result(char *dst, size_t cap, const struct spull_image *image,
                bool copied);

#endif
