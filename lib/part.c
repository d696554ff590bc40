/* SPDX-License-Identifier: MIT */
/*
 * part: a file, a set of finished spans, and a condition variable between one
 * writer and one reader. Writes happen outside the lock; only what they
 * finished is told under it, so a slow disk never holds up the reader.
 */
#include "part.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "limits.h"
#include "part_internal.h"

static enum spull_code create(struct sp_sealed *file, int dir,
                              const char *label, struct spull_error *err)
{
    enum spull_code code = sp_part_open_dir(dir, file->where, &file->dir, err);

    if (code != SPULL_OK)
        return code;
    file->name = sp_part_fresh_name(label);
    if (file->name == NULL)
        return sp_err_nomem(err);
    if (!sp_part_create_file(file))
        return sp_err_sys(err, SPULL_STORAGE, errno,
                          "cannot create a file in %s", file->where);
    return SPULL_OK;
}

static enum spull_code make(int dir, const char *where, const char *label,
                            struct sp_part **out, struct spull_error *err)
{
    struct sp_part *part = calloc(1, sizeof *part);
    enum spull_code code = SPULL_OK;

    if (part == NULL)
        return sp_err_nomem(err);
    part->file.dir = -1;
    part->file.fd = -1;
    part->file.shared = dir != AT_FDCWD;
    pthread_mutex_init(&part->lock, NULL);
    pthread_cond_init(&part->moved, NULL);
    snprintf(part->label, sizeof part->label, "%s", label);
    part->saved_ms = sp_watch_ms();
    part->file.where = strdup(where);
    code = part->file.where == NULL
               ? sp_err_nomem(err)
               : create(&part->file, dir, part->label, err);
    if (code != SPULL_OK) {
        sp_part_discard(part);
        return code;
    }
    *out = part;
    return SPULL_OK;
}

enum spull_code sp_part_new(const char *dir, const char *label,
                            struct sp_part **out, struct spull_error *err)
{
    return make(AT_FDCWD, dir, label, out, err);
}

enum spull_code sp_part_new_shared(int dir, const char *where,
                                   const char *label, struct sp_part **out,
                                   struct spull_error *err)
{
    return make(dir, where, label, out, err);
}

enum spull_code sp_part_write_all(const struct sp_sealed *file, uint64_t at,
                                  const char *bytes, size_t len,
                                  struct spull_error *err)
{
    while (len > 0) {
        ssize_t n = pwrite(file->fd, bytes, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        /* 0 for a request that is not empty: POSIX leaves it open; treat it
         * as the full disk that it is on the systems known to do so. */
        if (n <= 0)
            return sp_err_sys(err, SPULL_STORAGE, n == 0 ? ENOSPC : errno,
                              "cannot write to %s", file->where);
        bytes += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return SPULL_OK;
}

enum spull_code sp_part_finish(struct sp_part *part, struct sp_span span,
                               struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    pthread_mutex_lock(&part->lock);
    if (part->broken.code != SPULL_OK) {
        code = part->broken.code;
        if (err != NULL)
            *err = part->broken;
    } else if (!sp_spans_add(&part->done, span)) {
        code = sp_err_nomem(err);
    }
    part->frontier = sp_spans_frontier(&part->done);
    if (part->frontier >= part->wake_at)
        pthread_cond_signal(&part->moved);
    pthread_mutex_unlock(&part->lock);
    return code;
}

enum spull_code sp_part_write(struct sp_part *part, uint64_t at,
                              const void *bytes, size_t len,
                              struct spull_error *err)
{
    struct spull_error why = {0};
    enum spull_code code = sp_part_write_all(&part->file, at, bytes, len, &why);

    if (code != SPULL_OK && sp_err_is_full(why.sys))
        return sp_part_say_full(part, why.sys, err);
    if (code != SPULL_OK && err != NULL)
        *err = why;
    if (code != SPULL_OK)
        return code;
    return sp_part_finish(part, (struct sp_span){at, at + len}, err);
}

void sp_part_set_size(struct sp_part *part, uint64_t size)
{
    pthread_mutex_lock(&part->lock);
    part->size = size;
    pthread_mutex_unlock(&part->lock);
}

static uint64_t look_at(struct sp_part *part, const uint64_t *number)
{
    uint64_t now = 0;

    pthread_mutex_lock(&part->lock);
    now = *number;
    pthread_mutex_unlock(&part->lock);
    return now;
}

uint64_t sp_part_size(struct sp_part *part)
{
    return look_at(part, &part->size);
}

uint64_t sp_part_total(struct sp_part *part)
{
    uint64_t total = 0;

    pthread_mutex_lock(&part->lock);
    total = sp_spans_total(&part->done);
    pthread_mutex_unlock(&part->lock);
    return total;
}

uint64_t sp_part_inherited(struct sp_part *part)
{
    return look_at(part, &part->inherited);
}

void sp_part_set_inherited(struct sp_part *part)
{
    pthread_mutex_lock(&part->lock);
    part->inherited = sp_spans_total(&part->done);
    pthread_mutex_unlock(&part->lock);
}

uint64_t sp_part_extent(struct sp_part *part)
{
    uint64_t extent = 0;

    pthread_mutex_lock(&part->lock);
    if (part->done.count > 0)
        extent = part->done.list[part->done.count - 1].to;
    pthread_mutex_unlock(&part->lock);
    return extent;
}

bool sp_part_gap(struct sp_part *part, uint64_t from, uint64_t size,
                 struct sp_span *out)
{
    bool found = false;

    pthread_mutex_lock(&part->lock);
    found = sp_spans_gap(&part->done, from, size, out);
    pthread_mutex_unlock(&part->lock);
    return found;
}

/* The old bytes stay until they are written over, or cut at the end. */
void sp_part_restart(struct sp_part *part)
{
    pthread_mutex_lock(&part->lock);
    sp_spans_clear(&part->done);
    part->inherited = 0;
    part->size = 0;
    part->frontier = 0;
    part->rounds++;
    pthread_cond_signal(&part->moved);
    pthread_mutex_unlock(&part->lock);
}

static void end(struct sp_part *part, enum part_state state)
{
    pthread_mutex_lock(&part->lock);
    part->state = state;
    pthread_cond_signal(&part->moved);
    pthread_mutex_unlock(&part->lock);
}

static bool has_all(struct sp_part *part, uint64_t size)
{
    bool all = false;

    pthread_mutex_lock(&part->lock);
    all = part->frontier == size && sp_spans_total(&part->done) == size;
    pthread_mutex_unlock(&part->lock);
    return all;
}

enum spull_code sp_part_complete(struct sp_part *part, uint64_t size,
                                 struct spull_error *err)
{
    if (!has_all(part, size))
        return sp_err_set(err, SPULL_INTERNAL,
                          "a part is not what its writer thinks: %" PRIu64
                          " bytes, of which %" PRIu64 " are there",
                          size, sp_part_total(part));
    if (part->rounds > 0 && ftruncate(part->file.fd, (off_t)size) != 0)
        return sp_err_sys(err, SPULL_STORAGE, errno, "cannot truncate in %s",
                          part->file.where);
    part->file.size = size;
    end(part, PART_COMPLETE);
    return SPULL_OK;
}

void sp_part_give_up(struct sp_part *part)
{
    end(part, PART_GIVEN_UP);
}

void sp_part_break(struct sp_part *part, const struct spull_error *why)
{
    pthread_mutex_lock(&part->lock);
    part->broken = *why;
    pthread_mutex_unlock(&part->lock);
}

/* What follow() waits for; lock is held. */
static bool news(const struct sp_part *part, uint64_t from, unsigned round)
{
    return part->state != PART_WRITING || part->frontier > from ||
           part->rounds != round;
}

enum sp_follow sp_part_follow(struct sp_part *part, uint64_t from,
                              unsigned *round, uint64_t *frontier)
{
    enum sp_follow what = SP_FOLLOW_MORE;

    pthread_mutex_lock(&part->lock);
    while (!news(part, from, *round)) {
        part->wake_at = from + SP_HASH_STEP;
        pthread_cond_wait(&part->moved, &part->lock);
    }
    part->wake_at = UINT64_MAX;
    *frontier = part->frontier;
    if (part->state == PART_GIVEN_UP)
        what = SP_FOLLOW_GIVEN_UP;
    else if (part->rounds != *round)
        what = SP_FOLLOW_RESTARTED;
    else if (part->frontier <= from)
        what = SP_FOLLOW_COMPLETE;
    *round = part->rounds;
    pthread_mutex_unlock(&part->lock);
    return what;
}

bool sp_part_is_stale(struct sp_part *part, unsigned round)
{
    bool stale = false;

    pthread_mutex_lock(&part->lock);
    stale = part->rounds != round || part->state == PART_GIVEN_UP;
    pthread_mutex_unlock(&part->lock);
    return stale;
}

enum spull_code sp_part_read(struct sp_part *part, uint64_t at, void *bytes,
                             size_t len, struct spull_error *err)
{
    char *to = bytes;

    while (len > 0) {
        ssize_t n = pread(part->file.fd, to, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sp_err_sys(err, SPULL_STORAGE, errno,
                              "cannot read back from %s", part->file.where);
        if (n == 0)
            return sp_err_set(err, SPULL_STORAGE,
                              "cannot read back from %s: the partial file "
                              "was cut by somebody else",
                              part->file.where);
        to += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return SPULL_OK;
}

void sp_part_write_back(struct sp_part *part, uint64_t from, uint64_t to)
{
    sync_file_range(part->file.fd, (off_t)from, (off_t)(to - from),
                    SYNC_FILE_RANGE_WRITE);
}

/* All but the file itself. */
static void free_part(struct sp_part *part)
{
    sp_spans_done(&part->done);
    pthread_cond_destroy(&part->moved);
    pthread_mutex_destroy(&part->lock);
    free(part);
}

enum spull_code sp_part_seal(struct sp_part *part,
                             const struct sp_digest *digest,
                             const struct sp_look *look, struct sp_sealed **out,
                             struct spull_error *err)
{
    struct sp_sealed *sealed = NULL;

    if (part->state != PART_COMPLETE)
        return sp_err_set(err, SPULL_INTERNAL, "seal of an unfinished part");
    sealed = malloc(sizeof *sealed);
    if (sealed == NULL)
        return sp_err_nomem(err);
    *sealed = part->file;
    sealed->digest = *digest;
    sealed->look = *look;
    /* Its bytes are worth keeping until it has its name. */
    if (sp_sealed_has_journal(sealed))
        sp_part_save_at_once(part);
    sealed->beat = part->beat;
    free_part(part);
    *out = sealed;
    return SPULL_OK;
}

void sp_part_abandon(struct sp_part *part)
{
    sp_sealed_close(&part->file);
    free_part(part);
}

void sp_part_discard(struct sp_part *part)
{
    if (part == NULL)
        return;
    sp_sealed_remove(&part->file);
    free_part(part);
}
