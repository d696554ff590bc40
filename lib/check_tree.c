/* SPDX-License-Identifier: MIT */
/*
 * check_tree: files and folders of a registry on disk.
 *
 * A pull request may bring links and relative addresses; they are followed
 * within the directory alone, so that a check never reads, and never reports
 * on, anything else on the machine.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_internal.h"
#include "err.h"
#include "limits.h"

#define FIRST_CAP 16

/* What open(2) and its kin say, in our words. */
static enum spull_code say(struct spull_error *err, int why, const char *name)
{
    enum spull_code code = why == ENOENT || why == ENOTDIR || why == ELOOP
                               ? SPULL_NOT_FOUND
                           : why == EACCES || why == EPERM ? SPULL_DENIED
                                                           : SPULL_STORAGE;

    return why == ENOMEM ? sp_err_nomem(err)
                         : sp_err_sys(err, code, why, "%s", name);
}

/* "site/" of "site" and "site//"; nothing of "." */
static char *shown_of(const char *named, const char *root)
{
    char *shown = NULL;
    size_t len = 0;

    if (strstr(named, "://") != NULL)
        named = root;
    while (strncmp(named, "./", 2) == 0)
        named += strspn(named + 1, "/") + 1;
    len = strlen(named);
    while (len > 1 && named[len - 1] == '/')
        len--;
    if (len == 0 || (len == 1 && named[0] == '.'))
        return strdup("");
    if (asprintf(&shown, "%.*s%s", (int)len, named,
                 named[len - 1] == '/' ? "" : "/") < 0)
        return NULL;
    return shown;
}

enum spull_code sp_tree_open(struct sp_tree *tree,
                             const struct sp_url *registry, const char *named,
                             struct spull_error *err)
{
    char *path = sp_url_file_path(registry);
    struct stat info;
    enum spull_code code = SPULL_OK;

    if (path == NULL)
        return sp_err_nomem(err);
    tree->root = realpath(path, NULL);
    if (tree->root == NULL || stat(tree->root, &info) != 0)
        code = say(err, errno, path);
    else if (!S_ISDIR(info.st_mode))
        code = say(err, ENOTDIR, path);
    if (code == SPULL_OK) {
        tree->shown = shown_of(named, tree->root);
        if (tree->shown == NULL)
            code = sp_err_nomem(err);
    }
    free(path);
    return code;
}

void sp_tree_done(struct sp_tree *tree)
{
    free(tree->root);
    free(tree->shown);
    memset(tree, 0, sizeof *tree);
}

static bool is_inside(const struct sp_tree *tree, const char *real)
{
    size_t len = strlen(tree->root);

    if (strcmp(tree->root, "/") == 0)
        return true;
    return strncmp(real, tree->root, len) == 0 &&
           (real[len] == '/' || real[len] == '\0');
}

/* What path is without links, to free(). */
static enum spull_code resolve(const struct sp_tree *tree, const char *path,
                               char **out, struct spull_error *err)
{
    char *real = realpath(path, NULL);

    if (real == NULL)
        return say(err, errno, path);
    if (is_inside(tree, real)) {
        *out = real;
        return SPULL_OK;
    }
    free(real);
    return sp_err_set(err, SPULL_INTEGRITY, "%s leads out of the registry",
                      path);
}

enum spull_code sp_tree_file(const struct sp_tree *tree, const char *path,
                             int *fd, uint64_t *size, struct spull_error *err)
{
    char *real = NULL;
    struct stat info;
    enum spull_code code = resolve(tree, path, &real, err);
    int opened = -1;

    if (code != SPULL_OK)
        return code;
    /* O_NONBLOCK: a pipe would keep us waiting. */
    opened = open(real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (opened < 0 || fstat(opened, &info) != 0)
        code = say(err, errno, path);
    else if (!S_ISREG(info.st_mode))
        code =
            sp_err_set(err, SPULL_NOT_FOUND, "%s is not a regular file", path);
    free(real);
    if (code == SPULL_OK) {
        *fd = opened;
        *size = (uint64_t)info.st_size;
    } else if (opened >= 0) {
        close(opened);
    }
    return code;
}

static enum spull_code read_all(int fd, const char *name, struct sp_buf *out,
                                struct spull_error *err)
{
    char chunk[4096];

    for (;;) {
        ssize_t count = read(fd, chunk, sizeof chunk);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return say(err, errno, name);
        if (count == 0)
            return SPULL_OK;
        switch (sp_buf_add(out, chunk, (size_t)count)) {
        case SP_BUF_OK:
            break;
        case SP_BUF_FULL:
            return sp_err_set(err, SPULL_INTEGRITY,
                              "%s: the document is longer than %zu bytes", name,
                              out->max);
        default:
            return sp_err_nomem(err);
        }
    }
}

enum spull_code sp_tree_read(const struct sp_tree *tree, const char *name,
                             struct sp_buf *out, struct spull_error *err)
{
    char *path = NULL;
    uint64_t size = 0;
    int fd = -1;

    if (asprintf(&path, "%s/%s", tree->root, name) < 0)
        return sp_err_nomem(err);
    enum spull_code code = sp_tree_file(tree, path, &fd, &size, err);
    if (code == SPULL_OK)
        code = read_all(fd, name, out, err);
    if (fd >= 0)
        close(fd);
    free(path);
    return code;
}

/* Is it a folder, perhaps by a link? */
static bool is_folder(const struct sp_tree *tree, const char *path,
                      const struct dirent *entry, int fd, bool *link)
{
    struct stat info;
    char *full = NULL;
    char *real = NULL;
    bool folder = false;

    if (fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    *link = S_ISLNK(info.st_mode);
    if (!*link)
        return S_ISDIR(info.st_mode);
    if (asprintf(&full, "%s/%s", path, entry->d_name) < 0)
        return false;
    enum spull_code code = resolve(tree, full, &real, NULL);
    /* Where it leads out, that is found when it is opened. */
    folder =
        code == SPULL_INTEGRITY ||
        (code == SPULL_OK && stat(real, &info) == 0 && S_ISDIR(info.st_mode));
    free(full);
    free(real);
    return folder;
}

static bool add_name(struct sp_tree_names *names, size_t *cap, const char *text,
                     bool link)
{
    if (names->count == *cap) {
        size_t more = *cap == 0 ? FIRST_CAP : *cap * 2;
        struct sp_tree_name *grown = realloc(names->list, more * sizeof *grown);
        if (grown == NULL)
            return false;
        names->list = grown;
        *cap = more;
    }
    names->list[names->count].text = strdup(text);
    names->list[names->count].link = link;
    return names->list[names->count++].text != NULL;
}

static int compare(const void *a, const void *b)
{
    const struct sp_tree_name *one = a;
    const struct sp_tree_name *two = b;

    return strcmp(one->text, two->text);
}

static enum spull_code list(struct sp_tree *tree, const char *path, DIR *dir,
                            struct sp_tree_names *out, struct spull_error *err)
{
    size_t cap = 0;

    for (;;) {
        bool link = false;
        errno = 0;
        const struct dirent *entry = readdir(dir); /* NOLINT(*-mt-unsafe) */
        if (entry == NULL)
            return errno == 0 ? SPULL_OK : say(err, errno, path);
        if (entry->d_name[0] == '.' || entry->d_type == DT_REG ||
            !is_folder(tree, path, entry, dirfd(dir), &link))
            continue;
        if (++tree->folders > SP_CHECK_FOLDERS_MAX)
            return sp_err_set(err, SPULL_STORAGE,
                              "the directory has more than %d folders",
                              SP_CHECK_FOLDERS_MAX);
        if (!add_name(out, &cap, entry->d_name, link))
            return sp_err_nomem(err);
    }
}

enum spull_code sp_tree_list(struct sp_tree *tree, const char *name,
                             struct sp_tree_names *out, struct spull_error *err)
{
    struct sp_tree_names names = {NULL, 0};
    char *path = NULL;
    char *real = NULL;
    DIR *dir = NULL;

    if (asprintf(&path, "%s/%s", tree->root, name) < 0)
        return sp_err_nomem(err);
    enum spull_code code = resolve(tree, path, &real, err);
    if (code == SPULL_OK) {
        dir = opendir(real);
        code = dir == NULL ? say(err, errno, path)
                           : list(tree, real, dir, &names, err);
    }
    if (dir != NULL)
        closedir(dir);
    free(path);
    free(real);
    if (code != SPULL_OK) {
        sp_tree_names_done(&names);
        return code;
    }
    if (names.count > 0)
        qsort(names.list, names.count, sizeof *names.list, compare);
    *out = names;
    return SPULL_OK;
}

void sp_tree_names_done(struct sp_tree_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->list[i].text);
    free(names->list);
    memset(names, 0, sizeof *names);
}
