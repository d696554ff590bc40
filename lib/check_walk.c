/* SPDX-License-Identifier: MIT */
/*
 * check_walk: finds the containers of a directory. One is a folder that holds
 * "tags" or "manifests"; others may lie below it.
 *
 * Links are not followed here: they would lead in circles. What they lead to is
 * found where it is.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "check_internal.h"
#include "err.h"
#include "limits.h"
#include "ref.h"

/* A registry's own folders, which name no level of a container. */
static bool is_own(const char *name)
{
    return strcmp(name, "tags") == 0 || strcmp(name, "manifests") == 0;
}

/* What a page generator keeps for itself, at the top: "_layouts", "_site". */
static bool is_generators(const char *name, size_t depth)
{
    return depth == 1 && name[0] == '_';
}

static bool is_container(const struct sp_tree_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        if (is_own(names->list[i].text))
            return true;
    return false;
}

static void say(struct sp_checking *check, const char *name,
                enum sp_finding what, const char *text)
{
    char place[SP_REF_MAX];

    snprintf(place, sizeof place, "%s%s", check->tree.shown,
             check->tree.shown[0] == '\0' && name[0] == '\0' ? "." : name);
    sp_finding_about(&check->findings, place, "");
    sp_finding_tell(&check->findings, what, "%s", text);
    sp_finding_about(&check->findings, "", "");
}

static enum spull_code check_container(struct sp_checking *check,
                                       const char *name,
                                       struct spull_error *err)
{
    struct sp_ref ref = {0};
    struct spull_error why;
    enum spull_code code = sp_ref_parse_container(name, &ref, &why);

    sp_ref_done(&ref);
    if (code == SPULL_USAGE) {
        say(check, name, SP_FINDING_NAME,
            "no reference can name this container");
        return SPULL_OK;
    }
    code = sp_check_folder(check, name, NULL, &why);
    if (sp_check_ends(code)) {
        if (err != NULL)
            *err = why;
        return code;
    }
    if (code != SPULL_OK && code != SPULL_NOT_FOUND)
        say(check, name, SP_FINDING_DOCUMENT, why.text);
    return SPULL_OK;
}

/* A folder on the way down, and which of those in it comes next. */
struct level {
    struct sp_tree_names names;
    size_t next;
    size_t len; /* of the walk's name here */
};

struct walk {
    struct sp_checking *check;
    struct sp_buf name; /* of the folder, from the root on; "" at first */
    struct level levels[SP_COMPONENTS_MAX + 1];
    size_t depth; /* how many of them there are */
    struct spull_error *err;
};

/* Has the folder looked at, and its folders come next. */
static enum spull_code enter(struct walk *walk)
{
    struct sp_checking *check = walk->check;
    struct level *level = &walk->levels[walk->depth];
    const char *name = walk->name.data;
    struct spull_error why;

    memset(level, 0, sizeof *level);
    level->len = walk->name.len;
    walk->depth++;
    enum spull_code code =
        sp_tree_list(&check->tree, name, &level->names, &why);
    if (code == SPULL_INTERNAL)
        return sp_err_nomem(walk->err);
    if (code != SPULL_OK) {
        bool full = check->tree.folders > SP_CHECK_FOLDERS_MAX;
        say(check, name, full ? SP_FINDING_LIMIT : SP_FINDING_DOCUMENT,
            why.text);
        return SPULL_OK;
    }
    code = sp_watch_tick(&check->watch, walk->err);
    if (code == SPULL_OK && walk->depth > 1 && is_container(&level->names))
        code = check_container(check, name, walk->err);
    return code;
}

/* Makes the walk's name that of the next folder. false: there is none. */
static bool next(struct walk *walk, enum spull_code *code)
{
    struct level *level = &walk->levels[walk->depth - 1];

    walk->name.len = level->len;
    walk->name.data[level->len] = '\0';
    while (level->next < level->names.count) {
        const struct sp_tree_name *sub = &level->names.list[level->next++];
        if (sub->link || is_own(sub->text) ||
            is_generators(sub->text, walk->depth))
            continue;
        if (sp_buf_print(&walk->name, "%s%s", level->len > 0 ? "/" : "",
                         sub->text) != SP_BUF_OK)
            *code = sp_err_nomem(walk->err);
        return true;
    }
    sp_tree_names_done(&level->names);
    walk->depth--;
    return false;
}

static enum spull_code walk_on(struct walk *walk)
{
    const struct sp_tree *tree = &walk->check->tree;
    enum spull_code code = enter(walk);

    while (code == SPULL_OK && walk->depth > 0 &&
           tree->folders <= SP_CHECK_FOLDERS_MAX) {
        if (!next(walk, &code) || code != SPULL_OK)
            continue;
        if (walk->depth <= SP_COMPONENTS_MAX)
            code = enter(walk);
        else
            say(walk->check, walk->name.data, SP_FINDING_LIMIT,
                "folders nest deeper here than a reference can");
    }
    return code;
}

enum spull_code sp_check_walk(struct sp_checking *check,
                              struct spull_error *err)
{
    struct walk walk = {.check = check, .err = err};
    enum spull_code code = SPULL_OK;

    sp_buf_init(&walk.name, SIZE_MAX / 2);
    code = sp_buf_add(&walk.name, "", 0) == SP_BUF_OK ? walk_on(&walk)
                                                      : sp_err_nomem(err);
    while (walk.depth > 0)
        sp_tree_names_done(&walk.levels[--walk.depth].names);
    sp_buf_done(&walk.name);
    if (code == SPULL_OK && check->counts.containers == 0 &&
        check->findings.counts[SPULL_ERROR] == 0)
        code = sp_err_set(err, SPULL_NOT_FOUND,
                          "%s: there is no container in it", check->tree.root);
    return code;
}
