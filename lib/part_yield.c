/* SPDX-License-Identifier: MIT */
/*
 * part_yield: has an earlier part give its blocks back while it is copied,
 * where the disk has no room for it twice.
 *
 * At no instant is a finished span in neither of the two journals: first ours
 * has it, then theirs loses it, then the blocks go. And nobody can install a
 * file with holes: the process that made it, should it wake up, looks for a
 * name that is no more.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "part_internal.h"

static bool punch(int fd, struct sp_span hole)
{
    int failed = -1;

    do
        failed = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                           (off_t)hole.from, (off_t)(hole.to - hole.from));
    while (failed != 0 && errno == EINTR);
    return failed == 0;
}

static uint64_t size_of(int fd)
{
    struct stat info;

    return fstat(fd, &info) == 0 ? (uint64_t)info.st_size : 0;
}

/* Is fd the file that was copied from, and has it no second name? With the
 * first one gone, it will never get another. */
static bool is_ours_alone(const struct legacy *legacy, int fd)
{
    struct stat theirs;
    struct stat info;

    return fstat(legacy->fd, &theirs) == 0 && fstat(fd, &info) == 0 &&
           info.st_dev == theirs.st_dev && info.st_ino == theirs.st_ino &&
           info.st_nlink == 1;
}

/*
 * Gives the file a name that its maker does not know. It has a journal under
 * that name before, and the old one goes after, so that who comes after us
 * always finds one that fits.
 */
static bool rename_it(struct legacy *legacy)
{
    int dir = legacy->part->file.dir;
    char *name = sp_part_fresh_name(legacy->part->label);

    legacy->journal.owner = sp_owner_self();
    if (name == NULL ||
        !sp_journal_write(&legacy->part->file, name, &legacy->journal)) {
        free(name);
        return false;
    }
    if (renameat(dir, legacy->name, dir, name) != 0) {
        sp_journal_remove(dir, name);
        free(name);
        return false;
    }
    sp_journal_remove(dir, legacy->name);
    free(legacy->name);
    legacy->name = name;
    return true;
}

/* Opened anew, to be written to, and because NFS looks at a file when it is
 * opened. A hole behind the end shows whether this file system makes any. */
static bool seize(struct legacy *legacy)
{
    uint64_t end = size_of(legacy->fd);
    int fd = -1;

    if (!rename_it(legacy))
        return false;
    fd = openat(legacy->part->file.dir, legacy->name,
                O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (!is_ours_alone(legacy, fd) ||
        !punch(fd, (struct sp_span){end, end + 1})) {
        close(fd);
        return false;
    }
    close(legacy->fd);
    legacy->fd = fd;
    legacy->seized = true;
    return true;
}

/* What is in theirs and not in ours. false: out of memory. */
static bool find_rest(const struct legacy *legacy, struct sp_spans *rest)
{
    for (size_t i = 0; i < legacy->journal.done.count; i++) {
        struct sp_span span = legacy->journal.done.list[i];
        struct sp_span gap = {0, 0};
        while (sp_part_gap(legacy->part, span.from, span.to, &gap)) {
            if (!sp_spans_add(rest, gap))
                return false;
            span.from = gap.to;
        }
    }
    return true;
}

/* All but the rest, what was never finished included. */
static bool free_blocks(const struct legacy *legacy,
                        const struct sp_spans *rest)
{
    uint64_t end = size_of(legacy->fd);
    struct sp_span hole = {0, 0};

    while (sp_spans_gap(rest, hole.to, end, &hole))
        if (!punch(legacy->fd, hole))
            return false;
    return true;
}

static bool give_back(struct legacy *legacy, const struct sp_spans *rest)
{
    struct journal journal = legacy->journal;

    if (!sp_part_save_at_once(legacy->part) ||
        (!legacy->seized && !seize(legacy)))
        return false;
    journal.owner = legacy->journal.owner;
    journal.done = *rest;
    if (!sp_journal_write(&legacy->part->file, legacy->name, &journal))
        return false;
    /* From here on, some of it is nowhere else. */
    sp_part_set_inherited(legacy->part);
    return free_blocks(legacy, rest);
}

bool sp_legacy_give_back(struct legacy *legacy)
{
    struct sp_spans rest = {0};
    bool given = false;
    uint64_t left = 0;

    if (legacy->name == NULL) /* no part, but a file that stays as it is */
        return false;
    given = find_rest(legacy, &rest);
    left = sp_spans_total(&rest);
    /* Twice for the same bytes would not bring more. */
    given = given && (!legacy->seized || left < legacy->left) &&
            give_back(legacy, &rest);
    legacy->left = left;
    sp_spans_done(&rest);
    if (given)
        sp_part_hold_room(legacy->part);
    return given;
}
