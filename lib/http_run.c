/* SPDX-License-Identifier: MIT */
/*
 * http_run: a transfer for whoever has nothing else to do meanwhile. It ends by
 * itself when the session is cancelled.
 */
#include <pthread.h>

#include "http.h"

/* A transfer on its way, and who waits for it. */
struct run {
    const struct sp_sink *sink;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t over;
    bool ended;
    enum spull_code code;
    struct spull_error err;
};

static enum spull_code on_head(void *payload, const struct sp_answer *answer,
                               struct spull_error *err)
{
    const struct sp_sink *sink = ((struct run *)payload)->sink;

    return sink->head == NULL ? SPULL_OK
                              : sink->head(sink->payload, answer, err);
}

static enum spull_code on_body(void *payload, const void *bytes, size_t len,
                               struct spull_error *err)
{
    const struct sp_sink *sink = ((struct run *)payload)->sink;

    return sink->body(sink->payload, bytes, len, err);
}

static void on_end(void *payload, const struct sp_end *end)
{
    struct run *run = payload;

    if (run->sink->end != NULL)
        run->sink->end(run->sink->payload, end);
    pthread_mutex_lock(&run->lock);
    run->code = end->code;
    run->err = end->err;
    run->ended = true;
    pthread_cond_signal(&run->over);
    pthread_mutex_unlock(&run->lock);
}

enum spull_code sp_http_run(struct sp_http *http,
                            const struct sp_request *request,
                            const struct sp_sink *sink, struct spull_error *err)
{
    struct run run = {.sink = sink,
                      .lock = PTHREAD_MUTEX_INITIALIZER,
                      .over = PTHREAD_COND_INITIALIZER};
    struct sp_sink outer = {&run, on_head, on_body, on_end};
    enum spull_code code = sp_http_start(http, request, &outer, NULL, err);

    if (code != SPULL_OK)
        return code;
    pthread_mutex_lock(&run.lock);
    while (!run.ended)
        pthread_cond_wait(&run.over, &run.lock);
    pthread_mutex_unlock(&run.lock);
    pthread_cond_destroy(&run.over);
    pthread_mutex_destroy(&run.lock);
    if (run.code != SPULL_OK && err != NULL)
        *err = run.err;
    return run.code;
}
