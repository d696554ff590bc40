/* SPDX-License-Identifier: MIT */
/*
 * term: shows how pulls get on: a bar for each on a terminal, else a line now
 * and then; and what came of all of them.
 *
 * The bars are lines that are written over; the cursor stays visible and no
 * mode of the terminal is changed, so there is nothing to restore, however the
 * program ends. A job keeps its place among them until it ends.
 */
#include "term.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rc.h"
#include "say.h"
#include "tally.h"
#include "text.h"

#define DRAW_SECONDS 0.1
#define LOG_SECONDS  30.0
#define LINE_BYTES   1024
#define JOBS_MAX     16

static struct {
    bool bars;
    bool colour;
    pthread_mutex_t lock; /* guards all below, and what a line shows */
    struct term_job *jobs[JOBS_MAX]; /* NULL: nobody is in this place */
    struct tally tally;              /* of what has ended */
    struct bar_meter meter;
    double start;
    double next; /* seconds; before that, no drawing is due */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

void term_init(void)
{
    const char *type = rc_env("TERM");
    bool terminal = isatty(STDERR_FILENO) == 1;

    state.bars = terminal && type != NULL && strcmp(type, "dumb") != 0;
    state.colour = state.bars && rc_env("NO_COLOR") == NULL;
}

bool term_colour(void)
{
    return state.colour;
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void term_begin(size_t count, size_t refused)
{
    memset(&state.tally, 0, sizeof state.tally);
    memset(&state.meter, 0, sizeof state.meter);
    state.tally.count = count + refused;
    state.tally.failed = refused;
    state.start = seconds_now();
    state.next = 0;
}

void term_end(void)
{
    char line[LINE_BYTES];

    if (state.bars)
        say_status("");
    if (state.tally.count < 2)
        return;
    state.tally.seconds = seconds_now() - state.start;
    tally_words(line, sizeof line, &state.tally);
    say_note("%s", line);
}

static void name_of(const struct term_job *job, char *dst, size_t cap)
{
    size_t len;
    const char *name = bar_name(job->ref, &len);
    char raw[LINE_BYTES];

    snprintf(raw, sizeof raw, "%.*s", (int)len, name);
    text_printable(dst, cap, raw);
}

/* --- bars on a terminal --------------------------------------------------- */

/* What has come over the network, with that of the jobs that run. */
static uint64_t fetched_by_all(void)
{
    uint64_t bytes = state.tally.bytes;

    for (size_t i = 0; i < JOBS_MAX; i++)
        if (state.jobs[i] != NULL)
            bytes += state.jobs[i]->fetched;
    return bytes;
}

/* The lines of jobs, as many as there are rows for. */
static size_t add_jobs(struct text *text, size_t rows)
{
    char line[LINE_BYTES];
    size_t hidden = 0;

    for (size_t i = 0; i < JOBS_MAX; i++) {
        if (state.jobs[i] == NULL)
            continue;
        if (rows == 0) {
            hidden++;
            continue;
        }
        rows--;
        bar_line(line, sizeof line, &state.jobs[i]->view, say_columns(),
                 state.colour);
        text_add(text, "%s%s", text->len > 0 ? "\n" : "", line);
    }
    return hidden;
}

static void add_total(struct text *text, size_t hidden, double seconds)
{
    struct tally tally = state.tally;
    char line[LINE_BYTES];

    tally.hidden = hidden;
    tally.bytes = fetched_by_all();
    bar_meter_add(&state.meter, seconds, tally.bytes);
    tally.rate = state.meter.rate;
    tally_line(line, sizeof line, &tally, say_columns(), state.colour);
    text_add(text, "%s%s", text->len > 0 ? "\n" : "", line);
}

/* Leaves one row for the total and one that a shell's prompt will want. The
 * caller holds the lock. */
static void draw(double seconds)
{
    char block[SAY_STATUS_MAX];
    struct text text = text_on(block, sizeof block);
    bool many = state.tally.count > 1;
    unsigned rows = say_rows();
    size_t hidden = add_jobs(&text, !many ? 1 : rows > 2 ? rows - 2 : 0);

    if (many)
        add_total(&text, hidden, seconds);
    say_status(block);
}

/* At a change of phase only where there is one bar: with many, something
 * changes all the time. */
static void draw_if_due(struct term_job *job, double seconds)
{
    bool changed = state.tally.count < 2 && job->view.phase != job->phase;

    if (seconds < state.next && !changed)
        return;
    /* From when it was due, not from now: else ticks that come a little early
     * would halve the pace. */
    state.next += DRAW_SECONDS;
    if (state.next < seconds)
        state.next = seconds + DRAW_SECONDS;
    job->phase = job->view.phase;
    draw(seconds);
}

/* --- lines of a log ------------------------------------------------------- */

static const char *doing(enum spull_phase phase)
{
    switch (phase) {
    case SPULL_COPYING:
        return "copying";
    case SPULL_UNPACKING:
        return "unpacking";
    default:
        return "downloading";
    }
}

static void log_begin(struct term_job *job, const struct bar_view *view)
{
    char name[LINE_BYTES], line[LINE_BYTES], size[BAR_SIZE_TEXT];
    struct text text = text_on(line, sizeof line);

    text_add(&text, "%s", doing(view->phase));
    if (view->total > 0) {
        bar_size(size, (double)view->total);
        text_add(&text, " %s", size);
    }
    if (view->resumed > 0) {
        bar_size(size, (double)view->resumed);
        text_add(&text, ", %s of it were here already", size);
    }
    name_of(job, name, sizeof name);
    say_note("%s: %s", name, line);
    job->begun = true;
}

/* The size comes with the first bytes; small images are here before any. What
 * a store had is not downloaded. */
static bool can_begin(const struct bar_view *view)
{
    return (view->phase == SPULL_DOWNLOADING ||
            view->phase == SPULL_UNPACKING || view->phase == SPULL_COPYING ||
            view->phase == SPULL_INSTALLING) &&
           (view->total > 0 || view->bytes > 0);
}

static void log_line(struct term_job *job, const struct bar_view *view,
                     double seconds)
{
    char name[LINE_BYTES], line[LINE_BYTES];

    if (!job->begun && can_begin(view)) {
        log_begin(job, view);
    } else if (seconds >= job->next) {
        name_of(job, name, sizeof name);
        bar_words(line, sizeof line, view);
        say_note("%s: %s", name, line);
    } else {
        return;
    }
    job->next = seconds + LOG_SECONDS;
}

/* --- jobs ----------------------------------------------------------------- */

void term_job_start(struct term_job *job, const char *ref)
{
    memset(job, 0, sizeof *job);
    job->ref = ref;
    job->view.name = ref;
    job->view.note = job->note;
    job->start = seconds_now();
    job->next = job->start + LOG_SECONDS;
    pthread_mutex_lock(&state.lock);
    for (size_t i = 0; i < JOBS_MAX; i++) {
        if (state.jobs[i] == NULL) {
            state.jobs[i] = job;
            break;
        }
    }
    pthread_mutex_unlock(&state.lock);
}

static void set_source(struct term_job *job, const struct spull_progress *now)
{
    job->copied = job->copied || now->phase == SPULL_COPYING;
    if (now->phase == SPULL_DOWNLOADING)
        job->fetched =
            now->bytes > now->resumed ? now->bytes - now->resumed : 0;
}

static void set_view(struct term_job *job, const struct spull_progress *now,
                     double seconds)
{
    struct bar_view *view = &job->view;

    view->phase = now->phase;
    view->bytes = now->bytes;
    view->total = now->total;
    view->resumed = now->resumed;
    view->wait = now->wait_seconds;
    snprintf(job->note, sizeof job->note, "%s", now->note);
    if (now->phase == SPULL_DOWNLOADING)
        bar_meter_add(&job->meter, seconds, now->bytes);
    else
        job->meter.started = false; /* pauses are no speed */
    view->rate = job->meter.rate;
}

void term_job_progress(struct term_job *job, const struct spull_progress *now)
{
    bool quiet = say_level() == SAY_QUIET;
    double seconds = seconds_now();

    pthread_mutex_lock(&state.lock);
    set_source(job, now);
    set_view(job, now, seconds);
    if (!quiet && state.bars)
        draw_if_due(job, seconds);
    pthread_mutex_unlock(&state.lock);
    if (!quiet && !state.bars)
        log_line(job, &job->view, seconds);
}

static const char *proof_of(const struct spull_image *image)
{
    if (image->weak)
        return "weak: only an md5 vouches for it";
    return image->state == SPULL_UP_TO_DATE ? "" : "verified";
}

static void say_result(const struct term_job *job,
                       const struct spull_image *image)
{
    char name[LINE_BYTES], result[LINE_BYTES], line[4 * LINE_BYTES];
    struct text text = text_on(line, sizeof line);
    const char *proof = proof_of(image);
    const char *colour = image->weak ? "\033[33m" : "\033[32m";

    name_of(job, name, sizeof name);
    bar_result(result, sizeof result, image, job->copied);
    if (!state.bars) {
        say_note("%s: %s%s%s", name, result, proof[0] ? ", " : "", proof);
        return;
    }
    text_add(&text, "%s  %s", name, result);
    if (proof[0] != '\0')
        text_add(&text, "  %s%s%s", state.colour ? colour : "", proof,
                 state.colour ? "\033[0m" : "");
    say_plain(line);
}

/* The caller holds the lock. */
static void count(const struct term_job *job, const struct spull_image *image)
{
    struct tally *tally = &state.tally;

    tally->failed += image == NULL;
    if (image != NULL && image->state == SPULL_UP_TO_DATE)
        tally->up_to_date++;
    else if (image != NULL)
        tally->installed++;
    tally->bytes += image != NULL ? image->transferred : job->fetched;
}

void term_job_end(struct term_job *job, const struct spull_image *image)
{
    job->seconds = seconds_now() - job->start;
    pthread_mutex_lock(&state.lock);
    for (size_t i = 0; i < JOBS_MAX; i++)
        if (state.jobs[i] == job)
            state.jobs[i] = NULL;
    count(job, image);
    if (say_level() != SAY_QUIET) {
        /* Its line goes before its result comes. */
        if (state.bars)
            draw(seconds_now());
        if (image != NULL)
            say_result(job, image);
    }
    pthread_mutex_unlock(&state.lock);
}
