/* SPDX-License-Identifier: MIT */
/*
 * mirror_walk: each document of a tree, once.
 *
 * What can't be read may say anything, so the walk fails then. Which folders
 * are containers turns up on the way: their lists of tags are brought in line.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "err.h"
#include "limits.h"
#include "mirror_internal.h"

/* One that has to be read, below the tree. */
struct folder {
    char *name; /* "": the tree itself */
    unsigned depth;
};

struct walk {
    const struct sp_mirror_walk *order;
    char *real; /* the tree without symbolic links */
    struct folder *folders;
    size_t count;
    size_t room;
};

/* The names in a folder, and what came of them. */
struct names {
    struct walk *walk;
    const struct folder *folder;
    enum spull_code code;
    struct spull_error *err;
};

static enum spull_code read_document(struct walk *walk, const char *folder,
                                     struct spull_error *err)
{
    struct sp_buf text;
    bool there = false;
    enum spull_code code =
        sp_mirror_read(walk->order->dir, folder, &text, &there, err);

    if (code == SPULL_OK)
        walk->order->read(walk->order->payload, &text);
    sp_buf_done(&text);
    return code;
}

/*
 * A link to a folder of the tree is one more name of what is read anyway. What
 * lies elsewhere is not ours to walk through, and may name any blob.
 */
static enum spull_code check_link(const struct walk *walk, const char *path,
                                  struct spull_error *err)
{
    char *real = realpath(path, NULL);
    size_t len = strlen(walk->real);
    bool inside = real != NULL && strncmp(real, walk->real, len) == 0 &&
                  (real[len] == '/' || real[len] == '\0');

    free(real);
    if (inside)
        return SPULL_OK;
    return sp_err_set(err, SPULL_STORAGE,
                      "%s leads out of the tree: what is named there can't be "
                      "known, and nothing was removed",
                      path);
}

/* Takes folder, in any case. */
static enum spull_code push(struct walk *walk, char *folder, unsigned depth,
                            struct spull_error *err)
{
    struct folder *list = walk->folders;

    if (folder != NULL && walk->count == walk->room) {
        walk->room = walk->room * 2 + 64;
        list = realloc(list, walk->room * sizeof *list);
        if (list != NULL)
            walk->folders = list;
    }
    if (folder == NULL || list == NULL) {
        free(folder);
        return sp_err_nomem(err);
    }
    list[walk->count++] = (struct folder){folder, depth};
    return SPULL_OK;
}

/* One name in folder. */
static enum spull_code look_at(struct walk *walk, const struct folder *folder,
                               const char *name, struct spull_error *err)
{
    char *below = folder->name[0] == '\0' ? strdup(name)
                                          : sp_mirror_path(folder->name, name);
    char *path = below == NULL ? NULL : sp_mirror_path(walk->order->dir, below);
    enum spull_code code = SPULL_OK;
    struct stat info;

    if (path == NULL)
        code = sp_err_nomem(err);
    else if (sp_mirror_is_litter(path, name))
        walk->order->litter(walk->order->payload, path);
    else if (name[0] == '.' || strcmp(below, SP_MIRROR_BLOBS) == 0)
        code = SPULL_OK; /* no level of a container is called so */
    else if (lstat(path, &info) != 0)
        code = errno == ENOENT
                   ? SPULL_OK
                   : sp_err_sys(err, SPULL_STORAGE, errno, "%s", path);
    else if (S_ISDIR(info.st_mode))
        code = push(walk, strdup(below), folder->depth + 1, err);
    else if (strcmp(name, SP_MIRROR_INDEX) == 0)
        code = read_document(walk, folder->name, err);
    else if (S_ISLNK(info.st_mode) && stat(path, &info) == 0 &&
             S_ISDIR(info.st_mode))
        code = check_link(walk, path, err);
    free(below);
    free(path);
    return code;
}

/* Is there a document that may be the list of a container whose manifests have
 * gone, their folder included? For the folder of manifests itself, it would be
 * the manifest of a tag that is called "tags". */
static bool has_list_alone(const char *path)
{
    static const char folder[] = "manifests";
    struct stat info;
    char *list = NULL;
    size_t len = strlen(path);
    bool has = false;

    if (len >= strlen(folder) &&
        strcmp(path + len - strlen(folder), folder) == 0)
        return false;
    list = sp_mirror_path(path, "tags/" SP_MIRROR_INDEX);
    has = list != NULL && stat(list, &info) == 0 && S_ISREG(info.st_mode);
    free(list);
    return has;
}

/* Does a folder hold manifests, or a list of some? */
static bool is_container(const char *dir, const char *folder)
{
    char *path = sp_mirror_path(dir, folder);
    char *manifests = path == NULL ? NULL : sp_mirror_path(path, "manifests");
    struct stat info;
    bool is = false;

    if (manifests != NULL)
        is = stat(manifests, &info) == 0
                 ? S_ISDIR(info.st_mode)
                 : errno == ENOENT && has_list_alone(path);
    free(manifests);
    free(path);
    return is;
}

/* Of a container, if it can be one, the list is brought in line. */
static enum spull_code check_tags(struct walk *walk, const char *folder,
                                  struct spull_error *err)
{
    const struct sp_mirror_walk *order = walk->order;
    struct sp_ref ref = {0};
    bool changed = false;
    enum spull_code code = SPULL_OK;

    if (is_container(order->dir, folder) &&
        sp_ref_parse_container(folder, &ref, NULL) == SPULL_OK)
        code = sp_mirror_tags(order->watch, order->dir, folder, NULL, &changed,
                              err);
    sp_ref_done(&ref);
    return code;
}

static bool see_name(void *payload, int dir, const char *name)
{
    struct names *names = payload;

    (void)dir;
    names->code = look_at(names->walk, names->folder, name, names->err);
    return names->code == SPULL_OK;
}

/* All names in a folder. */
static enum spull_code read_folder(struct walk *walk,
                                   const struct folder *folder,
                                   struct spull_error *err)
{
    struct names names = {walk, folder, SPULL_OK, err};
    enum spull_code code =
        sp_mirror_each(walk->order->dir, folder->name, see_name, &names, err);

    /* One that can't be read to its end has more names than were seen. */
    return names.code == SPULL_OK ? code : names.code;
}

/* Deeper than a manifest's folder nothing can be. */
static enum spull_code read_all(struct walk *walk, struct spull_error *err)
{
    enum spull_code code = push(walk, strdup(""), 0, err);

    while (code == SPULL_OK && walk->count > 0) {
        struct folder folder = walk->folders[--walk->count];
        code = sp_watch_tick(walk->order->watch, err);
        if (code == SPULL_OK && folder.depth <= SP_MIRROR_DEPTH_MAX)
            code = read_folder(walk, &folder, err);
        if (code == SPULL_OK)
            code = check_tags(walk, folder.name, err);
        free(folder.name);
    }
    return code;
}

enum spull_code sp_mirror_walk(const struct sp_mirror_walk *order,
                               struct spull_error *err)
{
    struct walk walk = {.order = order};
    enum spull_code code = SPULL_OK;

    walk.real = realpath(order->dir, NULL);
    code = walk.real == NULL
               ? sp_err_sys(err, SPULL_STORAGE, errno, "%s", order->dir)
               : read_all(&walk, err);
    while (walk.count > 0)
        free(walk.folders[--walk.count].name);
    free(walk.folders);
    free(walk.real);
    return code;
}
