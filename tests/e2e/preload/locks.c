/* SPDX-License-Identifier: MIT */
/*
 * A file system whose locks are not what they seem. Built as it is, every lock
 * is granted and none is held; built with LOCKS_FAIL=ERRNO, none is granted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

static int answer(void)
{
#ifdef LOCKS_FAIL
    errno = LOCKS_FAIL;
    return -1;
#else
    return 0;
#endif
}

int flock(int fd, int operation)
{
    (void)fd, (void)operation;
    return answer();
}

int lockf(int fd, int command, off_t len)
{
    (void)fd, (void)command, (void)len;
    return answer();
}

static int is_lock(int command)
{
    return command == F_SETLK || command == F_SETLKW || command == F_GETLK ||
           command == F_OFD_SETLK || command == F_OFD_SETLKW ||
           command == F_OFD_GETLK;
}

static int pass_on(int fd, int command, va_list args)
{
    void *argument = va_arg(args, void *);

    if (is_lock(command))
        return answer();
    return (int)syscall(SYS_fcntl, fd, command, argument);
}

int fcntl(int fd, int command, ...)
{
    va_list args;
    int result;

    va_start(args, command);
    result = pass_on(fd, command, args);
    va_end(args);
    return result;
}

int fcntl64(int fd, int command, ...)
{
    va_list args;
    int result;

    va_start(args, command);
    result = pass_on(fd, command, args);
    va_end(args);
    return result;
}
