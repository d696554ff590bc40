/* SPDX-License-Identifier: MIT */
/*
 * upkeep: one walk over the entries, and what is done to each. A damaged entry
 * is removed and not kept for later, since a proof on it may still hold: a disk
 * that rots changes no date.
 */
#include "upkeep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "digest.h"
#include "err.h"
#include "limits.h"
#include "part_sweep.h"
#include "proof.h"
#include "store.h"
#include "verify.h"

struct walk {
    const struct sp_upkeep *what;
    struct sp_store store;
    struct sp_watch watch;
    int64_t now;
    struct spull_error first; /* code 0: all is well so far */
};

/* --- what is said of an entry --------------------------------------------- */

/* false: that is enough. why has code 0 if all is well. */
static bool tell(struct walk *walk, const char *hex, uint64_t size,
                 bool removed, const struct spull_error *why)
{
    const struct sp_digest digest = sp_digest_of_pin(hex);
    struct spull_entry entry = {.digest = digest.text,
                                .size = size,
                                .removed = removed,
                                .error = why->code == SPULL_OK ? NULL : why};
    char *path = NULL;
    bool on = true;

    if (asprintf(&path, "%s/%s", walk->store.where, hex) < 0) {
        sp_err_nomem(&walk->first);
        return false;
    }
    if (walk->first.code == SPULL_OK)
        walk->first = *why;
    entry.path = path;
    if (walk->what->tell != NULL &&
        walk->what->tell(walk->what->payload, &entry) != 0) {
        sp_ctx_say_cancelled(&walk->first);
        on = false;
    }
    free(path);
    return on;
}

/* --- prune ---------------------------------------------------------------- */

/* Another name is a destination that needs no space of its own as long as the
 * entry is there; to remove it would free nothing, and cost a download later.
 */
static bool is_idle(const struct walk *walk, const struct stat *info)
{
    int64_t days = walk->what->days;

    if (!S_ISREG(info->st_mode) || info->st_nlink > 1)
        return false;
    return days == 0 || sp_entry_used(info) < walk->now - days * SP_DAY_SECONDS;
}

static bool prune(void *payload, const char *hex)
{
    struct walk *walk = payload;
    struct spull_error why = {0};
    struct sp_entry entry = {.fd = -1};

    if (sp_ctx_cancelled(walk->what->ctx)) {
        sp_ctx_say_cancelled(&walk->first);
        return false;
    }
    if (fstatat(walk->store.dir, hex, &entry.info, AT_SYMLINK_NOFOLLOW) != 0 ||
        !is_idle(walk, &entry.info))
        return true;
    if (!sp_store_remove(&walk->store, hex, &entry))
        sp_err_sys(&why, SPULL_STORAGE, errno, "cannot remove %s/%s",
                   walk->store.where, hex);
    return tell(walk, hex, (uint64_t)entry.info.st_size, why.code == SPULL_OK,
                &why);
}

/* --- verify --------------------------------------------------------------- */

static enum spull_code read_entry(struct walk *walk, const char *hex,
                                  const struct sp_entry *entry,
                                  struct spull_error *err)
{
    const struct sp_digest want = sp_digest_of_pin(hex);
    struct sp_digest actual;
    struct sp_look look;
    struct sp_proof proof;
    enum spull_code code =
        sp_verify_file(entry->fd, SP_SHA256, &walk->watch, &actual, &look, err);

    if (code == SPULL_STORAGE)
        sp_err_wrap(err, code, "%s/%s", walk->store.where, hex);
    if (code != SPULL_OK)
        return code;
    if (!sp_digest_equal(&actual, &want))
        return sp_err_set(err, SPULL_INTEGRITY, "%s/%s: damaged, it has %s",
                          walk->store.where, hex, actual.text);
    proof = (struct sp_proof){.digest = actual, .look = look};
    /* Restored from a backup, it has one for another inode. */
    if (entry->fixed)
        sp_proof_write(entry->fd, &proof);
    return SPULL_OK;
}

static enum spull_code judge(struct walk *walk, const char *hex,
                             enum sp_stored found, const struct sp_entry *entry,
                             struct spull_error *err)
{
    if (found == SP_STORED)
        return read_entry(walk, hex, entry, err);
    if (found == SP_MISPLACED)
        return sp_err_set(err, SPULL_INTEGRITY, "%s/%s: no regular file",
                          walk->store.where, hex);
    return sp_err_set(err, SPULL_STORAGE, "%s/%s: it can't be read",
                      walk->store.where, hex);
}

/* fd -1: it is no file at all. */
static bool remove_damaged(const struct walk *walk, const char *hex,
                           const struct sp_entry *entry,
                           struct spull_error *why)
{
    bool is_file = entry->fd >= 0;

    if (!sp_store_remove(&walk->store, hex, is_file ? entry : NULL)) {
        sp_err_hint(why, "it could not be removed");
        return false;
    }
    if (is_file && entry->info.st_nlink > 1)
        sp_err_hint(why,
                    "removed; %lu other files are the same one: \"find DIR "
                    "-inum %llu\"",
                    (unsigned long)entry->info.st_nlink - 1,
                    (unsigned long long)entry->info.st_ino);
    else
        sp_err_hint(why, "removed; the next pull downloads it afresh");
    return true;
}

static bool verify(void *payload, const char *hex)
{
    struct walk *walk = payload;
    struct spull_error why = {0};
    struct sp_entry entry;
    enum sp_stored found = sp_store_find(&walk->store, hex, &entry);
    enum spull_code code = SPULL_OK;
    bool removed = false;

    if (found == SP_NOT_STORED) /* a moment ago it was */
        return true;
    code = judge(walk, hex, found, &entry, &why);
    if (code == SPULL_INTEGRITY)
        removed = remove_damaged(walk, hex, &entry, &why);
    sp_entry_done(&entry);
    if (code == SPULL_CANCELLED) {
        walk->first = why;
        return false;
    }
    return tell(walk, hex, (uint64_t)entry.info.st_size, removed, &why);
}

/* --- both ----------------------------------------------------------------- */

static enum spull_code run(struct walk *walk, struct spull_error *err)
{
    const struct sp_upkeep *what = walk->what;
    uint64_t count = 0; /* that is not told */
    uint64_t bytes = 0;
    enum spull_code code =
        sp_store_each(&walk->store, what->prune ? prune : verify, walk, err);

    if (code == SPULL_OK && what->prune)
        sp_part_tidy(walk->store.dir, what->ctx->opts.keep_days, &count,
                     &bytes);
    if (code == SPULL_OK && walk->first.code != SPULL_OK && err != NULL)
        *err = walk->first;
    return code == SPULL_OK ? walk->first.code : code;
}

enum spull_code sp_upkeep(const struct sp_upkeep *what, struct spull_error *err)
{
    const char *dir = what->ctx->opts.store;
    struct walk walk = {.what = what, .now = (int64_t)time(NULL)};
    enum spull_code code = SPULL_OK;

    if (dir == NULL) {
        sp_err_set(err, SPULL_USAGE, "store: none is named");
        sp_err_hint(err, "--store DIR, SPULL_STORE or the key store names it");
        return SPULL_USAGE;
    }
    code = sp_store_open(dir, false, &walk.store, err);
    if (code == SPULL_NOT_FOUND) /* nothing was ever stored */
        return SPULL_OK;
    if (code != SPULL_OK)
        return code;
    sp_watch_init(&walk.watch, what->ctx, dir);
    code = run(&walk, err);
    sp_store_done(&walk.store);
    return code;
}
