/* SPDX-License-Identifier: MIT */
/*
 * check_blob: how much of a blob is looked at, and where what was seen before
 * will do.
 *
 * First the first bytes, which tell what it is, how long, and whether parts can
 * be had; then, where digests are wanted and the length is right, all of it. On
 * a disk that is done here; check_ask.c asks a server.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_ask.h"
#include "check_internal.h"
#include "err.h"
#include "limits.h"
#include "unpack.h"

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
        return sp_ask_start(look);
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
    return code == SPULL_OK ? sp_ask_all(look, *fd) : code;
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
