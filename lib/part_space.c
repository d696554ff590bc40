/* SPDX-License-Identifier: MIT */
/*
 * part_space: will it fit? Free blocks, quota, and a reservation.
 *
 * An answer is only as good as the file system: where one knows nothing, the
 * download begins and a full disk is met when it is met.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/quota.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "err.h"
#include "limits.h"
#include "part_internal.h"

/* What a part of a given size would take of the disk. */
struct need {
    const struct sp_sealed *file;
    uint64_t size;    /* of the whole */
    uint64_t missing; /* of it, that the file has no blocks for */
};

#define UNKNOWN UINT64_MAX

static uint64_t mib_up(uint64_t bytes)
{
    return bytes / SP_MIB + (bytes % SP_MIB != 0);
}

/* left: what there is for it, or UNKNOWN. */
static enum spull_code too_little(const struct need *need, int why,
                                  uint64_t left, struct spull_error *err)
{
    char missing[64] = "";
    char room[64] = "";

    if (mib_up(need->missing) < mib_up(need->size))
        snprintf(missing, sizeof missing,
                 " in all, %" PRIu64 " MiB of that still missing",
                 mib_up(need->missing));
    if (left != UNKNOWN)
        snprintf(room, sizeof room, ", %" PRIu64 " MiB left", left / SP_MIB);
    sp_err_sys(err, SPULL_STORAGE, why, "%s: %" PRIu64 " MiB needed%s%s",
               need->file->where, mib_up(need->size), missing, room);
    if (why == EDQUOT)
        sp_err_hint(err, "\"quota -s\", or your file system's own command, "
                         "shows what uses your quota");
    return SPULL_STORAGE;
}

static enum spull_code check_blocks(const struct need *need,
                                    struct spull_error *err)
{
    struct statvfs info;
    uint64_t left = 0;

    if (fstatvfs(need->file->fd, &info) != 0 || info.f_blocks == 0)
        return SPULL_OK;
    left = (uint64_t)info.f_bavail * info.f_frsize;
    return left < need->missing ? too_little(need, ENOSPC, left, err)
                                : SPULL_OK;
}

/* Linux before 5.14 wants a device: udev's name for it, where it has one.
 * Network file systems, and those without quota, answer with an error, which
 * says nothing. */
static bool ask_device(const struct stat *file, unsigned command, unsigned id,
                       struct dqblk *out)
{
    char device[64];

    snprintf(device, sizeof device, "/dev/block/%u:%u", major(file->st_dev),
             minor(file->st_dev));
    return quotactl((int)command, device, (int)id, (caddr_t)out) == 0;
}

static bool ask(const struct need *need, const struct stat *file, int type,
                struct dqblk *out)
{
    unsigned id = type == USRQUOTA ? file->st_uid : file->st_gid;
    /* QCMD() of the C library shifts into the sign of an int. */
    const unsigned command =
        (unsigned)Q_GETQUOTA << SUBCMDSHIFT | (unsigned)type;

#ifdef SYS_quotactl_fd
    if (syscall(SYS_quotactl_fd, need->file->fd, command, id, out) == 0)
        return true;
    if (errno != ENOSYS)
        return false;
#else
    (void)need;
#endif
    return ask_device(file, command, id, out);
}

/* What counts is whose the file is: a directory may hand down its group. */
static enum spull_code check_quota(const struct need *need, int type,
                                   struct spull_error *err)
{
    struct dqblk quota = {0};
    struct stat file;
    uint64_t limit = 0;

    if (fstat(need->file->fd, &file) != 0 || !ask(need, &file, type, &quota))
        return SPULL_OK;
    /* The hard limit, in blocks of QIF_DQBLKSIZE bytes; 0: none. */
    limit = (uint64_t)quota.dqb_bhardlimit * 1024;
    if (limit == 0 || quota.dqb_curspace + need->missing <= limit)
        return SPULL_OK;
    return too_little(
        need, EDQUOT,
        limit > quota.dqb_curspace ? limit - quota.dqb_curspace : 0, err);
}

/* On tmpfs a reservation clears every page, which is most of what writing them
 * costs; free memory was looked at already. */
static bool reserves_for_free(int fd)
{
    struct statfs info;

    return fstatfs(fd, &info) == 0 && info.f_type != TMPFS_MAGIC;
}

/* fallocate(2) and not posix_fallocate(3), which writes zeros where the file
 * system can't. What it can't do is no error; what there is no room for is. */
static enum spull_code reserve(const struct need *need, struct spull_error *err)
{
    int fd = need->file->fd;

    if (!reserves_for_free(fd) ||
        fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)need->size) == 0)
        return SPULL_OK;
    return sp_err_is_full(errno) ? too_little(need, errno, UNKNOWN, err)
                                 : SPULL_OK;
}

/* What was reserved before has blocks, though no bytes yet. */
static struct need need_for(struct sp_part *part, uint64_t size)
{
    uint64_t there = sp_part_total(part);
    struct stat info;

    if (fstat(part->file.fd, &info) == 0 &&
        (uint64_t)info.st_blocks * 512 > there)
        there = (uint64_t)info.st_blocks * 512;
    return (struct need){&part->file, size, size > there ? size - there : 0};
}

enum spull_code sp_part_check_room(struct sp_part *part, uint64_t size,
                                   struct spull_error *err)
{
    struct need need = need_for(part, size);
    enum spull_code code = check_blocks(&need, err);

    if (code == SPULL_OK)
        code = check_quota(&need, USRQUOTA, err);
    if (code == SPULL_OK)
        code = check_quota(&need, GRPQUOTA, err);
    return code;
}

enum spull_code sp_part_reserve(struct sp_part *part, uint64_t size,
                                struct spull_error *err)
{
    struct need need = need_for(part, size);
    enum spull_code code = sp_part_check_room(part, size, err);

    if (code == SPULL_OK && size >= SP_MIB)
        code = reserve(&need, err);
    return code;
}

enum spull_code sp_part_say_full(struct sp_part *part, int why,
                                 struct spull_error *err)
{
    uint64_t size = sp_part_size(part);
    struct need need = need_for(part, size);

    return size == 0 ? sp_err_sys(err, SPULL_STORAGE, why, "cannot write to %s",
                                  part->file.where)
                     : too_little(&need, why, UNKNOWN, err);
}

enum spull_code sp_sealed_say_full(const struct sp_sealed *sealed, int why,
                                   struct spull_error *err)
{
    struct need need = {sealed, sealed->size, sealed->size};

    return too_little(&need, why, UNKNOWN, err);
}
