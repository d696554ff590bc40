/* SPDX-License-Identifier: MIT */
/*
 * mirror_prune: removes the blobs that no manifest in the tree names, and what
 * nobody will take up.
 *
 * Careful before thorough: a digest that stands anywhere in a document names
 * its blob, and what can't be read may name any, so that nothing is removed
 * then. Others may be about to name a blob, so the order is: list the blobs,
 * read the claims, read the documents, remove. Who has named a blob before its
 * document was read is seen there; who names it later had either claimed it
 * when the claims were read, or brought or touched it since it was listed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "limits.h"
#include "mirror_internal.h"
#include "part_sweep.h"

#define HEX_DIGITS "0123456789abcdef"
#define HEX_LEN    ((size_t)2 * SP_DIGEST_BYTES)

struct blob {
    char hex[HEX_LEN + 1];
    bool named; /* or claimed */
    ino_t inode;
    struct timespec touched;
};

/* One that has to be read, below the tree. */
struct folder {
    char *name; /* "": the tree itself */
    unsigned depth;
};

struct prune {
    struct sp_ctx *ctx;
    struct sp_watch watch;
    const char *dir;
    char *real; /* dir without symbolic links */
    struct blob *blobs;
    size_t blob_count;
    size_t room;
    struct folder *folders;
    size_t folder_count;
    size_t folder_room;
    uint64_t count; /* what was removed */
    uint64_t bytes;
};

/* A walk over the names in a folder, and what came of it. */
struct walk {
    struct prune *prune;
    const struct folder *folder; /* NULL: that of the blobs */
    enum spull_code code;
    struct spull_error *err;
};

/* A folder that can't be read to its end has more names than were seen. */
static enum spull_code walk_over(struct walk *walk, const char *folder,
                                 sp_mirror_visit_fn visit)
{
    enum spull_code code =
        sp_mirror_each(walk->prune->dir, folder, visit, walk, walk->err);

    return walk->code == SPULL_OK ? code : walk->code;
}

/* --- which blobs there are ------------------------------------------------ */

static bool is_hex(const char *text)
{
    return strspn(text, HEX_DIGITS) >= HEX_LEN;
}

static enum spull_code add_blob(struct prune *prune, const char *hex,
                                const struct stat *info,
                                struct spull_error *err)
{
    struct blob *blob = NULL;

    if (prune->blob_count == SP_MIRROR_BLOBS_MAX)
        return sp_err_set(err, SPULL_STORAGE, "%s: more than %d blobs",
                          prune->dir, SP_MIRROR_BLOBS_MAX);
    if (prune->blob_count == prune->room) {
        size_t room = prune->room * 2 + 64;
        struct blob *blobs = realloc(prune->blobs, room * sizeof *blobs);
        if (blobs == NULL)
            return sp_err_nomem(err);
        prune->blobs = blobs;
        prune->room = room;
    }
    blob = &prune->blobs[prune->blob_count++];
    memcpy(blob->hex, hex, HEX_LEN + 1);
    blob->named = false;
    blob->inode = info->st_ino;
    blob->touched = info->st_ctim;
    return SPULL_OK;
}

static bool see_blob(void *payload, int dir, const char *name)
{
    struct walk *walk = payload;
    struct stat info;

    if (is_hex(name) && name[HEX_LEN] == '\0' &&
        fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) == 0)
        walk->code = add_blob(walk->prune, name, &info, walk->err);
    return walk->code == SPULL_OK;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, HEX_LEN);
}

static enum spull_code list_blobs(struct prune *prune, struct spull_error *err)
{
    struct walk walk = {prune, NULL, SPULL_OK, err};
    enum spull_code code = walk_over(&walk, SP_MIRROR_BLOBS, see_blob);

    if (prune->blob_count > 0)
        qsort(prune->blobs, prune->blob_count, sizeof *prune->blobs, compare);
    return code;
}

static void spare(void *payload, const char *hex)
{
    struct prune *prune = payload;
    struct blob *blob = NULL;

    if (strlen(hex) == HEX_LEN && prune->blob_count > 0)
        blob = bsearch(hex, prune->blobs, prune->blob_count,
                       sizeof *prune->blobs, compare);
    if (blob != NULL)
        blob->named = true;
}

static enum spull_code spare_claimed(struct prune *prune,
                                     struct spull_error *err)
{
    return sp_mirror_claims(prune->dir, prune->ctx->opts.keep_days, spare,
                            prune, err);
}

/* --- which of them are named ---------------------------------------------- */

/* Wherever it stands, in a longer run of digits too: one look at each byte,
 * since the document is somebody else's. */
static void name_each(struct prune *prune, struct sp_buf *text)
{
    size_t digits = 0; /* in a row, up to here */

    for (size_t i = 0; i < text->len; i++) {
        struct blob *blob = NULL;
        if (text->data[i] >= 'A' && text->data[i] <= 'F')
            text->data[i] = (char)(text->data[i] | 0x20);
        digits = text->data[i] != '\0' && strchr(HEX_DIGITS, text->data[i])
                     ? digits + 1
                     : 0;
        if (digits >= HEX_LEN)
            blob = bsearch(text->data + i + 1 - HEX_LEN, prune->blobs,
                           prune->blob_count, sizeof *prune->blobs, compare);
        if (blob != NULL)
            blob->named = true;
    }
}

static enum spull_code read_document(struct prune *prune, const char *folder,
                                     struct spull_error *err)
{
    struct sp_buf text;
    bool there = false;
    enum spull_code code =
        sp_mirror_read(prune->dir, folder, &text, &there, err);

    if (code == SPULL_OK && prune->blob_count > 0)
        name_each(prune, &text);
    sp_buf_done(&text);
    return code;
}

/*
 * A link to a folder of the tree is one more name of what is read anyway. What
 * lies elsewhere is not ours to walk through, and may name any blob.
 */
static enum spull_code check_link(const struct prune *prune, const char *path,
                                  struct spull_error *err)
{
    char *real = realpath(path, NULL);
    size_t len = strlen(prune->real);
    bool inside = real != NULL && strncmp(real, prune->real, len) == 0 &&
                  (real[len] == '/' || real[len] == '\0');

    free(real);
    if (inside)
        return SPULL_OK;
    return sp_err_set(err, SPULL_STORAGE,
                      "%s leads out of the tree: what is named there can't be "
                      "known, and nothing was removed",
                      path);
}

/* false: it could not be, as errno says. */
static bool take_away(struct prune *prune, const char *path)
{
    struct stat info;

    if (lstat(path, &info) != 0 || unlink(path) != 0)
        return false;
    prune->count++;
    prune->bytes += (uint64_t)info.st_blocks * 512;
    sp_ctx_detail(prune->ctx, "removed %s", path);
    return true;
}

/* Takes folder, in any case. */
static enum spull_code push(struct prune *prune, char *folder, unsigned depth,
                            struct spull_error *err)
{
    struct folder *list = prune->folders;

    if (folder != NULL && prune->folder_count == prune->folder_room) {
        prune->folder_room = prune->folder_room * 2 + 64;
        list = realloc(list, prune->folder_room * sizeof *list);
        if (list != NULL)
            prune->folders = list;
    }
    if (folder == NULL || list == NULL) {
        free(folder);
        return sp_err_nomem(err);
    }
    list[prune->folder_count++] = (struct folder){folder, depth};
    return SPULL_OK;
}

/* One name in folder. */
static enum spull_code look_at(struct prune *prune, const struct folder *folder,
                               const char *name, struct spull_error *err)
{
    char *below = folder->name[0] == '\0' ? strdup(name)
                                          : sp_mirror_path(folder->name, name);
    char *path = below == NULL ? NULL : sp_mirror_path(prune->dir, below);
    enum spull_code code = SPULL_OK;
    struct stat info;

    if (path == NULL)
        code = sp_err_nomem(err);
    else if (sp_mirror_is_litter(path, name))
        take_away(prune, path);
    else if (name[0] == '.' || strcmp(below, SP_MIRROR_BLOBS) == 0)
        code = SPULL_OK; /* no level of a container is called so */
    else if (lstat(path, &info) != 0)
        code = errno == ENOENT
                   ? SPULL_OK
                   : sp_err_sys(err, SPULL_STORAGE, errno, "%s", path);
    else if (S_ISDIR(info.st_mode))
        code = push(prune, strdup(below), folder->depth + 1, err);
    else if (strcmp(name, SP_MIRROR_INDEX) == 0)
        code = read_document(prune, folder->name, err);
    else if (S_ISLNK(info.st_mode) && stat(path, &info) == 0 &&
             S_ISDIR(info.st_mode))
        code = check_link(prune, path, err);
    free(below);
    free(path);
    return code;
}

/* A folder that has manifests is a container, if it can be one. */
static enum spull_code check_tags(struct prune *prune, const char *folder,
                                  struct spull_error *err)
{
    struct sp_ref ref = {0};
    struct stat info;
    bool changed = false;
    char *path = NULL;
    enum spull_code code = SPULL_OK;

    if (asprintf(&path, "%s/%s/manifests", prune->dir, folder) < 0)
        return sp_err_nomem(err);
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode) &&
        sp_ref_parse_container(folder, &ref, NULL) == SPULL_OK)
        code = sp_mirror_tags(&prune->watch, prune->dir, folder, NULL, &changed,
                              err);
    sp_ref_done(&ref);
    free(path);
    return code;
}

static bool see_name(void *payload, int dir, const char *name)
{
    struct walk *walk = payload;

    (void)dir;
    walk->code = look_at(walk->prune, walk->folder, name, walk->err);
    return walk->code == SPULL_OK;
}

/* All names in a folder. */
static enum spull_code read_folder(struct prune *prune,
                                   const struct folder *folder,
                                   struct spull_error *err)
{
    struct walk walk = {prune, folder, SPULL_OK, err};

    return walk_over(&walk, folder->name, see_name);
}

/* Deeper than a manifest's folder nothing can be. */
static enum spull_code read_all(struct prune *prune, struct spull_error *err)
{
    enum spull_code code = push(prune, strdup(""), 0, err);

    while (code == SPULL_OK && prune->folder_count > 0) {
        struct folder folder = prune->folders[--prune->folder_count];
        code = sp_watch_tick(&prune->watch, err);
        if (code == SPULL_OK && folder.depth <= SP_MIRROR_DEPTH_MAX)
            code = read_folder(prune, &folder, err);
        if (code == SPULL_OK)
            code = check_tags(prune, folder.name, err);
        free(folder.name);
    }
    return code;
}

/* --- away with the others ------------------------------------------------- */

static bool is_as_listed(const struct blob *blob, const char *path)
{
    struct stat info;

    return lstat(path, &info) == 0 && info.st_ino == blob->inode &&
           info.st_ctim.tv_sec == blob->touched.tv_sec &&
           info.st_ctim.tv_nsec == blob->touched.tv_nsec;
}

static enum spull_code remove_blob(struct prune *prune, const struct blob *blob,
                                   struct spull_error *err)
{
    char *path = NULL;
    enum spull_code code = SPULL_OK;

    if (asprintf(&path, "%s/" SP_MIRROR_BLOBS "/%s", prune->dir, blob->hex) < 0)
        return sp_err_nomem(err);
    if (is_as_listed(blob, path) && !take_away(prune, path) && errno != ENOENT)
        code = sp_err_sys(err, SPULL_STORAGE, errno, "cannot remove %s", path);
    free(path);
    return code;
}

/* A claim that has come meanwhile counts, too: for who may not touch. */
static enum spull_code remove_unnamed(struct prune *prune,
                                      struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    for (size_t i = 0; i < prune->blob_count && code == SPULL_OK; i++) {
        const struct blob *blob = &prune->blobs[i];
        if (blob->named)
            continue;
        code = spare_claimed(prune, err);
        if (code == SPULL_OK && !blob->named)
            code = remove_blob(prune, blob, err);
    }
    return code;
}

/* A partial file is the next run's, which may be another process's already. */
static enum spull_code tidy(struct prune *prune, struct spull_error *err)
{
    char *blobs = sp_mirror_path(prune->dir, SP_MIRROR_BLOBS);
    int fd = -1;

    if (blobs == NULL)
        return sp_err_nomem(err);
    fd = open(blobs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(blobs);
    if (fd < 0)
        return SPULL_OK;
    sp_part_tidy(fd, prune->ctx->opts.keep_days, &prune->count, &prune->bytes);
    close(fd);
    return SPULL_OK;
}

/* OCI's image layout has its blobs where we have ours, and names them in a file
 * that we do not read: by mistake, all of them would go. */
static enum spull_code check_owner(const struct prune *prune,
                                   struct spull_error *err)
{
    char *path = sp_mirror_path(prune->dir, "oci-layout");
    bool foreign = path != NULL && access(path, F_OK) == 0;

    if (path == NULL)
        return sp_err_nomem(err);
    free(path);
    if (!foreign)
        return SPULL_OK;
    return sp_err_set(err, SPULL_USAGE,
                      "%s is an OCI image layout: its blobs are another "
                      "program's, and nothing was removed",
                      prune->dir);
}

static enum spull_code run(struct prune *prune, struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    prune->real = realpath(prune->dir, NULL);
    if (prune->real == NULL)
        return sp_err_sys(err,
                          errno == ENOENT ? SPULL_NOT_FOUND : SPULL_STORAGE,
                          errno, "%s", prune->dir);
    code = check_owner(prune, err);
    if (code == SPULL_OK)
        code = sp_watch_phase(&prune->watch, SPULL_CHECKING, err);
    if (code == SPULL_OK)
        code = list_blobs(prune, err);
    if (code == SPULL_OK)
        code = spare_claimed(prune, err);
    if (code == SPULL_OK)
        code = read_all(prune, err);
    if (code == SPULL_OK)
        code = remove_unnamed(prune, err);
    return code == SPULL_OK ? tidy(prune, err) : code;
}

enum spull_code sp_mirror_prune(struct sp_ctx *ctx, const char *dir,
                                uint64_t *count, uint64_t *bytes,
                                struct spull_error *err)
{
    struct prune prune = {.ctx = ctx, .dir = dir};
    enum spull_code code = SPULL_OK;

    sp_watch_init(&prune.watch, ctx, dir);
    code = run(&prune, err);
    if (code == SPULL_OK) {
        *count = prune.count;
        *bytes = prune.bytes;
    }
    while (prune.folder_count > 0)
        free(prune.folders[--prune.folder_count].name);
    free(prune.folders);
    free(prune.real);
    free(prune.blobs);
    return code;
}
