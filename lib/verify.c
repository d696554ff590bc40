/* SPDX-License-Identifier: MIT */
/*
 * verify: what has to be proven, the thread that hashes behind the frontier,
 * and the comparison. Write-back to disk is started here too, because this
 * thread knows what is complete up to where.
 */
#include "verify.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "limits.h"
#include "part.h"
#include "proof.h"
#include "thread.h"

struct sp_verify {
    struct sp_part *part;
    struct sp_hash *hash;
    enum sp_algorithm how;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* guards over */
    pthread_cond_t news;
    bool over;
    unsigned char *chunk; /* SP_HASH_CHUNK bytes */
    unsigned char first[SP_LOOK_BYTES];
    size_t first_len;
    uint64_t written_back; /* up to where write-back was started */
    struct sp_digest actual;
    struct spull_error err; /* code 0: actual holds */
};

enum spull_code sp_verify_pin(const struct sp_ref *ref,
                              const struct sp_digest *stated,
                              struct spull_error *err)
{
    struct sp_digest pin;

    if (ref->pin[0] == '\0' || stated->algorithm != SP_SHA256)
        return SPULL_OK;
    pin = sp_digest_of_pin(ref->pin);
    if (sp_digest_equal(&pin, stated))
        return SPULL_OK;
    sp_err_set(err, SPULL_INTEGRITY,
               "the tag has moved: expected %s, the registry now has %s",
               pin.text, stated->text);
    sp_err_hint(err, "to accept the new image, ask for %s:%s without the pin",
                ref->container, ref->tag);
    return SPULL_INTEGRITY;
}

enum spull_code sp_verify_want(const struct sp_ref *ref,
                               const struct sp_digest *stated, bool allow_md5,
                               struct sp_digest *want, struct spull_error *err)
{
    enum spull_code code = sp_verify_pin(ref, stated, err);

    if (code != SPULL_OK)
        return code;
    if (ref->pin[0] != '\0') {
        *want = sp_digest_of_pin(ref->pin);
        return SPULL_OK;
    }
    if (stated->algorithm == SP_SHA256 ||
        (stated->algorithm == SP_MD5 && allow_md5)) {
        *want = *stated;
        return SPULL_OK;
    }
    sp_err_set(err, SPULL_INTEGRITY, "the manifest has only a weak digest, %s",
               stated->text);
    sp_err_hint(err, "%s:%s@sha256:HEX pins the image if you know its sha256%s",
                ref->container, ref->tag,
                stated->algorithm == SP_MD5
                    ? "; --allow-md5 (SPULL_ALLOW_MD5=yes) makes do "
                      "with the md5"
                    : "");
    return SPULL_INTEGRITY;
}

static enum spull_code start_over(struct sp_verify *verify)
{
    sp_hash_free(verify->hash);
    verify->hash = NULL;
    verify->first_len = 0;
    verify->written_back = 0;
    verify->err.code = SPULL_OK;
    return sp_hash_new(verify->how, &verify->hash, &verify->err);
}

static void keep_first(struct sp_verify *verify, size_t len)
{
    size_t want = SP_LOOK_BYTES - verify->first_len;

    if (want > len)
        want = len;
    memcpy(verify->first + verify->first_len, verify->chunk, want);
    verify->first_len += want;
}

/* The kernel would wait with these pages until the flush asks for them all. */
static void write_back(struct sp_verify *verify, uint64_t at)
{
    if (at - verify->written_back < SP_WRITEBACK)
        return;
    sp_part_write_back(verify->part, verify->written_back, at);
    verify->written_back = at;
}

/* Cut short where the rest is of no use any more; the next look says why. */
static enum spull_code take(struct sp_verify *verify, uint64_t from,
                            uint64_t to, unsigned round)
{
    enum spull_code code = SPULL_OK;

    while (from < to && code == SPULL_OK &&
           !sp_part_is_stale(verify->part, round)) {
        size_t len =
            to - from < SP_HASH_CHUNK ? (size_t)(to - from) : SP_HASH_CHUNK;
        code =
            sp_part_read(verify->part, from, verify->chunk, len, &verify->err);
        if (code == SPULL_OK)
            code = sp_hash_add(verify->hash, verify->chunk, len, &verify->err);
        if (code == SPULL_OK)
            keep_first(verify, len);
        from += len;
        write_back(verify, from);
    }
    return code;
}

static enum spull_code follow(struct sp_verify *verify)
{
    enum spull_code code = SPULL_OK;
    enum sp_follow what = SP_FOLLOW_MORE;
    uint64_t at = 0;
    uint64_t frontier = 0;
    unsigned round = 0;

    while (code == SPULL_OK) {
        what = sp_part_follow(verify->part, at, &round, &frontier);
        if (what == SP_FOLLOW_COMPLETE)
            return sp_hash_end(verify->hash, &verify->actual, &verify->err);
        if (what == SP_FOLLOW_GIVEN_UP)
            return sp_err_set(&verify->err, SPULL_INTERNAL,
                              "the download was given up");
        if (what == SP_FOLLOW_RESTARTED) {
            at = 0;
            code = start_over(verify);
        } else {
            code = take(verify, at, frontier, round);
            at = frontier;
            /* The bytes were pulled away under us; the next look says so. */
            if (code != SPULL_OK && sp_part_is_stale(verify->part, round))
                code = SPULL_OK;
        }
    }
    return code;
}

static void *run(void *arg)
{
    struct sp_verify *verify = arg;

    /* A byte that isn't received holds up the server too; one that isn't hashed
     * yet holds up nobody before the end. */
    sp_thread_step_back();
    if (follow(verify) != SPULL_OK)
        sp_part_break(verify->part, &verify->err);
    pthread_mutex_lock(&verify->lock);
    verify->over = true;
    pthread_cond_signal(&verify->news);
    pthread_mutex_unlock(&verify->lock);
    return NULL;
}

enum spull_code sp_verify_start(struct sp_part *part, enum sp_algorithm how,
                                struct sp_verify **out, struct spull_error *err)
{
    struct sp_verify *verify = calloc(1, sizeof *verify);
    enum spull_code code = SPULL_OK;

    if (verify == NULL)
        return sp_err_nomem(err);
    verify->part = part;
    verify->how = how;
    pthread_mutex_init(&verify->lock, NULL);
    sp_thread_cond_init(&verify->news);
    verify->chunk = malloc(SP_HASH_CHUNK);
    code = verify->chunk == NULL ? sp_err_nomem(err)
                                 : sp_hash_new(how, &verify->hash, err);
    if (code == SPULL_OK)
        code = sp_thread_start(&verify->thread, run, verify, err);
    if (code != SPULL_OK) {
        sp_verify_free(verify);
        return code;
    }
    verify->running = true;
    *out = verify;
    return SPULL_OK;
}

static void join(struct sp_verify *verify)
{
    if (verify->running)
        pthread_join(verify->thread, NULL);
    verify->running = false;
}

static bool is_over(struct sp_verify *verify)
{
    bool over = false;

    pthread_mutex_lock(&verify->lock);
    if (!verify->over)
        sp_thread_wait(&verify->news, &verify->lock, SP_TICK_MS);
    over = verify->over;
    pthread_mutex_unlock(&verify->lock);
    return over;
}

static enum spull_code wait_for(struct sp_verify *verify,
                                struct sp_watch *watch, struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    while (code == SPULL_OK && !is_over(verify)) {
        sp_part_save(verify->part);
        code = sp_watch_tick(watch, err);
    }
    if (code != SPULL_OK)
        sp_part_give_up(verify->part);
    join(verify);
    return code;
}

enum spull_code sp_verify_end(struct sp_verify *verify, struct sp_watch *watch,
                              const struct sp_digest *want,
                              struct sp_look *look, struct sp_sealed **out,
                              struct spull_error *err)
{
    enum spull_code code = wait_for(verify, watch, err);

    if (code != SPULL_OK)
        return code;
    if (verify->err.code != SPULL_OK) {
        if (err != NULL)
            *err = verify->err;
        return verify->err.code;
    }
    *look = sp_sif_look(verify->first, verify->first_len);
    if (want != NULL && !sp_digest_equal(want, &verify->actual))
        return sp_err_set(err, SPULL_INTEGRITY,
                          "digest mismatch: expected %s, got %s%s%s",
                          want->text, verify->actual.text,
                          look->image ? "" : "; it looks like: ",
                          look->image ? "" : look->kind);
    return sp_part_seal(verify->part, &verify->actual, look, out, err);
}

void sp_verify_free(struct sp_verify *verify)
{
    if (verify == NULL)
        return;
    join(verify);
    sp_hash_free(verify->hash);
    pthread_cond_destroy(&verify->news);
    pthread_mutex_destroy(&verify->lock);
    free(verify->chunk);
    free(verify);
}

/* Fills chunk from the file; a short read is the end or just short. */
static ssize_t read_some(int fd, unsigned char *chunk, uint64_t at)
{
    ssize_t n = 0;

    do
        n = pread(fd, chunk, SP_HASH_CHUNK, (off_t)at);
    while (n < 0 && errno == EINTR);
    return n;
}

static enum spull_code hash_file(int fd, struct sp_hash *hash,
                                 unsigned char *chunk, struct sp_watch *watch,
                                 struct sp_look *look, struct spull_error *err)
{
    enum spull_code code = SPULL_OK;
    uint64_t at = 0;
    ssize_t n = 1;

    *look = sp_sif_look("", 0);
    while (code == SPULL_OK && n > 0) {
        n = read_some(fd, chunk, at);
        if (n < 0)
            return sp_err_sys(err, SPULL_STORAGE, errno, "cannot read");
        if (at == 0)
            *look = sp_sif_look(
                chunk, (size_t)n < SP_LOOK_BYTES ? (size_t)n : SP_LOOK_BYTES);
        code = sp_hash_add(hash, chunk, (size_t)n, err);
        at += (uint64_t)n;
        if (code == SPULL_OK)
            code = sp_watch_tick(watch, err);
    }
    return code;
}

enum spull_code sp_verify_file(int fd, enum sp_algorithm how,
                               struct sp_watch *watch, struct sp_digest *out,
                               struct sp_look *look, struct spull_error *err)
{
    struct sp_hash *hash = NULL;
    unsigned char *chunk = malloc(SP_HASH_CHUNK);
    enum spull_code code =
        chunk == NULL ? sp_err_nomem(err) : sp_hash_new(how, &hash, err);

    if (code == SPULL_OK)
        code = hash_file(fd, hash, chunk, watch, look, err);
    if (code == SPULL_OK)
        code = sp_hash_end(hash, out, err);
    sp_hash_free(hash);
    free(chunk);
    return code;
}

void sp_verify_look(int fd, struct sp_look *look)
{
    unsigned char first[SP_LOOK_BYTES];
    ssize_t n = pread(fd, first, sizeof first, 0);

    *look = sp_sif_look(first, n > 0 ? (size_t)n : 0);
}

/* Is there a proof, and for this digest? */
static bool is_proven(int fd, const struct sp_digest *want,
                      struct sp_look *look)
{
    struct sp_proof proof;

    if (!sp_proof_read(fd, &proof) || !sp_digest_equal(&proof.digest, want))
        return false;
    *look = proof.look;
    return true;
}

enum spull_code sp_verify_twin(struct sp_part *part, int fd,
                               const struct sp_digest *want,
                               struct sp_watch *watch, struct sp_look *look,
                               struct sp_sealed **out, struct spull_error *err)
{
    struct sp_digest actual = *want;
    enum spull_code code = SPULL_OK;

    if (!is_proven(fd, want, look))
        code = sp_verify_file(fd, want->algorithm, watch, &actual, look, err);
    if (code != SPULL_OK)
        return code;
    if (!sp_digest_equal(want, &actual))
        return sp_err_set(err, SPULL_INTEGRITY,
                          "digest mismatch: expected %s, got %s", want->text,
                          actual.text);
    return sp_part_seal(part, &actual, look, out, err);
}
