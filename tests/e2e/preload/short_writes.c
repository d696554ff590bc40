/* SPDX-License-Identifier: MIT */
/*
 * A file system that writes as little as POSIX lets it: never more than 1000
 * bytes at once, and now and then a signal comes in between.
 */
#include <errno.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int calls;

static int is_regular(int fd)
{
    struct stat info;

    return fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

/* What is to be written of len bytes, or -1. */
static ssize_t shorten(int fd, size_t len)
{
    if (!is_regular(fd))
        return (ssize_t)len;
    if (atomic_fetch_add(&calls, 1) % 7 == 6) {
        errno = EINTR;
        return -1;
    }
    return len < 1000 ? (ssize_t)len : 1000;
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    ssize_t now = shorten(fd, len);

    return now < 0 ? now : syscall(SYS_pwrite64, fd, bytes, (size_t)now, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
    return pwrite(fd, bytes, len, at);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    ssize_t now = shorten(fd, len);

    return now < 0 ? now : syscall(SYS_write, fd, bytes, (size_t)now);
}
