/* SPDX-License-Identifier: MIT */
/*
 * A file system without extended attributes.
 */
#include <errno.h>
#include <sys/xattr.h>

int fsetxattr(int fd, const char *name, const void *value, size_t size,
              int flags)
{
    (void)fd, (void)name, (void)value, (void)size, (void)flags;
    errno = ENOTSUP;
    return -1;
}

ssize_t fgetxattr(int fd, const char *name, void *value, size_t size)
{
    (void)fd, (void)name, (void)value, (void)size;
    errno = ENOTSUP;
    return -1;
}
