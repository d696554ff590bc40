/* SPDX-License-Identifier: MIT */
/*
 * folder: opened anew for each walk, since a descriptor has one position for
 * all who share it.
 */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool is_name(const char *name)
{
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* 0: the end, or what errno says. */
static int walk(DIR *list, bool (*visit)(void *payload, const char *name),
                void *payload)
{
    const struct dirent *entry = NULL;

    do {
        errno = 0;
        /* The stream is this thread's own (readdir(3), ATTRIBUTES). */
        entry = readdir(list); /* NOLINT(concurrency-mt-unsafe) */
        if (entry == NULL)
            return errno;
    } while (!is_name(entry->d_name) || visit(payload, entry->d_name));
    return 0;
}

bool sp_folder_each(int dir, bool (*visit)(void *payload, const char *name),
                    void *payload)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    int why = errno;

    if (list == NULL) {
        if (fd >= 0)
            close(fd);
        errno = why;
        return false;
    }
    why = walk(list, visit, payload);
    closedir(list);
    errno = why;
    return why == 0;
}
