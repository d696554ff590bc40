/* SPDX-License-Identifier: MIT */
/*
 * owner: reads three files of /proc. Where there is no /proc, fields stay empty
 * and every owner is "elsewhere", which is the careful answer.
 */
#include "owner.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The first bytes of a small file of /proc, as a string; "" if it can't be. */
static void read_text(const char *path, char *out, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;

    if (fd >= 0) {
        n = read(fd, out, cap - 1);
        close(fd);
    }
    out[n > 0 ? n : 0] = '\0';
}

/*
 * Field 22 of proc(5)'s stat; the name in field 2 may hold anything, so fields
 * are counted from its closing parenthesis. 0: there is no such process. *state
 * is field 3.
 */
static uint64_t start_of(uint64_t pid, char *state)
{
    char path[64];
    char text[1024];
    const char *at = NULL;
    uint64_t start = 0;

    snprintf(path, sizeof path, "/proc/%" PRIu64 "/stat", pid);
    read_text(path, text, sizeof text);
    at = strrchr(text, ')');
    *state = at != NULL && at[1] == ' ' ? at[2] : '?';
    for (int field = 2; at != NULL && field < 22; field++)
        at = strchr(at + 1, ' ');
    if (at == NULL || sscanf(at, " %" SCNu64, &start) != 1)
        return 0;
    return start;
}

/* In a new pid namespace, /proc may still be that of an older one, where our
 * number is somebody else's. */
static bool is_proc_ours(uint64_t pid)
{
    char text[32];
    ssize_t len = readlink("/proc/self", text, sizeof text - 1);

    text[len > 0 ? len : 0] = '\0';
    return strtoull(text, NULL, 10) == pid;
}

static struct sp_owner read_self(void)
{
    struct sp_owner self = {.pid = (uint64_t)getpid()};
    struct stat space;
    char state = '?';

    read_text("/proc/sys/kernel/random/boot_id", self.boot, sizeof self.boot);
    self.boot[strcspn(self.boot, " \n")] = '\0';
    if (!is_proc_ours(self.pid))
        return self;
    if (stat("/proc/self/ns/pid", &space) == 0)
        self.space = (uint64_t)space.st_ino;
    self.start = start_of(self.pid, &state);
    return self;
}

/* None of it changes while a process lives; a forked one has another pid. */
struct sp_owner sp_owner_self(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct sp_owner known;
    struct sp_owner self;

    pthread_mutex_lock(&lock);
    if (known.pid != (uint64_t)getpid())
        known = read_self();
    self = known;
    pthread_mutex_unlock(&lock);
    return self;
}

enum sp_life sp_owner_life(const struct sp_owner *owner)
{
    struct sp_owner self = sp_owner_self();
    uint64_t start = 0;
    char state = '?';

    if (owner->pid == 0)
        return SP_GONE;
    if (self.boot[0] == '\0' || self.space == 0 || owner->start == 0 ||
        strcmp(self.boot, owner->boot) != 0 || self.space != owner->space)
        return SP_ELSEWHERE;
    start = start_of(owner->pid, &state);
    /* With hidepid, proc(5) shows no strangers; kill(2) still knows them. */
    if (start == 0 && kill((pid_t)owner->pid, 0) != 0 && errno == ESRCH)
        return SP_GONE;
    if (start == 0)
        return SP_ELSEWHERE;
    /* One that has ended may wait for its parent for ever, in a container. */
    if (start != owner->start || state == 'Z' || state == 'X')
        return SP_GONE;
    return state == 'T' ? SP_STOPPED : SP_RUNS;
}

bool sp_owner_is_self(const struct sp_owner *owner)
{
    struct sp_owner self = sp_owner_self();

    return owner->pid == self.pid && owner->start == self.start &&
           owner->space == self.space && strcmp(owner->boot, self.boot) == 0;
}

enum sp_buf_result sp_owner_print(const struct sp_owner *owner,
                                  struct sp_buf *out)
{
    return sp_buf_print(out, "%s %" PRIu64 " %" PRIu64 " %" PRIu64,
                        owner->boot[0] == '\0' ? "-" : owner->boot,
                        owner->space, owner->pid, owner->start);
}

bool sp_owner_parse(const char *line, struct sp_owner *out)
{
    struct sp_owner owner = {0};

    if (sscanf(line, "%39s %" SCNu64 " %" SCNu64 " %" SCNu64, owner.boot,
               &owner.space, &owner.pid, &owner.start) != 4)
        return false;
    *out = owner;
    return true;
}
