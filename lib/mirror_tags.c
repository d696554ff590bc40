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
#include <pthread.h>
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

static bool has(const struct names *names, const char *tag)
{
    return names->count > 0 && bsearch(&tag, names->list, names->count,
                                       sizeof *names->list, compare) != NULL;
}

/* Whose list it is, and how closely the folders are looked at. */
struct place {
    const char *dir;
    const char *container;
    char *folder;       /* of the list, below dir */
    bool all;           /* also for tags that are listed */
    struct place *next; /* whose turn it is, too */
};

/* A folder of manifests, and the tags in it. */
struct look {
    int manifests;
    const char *path;
    const struct names *listed; /* in order */
    bool all;                   /* those that are listed are looked at, too */
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

/* Is there a manifest of this tag? */
static bool has_manifest(struct look *look, const char *tag)
{
    char path[SP_COMPONENT_MAX + sizeof "/" SP_MIRROR_INDEX];
    struct stat info;

    if (!sp_tag_ok(tag))
        return false;
    snprintf(path, sizeof path, "%s/" SP_MIRROR_INDEX, tag);
    if (fstatat(look->manifests, path, &info, 0) == 0)
        return S_ISREG(info.st_mode);
    if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
        fail(look, tag);
    return false;
}

static bool see(void *payload, const char *name)
{
    struct look *look = payload;
    bool known = !look->all && has(look->listed, name);

    if (known || has_manifest(look, name))
        look->code = names_add(look->tags, name, look->err);
    return look->code == SPULL_OK;
}

/* Those that are listed and were not seen are asked for by name: what another
 * node has made just now, a network file system may not yet show in a folder
 * that was read before. */
static void see_listed(struct look *look)
{
    struct names seen = *look->tags; /* what is added goes behind it */

    look->all = true;
    for (size_t i = 0; i < look->listed->count && look->code == SPULL_OK; i++) {
        seen.list = look->tags->list;
        if (!has(&seen, look->listed->list[i]))
            see(look, look->listed->list[i]);
    }
}

static void look_for_tags(struct look *look)
{
    look->manifests = open(look->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (look->manifests < 0) {
        if (errno != ENOENT)
            fail(look, "");
        return;
    }
    if (!sp_folder_each(look->manifests, see, look))
        fail(look, "");
    names_sort(look->tags);
    see_listed(look);
    names_sort(look->tags);
    close(look->manifests);
}

/*
 * The tags of which there is a manifest. One that is listed had it, so that its
 * folder is enough; unless all are to be looked at, whatever that takes.
 */
static enum spull_code find_tags(const struct place *place,
                                 const struct names *listed, struct names *out,
                                 struct spull_error *err)
{
    struct look look = {-1, NULL, listed, place->all, out, SPULL_OK, err};
    char *path = NULL;

    if (asprintf(&path, "%s/%s/manifests", place->dir, place->container) < 0)
        return sp_err_nomem(err);
    look.path = path;
    look_for_tags(&look);
    free(path);
    return look.code;
}

/* What the list says now. One that makes no sense says nothing. */
static enum spull_code read_list(const struct place *place, struct names *out,
                                 struct spull_error *err)
{
    struct sp_tags tags = {0};
    struct sp_buf text;
    bool there = false;
    enum spull_code code =
        sp_mirror_read(place->dir, place->folder, &text, &there, err);

    if (code == SPULL_OK && there && text.len > 0)
        sp_tags_parse(text.data, text.len, &tags, NULL);
    for (size_t i = 0; i < tags.count && code == SPULL_OK; i++)
        code = names_add(out, tags.names[i], err);
    names_sort(out);
    sp_tags_done(&tags);
    sp_buf_done(&text);
    return code;
}

/*
 * Writes a list. It is begun before the folders are looked at: so whose
 * manifest this look has missed finds the draft, and drops it. again: it has to
 * be looked at again, now that it is written, or dropped.
 */
static enum spull_code rewrite(const struct place *place,
                               const struct names *listed, bool *again,
                               struct spull_error *err)
{
    struct sp_mirror_draft draft = {.shown = NULL};
    struct names found = {0};
    bool removed = false;
    char *text = NULL;
    enum spull_code code =
        sp_mirror_draft_begin(place->dir, place->folder, &draft, err);

    if (code == SPULL_OK)
        code = find_tags(place, listed, &found, err);
    if (code == SPULL_OK)
        code = sp_tags_print(place->container, found.list, found.count, &text,
                             err);
    if (code == SPULL_OK && !sp_mirror_says(place->dir, place->folder, text)) {
        code = sp_mirror_draft_publish(&draft, text, &removed, err);
        *again = code == SPULL_OK || removed;
    }
    free(text);
    names_done(&found);
    sp_mirror_draft_end(&draft);
    return removed ? SPULL_OK : code;
}

/* One look, and a new list if the old one is not right. */
static enum spull_code bring_in_line(const struct place *place, const char *tag,
                                     bool *again, struct spull_error *err)
{
    struct names listed = {0};
    struct names found = {0};
    bool right = false;
    enum spull_code code = read_list(place, &listed, err);

    *again = false;
    if (code == SPULL_OK && tag != NULL) {
        right = has(&listed, tag);
    } else if (code == SPULL_OK) {
        code = find_tags(place, &listed, &found, err);
        right = is_same(&listed, &found);
    }
    if (code == SPULL_OK && !right)
        code = rewrite(place, &listed, again, err);
    names_done(&listed);
    names_done(&found);
    return code;
}

static enum spull_code until_it_is_right(struct sp_watch *watch,
                                         const struct place *place,
                                         const char *tag, bool *changed,
                                         struct spull_error *err)
{
    enum spull_code code = SPULL_OK;
    bool ours = tag != NULL;
    bool again = true;

    while (code == SPULL_OK && again) {
        if (ours)
            sp_mirror_drop_drafts(place->dir, place->folder);
        code = bring_in_line(place, tag, &again, err);
        *changed = *changed || again;
        tag = NULL;
        if (code == SPULL_OK)
            code = sp_watch_tick(watch, err);
    }
    return code;
}

/* --- one after the other --------------------------------------------------
 *
 * Within a process, the threads that want one list take turns: who comes next
 * finds his tag in it, if his manifest was there when it was written. So there
 * is no list for each tag, and no draft of a sister's to be dropped. Others
 * need not know: nothing rests on it.
 */

static pthread_mutex_t turns_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_over = PTHREAD_COND_INITIALIZER;
static struct place *turns; /* whose list is being written */

static bool is_taken(const struct place *place)
{
    for (const struct place *other = turns; other; other = other->next)
        if (strcmp(other->container, place->container) == 0 &&
            strcmp(other->dir, place->dir) == 0)
            return true;
    return false;
}

static void take_turn(struct place *place)
{
    pthread_mutex_lock(&turns_lock);
    while (is_taken(place))
        pthread_cond_wait(&turn_over, &turns_lock);
    place->next = turns;
    turns = place;
    pthread_mutex_unlock(&turns_lock);
}

static void end_turn(struct place *place)
{
    struct place **at = &turns;

    pthread_mutex_lock(&turns_lock);
    while (*at != place)
        at = &(*at)->next;
    *at = place->next;
    pthread_cond_broadcast(&turn_over);
    pthread_mutex_unlock(&turns_lock);
}

enum spull_code sp_mirror_tags(struct sp_watch *watch, const char *dir,
                               const char *container, const char *tag,
                               bool *changed, struct spull_error *err)
{
    struct place place = {.dir = dir,
                          .container = container,
                          .folder = sp_mirror_path(container, "tags"),
                          .all = tag == NULL};
    enum spull_code code = SPULL_INTERNAL;

    if (place.folder == NULL)
        return sp_err_nomem(err);
    take_turn(&place);
    code = until_it_is_right(watch, &place, tag, changed, err);
    end_turn(&place);
    free(place.folder);
    return code;
}
