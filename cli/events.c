/* SPDX-License-Identifier: MIT */
/*
 * events: one object at each change of phase, and two a second in between: a
 * program that draws needs no more, and a log can bear it.
 */
#include "events.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fail.h"
#include "out.h"

#define EVENT_SECONDS 0.5

static pthread_mutex_t sending = PTHREAD_MUTEX_INITIALIZER;

enum spull_code events_open(struct events *events, const char *number,
                            struct spull_error *err)
{
    char *end = NULL;
    long fd = EVENTS_NONE;
    int flags = -1;

    memset(events, 0, sizeof *events);
    events->fd = EVENTS_NONE;
    if (number == NULL)
        return SPULL_OK;
    fd = strtol(number, &end, 10);
    if (*end != '\0' || number[0] < '0' || number[0] > '9' || fd < 2 ||
        fd > 65535)
        return fail_set(err, SPULL_USAGE,
                        "--progress-fd: '%s' is no descriptor from 2 on",
                        number);
    flags = fcntl((int)fd, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
        return fail_set(err, SPULL_USAGE,
                        "--progress-fd: descriptor %ld is not open%s", fd,
                        flags < 0 ? "" : " for writing");
    events->fd = (int)fd;
    return SPULL_OK;
}

static const char *phase_name(enum spull_phase phase)
{
    switch (phase) {
    case SPULL_RESOLVING:
        return "resolving";
    case SPULL_DOWNLOADING:
        return "downloading";
    case SPULL_WAITING:
        return "waiting";
    case SPULL_INSTALLING:
        return "installing";
    case SPULL_CHECKING:
        return "checking";
    case SPULL_UNPACKING:
        return "unpacking";
    case SPULL_COPYING:
        return "copying";
    }
    return "";
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Nobody waits for a reader that does not read. */
static bool would_hang(int fd)
{
    struct pollfd room = {.fd = fd, .events = POLLOUT};

    return poll(&room, 1, 0) == 0;
}

/* The caller holds the lock. */
static void send(struct events *events, const struct spull_progress *now)
{
    struct out_object *object = out_object_new();

    out_ref(object, "reference", now->ref);
    out_text(object, "phase", phase_name(now->phase));
    out_count(object, "bytes", now->bytes);
    out_count(object, "total", now->total);
    out_count(object, "resumed", now->resumed);
    out_count(object, "connections", now->connections);
    out_count(object, "wait", now->wait_seconds);
    out_text(object, "note", now->note);
    if (!out_object_send(object, events->fd))
        events->fd = EVENTS_NONE;
}

void events_progress(struct events *events, const struct spull_progress *now)
{
    double seconds = seconds_now();

    if (events->fd == EVENTS_NONE ||
        (seconds < events->next && now->phase == events->phase))
        return;
    /* What is longer than PIPE_BUF would mix with that of other pulls. */
    pthread_mutex_lock(&sending);
    if (!would_hang(events->fd)) {
        events->next = seconds + EVENT_SECONDS;
        events->phase = now->phase;
        send(events, now);
    }
    pthread_mutex_unlock(&sending);
}
