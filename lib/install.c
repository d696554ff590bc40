/* SPDX-License-Identifier: MIT */
/*
 * install: flush, mode, name, flush. Which call names a file without replacing
 * another differs by file system; the three ways are tried from the strictest
 * on, and the kernel, not a look beforehand, decides who was first.
 */
#include "install.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "limits.h"
#include "proof.h"
#include "thread.h"

/*
 * umask(2) can only be read by setting it, which other threads would notice;
 * since Linux 4.7 proc(5) shows it. Without /proc: the mask that is safe.
 */
static mode_t current_umask(void)
{
    char line[128];
    unsigned mask = 077;
    FILE *status = fopen("/proc/self/status", "re");

    if (status == NULL)
        return (mode_t)mask;
    while (fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "Umask: %o", &mask) == 1)
            break;
    fclose(status);
    return (mode_t)(mask & 0777);
}

/* Proof and mode before the flush, so that it covers them too. In this order:
 * what is shared can't be written to afterwards, lest its owner change in one
 * place what was linked to others. */
static enum spull_code dress(const struct sp_sealed *sealed, mode_t mode,
                             struct spull_error *err)
{
    const struct sp_proof proof = {sealed->digest, sealed->look,
                                   sealed->unpacked, sealed->origin};
    bool ok = false;

    sp_proof_write(sealed->fd, &proof);
    if (sealed->shared)
        ok = sp_part_share(sealed->dir, sealed->fd, 0500, 0555);
    else
        ok = fchmod(sealed->fd, mode & ~current_umask()) == 0;
    if (!ok)
        return sp_err_sys(err, SPULL_STORAGE, errno, "cannot set a mode in %s",
                          sealed->where);
    return SPULL_OK;
}

/* --- flushing ------------------------------------------------------------- */

/* A busy file system may take minutes for it: longer than those who wait bear
 * a leader's silence. */
struct flush {
    struct sp_sealed *sealed;
    pthread_mutex_t lock; /* guards over */
    pthread_cond_t news;
    bool over;
};

static void *show_life(void *arg)
{
    struct flush *flush = arg;

    pthread_mutex_lock(&flush->lock);
    while (!flush->over) {
        sp_thread_wait(&flush->news, &flush->lock, SP_BEAT_MS);
        if (!flush->over)
            sp_sealed_beat(flush->sealed);
    }
    pthread_mutex_unlock(&flush->lock);
    return NULL;
}

/* 0, or what errno says. */
static int flush_file(int fd)
{
    int failed = 0;

    do
        failed = fsync(fd);
    while (failed != 0 && errno == EINTR);
    return failed == 0 ? 0 : errno;
}

/* Nobody writes the journal any more when it returns. Without one there is
 * nothing to show, and no need of a thread. */
static int flush_and_live(struct sp_sealed *sealed)
{
    struct flush flush = {.sealed = sealed};
    pthread_t thread;
    bool alive = false;
    int why = 0;

    if (!sp_sealed_has_journal(sealed))
        return flush_file(sealed->fd);
    pthread_mutex_init(&flush.lock, NULL);
    sp_thread_cond_init(&flush.news);
    alive = sp_thread_start(&thread, show_life, &flush, NULL) == SPULL_OK;
    why = flush_file(sealed->fd);
    pthread_mutex_lock(&flush.lock);
    flush.over = true;
    pthread_cond_signal(&flush.news);
    pthread_mutex_unlock(&flush.lock);
    if (alive)
        pthread_join(thread, NULL);
    pthread_cond_destroy(&flush.news);
    pthread_mutex_destroy(&flush.lock);
    return why;
}

static enum spull_code finish(struct sp_sealed *sealed, mode_t mode,
                              struct spull_error *err)
{
    enum spull_code code = sealed->linked ? SPULL_OK : dress(sealed, mode, err);
    int why = 0;

    if (code != SPULL_OK)
        return code;
    why = flush_and_live(sealed);
    /* Where blocks are given late, a quota may be met as late as this. */
    if (sp_err_is_full(why))
        return sp_sealed_say_full(sealed, why, err);
    if (why != 0)
        return sp_err_sys(err, SPULL_STORAGE, why, "cannot flush to %s",
                          sealed->where);
    return SPULL_OK;
}

/* --- naming --------------------------------------------------------------- */

/* Is final the inode that we hold? */
static bool is_ours(const struct sp_sealed *sealed, const char *final)
{
    struct stat ours;
    struct stat theirs;

    return fstat(sealed->fd, &ours) == 0 &&
           fstatat(sealed->dir, final, &theirs, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

/*
 * The reply of a file server may get lost, and the repetition of the request
 * answer EEXIST, or ENOENT for what has moved (RFC 1813, section 4.5): so it is
 * the inode that tells who won.
 */
static int if_not_ours(int failed, const struct sp_sealed *sealed,
                       const char *final)
{
    int why = errno;

    if (failed == 0 || is_ours(sealed, final))
        return 0;
    errno = why;
    return failed;
}

/* For file systems that can't rename without replacing (NFS among them). */
static int link_new(const struct sp_sealed *sealed, const char *final)
{
    int failed = linkat(sealed->dir, sealed->name, sealed->dir, final, 0);

    failed = if_not_ours(failed, sealed, final);
    if (failed == 0)
        unlinkat(sealed->dir, sealed->name, 0);
    return failed;
}

/*
 * For file systems with neither (FAT, some FUSE): look, then rename. Between
 * the two another process may come; what it loses is a file that it verified
 * the same way, or one that appeared within these microseconds.
 */
static int look_and_rename(const struct sp_sealed *sealed, const char *final)
{
    struct stat theirs;

    if (fstatat(sealed->dir, final, &theirs, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    return renameat(sealed->dir, sealed->name, sealed->dir, final);
}

static int name_new(const struct sp_sealed *sealed, const char *final)
{
    if (renameat2(sealed->dir, sealed->name, sealed->dir, final,
                  RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP)
        return -1;
    if (link_new(sealed, final) == 0)
        return 0;
    if (errno != EPERM && errno != ENOTSUP && errno != ENOSYS &&
        errno != EMLINK)
        return -1;
    return look_and_rename(sealed, final);
}

/* EINVAL: this file system has nothing to flush for a directory (fsync(2)). */
static enum spull_code flush_directory(const struct sp_sealed *sealed,
                                       struct spull_error *err)
{
    if (fsync(sealed->dir) != 0 && errno != EINVAL && errno != EROFS)
        return sp_err_sys(err, SPULL_STORAGE, errno,
                          "cannot flush directory %s", sealed->where);
    return SPULL_OK;
}

static enum spull_code name_it(const struct sp_sealed *sealed,
                               const char *final, bool replace,
                               struct spull_error *err)
{
    int failed = replace
                     ? renameat(sealed->dir, sealed->name, sealed->dir, final)
                     : name_new(sealed, final);

    failed = if_not_ours(failed, sealed, final);
    /* To rename one name of an inode to another does nothing (rename(2)). */
    if (failed == 0 && sealed->linked)
        unlinkat(sealed->dir, sealed->name, 0);
    if (failed == 0)
        return SPULL_OK;
    if (errno == EEXIST && !replace)
        return sp_err_set(err, SPULL_EXISTS, "%s exists in %s", final,
                          sealed->where);
    return sp_err_sys(err, SPULL_STORAGE, errno, "cannot name %s in %s", final,
                      sealed->where);
}

/* A disk that refuses today may take it tomorrow, unless it is full of it. */
static void leave(struct sp_sealed *sealed, const struct spull_error *why)
{
    bool useless = why->code != SPULL_STORAGE || why->sys == ENOENT ||
                   why->sys == ESTALE || sp_err_is_full(why->sys) ||
                   sealed->size < SP_KEEP_MIN;

    if (useless)
        sp_sealed_discard(sealed);
    else
        sp_sealed_keep(sealed);
}

enum spull_code sp_install(struct sp_sealed *sealed, const char *final,
                           mode_t mode, bool replace, struct spull_error *err)
{
    struct spull_error why = {0};
    enum spull_code code = finish(sealed, mode, &why);

    if (code == SPULL_OK)
        code = name_it(sealed, final, replace, &why);
    if (code != SPULL_OK) {
        leave(sealed, &why);
        if (err != NULL)
            *err = why;
        return code;
    }
    code = flush_directory(sealed, err);
    sp_sealed_free(sealed);
    return code;
}
