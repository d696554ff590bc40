/* SPDX-License-Identifier: MIT */
/*
 * part_sweep: removes what processes that are gone have left in a directory.
 *
 * sp_part_tidy() does not know what may still be of use to whom, so it goes by
 * age. sp_part_bury() knows that one blob is here now: what the dead have left
 * of it goes at once; a process that can't be seen from here may live on, so
 * there, too, age decides.
 */
#include "part_sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ctx.h"
#include "folder.h"
#include "limits.h"
#include "part_internal.h"
#include "watch.h"

struct sweep {
    int dir;
    time_t before; /* what was last written then is old */
    uint64_t *count;
    uint64_t *bytes;
    char label[SP_PART_LABEL + 1]; /* of the one blob that counts */
    struct sp_left_folder left;
};

static void take_away(const struct sweep *sweep, const char *name)
{
    struct stat info;

    if (fstatat(sweep->dir, name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        unlinkat(sweep->dir, name, 0) != 0 || !S_ISREG(info.st_mode))
        return;
    (*sweep->count)++;
    *sweep->bytes += (uint64_t)info.st_blocks * 512;
}

static bool is_old(const struct sweep *sweep, const char *name)
{
    struct stat info;

    return fstatat(sweep->dir, name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
           info.st_mtime < sweep->before;
}

/* Has nobody any use for what this owner made? */
static bool is_nobodys(const struct sweep *sweep, const struct sp_owner *owner,
                       const char *name)
{
    enum sp_life life = sp_owner_life(owner);

    return life == SP_GONE || (life == SP_ELSEWHERE && is_old(sweep, name));
}

static void sweep_journal(const struct sweep *sweep, const char *name)
{
    struct journal journal = {0};
    char *part = sp_part_beside(name, ".part");
    bool read = sp_journal_read(sweep->dir, name, &journal);

    if (part != NULL && (read ? is_nobodys(sweep, &journal.owner, name)
                              : is_old(sweep, name))) {
        take_away(sweep, part);
        take_away(sweep, name);
        sp_journal_remove_next(sweep->dir, part);
    }
    sp_journal_done(&journal);
    free(part);
}

static struct sweep sweep_of(int dir, unsigned days, uint64_t *count,
                             uint64_t *bytes)
{
    return (struct sweep){
        .dir = dir,
        .before = days > 0 ? time(NULL) - (time_t)days * SP_DAY_SECONDS : 0,
        .count = count,
        .bytes = bytes};
}

static bool runs_here(const struct sp_owner *owner)
{
    enum sp_life life = sp_owner_life(owner);

    return life == SP_RUNS || life == SP_STOPPED;
}

/* Is it a lead whose part is no more, and whose leader does not run here? */
static bool is_void(const struct sweep *sweep, const char *name)
{
    char target[SP_LEAD_ROOM];
    char part[SP_LEAD_ROOM];
    struct sp_owner owner;
    struct stat info;
    ssize_t len = readlinkat(sweep->dir, name, target, sizeof target - 1);

    target[len > 0 ? len : 0] = '\0';
    return sp_lead_split(target, part, &owner) && !runs_here(&owner) &&
           fstatat(sweep->dir, part, &info, AT_SYMLINK_NOFOLLOW) != 0 &&
           errno == ENOENT;
}

/* A journal that was about to go when its process died, after its part had got
 * the final name? */
static bool is_orphan(const struct sweep *sweep, const char *name)
{
    struct journal journal = {0};
    char *part = sp_part_beside(name, ".part");
    struct stat info;
    bool orphan = part != NULL && sp_journal_read(sweep->dir, name, &journal) &&
                  sp_owner_life(&journal.owner) == SP_GONE &&
                  fstatat(sweep->dir, part, &info, AT_SYMLINK_NOFOLLOW) != 0 &&
                  errno == ENOENT;

    sp_journal_done(&journal);
    free(part);
    return orphan;
}

static bool tidy_one(void *payload, const char *name)
{
    const struct sweep *sweep = payload;
    bool goes = false;

    if (!sp_part_is_ours(name))
        return true;
    if (sp_part_ends_in(name, ".lead"))
        goes = is_void(sweep, name);
    else
        goes = is_old(sweep, name) ||
               (sp_part_ends_in(name, ".spans") && is_orphan(sweep, name));
    if (goes)
        take_away(sweep, name);
    return true;
}

static bool bury_one(void *payload, const char *name)
{
    struct sweep *sweep = payload;
    char label[SP_PART_LABEL + 1];

    if (!sp_journal_is_name(name, label))
        return true;
    sp_left_add(&sweep->left, label);
    if (strcmp(label, sweep->label) == 0)
        sweep_journal(sweep, name);
    return true;
}

void sp_part_tidy(int dir, unsigned days, uint64_t *count, uint64_t *bytes)
{
    struct sweep sweep = sweep_of(dir, days, count, bytes);

    sp_folder_each(dir, tidy_one, &sweep);
}

void sp_part_bury(const struct sp_sealed *sealed, struct sp_ctx *ctx)
{
    uint64_t count = 0;
    uint64_t bytes = 0;
    struct sweep sweep =
        sweep_of(sealed->dir, ctx->opts.keep_days, &count, &bytes);
    struct stat folder;

    if (!sp_part_label_of(sealed->name, sweep.label) ||
        fstat(sealed->dir, &folder) != 0 ||
        sp_left_none(&ctx->left, &folder, sweep.label, sp_watch_ms()))
        return;
    sweep.left = sp_left_begin(&folder, sp_watch_ms());
    sweep.left.many = !sp_folder_each(sealed->dir, bury_one, &sweep);
    sp_left_end(&ctx->left, &sweep.left);
}
