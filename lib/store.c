/* SPDX-License-Identifier: MIT */
/*
 * store: one folder, opened once; names in it are looked up below its
 * descriptor. Who else may write to an entry is read off its owner and mode: a
 * group's bits bound those of an access control list, too (acl(5), "mask").
 */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "folder.h"

#define FOLDER "sha256"
#define DIGITS 64

/* setgid, so that the group is handed down; sticky, if others' files are to be
 * safe; and who may do what. */
#define HANDED_DOWN (S_ISGID | S_ISVTX | 0777)

/*
 * The umask took some of it away when the folder was made, or we were killed
 * right then. Only ever of our own folder: another's is as its owner wants it.
 */
static void hand_down_mode(int parent, int folder)
{
    struct stat above;
    struct stat here;

    if (fstat(parent, &above) != 0 || fstat(folder, &here) != 0 ||
        here.st_uid != geteuid())
        return;
    if (here.st_gid != above.st_gid &&
        fchown(folder, (uid_t)-1, above.st_gid) != 0)
        return;
    if ((here.st_mode & HANDED_DOWN) != (above.st_mode & HANDED_DOWN))
        (void)fchmod(folder, above.st_mode & HANDED_DOWN);
}

static int open_folder(int parent)
{
    return openat(parent, FOLDER,
                  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static enum spull_code open_below(int parent, bool make, struct sp_store *store,
                                  struct spull_error *err)
{
    int why = ENOENT;

    store->dir = open_folder(parent);
    if (store->dir < 0 && errno == ENOENT && make) {
        if (mkdirat(parent, FOLDER, 0777) != 0)
            why = errno;
        store->dir = open_folder(parent);
    }
    if (store->dir < 0 && errno == ENOENT)
        return sp_err_sys(err, SPULL_NOT_FOUND, why, "%s", store->where);
    if (store->dir < 0)
        return sp_err_sys(err, SPULL_STORAGE, errno, "%s", store->where);
    hand_down_mode(parent, store->dir);
    store->writable = faccessat(store->dir, ".", W_OK | X_OK, AT_EACCESS) == 0;
    return SPULL_OK;
}

enum spull_code sp_store_open(const char *dir, bool make, struct sp_store *out,
                              struct spull_error *err)
{
    struct sp_store store = {.dir = -1};
    enum spull_code code = SPULL_OK;
    int parent = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (parent < 0)
        return sp_err_sys(err, SPULL_STORAGE, errno, "%s", dir);
    if (asprintf(&store.where, "%s/" FOLDER, dir) < 0) {
        store.where = NULL;
        code = sp_err_nomem(err);
    }
    if (code == SPULL_OK)
        code = open_below(parent, make, &store, err);
    close(parent);
    if (code == SPULL_OK)
        *out = store;
    else
        sp_store_done(&store);
    return code;
}

void sp_store_done(struct sp_store *store)
{
    if (store->where != NULL && store->dir >= 0)
        close(store->dir);
    free(store->where);
    *store = (struct sp_store){.dir = -1};
}

bool sp_store_is_name(const char *name)
{
    return strspn(name, "0123456789abcdef") == DIGITS && name[DIGITS] == '\0';
}

static bool is_fixed(const struct stat *info)
{
    return (info->st_uid == geteuid() || info->st_uid == 0) &&
           (info->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* O_NONBLOCK: the name could be a pipe's, which would wait for a writer. */
enum sp_stored sp_store_find(const struct sp_store *store, const char *hex,
                             struct sp_entry *out)
{
    *out = (struct sp_entry){.fd = -1};
    out->fd =
        openat(store->dir, hex, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (out->fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return SP_NOT_STORED;
    if (out->fd < 0) /* a link, a socket; or what we may not see */
        return errno == ELOOP || errno == ENXIO ? SP_MISPLACED : SP_UNREADABLE;
    if (fstat(out->fd, &out->info) != 0 || !S_ISREG(out->info.st_mode)) {
        sp_entry_done(out);
        return SP_MISPLACED;
    }
    out->fixed = is_fixed(&out->info);
    return SP_STORED;
}

void sp_entry_done(struct sp_entry *entry)
{
    if (entry->fd >= 0)
        close(entry->fd);
    entry->fd = -1;
}

/* By hand, since a file system may be mounted without atime; mtime stays,
 * because a proof is bound to it. */
void sp_entry_touch(const struct sp_entry *entry)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_NOW},
                                      {.tv_nsec = UTIME_OMIT}};

    (void)futimens(entry->fd, times);
}

int64_t sp_entry_used(const struct stat *info)
{
    int64_t read = (int64_t)info->st_atim.tv_sec;
    int64_t written = (int64_t)info->st_mtim.tv_sec;

    return read > written ? read : written;
}

bool sp_store_remove(const struct sp_store *store, const char *hex,
                     const struct sp_entry *entry)
{
    struct stat now;

    if (entry != NULL &&
        (fstatat(store->dir, hex, &now, AT_SYMLINK_NOFOLLOW) != 0 ||
         now.st_ino != entry->info.st_ino || now.st_dev != entry->info.st_dev))
        return true;
    return unlinkat(store->dir, hex, 0) == 0 || errno == ENOENT;
}

struct visit {
    bool (*entry)(void *payload, const char *hex);
    void *payload;
};

static bool visit_entry(void *payload, const char *name)
{
    const struct visit *visit = payload;

    return !sp_store_is_name(name) || visit->entry(visit->payload, name);
}

enum spull_code sp_store_each(const struct sp_store *store,
                              bool (*visit)(void *payload, const char *hex),
                              void *payload, struct spull_error *err)
{
    struct visit each = {visit, payload};

    if (sp_folder_each(store->dir, visit_entry, &each))
        return SPULL_OK;
    return sp_err_sys(err, SPULL_STORAGE, errno, "%s", store->where);
}
