/* SPDX-License-Identifier: MIT */
/*
 * measure: runs one command and prints what it took, in one line:
 * nanoseconds, microseconds of CPU, peak resident KiB, exit status.
 *
 * In C because fork() hands the parent's resident size to the child, and
 * ru_maxrss keeps it across exec(): a child of Python "needs" all of Python.
 * What the command is and whether it did its work is the caller's business.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOT_STARTED 127

static int64_t now_ns(void)
{
    struct timespec t = {0};

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t micros(struct timeval t)
{
    return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

/* The command's output goes to the log; ours is the line of results. */
static void redirect(const char *log)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int out =
        open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);

    if (null < 0 || out < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 ||
        dup2(out, 2) < 0)
        _exit(NOT_STARTED);
}

static void enter(const char *netns)
{
    int fd = -1;

    if (strcmp(netns, "-") == 0)
        return;
    fd = open(netns, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWNET) < 0) {
        perror(netns);
        _exit(NOT_STARTED);
    }
}

static void become(const char *log, const char *netns, char **argv)
{
    redirect(log);
    enter(netns);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    execvp(argv[0], argv);
    perror(argv[0]);
    _exit(NOT_STARTED);
}

int main(int argc, char **argv)
{
    struct rusage used = {0};
    int64_t start = 0;
    int64_t wall = 0;
    int status = 0;
    pid_t child = -1;

    if (argc < 4) {
        fputs("usage: measure LOG NETNS|- COMMAND [ARG...]\n", stderr);
        return 2;
    }
    start = now_ns();
    child = fork();
    if (child == 0)
        become(argv[1], argv[2], argv + 3);
    while (child > 0 && wait4(child, &status, 0, &used) < 0)
        if (errno != EINTR)
            child = -1;
    wall = now_ns() - start;
    if (child < 0) {
        perror("measure");
        return 1;
    }
    printf("%" PRId64 " %" PRId64 " %ld %d\n", wall,
           micros(used.ru_utime) + micros(used.ru_stime), used.ru_maxrss,
           WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}
