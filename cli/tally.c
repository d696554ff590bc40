/* SPDX-License-Identifier: MIT */
/*
 * tally: how far a list is, as text: counts in, one line out.
 *
 * Of the fields, those that tell bad news come first when columns are few.
 */
#include "tally.h"

#include <string.h>

#include "bar.h"
#include "text.h"

#define GAP       2
#define BAR_LEAST 10
#define BAR_MOST  50
#define FIELD     48

/* The fields in the order of the line. */
enum { DONE, BAR, AMOUNT, RATE, FAILED, HIDDEN, FIELDS };

static const int by_rank[] = {DONE, FAILED, HIDDEN, RATE, AMOUNT};

static size_t ended(const struct tally *tally)
{
    return tally->installed + tally->up_to_date + tally->failed;
}

static void fill_in(char fields[FIELDS][FIELD], const struct tally *tally)
{
    struct text text = text_on(fields[DONE], FIELD);
    char size[BAR_SIZE_TEXT];

    text_add(&text, "%zu/%zu images", ended(tally), tally->count);
    if (tally->bytes > 0)
        bar_size(fields[AMOUNT], (double)tally->bytes);
    text = text_on(fields[RATE], FIELD);
    if (tally->rate >= 1) {
        bar_size(size, tally->rate);
        text_add(&text, "%s/s", size);
    }
    text = text_on(fields[FAILED], FIELD);
    if (tally->failed > 0)
        text_add(&text, "%zu failed", tally->failed);
    text = text_on(fields[HIDDEN], FIELD);
    if (tally->hidden > 0)
        text_add(&text, "+%zu more", tally->hidden);
}

/* Empties what there is no room for; returns the columns that are left. */
static size_t choose(char fields[FIELDS][FIELD], size_t columns)
{
    for (size_t i = 0; i < sizeof by_rank / sizeof by_rank[0]; i++) {
        char *field = fields[by_rank[i]];
        size_t gap = i > 0 ? GAP : 0;

        if (field[0] != '\0' && strlen(field) + gap <= columns)
            columns -= strlen(field) + gap;
        else
            field[0] = '\0';
    }
    return columns;
}

void tally_line(char *dst, size_t cap, const struct tally *tally,
                unsigned width, bool colour)
{
    char fields[FIELDS][FIELD] = {{0}};
    struct text text = text_on(dst, cap);
    size_t left;

    fill_in(fields, tally);
    left = choose(fields, width > 0 ? width - 1 : 0);
    for (int i = 0; i < FIELDS; i++) {
        if (i == BAR && left >= BAR_LEAST + GAP && tally->count > 0) {
            text_add(&text, "%*s", GAP, "");
            bar_fill(&text, (unsigned)(100 * ended(tally) / tally->count),
                     left - GAP < BAR_MOST ? left - GAP : BAR_MOST, colour);
        }
        if (fields[i][0] != '\0')
            text_add(&text, "%*s%s", text.len > 0 ? GAP : 0, "", fields[i]);
    }
}

static void add_count(struct text *text, const char **comma, size_t count,
                      const char *what)
{
    if (count == 0)
        return;
    text_add(text, "%s%zu %s", *comma, count, what);
    *comma = ", ";
}

void tally_words(char *dst, size_t cap, const struct tally *tally)
{
    struct text text = text_on(dst, cap);
    char size[BAR_SIZE_TEXT];
    const char *comma = ": ";

    text_add(&text, "%zu images", tally->count);
    add_count(&text, &comma, tally->installed, "installed");
    add_count(&text, &comma, tally->up_to_date, "up to date");
    add_count(&text, &comma, tally->failed, "failed");
    bar_size(size, (double)tally->bytes);
    text_add(&text, "; %s in ", size);
    bar_duration(&text, tally->seconds);
    /* Over less than a tenth of a second, a rate would be noise. */
    if (tally->seconds >= 0.1 && tally->bytes > 0) {
        bar_size(size, (double)tally->bytes / tally->seconds);
        text_add(&text, " (%s/s)", size);
    }
}
