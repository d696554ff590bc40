/* SPDX-License-Identifier: MIT */
/*
 * mirror_tags: the list of tags of a container, made from the manifests that
 * lie beside it.
 *
 * The folders are the truth, the list a copy of it: so two processes need no
 * lock. Nobody ends before a list has his tag in it, and no older one can come
 * after that: who writes a list begins the file before he looks at the folders,
 * and who ends removes what others have begun, after his manifest is there.
 * They begin anew, and see it; so it does not matter who is killed, and when.
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

/* Tags, each to free(). */
struct names {
    char **list;
    size_t count;
    size_t room;
};

static void names_done(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->list[i]);
    free(names->list);
    memset(names, 0, sizeof *names);
}

static enum spull_code names_add(struct names *names, const char *name,
                                 struct spull_error *err)
{
    if (names->count == SP_TAGS_MAX)
        return sp_err_set(err, SPULL_STORAGE, "more than %d tags", SP_TAGS_MAX);
    if (names->count == names->room) {
        size_t room = names->room * 2 + 16;
        char **list = realloc(names->list, room * sizeof *list);
        if (list == NULL)
            return sp_err_nomem(err);
        names->list = list;
        names->room = room;
    }
    names->list[names->count] = strdup(name);
    if (names->list[names->count] == NULL)
        return sp_err_nomem(err);
    names->count++;
    return SPULL_OK;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In order, each once. */
static void names_sort(struct names *names)
{
    size_t kept = 0;

    if (names->count == 0)
        return;
    qsort(names->list, names->count, sizeof *names->list, compare);
    for (size_t i = 1; i < names->count; i++) {
        if (strcmp(names->list[kept], names->list[i]) == 0)
            free(names->list[i]);
        else
            names->list[++kept] = names->list[i];
    }
    names->count = kept + 1;
}

static bool is_same(const struct names *names, const struct names *others)
{
    if (names->count != others->count)
        return false;
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->list[i], others->list[i]) != 0)
            return false;
    return true;
}

/* A folder of manifests, and the tags in it. */
struct look {
    int manifests;
    const char *path;
    struct names *tags;
    enum spull_code code;
    struct spull_error *err;
};

/* What can't be looked at may be a manifest, so nothing follows from it. */
static void fail(struct look *look, const char *tag)
{
    look->code = sp_err_sys(look->err, SPULL_STORAGE, errno,
                            "cannot read %s/%s", look->path, tag);
}

static bool add_tag(void *payload, const char *name)
{
    struct look *look = payload;
    char path[SP_COMPONENT_MAX + sizeof "/" SP_MIRROR_INDEX];
    struct stat info;

    if (!sp_tag_ok(name))
        return true;
    snprintf(path, sizeof path, "%s/" SP_MIRROR_INDEX, name);
    if (fstatat(look->manifests, path, &info, 0) == 0) {
        if (S_ISREG(info.st_mode))
            look->code = names_add(look->tags, name, look->err);
    } else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) {
        fail(look, name);
    }
    return look->code == SPULL_OK;
}

/* Those that the list has are asked for by name: what another node has made
 * just now, a network file system may not yet show in a folder that was read
 * before. */
static void look_for_tags(struct look *look, const struct names *listed)
{
    look->manifests = open(look->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (look->manifests < 0) {
        if (errno != ENOENT)
            fail(look, "");
        return;
    }
    if (!sp_folder_each(look->manifests, add_tag, look))
        fail(look, "");
    for (size_t i = 0; i < listed->count && look->code == SPULL_OK; i++)
        add_tag(look, listed->list[i]);
    close(look->manifests);
}

/* The tags of which there is a manifest. */
static enum spull_code find_tags(const char *dir, const char *container,
                                 const struct names *listed, struct names *out,
                                 struct spull_error *err)
{
    struct look look = {-1, NULL, out, SPULL_OK, err};
    char *path = NULL;

    if (asprintf(&path, "%s/%s/manifests", dir, container) < 0)
        return sp_err_nomem(err);
    look.path = path;
    look_for_tags(&look, listed);
    free(path);
    names_sort(out);
    return look.code;
}

/* What the list says now. One that makes no sense says nothing. */
static enum spull_code read_list(const char *dir, const char *folder,
                                 struct names *out, bool *there,
                                 struct spull_error *err)
{
    struct sp_tags tags = {0};
    struct sp_buf text;
    enum spull_code code = sp_mirror_read(dir, folder, &text, there, err);

    if (code == SPULL_OK && *there && text.len > 0)
        sp_tags_parse(text.data, text.len, &tags, NULL);
    for (size_t i = 0; i < tags.count && code == SPULL_OK; i++)
        code = names_add(out, tags.names[i], err);
    names_sort(out);
    sp_tags_done(&tags);
    sp_buf_done(&text);
    return code;
}

static bool has(const struct names *names, const char *tag)
{
    return names->count > 0 && bsearch(&tag, names->list, names->count,
                                       sizeof *names->list, compare) != NULL;
}

/*
 * Writes a list. It is begun before the folders are looked at: so whose
 * manifest this look has missed finds the draft, and drops it. again: it has to
 * be looked at again, now that it is written, or dropped.
 */
static enum spull_code rewrite(const char *dir, const char *container,
                               const char *folder, const struct names *listed,
                               bool *again, struct spull_error *err)
{
    struct sp_mirror_draft draft = {.shown = NULL};
    struct names found = {0};
    bool removed = false;
    char *text = NULL;
    enum spull_code code = sp_mirror_draft_begin(dir, folder, &draft, err);

    if (code == SPULL_OK)
        code = find_tags(dir, container, listed, &found, err);
    if (code == SPULL_OK)
        code = sp_tags_print(container, found.list, found.count, &text, err);
    if (code == SPULL_OK && !sp_mirror_says(dir, folder, text)) {
        code = sp_mirror_draft_publish(&draft, text, &removed, err);
        *again = code == SPULL_OK || removed;
    }
    free(text);
    names_done(&found);
    sp_mirror_draft_end(&draft);
    return removed ? SPULL_OK : code;
}

/* One look, and a new list if the old one is not right. */
static enum spull_code bring_in_line(const char *dir, const char *container,
                                     const char *folder, const char *tag,
                                     bool *again, struct spull_error *err)
{
    struct names listed = {0};
    struct names found = {0};
    bool there = false;
    bool right = false;
    enum spull_code code = read_list(dir, folder, &listed, &there, err);

    *again = false;
    if (code == SPULL_OK && tag != NULL) {
        right = has(&listed, tag);
    } else if (code == SPULL_OK) {
        code = find_tags(dir, container, &listed, &found, err);
        right = is_same(&listed, &found);
    }
    if (code == SPULL_OK && !right)
        code = rewrite(dir, container, folder, &listed, again, err);
    names_done(&listed);
    names_done(&found);
    return code;
}

enum spull_code sp_mirror_tags(struct sp_watch *watch, const char *dir,
                               const char *container, const char *tag,
                               bool *changed, struct spull_error *err)
{
    char *folder = sp_mirror_path(container, "tags");
    enum spull_code code = folder == NULL ? sp_err_nomem(err) : SPULL_OK;
    bool ours = tag != NULL;
    bool again = true;

    while (code == SPULL_OK && again) {
        if (ours)
            sp_mirror_drop_drafts(dir, folder);
        code = bring_in_line(dir, container, folder, tag, &again, err);
        *changed = *changed || again;
        tag = NULL;
        if (code == SPULL_OK)
            code = sp_watch_tick(watch, err);
    }
    free(folder);
    return code;
}
