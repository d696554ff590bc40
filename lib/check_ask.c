/* SPDX-License-Identifier: MIT */
/*
 * check_ask: what is asked of a server, again if need be, and what its answer
 * says of the blob. A HEAD would be cheaper, and is refused by signed URLs.
 */
#include "check_ask.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "again.h"
#include "check_talk.h"
#include "err.h"
#include "limits.h"

/* What is asked of it: a part, or all that fits bound, which is 0 where the
 * first bytes are enough. */
struct question {
    struct look *look;
    struct sp_talk *talk;
    bool part;
    uint64_t bound;
    int copy;   /* as of struct sp_talk */
    bool asked; /* at least once */
};

static enum spull_code talk_afresh(const struct question *question,
                                   struct spull_error *err)
{
    const struct look *look = question->look;
    struct sp_talk *talk = question->talk;
    enum spull_code code = SPULL_OK;

    sp_hash_free(talk->hash);
    memset(talk, 0, sizeof *talk);
    talk->part = question->part;
    talk->bound = question->bound;
    talk->copy = question->copy;
    if (talk->copy >= 0 && ftruncate(talk->copy, 0) != 0)
        return sp_err_sys(err, SPULL_STORAGE, errno, "cannot empty a file");
    if (talk->bound > 0)
        code =
            sp_hash_new(look->stated->layer.digest.algorithm, &talk->hash, err);
    return code;
}

/*
 * Can it go on where it broke off? Only with a validator, since bytes of two
 * versions would have a digest that neither has.
 */
static bool can_go_on(const struct look *look, const struct sp_talk *talk)
{
    uint64_t got = atomic_load(&talk->got);

    return talk->hash != NULL && look->seen->ranges && talk->etag[0] != '\0' &&
           !look->no_rest && got > 0 && got < talk->bound;
}

/* What failed, and whether the same server is worth another try: one that was
 * lost after all tries is not waited for a second time, before it has given an
 * answer. */
static void judge(struct look *look, const struct sp_talk *talk,
                  struct sp_outcome *out)
{
    look->no_rest = look->no_rest || talk->odd_range;
    look->http1 = talk->http1;
    out->transient = (talk->transient || talk->odd_range) &&
                     !sp_hosts_is_shunned(&look->check->lost, look->url->origin,
                                          sp_watch_ms());
    out->retry_after = talk->retry_after;
    if (can_go_on(look, talk))
        out->progress = atomic_load(&talk->got) - talk->from;
}

static enum spull_code ask(void *payload, struct sp_outcome *out,
                           struct spull_error *err)
{
    struct question *question = payload;
    struct look *look = question->look;
    struct sp_talk *talk = question->talk;
    enum spull_code code = SPULL_OK;

    if (question->asked && can_go_on(look, talk))
        sp_talk_go_on(talk);
    else
        code = talk_afresh(question, err);
    question->asked = true;
    talk->http1 = look->http1;
    if (code == SPULL_OK)
        code = sp_talk(talk, look->check->http, look->url, &look->visit->watch,
                       err);
    if (code != SPULL_OK || talk->code == SPULL_OK ||
        (talk->part && talk->odd_range))
        return code;
    judge(look, talk, out);
    *err = talk->err;
    return talk->code;
}

/* The same until there is an answer, or no more patience: talk says which.
 * Fails only where the session is to end, or for what is the matter here. */
static enum spull_code put(struct question *question)
{
    struct look *look = question->look;
    struct spull_error why;
    enum spull_code code = sp_again(&look->visit->watch, ask, question, &why);

    if (!sp_check_ends(code) && code != SPULL_STORAGE)
        return SPULL_OK;
    if (look->err != NULL)
        *look->err = why;
    return code;
}

/* A transfer that failed: what does it say about the blob? */
static void take_failure(struct look *look, const struct sp_talk *talk)
{
    struct sp_seen *seen = look->seen;

    look->visit->why = talk->err;
    seen->why = look->visit->why.text;
    if (talk->refused_redirect || talk->redirects > SP_REDIRECTS_MAX)
        seen->how = SP_SEEN_ASTRAY;
    else if (talk->code == SPULL_NOT_FOUND)
        seen->how = SP_SEEN_MISSING;
    else if (talk->code == SPULL_DENIED)
        seen->how = SP_SEEN_DENIED;
    else
        seen->how = SP_SEEN_LOST;
    if (seen->how == SP_SEEN_LOST && talk->transient)
        sp_hosts_shun(&look->check->lost, look->url->origin, sp_watch_ms());
    else
        sp_hosts_heard(&look->check->lost, look->url->origin);
}

static void take_answer(struct look *look, const struct sp_talk *talk)
{
    struct sp_seen *seen = look->seen;
    uint64_t got = atomic_load(&talk->got);

    sp_hosts_heard(&look->check->lost, look->url->origin);
    seen->how = SP_SEEN_THERE;
    seen->http = true;
    seen->told_length = seen->has_length = talk->has_length;
    seen->length = talk->length;
    seen->ranges = talk->ranges;
    seen->redirects = talk->redirects;
    seen->page_type = talk->page_type;
    seen->look = sp_sif_look(talk->first,
                             got < SP_LOOK_BYTES ? (size_t)got : SP_LOOK_BYTES);
}

/* A part first; who sends none of it, or another one, is asked for all. */
enum spull_code sp_ask_start(struct look *look)
{
    struct sp_talk answer = {.hash = NULL};
    struct question part = {look, &answer, true, 0, -1, false};
    struct question all = {look, &answer, false, 0, -1, false};
    enum spull_code code = put(&part);

    if (code == SPULL_OK && (answer.odd_range || answer.err.http == 416))
        code = put(&all);
    if (code != SPULL_OK)
        return code;
    if (answer.code == SPULL_OK)
        take_answer(look, &answer);
    else
        take_failure(look, &answer);
    return SPULL_OK;
}

enum spull_code sp_ask_all(struct look *look, int copy)
{
    struct sp_seen *seen = look->seen;
    struct sp_talk answer = {.hash = NULL};
    struct question all = {look, &answer, false, look->bound, copy, false};
    enum spull_code code = put(&all);

    if (code == SPULL_OK && answer.code != SPULL_OK) {
        if (answer.beyond)
            seen->beyond = true;
        else
            take_failure(look, &answer);
    } else if (code == SPULL_OK) {
        seen->has_length = true;
        seen->length = atomic_load(&answer.got);
        seen->hashed = true;
        code = sp_hash_end(answer.hash, &seen->digest, look->err);
    }
    sp_hash_free(answer.hash);
    return code;
}
