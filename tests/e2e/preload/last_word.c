/* SPDX-License-Identifier: MIT */
/*
 * Somebody who is slow, and then unlucky: before a list of tags gets its name,
 * REACHED is created and GO waited for; and once it has got it, the process is
 * killed.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int is_tags(int dir, const char *name)
{
    char link[64], path[4096];
    ssize_t len;

    snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
    len = readlink(link, path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    return strcmp(name, "index.html") == 0 && len > 5 &&
           strcmp(path + len - 5, "/tags") == 0;
}

int renameat(int old_dir, const char *old_name, int new_dir,
             const char *new_name)
{
    const struct timespec moment = {0, 5000000};
    const char *reached = getenv("REACHED"), *go = getenv("GO");
    int ours = reached != NULL && go != NULL && is_tags(new_dir, new_name);
    int result;

    if (ours) {
        close(open(reached, O_CREAT | O_WRONLY, 0600));
        while (access(go, F_OK) != 0)
            nanosleep(&moment, NULL);
    }
    result =
        (int)syscall(SYS_renameat2, old_dir, old_name, new_dir, new_name, 0);
    if (ours && result == 0)
        raise(SIGKILL);
    return result;
}
