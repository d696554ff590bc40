/* SPDX-License-Identifier: MIT */
/*
 * pull_turn: one turn at downloading: lead, fetch while verifying, judge,
 * install. What is left of a failure, and what is tried again because bytes
 * were wrong, is decided here.
 */
#include <errno.h>
#include <stdlib.h>

#include "err.h"
#include "install.h"
#include "limits.h"
#include "part_lead.h"
#include "pull_internal.h"
#include "verify.h"

/*
 * What a failure leaves: bytes that are of use to the next run, unless they are
 * wrong, or are what fills the disk. Those of an earlier run were there before.
 */
static void leave(struct sp_part *part, enum spull_code code,
                  const struct spull_error *err)
{
    if (part == NULL || code == SPULL_INTEGRITY ||
        (sp_err_is_full(err->sys) &&
         sp_part_total(part) > sp_part_inherited(part)) ||
        sp_part_total(part) < SP_KEEP_MIN)
        sp_part_discard(part);
    else
        sp_part_keep(part);
}

/* Did all bytes come, and were they wrong? */
static bool is_mismatch(const struct pull *pull, enum spull_code code)
{
    return code == SPULL_INTEGRITY && pull->served != NULL;
}

/* Whoever led before us may have installed the image between our last look and
 * now. */
enum spull_code sp_pull_lead(struct pull *pull, struct sp_part *part,
                             struct turn *turn, struct spull_error *err)
{
    enum present present = ABSENT;
    enum spull_code code = SPULL_OK;

    turn->lost = !sp_lead_take(pull->lead, part);
    if (turn->lost)
        return SPULL_OK;
    code = sp_pull_look(pull, &present, err);
    turn->lost = code == SPULL_OK && present == SAME;
    sp_lead_forget(pull->lead);
    return code;
}

/* Fills the part while verify follows. *known is the file whose bytes are among
 * them, to free(). */
static enum spull_code fill(struct pull *pull, const struct sp_blob *blob,
                            struct sp_part *part, bool afresh, char **known,
                            struct spull_error *err)
{
    uint64_t size = pull->found.manifest.size;
    enum spull_code code =
        pull->file != NULL
            ? SPULL_OK
            : sp_watch_phase(&pull->watch, SPULL_DOWNLOADING, err);

    if (code == SPULL_OK && !afresh)
        code = sp_part_inherit(part, pull->deposed, &pull->watch, err);
    if (code == SPULL_OK && pull->file == NULL)
        code = sp_pull_copy_known(pull, part, known, err);
    if (code == SPULL_OK && pull->file != NULL)
        code = sp_pull_copy(pull, part, *pull->file, size, err);
    else if (code == SPULL_OK)
        code =
            sp_fetch(pull->http, blob, part, &pull->watch, &pull->fetched, err);
    if (code != SPULL_OK)
        sp_part_give_up(part);
    return code;
}

/* part is gone when it returns success. */
static enum spull_code fill_and_verify(struct pull *pull,
                                       const struct sp_blob *blob,
                                       struct sp_part *part, struct turn *turn,
                                       struct spull_error *err)
{
    struct sp_verify *verify = NULL;
    char *known = NULL;
    enum spull_code code =
        sp_verify_start(part, pull->want.algorithm, &verify, err);

    if (code == SPULL_OK)
        code = fill(pull, blob, part, turn->afresh, &known, err);
    if (code == SPULL_OK) {
        if (pull->file == NULL)
            pull->served = &blob->urls[pull->fetched.url];
        code = sp_verify_end(verify, &pull->watch, &pull->want, &pull->look,
                             &turn->sealed, err);
        if (code == SPULL_INTEGRITY)
            sp_err_wrap(err, code, "%s",
                        known != NULL          ? known
                        : pull->served == NULL ? "the file has changed"
                                               : pull->served->shown);
    }
    free(known);
    sp_verify_free(verify);
    return code;
}

static enum spull_code new_part(struct pull *pull, struct sp_part **out,
                                struct spull_error *err)
{
    const char *hex = sp_digest_hex(&pull->want);

    if (pull->shared != NULL)
        return sp_part_new_shared(pull->shared->dir, pull->shared->where, hex,
                                  out, err);
    return sp_part_new(pull->dir, hex, out, err);
}

/* One attempt with count urls from first on. */
static enum spull_code attempt(struct pull *pull, size_t first, size_t count,
                               struct turn *turn, struct spull_error *err)
{
    /* A file at hand has no urls. */
    struct sp_blob blob = {.urls = count > 0 ? pull->found.urls + first : NULL,
                           .url_count = count,
                           .stated = pull->found.manifest.size,
                           .strict = pull->ctx->opts.strict_size != 0,
                           .afresh = turn->afresh,
                           .tried = pull->tried && !turn->afresh};
    struct sp_part *part = NULL;
    enum spull_code code = new_part(pull, &part, err);

    pull->served = NULL;
    pull->placed = NULL;
    if (code == SPULL_OK)
        code = sp_pull_lead(pull, part, turn, err);
    if (code == SPULL_OK && !turn->lost)
        code = fill_and_verify(pull, &blob, part, turn, err);
    if (code != SPULL_OK)
        leave(part, code, err);
    else if (turn->lost)
        sp_part_discard(part);
    return code;
}

/* May another url do better? */
static bool is_about_url(enum spull_code code)
{
    return code == SPULL_INTEGRITY || code == SPULL_NOT_FOUND ||
           code == SPULL_NETWORK || code == SPULL_DENIED;
}

/* Each url from first on, alone. why is the mismatch that led here; a url that
 * has nothing to offer does not make it another error. */
static enum spull_code afresh(struct pull *pull, size_t first,
                              struct turn *turn, struct spull_error *why)
{
    enum spull_code code = SPULL_INTEGRITY;

    /* What could be removed of earlier runs is gone; what is another user's, in
     * a sticky directory, is not. */
    turn->afresh = true;
    for (size_t i = first; i < pull->found.url_count; i++) {
        struct spull_error other = {0};
        sp_ctx_warn(pull->ctx, "%s; downloading it afresh", why->text);
        code = attempt(pull, i, 1, turn, &other);
        if (code == SPULL_OK)
            return SPULL_OK;
        if (!is_about_url(code) || code == SPULL_INTEGRITY)
            *why = other;
        if (!is_about_url(code))
            return code;
    }
    return why->code;
}

/*
 * Bad bytes must not condemn others: not the url that served them the bytes of
 * an earlier run, or those before a failure the ones after it, nor one url the
 * next. So what failed together is tried again alone, afresh; what came in one
 * go is not, or a liar could waste more than the manifest announces.
 */
static enum spull_code download(struct pull *pull, struct turn *turn,
                                struct spull_error *err)
{
    struct spull_error why = {0};
    size_t count = pull->found.url_count;
    enum spull_code code = attempt(pull, 0, count, turn, &why);
    bool mixed = pull->watch.now.resumed > 0 || pull->fetched.sources > 1 ||
                 pull->fetched.broken;
    size_t first = mixed ? 0 : pull->fetched.url + 1;

    if (is_mismatch(pull, code) && first < count)
        code = afresh(pull, first, turn, &why);
    if (code != SPULL_OK && err != NULL)
        *err = why;
    return code;
}

/* A part that somebody took away while we slept is no failure of the disk. */
static bool is_displaced(enum spull_code code, const struct spull_error *err)
{
    return code == SPULL_STORAGE && (err->sys == ENOENT || err->sys == ESTALE);
}

/*
 * Does another look at what is there make sense? On NFS an open file is gone,
 * too, when another host has removed it (ESTALE); once, since it may be the
 * directory that is gone. And who had taken the lead from one that only slept
 * may lack the room that its image takes, or soon will, when it has a name:
 * that is waited for a little, since it may be the disk that is full.
 */
static bool is_worth_another(struct pull *pull, enum spull_code code,
                             const struct spull_error *err)
{
    bool full = err->sys == ENOSPC || err->sys == EDQUOT;
    unsigned most = full ? SP_FULL_LOOKS : 1;

    if (code != SPULL_STORAGE || pull->forgiven >= most ||
        !(err->sys == ESTALE || (full && pull->deposed)))
        return false;
    /* The next turn says if this was cut short. */
    if (pull->forgiven > 0)
        (void)sp_watch_rest(&pull->watch, SP_FULL_REST_MS, err->text, NULL);
    pull->forgiven++;
    sp_left_forget(&pull->ctx->left);
    return true;
}

/* Somebody else may have been quicker; then theirs has to be the same. */
static enum spull_code install(struct pull *pull, struct sp_sealed *sealed,
                               bool *done, struct spull_error *err)
{
    struct spull_error why = {0};
    enum present present = ABSENT;
    enum spull_code code = sp_install(sealed, pull->name,
                                      pull->blob ? SP_MODE_BLOB : SP_MODE_IMAGE,
                                      pull->replace, &why);

    *done = code == SPULL_OK;
    if (code == SPULL_EXISTS || is_displaced(code, &why)) {
        code = sp_pull_look(pull, &present, &why);
        *done = code == SPULL_OK && present == SAME;
    }
    if (code != SPULL_OK && err != NULL)
        *err = why;
    return code;
}

/* Verified, and unpacked where that is due: judge it, and give it its name. */
static enum spull_code finish(struct pull *pull, struct sp_sealed *sealed,
                              bool *done, struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    pull->size = sealed->size;
    code = sp_pull_judge(pull, err);
    if (code == SPULL_OK)
        code = sp_watch_phase(&pull->watch, SPULL_INSTALLING, err);
    if (code == SPULL_OK)
        return install(pull, sealed, done, err);
    if (code == SPULL_CANCELLED && pull->packing != PACKED)
        sp_sealed_keep(sealed);
    else
        sp_sealed_discard(sealed);
    return code;
}

/* What was unpacked may be there already; then it is not replaced. */
static enum spull_code finish_unpacked(struct pull *pull,
                                       struct sp_sealed *sealed, bool *done,
                                       struct spull_error *err)
{
    enum present present = ABSENT;
    enum spull_code code = sp_pull_look(pull, &present, err);

    if (code == SPULL_OK && present != SAME)
        return finish(pull, sealed, done, err);
    sp_sealed_discard(sealed);
    return code;
}

static bool is_empty(const struct turn *turn)
{
    return turn->sealed == NULL && !turn->lost;
}

/* Who is pinned may have come here without the registry, for what the store
 * has; but not any further. */
static enum spull_code ask_store(struct pull *pull, struct turn *turn,
                                 struct spull_error *err)
{
    bool asked = pull->has_found;
    enum spull_code code = sp_pull_from_store(pull, turn, err);

    if (code != SPULL_OK || !is_empty(turn) || asked)
        return code;
    code = sp_pull_find(pull, err);
    return code == SPULL_OK ? sp_pull_from_store(pull, turn, err) : code;
}

/* From the nearest place that has it. */
static enum spull_code bring(struct pull *pull, struct turn *turn,
                             struct spull_error *err)
{
    enum spull_code code = sp_watch_tick(&pull->watch, err);

    if (code == SPULL_OK)
        code = ask_store(pull, turn, err);
    if (code == SPULL_OK && is_empty(turn))
        code = sp_pull_from_known(pull, turn, err);
    if (code == SPULL_OK && is_empty(turn))
        code = download(pull, turn, err);
    return code;
}

enum spull_code sp_pull_turn(struct pull *pull, bool *done,
                             struct spull_error *err)
{
    struct turn turn = {0};
    struct sp_sealed *archive = NULL;
    struct spull_error why = {0};
    enum spull_code code = bring(pull, &turn, &why);

    *done = false;
    if (code == SPULL_OK && turn.sealed != NULL && pull->unpack &&
        !turn.sealed->unpacked)
        code = sp_pull_unpack(pull, &turn.sealed, &archive, &why);
    if (code == SPULL_OK && archive != NULL)
        code = finish_unpacked(pull, turn.sealed, done, &why);
    else if (code == SPULL_OK && turn.sealed != NULL)
        code = finish(pull, turn.sealed, done, &why);
    sp_pull_end_archive(archive, code, &why);
    if (is_worth_another(pull, code, &why))
        return SPULL_OK;
    if (code != SPULL_OK && err != NULL)
        *err = why;
    return code;
}
