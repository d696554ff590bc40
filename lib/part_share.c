/* SPDX-License-Identifier: MIT */
/*
 * part_share: files that others may read, and bytes that two files share.
 *
 * A clone has blocks of its own as soon as either side writes. A link is the
 * same inode for good, so only what nobody else can change may become one; who
 * asks for it has looked.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "part_internal.h"

/* The kernel gives a file the directory's group only where that is setgid; it
 * takes a member of the group to do it by hand. */
static mode_t granted(const struct stat *folder, const struct stat *file,
                      int fd)
{
    mode_t mode = folder->st_mode;

    if (file->st_gid != folder->st_gid &&
        fchown(fd, (uid_t)-1, folder->st_gid) != 0 && (mode & S_IROTH) == 0)
        mode &= (mode_t)~S_IRWXG; /* it would be another group that reads */
    return (mode_t)(((mode & S_IRGRP) != 0 ? S_IRWXG : 0) |
                    ((mode & S_IROTH) != 0 ? S_IRWXO : 0));
}

bool sp_part_share(int dir, int fd, mode_t own, mode_t others)
{
    struct stat folder;
    struct stat file;

    return fstat(dir, &folder) == 0 && fstat(fd, &file) == 0 &&
           fchmod(fd, own | (others & granted(&folder, &file, fd))) == 0;
}

static bool fill(struct sp_part *part, uint64_t size)
{
    sp_part_set_size(part, size);
    return size == 0 ||
           sp_part_finish(part, (struct sp_span){0, size}, NULL) == SPULL_OK;
}

static bool has_size(int fd, uint64_t size)
{
    struct stat info;

    return fstat(fd, &info) == 0 && (uint64_t)info.st_size == size;
}

bool sp_part_clone(struct sp_part *part, int fd, uint64_t size)
{
    int failed = ioctl(part->file.fd, FICLONE, fd);

    if (failed == 0 && has_size(part->file.fd, size) && fill(part, size))
        return true;
    /* Not what it was a moment ago; the caller will copy, and see why. */
    if (failed == 0)
        failed = ftruncate(part->file.fd, 0);
    return false;
}

static bool is_same(int dir, const char *name, int fd)
{
    struct stat named;
    struct stat open;

    return fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstat(fd, &open) == 0 && named.st_ino == open.st_ino &&
           named.st_dev == open.st_dev;
}

/* The name in dir may be another file's by now: what counts is which inode got
 * ours. */
static bool link_it(const struct sp_sealed *file, int dir, const char *name,
                    int fd)
{
    if (linkat(dir, name, file->dir, file->name, 0) != 0)
        return false;
    if (is_same(file->dir, file->name, fd))
        return true;
    unlinkat(file->dir, file->name, 0);
    return false;
}

/*
 * Under the name that the empty file had: it is the one that our lead shows,
 * and by which whoever comes after a kill tidies up.
 */
enum spull_code sp_part_link(struct sp_part *part, int dir, const char *name,
                             int fd, uint64_t size, bool *linked,
                             struct spull_error *err)
{
    struct sp_sealed *file = &part->file;
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    *linked = false;
    if (own < 0)
        return SPULL_OK;
    unlinkat(file->dir, file->name, 0);
    close(file->fd);
    file->fd = own;
    file->linked = link_it(file, dir, name, fd);
    if (file->linked && has_size(fd, size) && fill(part, size)) {
        *linked = true;
        return SPULL_OK;
    }
    if (file->linked)
        unlinkat(file->dir, file->name, 0);
    file->linked = false;
    close(own);
    if (!sp_part_create_file(file))
        return sp_err_sys(err, SPULL_STORAGE, errno,
                          "cannot create a file in %s", file->where);
    return SPULL_OK;
}
