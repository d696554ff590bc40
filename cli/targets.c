/* SPDX-License-Identifier: MIT */
/*
 * targets: where each image of a call will be installed.
 *
 * Two targets are one file if they have one name in one directory, whatever
 * the paths to it. Lists may be long, so they are sorted to be compared.
 */
#include "targets.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "spelling.h"

/* The directory that was looked at last: mostly all images go into one. */
struct real {
    char *dir;
    char *path; /* without symbolic links */
};

void targets_done(struct targets *targets)
{
    for (size_t i = 0; i < targets->count; i++) {
        free(targets->list[i].path);
        free(targets->list[i].place);
    }
    free(targets->list);
    *targets = (struct targets){0};
}

/* file below dir, unless it says itself where it is. */
static char *below(const char *dir, const char *file)
{
    size_t len;
    char *path = NULL;

    if (dir == NULL || file[0] == '/')
        return strdup(file);
    len = strlen(dir) + strlen(file) + 2;
    path = malloc(len);
    if (path != NULL)
        snprintf(path, len, "%s%s%s", dir,
                 dir[strlen(dir) - 1] == '/' ? "" : "/", file);
    return path;
}

static void real_done(struct real *real)
{
    free(real->dir);
    free(real->path);
}

/* Takes dir. What is not there can only be compared as it is written. */
static bool look_up(struct real *real, char *dir)
{
    if (real->dir != NULL && strcmp(real->dir, dir) == 0) {
        free(dir);
        return true;
    }
    real_done(real);
    real->dir = dir;
    real->path = realpath(dir, NULL);
    if (real->path == NULL)
        real->path = strdup(dir);
    return real->path != NULL;
}

/* The directory without symbolic links, and the name in it. The name's own
 * link does not count: a new image takes its place. */
static char *place_of(const char *path, struct real *real)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    char *dir = NULL;

    if (slash == NULL)
        dir = strdup(".");
    else
        dir = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (dir == NULL || !look_up(real, dir))
        return NULL;
    return below(real->path, name);
}

static enum spull_code add(struct targets *targets,
                           const struct list_line *line, const char *dir,
                           const char *output, struct real *real,
                           struct spull_error *err)
{
    struct target *target = &targets->list[targets->count++];
    /* Also with a name of its own: this looks at the reference's grammar. */
    enum spull_code code =
        spull_destination(line->ref, dir, &target->path, err);

    target->line = line;
    if (code != SPULL_OK && line->file != NULL)
        return fail_wrap(err, "%s:%u", line->file, line->number);
    if (code != SPULL_OK)
        return code;
    if (output != NULL) {
        free(target->path);
        target->path = below(dir, output);
    }
    if (target->path != NULL)
        target->place = place_of(target->path, real);
    return target->place != NULL ? SPULL_OK : fail_nomem(err);
}

static int by_place(const void *a, const void *b)
{
    const struct target *one = a, *other = b;
    int order = strcmp(one->place, other->place);

    if (order == 0)
        order = one->line < other->line ? -1 : 1;
    return order;
}

static int by_line(const void *a, const void *b)
{
    const struct target *one = a, *other = b;

    return one->line < other->line ? -1 : 1;
}

static enum spull_code collide(const struct target *one,
                               const struct target *other,
                               struct spull_error *err)
{
    fail_set(err, SPULL_USAGE, "%s and %s: both would be installed as %s",
             one->line->ref, other->line->ref, other->path);
    if (other->line->file != NULL)
        fail_wrap(err, "%s:%u", other->line->file, other->line->number);
    fail_hint(err, "pull them one by one, with -o or -d");
    return SPULL_USAGE;
}

/* Drops all but the first of each reference. Of the targets that are in order,
 * those with one place stand side by side. */
static enum spull_code drop_twice(struct targets *targets,
                                  struct spull_error *err)
{
    struct target *last = targets->list;

    for (size_t i = 1; i < targets->count; i++) {
        struct target *target = &targets->list[i];

        if (strcmp(last->place, target->place) != 0) {
            struct target moved = *target;

            *target = (struct target){0};
            *++last = moved;
            continue;
        }
        if (!spelling_is_same(last->line->ref, target->line->ref))
            return collide(last, target, err);
        free(target->path);
        free(target->place);
        *target = (struct target){0};
        targets->twice++;
    }
    targets->count -= targets->twice;
    return SPULL_OK;
}

static size_t count_refs(const struct list *list)
{
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++)
        count += list->lines[i].ref != NULL;
    return count;
}

enum spull_code targets_plan(const struct list *list, const char *dir,
                             const char *output, struct targets *out,
                             struct spull_error *err)
{
    struct targets targets = {0};
    struct real real = {NULL, NULL};
    enum spull_code code = SPULL_OK;

    targets.list = calloc(count_refs(list) + 1, sizeof *targets.list);
    if (targets.list == NULL)
        return fail_nomem(err);
    for (size_t i = 0; i < list->count && code == SPULL_OK; i++)
        if (list->lines[i].ref != NULL)
            code = add(&targets, &list->lines[i], dir, output, &real, err);
    real_done(&real);
    if (code == SPULL_OK) {
        qsort(targets.list, targets.count, sizeof *targets.list, by_place);
        code = drop_twice(&targets, err);
    }
    if (code != SPULL_OK) {
        targets_done(&targets);
        return code;
    }
    qsort(targets.list, targets.count, sizeof *targets.list, by_line);
    *out = targets;
    return SPULL_OK;
}
