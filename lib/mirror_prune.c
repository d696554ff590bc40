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

struct prune {
    struct sp_ctx *ctx;
    struct sp_watch watch;
    const char *dir;
    struct blob *blobs;
    size_t blob_count;
    size_t room;
    bool has_documents;
    uint64_t count; /* what was removed */
    uint64_t bytes;
};

/* The names in the folder of blobs, and what came of them. */
struct listing {
    struct prune *prune;
    enum spull_code code;
    struct spull_error *err;
};

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
    struct listing *listing = payload;
    struct stat info;

    if (is_hex(name) && name[HEX_LEN] == '\0' &&
        fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) == 0)
        listing->code = add_blob(listing->prune, name, &info, listing->err);
    return listing->code == SPULL_OK;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, HEX_LEN);
}

static enum spull_code list_blobs(struct prune *prune, struct spull_error *err)
{
    struct listing listing = {prune, SPULL_OK, err};
    enum spull_code code =
        sp_mirror_each(prune->dir, SP_MIRROR_BLOBS, see_blob, &listing, err);

    if (prune->blob_count > 0)
        qsort(prune->blobs, prune->blob_count, sizeof *prune->blobs, compare);
    return listing.code == SPULL_OK ? code : listing.code;
}

/* The blob of the digest that these digits begin with, if there is one. */
static void spare_one(struct prune *prune, const char *digits)
{
    struct blob *blob = NULL;

    if (prune->blob_count > 0)
        blob = bsearch(digits, prune->blobs, prune->blob_count,
                       sizeof *prune->blobs, compare);
    if (blob != NULL)
        blob->named = true;
}

static void see_claim(void *payload, const char *hex)
{
    if (strlen(hex) == HEX_LEN)
        spare_one(payload, hex);
}

static enum spull_code spare_claimed(struct prune *prune,
                                     struct spull_error *err)
{
    return sp_mirror_claims(prune->dir, prune->ctx->opts.keep_days, see_claim,
                            prune, err);
}

/* --- which of them are named ---------------------------------------------- */

/* Wherever it stands, in a longer run of digits too: one look at each byte,
 * since the document is somebody else's. */
static void spare_named(void *payload, struct sp_buf *text)
{
    struct prune *prune = payload;
    size_t digits = 0; /* in a row, up to here */

    prune->has_documents = true;
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] >= 'A' && text->data[i] <= 'F')
            text->data[i] = (char)(text->data[i] | 0x20);
        digits = text->data[i] != '\0' && strchr(HEX_DIGITS, text->data[i])
                     ? digits + 1
                     : 0;
        if (digits >= HEX_LEN)
            spare_one(prune, text->data + i + 1 - HEX_LEN);
    }
}

static void drop_litter(void *payload, const char *path)
{
    take_away(payload, path);
}

static enum spull_code read_documents(struct prune *prune,
                                      struct spull_error *err)
{
    const struct sp_mirror_walk walk = {.watch = &prune->watch,
                                        .dir = prune->dir,
                                        .read = spare_named,
                                        .litter = drop_litter,
                                        .payload = prune};

    return sp_mirror_walk(&walk, err);
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

/* Blobs and nothing else are another program's, or what names them has yet to
 * be copied to here. A mirror whose tags were all removed has lists of tags. */
static enum spull_code refuse_bare(const struct prune *prune,
                                   struct spull_error *err)
{
    sp_err_set(err, SPULL_USAGE,
               "%s has blobs, and no document that could name them: nothing "
               "was removed",
               prune->dir);
    sp_err_hint(err, "is it a mirror, and all of it?");
    return SPULL_USAGE;
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
            code = prune->has_documents ? remove_blob(prune, blob, err)
                                        : refuse_bare(prune, err);
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

    if (access(prune->dir, F_OK) != 0)
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
        code = read_documents(prune, err);
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
    free(prune.blobs);
    return code;
}
