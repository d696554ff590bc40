/* SPDX-License-Identifier: MIT */
/*
 * check_talk: one request for a blob, and what came of it.
 *
 * Bytes are looked at and hashed as they come, in the network thread, and kept
 * only where somebody gave a file for them. Whoever asked waits here, and tells
 * the progress callback.
 */
#include "check_talk.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "err.h"
#include "thread.h"

/* Is it the part that was asked for? */
static bool is_part(const struct sp_talk *talk, const struct sp_head *head)
{
    return head->has_range && head->from == talk->from &&
           (!talk->part || head->to <= SP_LOOK_BYTES);
}

static void take_head(struct sp_talk *talk, const struct sp_head *head)
{
    bool partial = head->status == 206;

    talk->page_type = strncasecmp(head->type, "text/html", 9) == 0;
    talk->ranges = partial && is_part(talk, head);
    talk->odd_range = !talk->ranges && (partial || talk->from > 0);
    talk->has_length = partial ? head->has_total : head->has_length;
    talk->length = partial ? head->total : head->length;
    memcpy(talk->etag, head->etag, sizeof talk->etag);
}

static enum spull_code too_much(struct sp_talk *talk, struct spull_error *err)
{
    talk->beyond = true;
    return sp_err_set(err, SPULL_INTEGRITY, "more than %" PRIu64 " bytes",
                      talk->bound);
}

static enum spull_code on_head(void *payload, const struct sp_answer *answer,
                               struct spull_error *err)
{
    struct sp_talk *talk = payload;

    take_head(talk, answer->head);
    /* Also all of it, where a rest was asked for: the hash is past its start.
     */
    if (talk->odd_range)
        return sp_err_set(err, SPULL_INTEGRITY,
                          "other bytes than were asked for");
    if (talk->hash != NULL && talk->has_length && talk->length > talk->bound)
        return too_much(talk, err);
    return SPULL_OK;
}

static enum spull_code copy_out(int fd, uint64_t at, const void *bytes,
                                size_t len, struct spull_error *err)
{
    const char *from = bytes;

    while (len > 0) {
        ssize_t count = pwrite(fd, from, len, (off_t)at);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return sp_err_sys(err, SPULL_STORAGE, errno,
                              "cannot keep an archive while it is looked at");
        from += count;
        at += (uint64_t)count;
        len -= (size_t)count;
    }
    return SPULL_OK;
}

static enum spull_code on_body(void *payload, const void *bytes, size_t len,
                               struct spull_error *err)
{
    struct sp_talk *talk = payload;
    uint64_t got = atomic_load(&talk->got);

    if (got < SP_LOOK_BYTES) {
        size_t room = SP_LOOK_BYTES - (size_t)got;
        memcpy(talk->first + got, bytes, len < room ? len : room);
    }
    atomic_store(&talk->got, got + len);
    if (talk->hash == NULL) {
        talk->enough = got + len >= SP_LOOK_BYTES;
        return got + len > SP_LOOK_BYTES || (talk->enough && !talk->ranges)
                   ? SPULL_CANCELLED
                   : SPULL_OK;
    }
    if (got + len > talk->bound)
        return too_much(talk, err);
    enum spull_code code = sp_hash_add(talk->hash, bytes, len, err);
    if (code == SPULL_OK && talk->copy >= 0)
        code = copy_out(talk->copy, got, bytes, len, err);
    return code;
}

static void on_end(void *payload, const struct sp_end *end)
{
    struct sp_talk *talk = payload;

    pthread_mutex_lock(&talk->lock);
    talk->code = end->code;
    talk->err = end->err;
    talk->transient = end->transient;
    talk->http1 = end->http1;
    talk->retry_after = end->retry_after;
    talk->redirects = end->redirects;
    talk->refused_redirect = end->head->location != NULL &&
                             end->head->status >= 300 &&
                             end->head->status < 400;
    talk->ended = true;
    pthread_cond_signal(&talk->over);
    pthread_mutex_unlock(&talk->lock);
}

/* Returns why the waiting was cut short, or SPULL_OK. */
static enum spull_code wait_for(struct sp_talk *talk, struct sp_http *http,
                                struct sp_transfer *transfer,
                                struct sp_watch *watch, struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    pthread_mutex_lock(&talk->lock);
    while (!talk->ended) {
        sp_thread_wait(&talk->over, &talk->lock, SP_TICK_MS);
        if (talk->ended || code != SPULL_OK)
            continue;
        watch->now.bytes = atomic_load(&talk->got);
        pthread_mutex_unlock(&talk->lock);
        code = sp_watch_tick(watch, err);
        pthread_mutex_lock(&talk->lock);
        if (code != SPULL_OK && !talk->ended)
            sp_http_drop(http, transfer);
    }
    pthread_mutex_unlock(&talk->lock);
    return code;
}

void sp_talk_go_on(struct sp_talk *talk)
{
    talk->from = atomic_load(&talk->got);
    talk->ended = false;
}

enum spull_code sp_talk(struct sp_talk *talk, struct sp_http *http,
                        const struct sp_url *url, struct sp_watch *watch,
                        struct spull_error *err)
{
    struct sp_request request = {.url = url,
                                 .http1 = talk->http1,
                                 .since_ms = sp_watch_ms(),
                                 .ranged = talk->part || talk->from > 0,
                                 .from = talk->from,
                                 .to = talk->part ? SP_LOOK_BYTES : talk->bound,
                                 .if_range =
                                     talk->from > 0 ? talk->etag : NULL};
    struct sp_sink sink = {talk, on_head, on_body, on_end};
    struct sp_transfer *transfer = NULL;

    pthread_mutex_init(&talk->lock, NULL);
    sp_thread_cond_init(&talk->over);
    enum spull_code code = sp_http_start(http, &request, &sink, &transfer, err);
    if (code == SPULL_OK)
        code = wait_for(talk, http, transfer, watch, err);
    pthread_cond_destroy(&talk->over);
    pthread_mutex_destroy(&talk->lock);
    if (code != SPULL_OK)
        return code;
    if (talk->code == SPULL_CANCELLED && !talk->enough) {
        if (err != NULL)
            *err = talk->err;
        return SPULL_CANCELLED;
    }
    if (talk->enough)
        talk->code = SPULL_OK;
    return SPULL_OK;
}
