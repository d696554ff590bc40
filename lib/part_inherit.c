/* SPDX-License-Identifier: MIT */
/*
 * part_inherit: takes up what earlier processes left.
 *
 * Their spans are copied into a file of our own, never adopted where they lie:
 * the process that wrote them may only be asleep on a node that lost its
 * network, and would wake up to write on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "folder.h"
#include "limits.h"
#include "part_internal.h"

/* In the kernel where it can: a reflink on XFS and btrfs, a copy on the server
 * on NFS 4.2. 0: it can't. */
static ssize_t copy_in_kernel(struct legacy *legacy, uint64_t at, size_t len)
{
    off_t in = (off_t)at;
    off_t out = (off_t)at;

    if (legacy->chunk != NULL)
        return 0;
    return copy_file_range(legacy->fd, &in, legacy->part->file.fd, &out, len,
                           0);
}

static enum spull_code copy_by_hand(struct legacy *legacy, uint64_t at,
                                    size_t len, ssize_t *copied,
                                    struct spull_error *err)
{
    if (legacy->chunk == NULL)
        legacy->chunk = malloc(SP_CHUNK);
    if (legacy->chunk == NULL)
        return sp_err_nomem(err);
    *copied = pread(legacy->fd, legacy->chunk, len < SP_CHUNK ? len : SP_CHUNK,
                    (off_t)at);
    if (*copied <= 0) /* shorter than its journal says: that is all, then */
        return SPULL_OK;
    return sp_part_write_all(&legacy->part->file, at, (char *)legacy->chunk,
                             (size_t)*copied, err);
}

/* At most len bytes, in either way. *copied 0: theirs has no more. */
static enum spull_code copy_some(struct legacy *legacy, uint64_t at, size_t len,
                                 ssize_t *copied, struct spull_error *err)
{
    *copied = copy_in_kernel(legacy, at, len);
    if (*copied > 0)
        return SPULL_OK;
    if (*copied < 0 && sp_err_is_full(errno))
        return sp_err_sys(err, SPULL_STORAGE, errno, "cannot write to %s",
                          legacy->part->file.where);
    return copy_by_hand(legacy, at, len, copied, err);
}

/* The same, with a way out where the disk is full. */
static enum spull_code copy_piece(struct legacy *legacy, uint64_t at,
                                  size_t len, ssize_t *copied,
                                  struct spull_error *err)
{
    struct spull_error why = {0};
    enum spull_code code = copy_some(legacy, at, len, copied, &why);

    while (code == SPULL_STORAGE && sp_err_is_full(why.sys)) {
        if (why.sys == EFBIG || !sp_legacy_give_back(legacy))
            return sp_part_say_full(legacy->part, why.sys, err);
        code = copy_some(legacy, at, len, copied, &why);
    }
    if (code != SPULL_OK && err != NULL)
        *err = why;
    return code;
}

static enum spull_code copy_span(struct legacy *legacy, struct sp_span span,
                                 struct sp_watch *watch,
                                 struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    while (span.from < span.to && code == SPULL_OK) {
        uint64_t left = span.to - span.from;
        size_t len = left < SP_SPAN_MIN * 4 ? (size_t)left : SP_SPAN_MIN * 4;
        ssize_t n = 0;
        code = copy_piece(legacy, span.from, len, &n, err);
        if (code != SPULL_OK || n <= 0)
            return code;
        code = sp_part_finish(
            legacy->part, (struct sp_span){span.from, span.from + (uint64_t)n},
            err);
        span.from += (uint64_t)n;
        sp_part_save(legacy->part);
        if (code == SPULL_OK)
            code = sp_watch_tick(watch, err);
    }
    return code;
}

/* Only what we lack: there may be several parts of one blob. */
static enum spull_code copy_missing(struct legacy *legacy, struct sp_span span,
                                    struct sp_watch *watch,
                                    struct spull_error *err)
{
    enum spull_code code = SPULL_OK;
    struct sp_span gap = {0, 0};

    while (code == SPULL_OK &&
           sp_part_gap(legacy->part, span.from, span.to, &gap)) {
        code = copy_span(legacy, gap, watch, err);
        span.from = gap.to;
    }
    return code;
}

enum spull_code sp_part_copy(struct sp_part *part, int fd, uint64_t size,
                             struct sp_watch *watch, struct spull_error *err)
{
    struct legacy from = {.part = part, .fd = fd};
    enum spull_code code = SPULL_OK;

    sp_part_set_size(part, size);
    code = copy_missing(&from, (struct sp_span){0, size}, watch, err);
    free(from.chunk);
    return code;
}

static enum spull_code copy_all(struct legacy *legacy, struct sp_watch *watch,
                                struct spull_error *err)
{
    const struct journal *journal = &legacy->journal;
    struct stat info;
    enum spull_code code = SPULL_OK;

    if (fstat(legacy->fd, &info) != 0 || !S_ISREG(info.st_mode))
        return SPULL_OK;
    if (journal->size > 0)
        sp_part_set_size(legacy->part, journal->size);
    sp_part_hold_room(legacy->part);
    for (size_t i = 0; i < journal->done.count && code == SPULL_OK; i++)
        code = copy_missing(legacy, journal->done.list[i], watch, err);
    return code;
}

/* What is in it is ours then, or was of no use. */
static void bury(struct legacy *legacy)
{
    struct sp_part *part = legacy->part;
    uint64_t size = sp_part_size(part);

    /* Ours has to be of use before theirs goes. */
    if (!sp_part_save_at_once(part))
        return;
    sp_part_set_inherited(part);
    /* Who waits for its maker has it open: without a name it keeps its blocks
     * for as long. */
    if (legacy->fd >= 0 && size > 0 &&
        sp_part_check_room(part, size, NULL) != SPULL_OK)
        sp_legacy_give_back(legacy);
    unlinkat(part->file.dir, legacy->name, 0);
    sp_journal_remove(part->file.dir, legacy->name);
}

static enum spull_code take_part(struct legacy *legacy, struct sp_watch *watch,
                                 struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    /* Killed while it wrote one, or held room for it. */
    sp_journal_remove_next(legacy->part->file.dir, legacy->name);
    legacy->fd = openat(legacy->part->file.dir, legacy->name,
                        O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (legacy->fd < 0 && errno == EACCES) /* another user's */
        return SPULL_OK;
    if (legacy->fd >= 0)
        code = copy_all(legacy, watch, err);
    if (code == SPULL_OK)
        bury(legacy);
    else if (legacy->seized)
        sp_part_set_inherited(legacy->part);
    sp_journal_remove_next(legacy->part->file.dir, legacy->part->file.name);
    if (legacy->fd >= 0)
        close(legacy->fd);
    free(legacy->chunk);
    return code;
}

/* What the scan of a directory goes by. */
struct scan {
    struct sp_part *part;
    bool deposed;
    bool fresh; /* what there is goes, and is not copied */
    struct sp_watch *watch;
    time_t now; /* by the clock that dates the files here */
    struct sp_left_folder left;
    enum spull_code code; /* of what was taken up last */
    struct spull_error *err;
};

static bool may_take(const struct scan *scan, const struct sp_owner *owner)
{
    enum sp_life life = sp_owner_life(owner);

    return life == SP_GONE || (life != SP_RUNS && scan->deposed);
}

/* What nobody can go on with is in the way. */
static void drop(const struct legacy *legacy)
{
    int dir = legacy->part->file.dir;

    sp_journal_remove_next(dir, legacy->name);
    unlinkat(dir, legacy->name, 0);
    sp_journal_remove(dir, legacy->name);
}

/* One earlier part, by the name of its journal. */
static enum spull_code take_up(const struct scan *scan, const char *name,
                               struct spull_error *err)
{
    struct legacy legacy = {.part = scan->part};
    enum spull_code code = SPULL_OK;

    legacy.name = sp_part_beside(name, ".part");
    if (legacy.name == NULL)
        return sp_err_nomem(err);
    if (sp_journal_read(scan->part->file.dir, name, &legacy.journal) &&
        may_take(scan, &legacy.journal.owner)) {
        if (scan->fresh)
            drop(&legacy);
        else
            code = take_part(&legacy, scan->watch, err);
    }
    free(legacy.name);
    sp_journal_done(&legacy.journal);
    return code;
}

/* Is it a file that this program makes and should have removed? */
static bool is_leftover(const struct scan *scan, const char *name,
                        const struct stat *info, time_t when)
{
    if (S_ISLNK(info->st_mode))
        return sp_part_ends_in(name, ".lead") &&
               sp_lead_is_over(scan->part->file.dir, name, when);
    return S_ISREG(info->st_mode) &&
           (sp_part_ends_in(name, ".part") || sp_part_ends_in(name, ".spans") ||
            sp_part_ends_in(name, ".new"));
}

/* Both dates are given by the same file system, so no two clocks are compared.
 * Somebody who still writes would have a fresh one. */
static void remove_if_old(const struct scan *scan, const char *name)
{
    int dir = scan->part->file.dir;
    time_t keep = (time_t)scan->watch->ctx->opts.keep_days * SP_DAY_SECONDS;
    struct stat info;

    if (keep == 0 || !sp_part_is_ours(name))
        return;
    if (fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        info.st_mtime < scan->now - keep &&
        is_leftover(scan, name, &info, scan->now - keep))
        unlinkat(dir, name, 0);
}

static bool see(void *payload, const char *name)
{
    struct scan *scan = payload;
    char label[SP_PART_LABEL + 1];

    if (sp_journal_is_name(name, label)) {
        sp_left_add(&scan->left, label);
        if (strcmp(label, scan->part->label) == 0)
            scan->code = take_up(scan, name, scan->err);
    }
    remove_if_old(scan, name);
    return scan->code == SPULL_OK;
}

/* Not again for each of many: what there was of others is kept in mind. */
static enum spull_code scan_folder(struct scan *scan)
{
    const struct sp_sealed *file = &scan->part->file;
    struct sp_left *left = &scan->watch->ctx->left;
    struct stat folder;
    struct stat info;

    if (fstat(file->dir, &folder) != 0 ||
        sp_left_none(left, &folder, scan->part->label, sp_watch_ms()))
        return SPULL_OK;
    if (fstat(file->fd, &info) == 0)
        scan->now = info.st_mtime;
    scan->left = sp_left_begin(&folder, sp_watch_ms());
    if (!sp_folder_each(file->dir, see, scan) || scan->code != SPULL_OK)
        scan->left.many = true; /* what was not looked at may be there */
    sp_left_end(left, &scan->left);
    return scan->code;
}

enum spull_code sp_part_inherit(struct sp_part *part, bool deposed,
                                struct sp_watch *watch, struct spull_error *err)
{
    struct scan scan = {
        .part = part, .deposed = deposed, .watch = watch, .err = err};

    return scan_folder(&scan);
}

/* A scan that copies nothing fails for want of memory alone, and then what is
 * left is left for a while longer. */
void sp_part_claim(struct sp_part *part, bool deposed, struct sp_watch *watch)
{
    struct scan scan = {
        .part = part, .deposed = deposed, .fresh = true, .watch = watch};

    (void)sp_part_save_at_once(part);
    (void)scan_folder(&scan);
}
