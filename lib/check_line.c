/* SPDX-License-Identifier: MIT */
/*
 * check_line: containers in a line, and the visits to each in a line of its
 * own. A crew takes the first that nobody has begun; the caller's thread takes
 * the first that is done, and tells what was found, so that the order is that
 * of the registry whatever answers when.
 *
 * How far the crew may be ahead of what is told has a bound, and so has what is
 * in memory. The list of a container is read before its tags are known, but not
 * before that of the one in front: each may have its tags looked at meanwhile.
 */

#include "check_internal.h"
#include "crew.h"
#include "err.h"

struct line {
    struct sp_checking *check;
    const struct sp_round *round;
    struct sp_crew *crew;
    unsigned jobs;
    bool no_more; /* the round is over */

    /* Under the crew's lock. */
    struct sp_container *first;
    struct sp_container **end;
    unsigned length;
    size_t waiting; /* visits that were begun and are not told */
    bool nomem;     /* one could not be begun */
};

/* --- for the crew, under its lock ----------------------------------------- */

/* The first in the line must never wait for the others to be told. */
static bool may_begin(const struct line *line, const struct sp_container *one)
{
    bool more = one->begun == 0 || (one->open && one->begun <= one->count);
    size_t waiting = one == line->first ? one->waiting : line->waiting;

    return more && !line->nomem && waiting < SP_CHECK_AHEAD;
}

static struct sp_visit *begin(struct line *line, struct sp_container *one)
{
    struct sp_visit *visit = sp_visit_new(line->check, one, one->begun);

    if (visit == NULL) {
        line->nomem = true;
        return NULL;
    }
    *one->end = visit;
    one->end = &visit->next;
    one->begun++;
    one->waiting++;
    one->working++;
    line->waiting++;
    return visit;
}

static void *next_visit(void *payload)
{
    struct line *line = payload;

    for (struct sp_container *one = line->first; one != NULL; one = one->next)
        if (may_begin(line, one))
            return begin(line, one);
    return NULL;
}

static void work(void *payload, void *thing)
{
    (void)payload;
    sp_visit_work(thing);
}

/* After a failure, no further tag is begun: nobody would hear of it. */
static void done(void *payload, void *thing)
{
    const struct line *line = payload;
    struct sp_visit *visit = thing;
    struct sp_container *one = visit->container;

    visit->done = true;
    one->working--;
    if (visit->number == 0)
        one->open = true;
    if (visit->code != SPULL_OK)
        one->count = one->begun - 1;
    if (atomic_load(&one->over) && one->working == 0)
        sp_container_free(one);
    sp_crew_wake(line->crew);
}

/* --- in the caller's thread ----------------------------------------------- */

/* Of a directory, the lists are read in this thread: what takes long are the
 * blobs, and the count of folders has one order. */
static void append(struct line *line, struct sp_container *one)
{
    struct sp_visit *visit = NULL;

    sp_crew_lock(line->crew);
    if (one->name != NULL && line->check->tree.root != NULL)
        visit = begin(line, one);
    *line->end = one;
    line->end = &one->next;
    line->length++;
    if (one->name == NULL)
        one->begun = 1; /* there is nothing to begin */
    sp_crew_wake(line->crew);
    sp_crew_unlock(line->crew);
    if (visit == NULL)
        return;
    sp_visit_work(visit);
    sp_crew_lock(line->crew);
    done(line, visit);
    sp_crew_unlock(line->crew);
}

/* As many containers as there are threads for. */
static enum spull_code fill(struct line *line, struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    while (code == SPULL_OK && !line->no_more && line->length < line->jobs) {
        struct sp_container *one = NULL;
        code = line->round->next(line->round->payload, &one, err);
        line->no_more = one == NULL;
        if (one != NULL)
            append(line, one);
    }
    return code;
}

/* Takes a visit out of the line, under the lock. */
static void take(struct line *line, struct sp_container *one)
{
    struct sp_visit *visit = one->first;

    one->first = visit->next;
    if (one->first == NULL)
        one->end = &one->first;
    one->waiting--;
    line->waiting--;
    sp_crew_wake(line->crew);
}

/* One that reads a whole blob is of more interest than who waits for it. Under
 * the lock. */
static void show(const struct line *line, struct sp_visit *visit)
{
    struct sp_visit *busy = visit;

    for (const struct sp_container *one = line->first; one != NULL;
         one = one->next)
        for (struct sp_visit *at = one->first; at != NULL; at = at->next)
            if (!at->done && sp_visit_is_busy(at))
                busy = at;
    if (busy != NULL)
        sp_visit_show(busy);
}

/* The callback is called without the lock. That the time is over is said by
 * those who are at work. */
static enum spull_code tick(const struct line *line, struct spull_error *err)
{
    struct sp_checking *check = line->check;

    sp_crew_unlock(line->crew);
    enum spull_code code = sp_watch_tick(&check->watch, err);
    sp_crew_lock(line->crew);
    return code == SPULL_CANCELLED ? code : SPULL_OK;
}

/* Is there nothing more to come of it? Under the lock. */
static bool has_ended(const struct sp_container *one)
{
    return one->first == NULL && one->open && one->begun > one->count;
}

/* Waits for the next visit; *out is NULL if there is none. */
static enum spull_code await(struct line *line, struct sp_container *one,
                             struct sp_visit **out, struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    sp_crew_lock(line->crew);
    while (code == SPULL_OK && !has_ended(one) &&
           (one->first == NULL || !one->first->done)) {
        sp_crew_wait(line->crew);
        show(line, one->first);
        code = line->nomem ? sp_err_nomem(err) : tick(line, err);
    }
    *out = one->first;
    if (code == SPULL_OK && *out != NULL)
        take(line, one);
    sp_crew_unlock(line->crew);
    return code;
}

/* Tells what a visit found; then what came of it. */
static enum spull_code tell(struct sp_checking *check, struct sp_visit *visit,
                            struct spull_error *err)
{
    enum spull_code code = sp_notes_tell(&visit->notes, check, err);

    check->counts.containers += visit->number == 0;
    check->counts.manifests += visit->manifests;
    if (code == SPULL_OK && visit->code != SPULL_OK) {
        code = visit->code;
        *err = visit->err;
    }
    sp_visit_free(visit);
    return code;
}

static enum spull_code tell_all(struct line *line, struct sp_container *one,
                                struct spull_error *err)
{
    struct sp_checking *check = line->check;
    struct sp_visit *visit = NULL;
    enum spull_code code = sp_notes_tell(&one->before, check, err);

    if (one->name == NULL)
        return code;
    while (code == SPULL_OK) {
        code = await(line, one, &visit, err);
        if (code != SPULL_OK || visit == NULL)
            break;
        code = tell(check, visit, err);
    }
    if (code == SPULL_OK && check->tree.root != NULL)
        code = sp_disk_close(check, one, err);
    return code;
}

/* Those who still work on it find out, and the last one frees it. */
static void leave(struct line *line)
{
    struct sp_container *one = line->first;

    sp_crew_lock(line->crew);
    line->first = one->next;
    if (line->first == NULL)
        line->end = &line->first;
    line->length--;
    line->waiting -= one->waiting;
    atomic_store(&one->over, true);
    if (one->working == 0)
        sp_container_free(one);
    sp_crew_wake(line->crew);
    sp_crew_unlock(line->crew);
}

static enum spull_code go_through(struct line *line, struct spull_error *err)
{
    const struct sp_round *round = line->round;
    enum spull_code code = fill(line, err);

    while (code == SPULL_OK && line->first != NULL) {
        struct spull_error why = {0};
        code = tell_all(line, line->first, &why);
        code = round->settle(round->payload, line->first, code, &why, err);
        leave(line);
        if (code == SPULL_OK)
            code = fill(line, err);
    }
    return code;
}

enum spull_code sp_line_run(struct sp_checking *check,
                            const struct sp_round *round,
                            struct spull_error *err)
{
    struct line line = {
        .check = check, .round = round, .jobs = check->ctx->opts.jobs};
    struct sp_crew_task task = {&line, next_visit, work, done};
    enum spull_code code = SPULL_OK;

    line.end = &line.first;
    code = sp_crew_new(line.jobs, &task, &line.crew, err);
    if (code == SPULL_OK)
        code = go_through(&line, err);
    atomic_store(&check->stopped, true);
    while (line.first != NULL)
        leave(&line);
    sp_crew_free(line.crew);
    return code;
}
