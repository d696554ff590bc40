/* SPDX-License-Identifier: MIT */
/*
 * A slow disk: a flush of a file takes until three others are under way, too;
 * then MEETING is created. Where they come one after the other, each waits in
 * vain, for a while.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define TOGETHER 4
#define PATIENCE 10 /* seconds */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t come = PTHREAD_COND_INITIALIZER;
static int inside;
static int met;

static void meet(void)
{
    struct timespec end;
    const char *path = getenv("MEETING");

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE;
    pthread_mutex_lock(&lock);
    if (++inside == TOGETHER && !met) {
        met = 1;
        if (path != NULL)
            close(open(path, O_CREAT | O_WRONLY, 0600));
    }
    pthread_cond_broadcast(&come);
    while (!met && pthread_cond_timedwait(&come, &lock, &end) == 0)
        continue;
    inside--;
    pthread_mutex_unlock(&lock);
}

int fsync(int fd)
{
    struct stat info;

    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
        meet();
    return (int)syscall(SYS_fsync, fd);
}
