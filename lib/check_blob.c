/* SPDX-License-Identifier: MIT */
/*
 * check_blob: what is asked of the server, or the disk, that has a blob.
 *
 * First the first bytes, which tell what it is, how long, and whether parts can
 * be had; then, where digests are wanted and the length is right, all of it. A
 * HEAD would be cheaper, and is refused by signed URLs.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "again.h"
#include "check_internal.h"
#include "check_talk.h"
#include "err.h"
#include "limits.h"
#include "unpack.h"

/* One blob that is looked at. */
struct look {
    struct sp_visit *visit;
    struct sp_checking *check;
    const struct sp_url *url;
    const struct sp_stated *stated;
    struct sp_seen *seen;
    struct spull_error *err;
    uint64_t bound; /* of what is read, where all of it is */
    bool unpack;    /* and unpacked */
    bool http1;     /* over HTTP/2 it broke */
    bool no_rest;   /* the server was asked for a rest, and sent something else
                     */
};

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
                     !sp_lost_has(&look->check->lost, look->url->origin);
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
    sp_lost_note(&look->check->lost, look->url->origin,
                 seen->how == SP_SEEN_LOST && talk->transient);
}

static void take_answer(struct look *look, const struct sp_talk *talk)
{
    struct sp_seen *seen = look->seen;
    uint64_t got = atomic_load(&talk->got);

    sp_lost_note(&look->check->lost, look->url->origin, false);
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
static enum spull_code ask_start(struct look *look)
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

static enum spull_code ask_all(struct look *look, int copy)
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

static enum spull_code hash_file(struct look *look, int fd)
{
    static const size_t size = SP_HASH_CHUNK;
    struct sp_watch *watch = &look->visit->watch;
    struct sp_hash *hash = NULL;
    char *chunk = malloc(size);
    ssize_t count = 1;
    enum spull_code code =
        chunk == NULL ? sp_err_nomem(look->err)
                      : sp_hash_new(look->stated->layer.digest.algorithm, &hash,
                                    look->err);

    while (code == SPULL_OK && count > 0) {
        count = read(fd, chunk, size);
        if (count < 0 && errno == EINTR)
            count = 1;
        else if (count > 0)
            code = sp_hash_add(hash, chunk, (size_t)count, look->err);
        watch->now.bytes += count > 0 ? (uint64_t)count : 0;
        if (code == SPULL_OK)
            code = sp_watch_tick(watch, look->err);
    }
    if (code == SPULL_OK && count < 0) {
        sp_err_sys(&look->visit->why, SPULL_STORAGE, errno, "cannot read it");
        look->seen->why = look->visit->why.text;
        look->seen->how = SP_SEEN_LOST;
    } else if (code == SPULL_OK) {
        look->seen->hashed = true;
        code = sp_hash_end(hash, &look->seen->digest, look->err);
    }
    sp_hash_free(hash);
    free(chunk);
    return code;
}

/* OpenSSL computes no md5 where it is set to FIPS. */
static bool can_hash(enum sp_algorithm algorithm)
{
    struct sp_hash *hash = NULL;
    bool can = sp_hash_new(algorithm, &hash, NULL) == SPULL_OK;

    sp_hash_free(hash);
    return can;
}

/* Would it tell anything to read all of it? Returns how much, or 0. */
static uint64_t how_much(const struct look *look)
{
    const struct sp_stated_part *layer = &look->stated->layer;
    const struct sp_seen *seen = look->seen;

    if (look->check->depth < SPULL_DIGESTS || seen->how != SP_SEEN_THERE ||
        !layer->has_size || !layer->has_digest ||
        !can_hash(layer->digest.algorithm))
        return 0;
    if (!seen->has_length)
        return sp_size_bound(layer->size, false);
    return sp_size_matches(layer->size, seen->length, false) ? seen->length : 0;
}

static void take_file(struct look *look, int fd, uint64_t size)
{
    char first[SP_LOOK_BYTES];
    ssize_t count = pread(fd, first, sizeof first, 0);

    look->seen->how = SP_SEEN_THERE;
    look->seen->told_length = look->seen->has_length = true;
    look->seen->length = size;
    look->seen->look = sp_sif_look(first, count > 0 ? (size_t)count : 0);
}

/* *fd is -1 where it can't be opened, as seen says. */
static enum spull_code open_file(struct look *look, int *fd)
{
    char *path = sp_url_file_path(look->url);
    uint64_t size = 0;

    if (path == NULL)
        return sp_err_nomem(look->err);
    enum spull_code code =
        sp_tree_file(&look->check->tree, path, fd, &size, &look->visit->why);
    free(path);
    look->seen->why = look->visit->why.text;
    look->seen->how = code == SPULL_NOT_FOUND   ? SP_SEEN_MISSING
                      : code == SPULL_DENIED    ? SP_SEEN_DENIED
                      : code == SPULL_INTEGRITY ? SP_SEEN_OUTSIDE
                                                : SP_SEEN_LOST;
    if (code == SPULL_OK)
        take_file(look, *fd, size);
    return SPULL_OK;
}

/* --- one of the two: the start, or all ------------------------------------ */

static enum spull_code look_at_start(struct look *look)
{
    int fd = -1;

    if (look->url->scheme != SP_SCHEME_FILE)
        return ask_start(look);
    enum spull_code code = open_file(look, &fd);
    if (fd >= 0)
        close(fd);
    return code;
}

/* Opens the file that has the blob, or that is to have it; and hashes all. */
static enum spull_code read_all(struct look *look, int *fd)
{
    enum spull_code code = SPULL_OK;

    if (look->url->scheme == SP_SCHEME_FILE) {
        code = open_file(look, fd);
        return code == SPULL_OK && *fd >= 0 ? hash_file(look, *fd) : code;
    }
    if (look->unpack)
        code = sp_scratch_open(look->check->ctx->opts.scratch, fd, look->err);
    return code == SPULL_OK ? ask_all(look, *fd) : code;
}

/* As pull does: what is in a blob counts once the blob is proven. */
static enum spull_code read_and_unpack(struct look *look)
{
    const struct sp_seen *seen = look->seen;
    int fd = -1;
    enum spull_code code = read_all(look, &fd);

    if (code == SPULL_OK && look->unpack && seen->how == SP_SEEN_THERE &&
        seen->hashed &&
        sp_digest_equal(&seen->digest, &look->stated->layer.digest))
        code = sp_check_unpack(look->visit, fd, look->stated, look->seen,
                               look->err);
    if (fd >= 0)
        close(fd);
    return code;
}

/* One at a time, whoever asks: what takes long is the way, or the disk, and two
 * would share it. */
static enum spull_code look_at_all(struct look *look)
{
    struct sp_watch *watch = &look->visit->watch;

    pthread_mutex_lock(&look->check->reading);
    watch->now.bytes = 0;
    watch->now.total = look->bound;
    enum spull_code code = sp_watch_phase(watch, SPULL_CHECKING, look->err);
    if (code == SPULL_OK)
        code = read_and_unpack(look);
    pthread_mutex_unlock(&look->check->reading);
    watch->now.phase = SPULL_RESOLVING;
    return code;
}

/* What was seen before counts, whoever it was that looked. */
static enum spull_code once(struct look *look, const char *key,
                            enum spull_code (*see)(struct look *))
{
    struct sp_memo *memo = &look->check->memo;
    enum spull_code code = SPULL_OK;

    if (sp_memo_ask(memo, key, look->seen))
        return SPULL_OK;
    code = see(look);
    sp_memo_keep(memo, key, code == SPULL_OK ? look->seen : NULL);
    return code;
}

/* All of it has another key for all that it depends on, so that what is seen is
 * the same whichever manifest comes first. */
static char *key_of(const struct look *look)
{
    const struct sp_stated *stated = look->stated;
    char *key = NULL;
    int len = 0;

    if (look->unpack)
        len = asprintf(&key, "%s %" PRIu64 " %" PRIu64 " %s",
                       stated->layer.digest.text, look->bound,
                       sp_stated_image_size(stated), look->url->text);
    else
        len = asprintf(&key, "%d %" PRIu64 " %s",
                       (int)stated->layer.digest.algorithm, look->bound,
                       look->url->text);
    return len < 0 ? NULL : key;
}

static enum spull_code look_closely(struct look *look)
{
    enum spull_code code = SPULL_OK;
    char *key = NULL;

    look->unpack = look->check->ctx->opts.unpack != 0 &&
                   sp_unpack_takes(&look->seen->look);
    key = key_of(look);
    if (key == NULL)
        return sp_err_nomem(look->err);
    code = once(look, key, look_at_all);
    free(key);
    return code;
}

enum spull_code sp_check_blob(struct sp_visit *visit, const struct sp_url *url,
                              const struct sp_stated *stated,
                              struct sp_seen *seen, struct spull_error *err)
{
    struct look look = {.visit = visit,
                        .check = visit->check,
                        .url = url,
                        .stated = stated,
                        .seen = seen,
                        .err = err};
    enum spull_code code = SPULL_OK;

    memset(seen, 0, sizeof *seen);
    if (visit->check->depth == SPULL_DOCUMENTS)
        return SPULL_OK;
    code = once(&look, url->text, look_at_start);
    sp_notes_blob(&visit->notes, url->text);
    look.bound = code == SPULL_OK ? how_much(&look) : 0;
    return look.bound > 0 ? look_closely(&look) : code;
}
