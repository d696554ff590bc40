/* SPDX-License-Identifier: MIT */
/*
 * mirror_tree: the folders of the tree, made and looked through, and the
 * documents in them, read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "folder.h"
#include "limits.h"
#include "manifest.h"
#include "mirror_internal.h"

char *sp_mirror_path(const char *dir, const char *more)
{
    char *path = NULL;

    return asprintf(&path, "%s/%s", dir, more) < 0 ? NULL : path;
}

/* --- folders -------------------------------------------------------------- */

/* EINVAL: this file system has nothing to flush for a directory (fsync(2)). */
enum spull_code sp_mirror_flush(int dir, const char *shown,
                                struct spull_error *err)
{
    if (fsync(dir) != 0 && errno != EINVAL && errno != EROFS)
        return sp_err_sys(err, SPULL_STORAGE, errno,
                          "cannot flush directory %s", shown);
    return SPULL_OK;
}

/* The one that path lies in. */
static enum spull_code flush_parent(const char *path, struct spull_error *err)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    char *parent = slash == NULL   ? strdup(".")
                   : slash == path ? strdup("/")
                                   : strndup(path, len);
    enum spull_code code = SPULL_OK;
    int fd = -1;

    if (parent == NULL)
        return sp_err_nomem(err);
    fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        code = sp_err_sys(err, SPULL_STORAGE, errno, "directory %s", parent);
    else
        code = sp_mirror_flush(fd, parent, err);
    if (fd >= 0)
        close(fd);
    free(parent);
    return code;
}

static enum spull_code make(const char *path, struct spull_error *err)
{
    if (mkdir(path, 0777) == 0)
        return flush_parent(path, err);
    if (errno == EEXIST)
        return SPULL_OK;
    return sp_err_sys(err, SPULL_STORAGE, errno, "cannot make directory %s",
                      path);
}

/* Each slash of path behind the first dir_len bytes ends a folder. */
static enum spull_code make_each(char *path, size_t dir_len,
                                 struct spull_error *err)
{
    enum spull_code code = SPULL_OK;
    char *slash = path + dir_len;

    while (slash != NULL && code == SPULL_OK) {
        *slash = '\0';
        code = make(path, err);
        *slash = '/';
        slash = strchr(slash + 1, '/');
    }
    return code == SPULL_OK ? make(path, err) : code;
}

enum spull_code sp_mirror_folder(const char *dir, const char *below,
                                 struct spull_error *err)
{
    char *path = sp_mirror_path(dir, below);
    enum spull_code code = SPULL_OK;
    struct stat info;

    if (path == NULL)
        return sp_err_nomem(err);
    if (stat(path, &info) != 0)
        code = make_each(path, strlen(dir), err);
    else if (!S_ISDIR(info.st_mode))
        code = sp_err_set(err, SPULL_STORAGE, "%s is no directory", path);
    free(path);
    return code;
}

struct each {
    int dir;
    sp_mirror_visit_fn visit;
    void *payload;
};

static bool visit_name(void *payload, const char *name)
{
    const struct each *each = payload;

    return each->visit(each->payload, each->dir, name);
}

enum spull_code sp_mirror_each(const char *dir, const char *folder,
                               sp_mirror_visit_fn visit, void *payload,
                               struct spull_error *err)
{
    struct each each = {-1, visit, payload};
    char *path = sp_mirror_path(dir, folder);
    enum spull_code code = SPULL_OK;

    if (path == NULL)
        return sp_err_nomem(err);
    each.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (each.dir < 0 ? errno != ENOENT
                     : !sp_folder_each(each.dir, visit_name, &each))
        code = sp_err_sys(err, SPULL_STORAGE, errno, "%s", path);
    if (each.dir >= 0)
        close(each.dir);
    free(path);
    return code;
}

/* --- reading -------------------------------------------------------------- */

static enum spull_code read_all(int fd, const char *path, struct sp_buf *out,
                                struct spull_error *err)
{
    char chunk[16384];
    ssize_t n = 0;

    do {
        n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno != EINTR)
            return sp_err_sys(err, SPULL_STORAGE, errno, "cannot read %s",
                              path);
        if (n > 0 && sp_buf_add(out, chunk, (size_t)n) != SP_BUF_OK)
            return sp_err_set(err, SPULL_INTEGRITY,
                              "%s is too long for a document", path);
    } while (n != 0);
    return SPULL_OK;
}

/* O_NONBLOCK: the name could be a pipe's, which would wait for a writer. */
static enum spull_code read_file(const char *path, struct sp_buf *out,
                                 bool *there, struct spull_error *err)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    enum spull_code code = SPULL_OK;
    struct stat info;

    *there = fd >= 0;
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? SPULL_OK
                   : sp_err_sys(err, SPULL_STORAGE, errno, "cannot read %s",
                                path);
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        code = sp_err_set(err, SPULL_STORAGE, "%s is no regular file", path);
    else
        code = read_all(fd, path, out, err);
    close(fd);
    return code;
}

enum spull_code sp_mirror_read(const char *dir, const char *folder,
                               struct sp_buf *out, bool *there,
                               struct spull_error *err)
{
    char *path = NULL;
    enum spull_code code = SPULL_OK;

    sp_buf_init(out, SP_DOCUMENT_MAX);
    if (asprintf(&path, "%s/%s/" SP_MIRROR_INDEX, dir, folder) < 0)
        return sp_err_nomem(err);
    code = read_file(path, out, there, err);
    free(path);
    return code;
}

bool sp_mirror_stated(const char *dir, const char *folder,
                      struct sp_digest *out)
{
    struct sp_manifest manifest;
    struct sp_buf text;
    bool there = false;
    bool stated = false;

    if (sp_mirror_read(dir, folder, &text, &there, NULL) == SPULL_OK && there &&
        sp_manifest_parse(text.data == NULL ? "" : text.data, text.len,
                          &manifest, NULL) == SPULL_OK) {
        stated = manifest.digest.algorithm == SP_SHA256;
        if (stated)
            *out = manifest.digest;
        sp_manifest_done(&manifest);
    }
    sp_buf_done(&text);
    return stated;
}

bool sp_mirror_says(const char *dir, const char *folder, const char *text)
{
    struct sp_buf old;
    bool there = false;
    /* What can't be read, or is too long, is not what we would write. */
    bool same = sp_mirror_read(dir, folder, &old, &there, NULL) == SPULL_OK &&
                there && old.len == strlen(text) &&
                memcmp(old.data, text, old.len) == 0;

    sp_buf_done(&old);
    return same;
}
