/* SPDX-License-Identifier: MIT */
/*
 * bar: progress as text: numbers in, one line out.
 *
 * A line is made of fields of a fixed width, so that it does not jitter. Which
 * of them there are depends on the width alone: each has a rank, and takes its
 * columns if those before it have left enough.
 */
#include "bar.h"

#include <string.h>

#include "text.h"

#define GREEN "\033[32m"
#define PLAIN "\033[0m"

/* Columns, without the two that keep fields apart. */
#define GAP            2
#define NAME_LEAST     16
#define PERCENT_WIDTH  4  /* "100%" */
#define LEFT_WIDTH     7  /* "1:02:03" */
#define RATE_WIDTH     10 /* "1000 MiB/s" */
#define BAR_LEAST      10
#define BAR_MOST       50
#define AMOUNT_WIDTH   15 /* "1000 / 1023 MiB" */
#define LINE_WIDTH_MAX 512
#define STATE_LEAST    20 /* "asking the registry" */

/* Seconds over which a rate forgets: calm, but not blind to a change. */
#define METER_MEMORY 3.0

/* Longer than this, a time left is no forecast. */
#define LEFT_MOST (100 * 3600.0)

/* Columns that each field of a line gets; 0: it is not there. */
struct layout {
    size_t name, bar, percent, amount, rate, left;
};

void bar_meter_add(struct bar_meter *meter, double when, uint64_t bytes)
{
    double passed = when - meter->when, now;

    /* The first count says nothing about speed, nor does one that went back:
     * another server starts over. */
    if (!meter->started || bytes < meter->bytes) {
        *meter = (struct bar_meter){true, when, bytes, 0};
        return;
    }
    if (passed < 0.05)
        return;
    now = (double)(bytes - meter->bytes) / passed;
    if (meter->rate > 0)
        meter->rate += (now - meter->rate) * passed / (passed + METER_MEMORY);
    else
        meter->rate = now;
    meter->when = when;
    meter->bytes = bytes;
}

static const char *unit_of(double bytes, double *factor)
{
    static const char *const units[] = {"B",   "KiB", "MiB", "GiB",
                                        "TiB", "PiB", "EiB"};
    size_t i = 0;

    *factor = 1;
    /* From 1023.5 on, "%.0f" would print 1024. */
    while (bytes / *factor >= 1023.5 && i < 6) {
        *factor *= 1024;
        i++;
    }
    return units[i];
}

static void add_number(struct text *text, double value, bool whole)
{
    /* From 99.95 on, "%.1f" would print 100.0. */
    text_add(text, whole || value >= 99.95 ? "%.0f" : "%.1f", value);
}

void bar_size(char dst[BAR_SIZE_TEXT], double bytes)
{
    struct text text = text_on(dst, BAR_SIZE_TEXT);
    double factor;
    const char *unit = unit_of(bytes, &factor);

    add_number(&text, bytes / factor, factor < 2);
    text_add(&text, " %s", unit);
}

/* Both numbers in the unit of the larger: they are there to be compared. */
static void amount_of(struct text *text, const struct bar_view *view)
{
    double bytes = (double)view->bytes, total = (double)view->total, factor;
    const char *unit = unit_of(total > bytes ? total : bytes, &factor);

    add_number(text, bytes / factor, factor < 2);
    if (view->total > 0) {
        text_add(text, " / ");
        add_number(text, total / factor, factor < 2);
    }
    text_add(text, " %s", unit);
}

static unsigned percent_of(const struct bar_view *view)
{
    if (view->total == 0)
        return 0;
    if (view->bytes >= view->total)
        return 100;
    /* Rounded down: 100 % is what is complete. */
    return (unsigned)((double)view->bytes / (double)view->total * 100);
}

/* Seconds, or less than 0 where there is no forecast. */
static double left_of(const struct bar_view *view)
{
    double left;

    if (view->total == 0 || view->rate < 1)
        return -1;
    if (view->bytes >= view->total)
        return 0;
    left = (double)(view->total - view->bytes) / view->rate;
    return left < LEFT_MOST ? left : -1;
}

static void add_clock(struct text *text, double seconds)
{
    unsigned whole = (unsigned)(seconds + 0.5);
    unsigned hours = whole / 3600, minutes = whole / 60 % 60;

    if (hours > 0)
        text_add(text, "%u:%02u:%02u", hours, minutes, whole % 60);
    else
        text_add(text, "%u:%02u", minutes, whole % 60);
}

void bar_duration(struct text *text, double seconds)
{
    unsigned whole = (unsigned)(seconds + 0.5);

    if (seconds < 0.95)
        text_add(text, "%.1f s", seconds);
    else if (whole < 120)
        text_add(text, "%u s", whole);
    else if (whole < 7200)
        text_add(text, "%u min", whole / 60);
    else
        text_add(text, "%u h %u min", whole / 3600, whole / 60 % 60);
}

const char *bar_name(const char *ref, size_t *len)
{
    const char *address = strstr(ref, "://");
    const char *end = strchr(address != NULL ? address : ref, '\0');
    const char *at, *start = ref;
    int slashes = 0;

    /* "user@host" has an '@' as well, but never "@sha256:". */
    at = strstr(ref, "@sha256:");
    if (at != NULL)
        end = at;
    *len = (size_t)(end - start);
    if (address == NULL)
        return start;
    for (start = end; start > address + 3; start--) {
        slashes += start[-1] == '/';
        if (slashes == 2)
            break;
    }
    *len = (size_t)(end - start);
    return start;
}

/* Of a name that is too long, the end tells most: first whole folders go. */
static const char *fold_name(const char *ref, size_t width, size_t *len)
{
    const char *name = bar_name(ref, len);
    const char *slash = memchr(name, '/', *len);

    while (*len > width && slash != NULL) {
        *len -= (size_t)(slash + 1 - name);
        name = slash + 1;
        slash = memchr(name, '/', *len);
    }
    return name;
}

static void add_name(struct text *text, const char *ref, size_t width)
{
    size_t len, start = text->len;
    const char *name = fold_name(ref, width, &len);

    if (len > width && width > 3)
        text_add(text, "...%.*s", (int)(width - 3), name + len - (width - 3));
    else
        text_add(text, "%.*s", (int)(len < width ? len : width), name);
    for (char *at = text->data + start; *at != '\0'; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
}

/* Gives a field its columns if there are as many. */
static void allot(size_t *field, size_t width, size_t *free_columns)
{
    if (*free_columns < width + GAP)
        return;
    *field = width;
    *free_columns -= width + GAP;
}

/* The name has all that is left up to its length, the bar what it leaves. */
static void widen(struct layout *l, const char *ref, size_t columns)
{
    size_t len;

    fold_name(ref, l->name + columns, &len);
    if (len > l->name + columns)
        len = l->name + columns;
    columns += l->name;
    columns -= len;
    l->name = len;
    if (l->bar > 0)
        l->bar += columns < BAR_MOST - l->bar ? columns : BAR_MOST - l->bar;
}

static struct layout lay_out(size_t columns, const char *ref)
{
    struct layout l = {0, 0, 0, 0, 0, 0};
    size_t name;

    bar_name(ref, &name);
    if (name > NAME_LEAST)
        name = NAME_LEAST;
    if (columns < PERCENT_WIDTH)
        return l;
    l.percent = PERCENT_WIDTH;
    columns -= PERCENT_WIDTH;
    if (columns < name + GAP) {
        l.name = columns > GAP ? columns - GAP : 0;
        return l;
    }
    allot(&l.name, name, &columns);
    allot(&l.left, LEFT_WIDTH, &columns);
    allot(&l.rate, RATE_WIDTH, &columns);
    allot(&l.bar, BAR_LEAST, &columns);
    allot(&l.amount, AMOUNT_WIDTH, &columns);
    widen(&l, ref, columns);
    return l;
}

static void add_gap(struct text *text)
{
    if (text->len > 0)
        text_add(text, "%*s", GAP, "");
}

static void add_right(struct text *text, size_t width, const char *field)
{
    if (width == 0)
        return;
    add_gap(text);
    text_add(text, "%*s", (int)width, field);
}

void bar_fill(struct text *text, unsigned percent, size_t width, bool colour)
{
    size_t inside = width - 2;
    size_t done = percent * inside / 100;

    text_add(text, "[%s", colour ? GREEN : "");
    for (size_t i = 0; i < done; i++)
        text_add(text, "%c", i + 1 == done && done < inside ? '>' : '=');
    text_add(text, "%s%*s]", colour ? PLAIN : "", (int)(inside - done), "");
}

static void add_numbers(struct text *text, const struct bar_view *view,
                        const struct layout *l)
{
    char field[32];
    struct text f = text_on(field, sizeof field);
    double left = left_of(view);

    text_add(&f, "%u%%", percent_of(view));
    add_right(text, l->percent, view->total > 0 ? field : "");
    f = text_on(field, sizeof field);
    amount_of(&f, view);
    add_right(text, l->amount, field);
    field[0] = '\0';
    if (view->rate >= 1) {
        bar_size(field, view->rate);
        f = (struct text){field, sizeof field, strlen(field)};
        text_add(&f, "/s");
    }
    add_right(text, l->rate, field);
    f = text_on(field, sizeof field);
    if (left >= 0)
        add_clock(&f, left);
    add_right(text, l->left, field);
}

/* What goes on while no bytes come. */
static void add_state(struct text *text, const struct bar_view *view)
{
    static const char *const words[] = {
        [SPULL_RESOLVING] = "asking the registry",
        [SPULL_DOWNLOADING] = "downloading",
        [SPULL_WAITING] = "waiting",
        [SPULL_INSTALLING] = "installing",
        [SPULL_CHECKING] = "reading",
        [SPULL_UNPACKING] = "unpacking",
        [SPULL_COPYING] = "copying",
    };
    bool partial =
        view->phase == SPULL_UNPACKING || view->phase == SPULL_COPYING;

    text_add(text, "%s", words[view->phase]);
    if (view->phase == SPULL_WAITING && view->wait > 0)
        text_add(text, " %u s", view->wait);
    if (partial && view->total > 0)
        text_add(text, " %u %%", percent_of(view));
    if (view->note != NULL && view->note[0] != '\0')
        text_add(text, ": %s", view->note);
}

static void state_line(struct text *text, const struct bar_view *view,
                       size_t columns)
{
    char state[LINE_WIDTH_MAX];
    struct text s = text_on(state, sizeof state);
    size_t wanted, name, most;

    add_state(&s, view);
    /* The state first: that one waits matters more than for what. */
    wanted = s.len < STATE_LEAST ? s.len : STATE_LEAST;
    most = columns > wanted + GAP ? columns - wanted - GAP : 0;
    bar_name(view->name, &name);
    if (name > most)
        name = most;
    if (name >= 4) {
        add_name(text, view->name, name);
        add_gap(text);
    }
    for (size_t i = 0; i < s.len && text->len < columns; i++)
        text_add(text, "%c",
                 state[i] >= ' ' && state[i] <= '~' ? state[i] : '?');
}

void bar_line(char *dst, size_t cap, const struct bar_view *view,
              unsigned width, bool colour)
{
    struct text text = text_on(dst, cap);
    size_t columns = width > 0 ? width - 1 : 0;
    struct layout l;

    if (columns > LINE_WIDTH_MAX - 1)
        columns = LINE_WIDTH_MAX - 1;
    if (view->phase != SPULL_DOWNLOADING) {
        state_line(&text, view, columns);
        return;
    }
    l = lay_out(columns, view->name);
    if (l.name > 0)
        add_name(&text, view->name, l.name);
    /* Without a total there is nothing to fill. */
    if (view->total > 0 && l.bar > 0) {
        add_gap(&text);
        bar_fill(&text, percent_of(view), l.bar, colour);
    }
    add_numbers(&text, view, &l);
    while (text.len > 0 && dst[text.len - 1] == ' ')
        dst[--text.len] = '\0';
}

void bar_words(char *dst, size_t cap, const struct bar_view *view)
{
    struct text text = text_on(dst, cap);
    double left = left_of(view);
    char size[BAR_SIZE_TEXT];

    if (view->phase != SPULL_DOWNLOADING) {
        add_state(&text, view);
        return;
    }
    if (view->total > 0) {
        bar_size(size, (double)view->total);
        text_add(&text, "%u %% of %s", percent_of(view), size);
    } else {
        bar_size(size, (double)view->bytes);
        text_add(&text, "%s", size);
    }
    if (view->rate >= 1) {
        bar_size(size, view->rate);
        text_add(&text, ", %s/s", size);
    }
    if (left >= 0) {
        text_add(&text, ", ");
        bar_duration(&text, left);
        text_add(&text, " left");
    }
}

void bar_result(char *dst, size_t cap, const struct spull_image *image,
                bool copied)
{
    struct text text = text_on(dst, cap);
    char size[BAR_SIZE_TEXT];

    if (image->state == SPULL_UP_TO_DATE) {
        text_add(&text, "up to date");
        return;
    }
    bar_size(size, (double)image->size);
    text_add(&text, "%s", size);
    if (image->placed != NULL)
        text_add(&text, " from the store (%s)", image->placed);
    if (image->placed != NULL && image->transferred == 0)
        return;
    if (image->image_digest != NULL) {
        bar_size(size, (double)image->transferred);
        text_add(&text, " unpacked, %s downloaded,", size);
    } else if (image->transferred == 0) {
        text_add(&text, copied && image->url == NULL
                            ? " copied"
                            : ", all of it here already,");
    } else if (image->transferred < image->size) {
        bar_size(size, (double)image->transferred);
        text_add(&text, ", %s of it downloaded,", size);
    }
    text_add(&text, " in ");
    bar_duration(&text, image->seconds);
    /* Over less than a tenth of a second, a rate would be noise. */
    if (image->seconds >= 0.1 && image->image_digest == NULL &&
        image->transferred > 0) {
        bar_size(size, (double)image->transferred / image->seconds);
        text_add(&text, " (%s/s)", size);
    }
}
