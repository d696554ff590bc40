/* SPDX-License-Identifier: MIT */
/*
 * A file system that loses a folder while it is read: of the one whose path
 * ends with BAD_FOLDER, no name comes, but an error.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_bad(DIR *list)
{
    const char *end = getenv("BAD_FOLDER");
    char link[64], path[4096];
    size_t len = end == NULL ? 0 : strlen(end);
    ssize_t size;

    snprintf(link, sizeof link, "/proc/self/fd/%d", dirfd(list));
    size = readlink(link, path, sizeof path - 1);
    path[size > 0 ? size : 0] = '\0';
    return len > 0 && strlen(path) >= len &&
           strcmp(path + strlen(path) - len, end) == 0;
}

struct dirent *readdir(DIR *list)
{
    struct dirent *(*real)(DIR *) =
        (struct dirent * (*)(DIR *)) dlsym(RTLD_NEXT, "readdir");

    if (!is_bad(list))
        return real(list);
    errno = EIO;
    return NULL;
}

/* What it is called where files may be large. */
struct dirent64 *readdir64(DIR *list)
{
    return (struct dirent64 *)readdir(list);
}
