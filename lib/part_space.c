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
#include <linux/dqblk_xfs.h>
#include <linux/magic.h>
#include <sys/quota.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "err.h"
#include "limits.h"
#include "part_internal.h"

static enum spull_code too_little(const struct sp_sealed *file, int why,
                                  uint64_t need, uint64_t left,
                                  struct spull_error *err)
{
    sp_err_sys(err, SPULL_STORAGE, why,
               "%s: %" PRIu64 " MiB needed, %" PRIu64 " MiB left", file->where,
               (need + SP_MIB - 1) / SP_MIB, left / SP_MIB);
    if (why == EDQUOT)
        sp_err_hint(err, "\"quota -s\", or your file system's own command, "
                         "shows what uses your quota");
    return SPULL_STORAGE;
}

static enum spull_code check_blocks(const struct sp_sealed *file, uint64_t need,
                                    struct spull_error *err)
{
    struct statvfs info;
    uint64_t left = 0;

    if (fstatvfs(file->fd, &info) != 0 || info.f_blocks == 0)
        return SPULL_OK;
    left = (uint64_t)info.f_bavail * info.f_frsize;
    return left < need ? too_little(file, ENOSPC, need, left, err) : SPULL_OK;
}

/* quotactl_fd(2), Linux 5.14, needs no device name; older kernels, network file
 * systems and those without quota answer with an error, which says nothing. */
static enum spull_code check_quota(const struct sp_sealed *file, int type,
                                   unsigned id, uint64_t need,
                                   struct spull_error *err)
{
#ifdef SYS_quotactl_fd
    /* QCMD() of the C library shifts into the sign of an int. */
    const unsigned command =
        (unsigned)Q_GETQUOTA << SUBCMDSHIFT | (unsigned)type;
    struct dqblk quota = {0};
    uint64_t limit = 0;

    if (syscall(SYS_quotactl_fd, file->fd, command, id, &quota) != 0)
        return SPULL_OK;
    /* The hard limit, in blocks of QIF_DQBLKSIZE bytes; 0: none. */
    limit = (uint64_t)quota.dqb_bhardlimit * 1024;
    if (limit == 0 || quota.dqb_curspace + need <= limit)
        return SPULL_OK;
    return too_little(
        file, EDQUOT, need,
        limit > quota.dqb_curspace ? limit - quota.dqb_curspace : 0, err);
#else
    (void)file, (void)type, (void)id, (void)need, (void)err;
    return SPULL_OK;
#endif
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
static enum spull_code reserve(const struct sp_sealed *file, uint64_t size,
                               uint64_t need, struct spull_error *err)
{
    if (!reserves_for_free(file->fd) ||
        fallocate(file->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size) == 0)
        return SPULL_OK;
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
        return too_little(file, errno, need, 0, err);
    return SPULL_OK;
}

enum spull_code sp_part_reserve(struct sp_part *part, uint64_t size,
                                struct spull_error *err)
{
    uint64_t there = sp_part_total(part);
    uint64_t need = size > there ? size - there : 0;
    enum spull_code code = check_blocks(&part->file, need, err);

    if (code == SPULL_OK)
        code = check_quota(&part->file, USRQUOTA, geteuid(), need, err);
    if (code == SPULL_OK)
        code = check_quota(&part->file, GRPQUOTA, getegid(), need, err);
    if (code == SPULL_OK && size >= SP_MIB)
        code = reserve(&part->file, size, need, err);
    return code;
}
