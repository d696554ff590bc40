/* SPDX-License-Identifier: MIT */
/*
 * term: shows how a pull gets on: a bar on a terminal, else a line now and
 * then.
 *
 * The bar is one line that is written over; the cursor stays visible and no
 * mode of the terminal is changed, so there is nothing to restore, however the
 * program ends.
 */
#include "term.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "rc.h"
#include "say.h"
#include "text.h"

#define DRAW_SECONDS  0.1
#define LOG_SECONDS   30.0
#define WIDTH_DEFAULT 80
#define LINE_BYTES    1024

static struct {
    bool bars;
    bool colour;
} state;

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

/* Asked for each line, so that a window may change its size meanwhile. */
static unsigned width_now(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return WIDTH_DEFAULT;
}

static void name_of(const struct term_job *job, char *dst, size_t cap)
{
    size_t len;
    const char *name = bar_name(job->ref, &len);
    char raw[LINE_BYTES];

    snprintf(raw, sizeof raw, "%.*s", (int)len, name);
    text_printable(dst, cap, raw);
}

void term_job_start(struct term_job *job, const char *ref)
{
    memset(job, 0, sizeof *job);
    job->ref = ref;
    job->next = seconds_now() + (state.bars ? 0 : LOG_SECONDS);
}

static void draw(struct term_job *job, const struct bar_view *view,
                 double seconds)
{
    char line[LINE_BYTES];

    if (seconds < job->next && view->phase == job->phase)
        return;
    /* From when it was due, not from now: else ticks that come a little early
     * would halve the pace. */
    job->next += DRAW_SECONDS;
    if (job->next < seconds)
        job->next = seconds + DRAW_SECONDS;
    job->phase = view->phase;
    bar_line(line, sizeof line, view, width_now(), state.colour);
    say_status(line);
}

static void log_begin(struct term_job *job, const struct bar_view *view)
{
    char name[LINE_BYTES], line[LINE_BYTES], size[BAR_SIZE_TEXT];
    struct text text = text_on(line, sizeof line);

    text_add(&text, "downloading");
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

/* The size comes with the first bytes; small images are here before any. */
static bool can_begin(const struct bar_view *view)
{
    if (view->phase == SPULL_INSTALLING)
        return true;
    return view->phase == SPULL_DOWNLOADING &&
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

void term_job_progress(struct term_job *job, const struct spull_progress *now)
{
    double seconds = seconds_now();
    struct bar_view view = {
        .name = job->ref,
        .phase = now->phase,
        .bytes = now->bytes,
        .total = now->total,
        .resumed = now->resumed,
        .wait = now->wait_seconds,
        .note = now->note,
    };

    if (say_level() == SAY_QUIET)
        return;
    if (now->phase == SPULL_DOWNLOADING)
        bar_meter_add(&job->meter, seconds, now->bytes);
    else
        job->meter.started = false; /* pauses are no speed */
    view.rate = job->meter.rate;
    if (state.bars)
        draw(job, &view, seconds);
    else
        log_line(job, &view, seconds);
}

static const char *proof_of(const struct spull_image *image)
{
    if (image->weak)
        return "weak: only an md5 vouches for it";
    return image->state == SPULL_UP_TO_DATE ? "" : "verified";
}

void term_job_end(struct term_job *job, const struct spull_image *image)
{
    char name[LINE_BYTES], result[LINE_BYTES], line[4 * LINE_BYTES];
    const char *proof, *colour, *plain;
    struct text text = text_on(line, sizeof line);

    if (state.bars)
        say_status("");
    if (image == NULL || say_level() == SAY_QUIET)
        return;
    name_of(job, name, sizeof name);
    bar_result(result, sizeof result, image);
    proof = proof_of(image);
    if (!state.bars) {
        say_note("%s: %s%s%s", name, result, proof[0] ? ", " : "", proof);
        return;
    }
    colour = image->weak ? "\033[33m" : "\033[32m";
    plain = state.colour ? "\033[0m" : "";
    text_add(&text, "%s  %s", name, result);
    if (proof[0] != '\0')
        text_add(&text, "  %s%s%s", state.colour ? colour : "", proof, plain);
    say_plain(line);
}
