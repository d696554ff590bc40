/* SPDX-License-Identifier: MIT */
/*
 * pull_store: a turn that takes the image from a store.
 *
 * What is missing there is downloaded there, by the loop that serves any
 * destination, so that all who share the store agree on one download. Then the
 * entry becomes the image: cloned, linked or copied, and never on its word. A
 * store saves bandwidth and space; whatever is wrong with it, the pull goes on
 * without.
 */
#include <stdio.h>
#include <stdlib.h>

#include "err.h"
#include "part_lead.h"
#include "part_sweep.h"
#include "proof.h"
#include "pull_internal.h"
#include "verify.h"

/* An entry on its way to the destination. */
struct placing {
    struct pull *pull;
    struct sp_store store;
    struct sp_entry entry;
    bool proven;
};

static const char *name_of(const struct pull *pull)
{
    return sp_digest_hex(&pull->want);
}

/* --- into the store ------------------------------------------------------- */

/* An order of its own, with all that is known of the blob. */
static enum spull_code download_to(const struct sp_store *store,
                                   struct pull *pull, struct spull_error *err)
{
    struct pull inner = *pull;
    enum spull_state state = SPULL_INSTALLED;
    enum spull_code code = SPULL_OK;
    char *path = NULL;

    if (asprintf(&path, "%s/%s", store->where, name_of(pull)) < 0)
        return sp_err_nomem(err);
    inner.shared = store;
    inner.path = path;
    inner.dir = NULL;
    inner.name = name_of(pull);
    inner.lead = NULL;
    inner.deposed = false;
    inner.replace = false;
    inner.unpack = false; /* a store holds blobs */
    code = sp_lead_new_shared(store->dir, store->where, inner.name, &inner.lead,
                              err);
    if (code == SPULL_OK)
        code = sp_pull_obtain(&inner, &state, err);
    sp_lead_free(inner.lead);
    pull->watch = inner.watch;
    pull->fetched = inner.fetched;
    pull->served = state == SPULL_INSTALLED ? inner.served : NULL;
    free(path);
    return code;
}

/* The entry, if there is one that could be it. */
static bool find(struct placing *placing)
{
    const struct pull *pull = placing->pull;
    struct sp_proof proof;
    enum sp_stored found =
        sp_store_find(&placing->store, name_of(pull), &placing->entry);

    if (found != SP_STORED)
        return false;
    /* Who may write to it may write that note as well. */
    placing->proven = placing->entry.fixed &&
                      sp_proof_read(placing->entry.fd, &proof) &&
                      sp_digest_equal(&proof.digest, &pull->want);
    return true;
}

/* --- from there to the destination ---------------------------------------- */

/* Not read, if there is a proof. */
static enum spull_code adopt(struct placing *placing, struct sp_part *part,
                             struct turn *turn, struct spull_error *err)
{
    struct pull *pull = placing->pull;
    enum spull_code code =
        sp_part_complete(part, (uint64_t)placing->entry.info.st_size, err);

    if (code == SPULL_OK)
        code = sp_verify_twin(part, placing->entry.fd, &pull->want,
                              &pull->watch, &pull->look, &turn->sealed, err);
    if (code == SPULL_STORAGE) /* a disk that rots is no reason to fail */
        return sp_err_set(err, SPULL_INTEGRITY, "it can't be read");
    return code;
}

/*
 * A link is only made to what nobody else can change: an inode has one owner,
 * who could write to it later, whoever's name it bears. A clone or a copy is
 * ours. part is gone when it returns success.
 */
static enum spull_code fill(struct placing *placing, struct sp_part *part,
                            struct turn *turn, struct spull_error *err)
{
    struct pull *pull = placing->pull;
    const struct sp_entry *entry = &placing->entry;
    uint64_t size = (uint64_t)entry->info.st_size;
    bool cloned = sp_part_clone(part, entry->fd, size);
    struct source from = {entry->fd, size, &pull->want, cloned};
    enum spull_code code = SPULL_OK;
    bool linked = false;

    if (!cloned && entry->fixed)
        code = sp_part_link(part, placing->store.dir, name_of(pull), entry->fd,
                            size, &linked, err);
    if (code != SPULL_OK)
        return code;
    pull->placed = cloned ? "reflink" : linked ? "hard link" : "copy";
    if (linked || (cloned && placing->proven))
        return adopt(placing, part, turn, err);
    return sp_pull_take(pull, part, &from, &turn->sealed, err);
}

static enum spull_code place(struct placing *placing, struct turn *turn,
                             struct spull_error *err)
{
    struct pull *pull = placing->pull;
    struct sp_part *part = NULL;
    enum spull_code code = SPULL_OK;

    if (pull->served == NULL) /* what others have downloaded is not told */
        pull->watch.now.bytes = pull->watch.now.total = 0;
    code = sp_watch_phase(&pull->watch, SPULL_INSTALLING, err);
    if (code == SPULL_OK)
        code = sp_part_new(pull->dir, name_of(pull), &part, err);
    if (code == SPULL_OK)
        code = sp_pull_lead(pull, part, turn, err);
    if (code == SPULL_OK && !turn->lost)
        code = fill(placing, part, turn, err);
    if (code != SPULL_OK || turn->lost) {
        sp_part_discard(part);
        return code;
    }
    sp_part_bury(turn->sealed, pull->ctx);
    sp_ctx_detail(pull->ctx, "%s: %s from %s", pull->path, pull->placed,
                  placing->store.where);
    sp_entry_touch(&placing->entry);
    return SPULL_OK;
}

/* --- and if it can't be --------------------------------------------------- */

/* Nobody is to meet it again. */
static bool drop(struct placing *placing, const struct spull_error *why)
{
    struct pull *pull = placing->pull;

    sp_ctx_warn(pull->ctx, "%s/%s: damaged: %s", placing->store.where,
                name_of(pull), why->text);
    return sp_store_remove(&placing->store, name_of(pull), &placing->entry);
}

/* What fails in the store is no failure of the pull. */
static enum spull_code download(struct placing *placing,
                                struct spull_error *err)
{
    struct spull_error why = {0};
    enum spull_code code = download_to(&placing->store, placing->pull, &why);

    if (code == SPULL_OK)
        find(placing);
    if (code == SPULL_STORAGE) {
        sp_ctx_warn(placing->pull->ctx, "without the store: %s", why.text);
        return SPULL_OK;
    }
    if (code != SPULL_OK && err != NULL)
        *err = why;
    return code;
}

/* If the manifest is wrong about what is proven, let it say so by itself. */
static bool is_of_use(const struct placing *placing)
{
    return placing->entry.fd >= 0 &&
           (!placing->proven ||
            sp_pull_size_fits(placing->pull,
                              (uint64_t)placing->entry.info.st_size));
}

/* One try: the entry as it is, or a fresh one. *again: it was damaged, and is
 * gone. */
static enum spull_code attempt(struct placing *placing, struct turn *turn,
                               bool *again, struct spull_error *err)
{
    struct spull_error why = {0};
    enum spull_code code = SPULL_OK;

    *again = false;
    if (!find(placing) && placing->store.writable && placing->pull->has_found)
        code = download(placing, err);
    if (code != SPULL_OK || !is_of_use(placing)) {
        sp_entry_done(&placing->entry);
        return code;
    }
    code = place(placing, turn, &why);
    if (code == SPULL_INTEGRITY) {
        *again = drop(placing, &why);
        code = SPULL_OK;
    }
    sp_entry_done(&placing->entry);
    if (code != SPULL_OK && err != NULL)
        *err = why;
    return code;
}

static enum spull_code use(struct placing *placing, struct turn *turn,
                           struct spull_error *err)
{
    bool again = false;
    enum spull_code code = attempt(placing, turn, &again, err);

    if (code == SPULL_OK && again)
        code = attempt(placing, turn, &again, err);
    return code;
}

/* Of a weak digest, anybody could make another file. */
static bool may_use(const struct pull *pull)
{
    return pull->ctx->opts.store != NULL && pull->shared == NULL &&
           !pull->blob && pull->want.algorithm == SP_SHA256;
}

bool sp_pull_is_stored(const struct pull *pull)
{
    struct sp_store store = {.dir = -1};
    struct sp_entry entry = {.fd = -1};
    bool stored = false;

    if (!may_use(pull) ||
        sp_store_open(pull->ctx->opts.store, false, &store, NULL) != SPULL_OK)
        return false;
    stored = sp_store_find(&store, name_of(pull), &entry) == SP_STORED;
    sp_entry_done(&entry);
    sp_store_done(&store);
    return stored;
}

/* There may be none yet, in a place where only others may make one. */
static void say_without(struct pull *pull, enum spull_code code,
                        const struct spull_error *why)
{
    if (code == SPULL_NOT_FOUND)
        sp_ctx_detail(pull->ctx, "without the store: %s", why->text);
    else
        sp_ctx_warn(pull->ctx, "without the store: %s", why->text);
}

enum spull_code sp_pull_from_store(struct pull *pull, struct turn *turn,
                                   struct spull_error *err)
{
    struct placing placing = {.pull = pull, .entry = {.fd = -1}};
    struct spull_error why = {0};
    enum spull_code code = SPULL_OK;

    pull->placed = NULL;
    if (!may_use(pull))
        return SPULL_OK;
    code = sp_store_open(pull->ctx->opts.store, true, &placing.store, &why);
    if (code != SPULL_OK) {
        say_without(pull, code, &why);
        return SPULL_OK;
    }
    code = use(&placing, turn, err);
    sp_store_done(&placing.store);
    return code;
}
