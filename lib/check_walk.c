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

/* What is found on the way is told before the container that comes next. */
static void say(const struct sp_checking *check, struct sp_findings *to,
                const char *name, enum sp_finding what, const char *text)
{
    char place[SP_REF_MAX];

    snprintf(place, sizeof place, "%s%s", check->tree.shown,
             check->tree.shown[0] == '\0' && name[0] == '\0' ? "." : name);
    sp_finding_about(to, place, "");
    sp_finding_tell(to, what, "%s", text);
    sp_finding_about(to, "", "");
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
    bool begun;
    struct sp_container *coming; /* that is looked for */
    struct spull_error *err;
};

static struct sp_findings *findings_of(const struct walk *walk)
{
    return &walk->coming->before.findings;
}

static enum spull_code found(struct walk *walk, const char *name)
{
    struct sp_ref ref = {0};
    enum spull_code code = sp_ref_parse_container(name, &ref, NULL);

    sp_ref_done(&ref);
    if (code == SPULL_USAGE) {
        say(walk->check, findings_of(walk), name, SP_FINDING_NAME,
            "no reference can name this container");
        return SPULL_OK;
    }
    walk->coming->name = strdup(name);
    return walk->coming->name == NULL ? sp_err_nomem(walk->err) : SPULL_OK;
}

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
        say(check, findings_of(walk), name,
            full ? SP_FINDING_LIMIT : SP_FINDING_DOCUMENT, why.text);
        return SPULL_OK;
    }
    code = sp_watch_tick(&check->watch, walk->err);
    if (code == SPULL_OK && walk->depth > 1 && is_container(&level->names))
        code = found(walk, name);
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

static enum spull_code go_on(struct walk *walk)
{
    enum spull_code code = SPULL_OK;

    if (!walk->begun) {
        walk->begun = true;
        return enter(walk);
    }
    if (!next(walk, &code) || code != SPULL_OK)
        return code;
    if (walk->depth <= SP_COMPONENTS_MAX)
        return enter(walk);
    say(walk->check, findings_of(walk), walk->name.data, SP_FINDING_LIMIT,
        "folders nest deeper here than a reference can");
    return SPULL_OK;
}

static bool is_over(const struct walk *walk)
{
    return walk->begun && (walk->depth == 0 ||
                           walk->check->tree.folders > SP_CHECK_FOLDERS_MAX);
}

/* The last one has no name, if something was found behind all others. */
static enum spull_code next_container(void *payload, struct sp_container **out,
                                      struct spull_error *err)
{
    struct walk *walk = payload;
    enum spull_code code = SPULL_OK;

    walk->err = err;
    walk->coming = sp_container_new(NULL, NULL);
    if (walk->coming == NULL)
        return sp_err_nomem(err);
    while (code == SPULL_OK && walk->coming->name == NULL && !is_over(walk))
        code = go_on(walk);
    if (code == SPULL_OK &&
        (walk->coming->name != NULL || walk->coming->before.first != NULL))
        *out = walk->coming;
    else
        sp_container_free(walk->coming);
    walk->coming = NULL;
    return code;
}

static enum spull_code settle(void *payload,
                              const struct sp_container *container,
                              enum spull_code code,
                              const struct spull_error *why,
                              struct spull_error *err)
{
    struct walk *walk = payload;

    if (sp_check_ends(code)) {
        if (err != NULL)
            *err = *why;
        return code;
    }
    if (code != SPULL_OK && code != SPULL_NOT_FOUND)
        say(walk->check, &walk->check->findings, container->name,
            SP_FINDING_DOCUMENT, why->text);
    return SPULL_OK;
}

static enum spull_code walk_all(struct sp_checking *check, struct walk *walk,
                                struct spull_error *err)
{
    struct sp_round round = {walk, next_container, settle};
    enum spull_code code = sp_line_run(check, &round, err);

    if (code == SPULL_OK && check->counts.containers == 0 &&
        check->findings.counts[SPULL_ERROR] == 0)
        code = sp_err_set(err, SPULL_NOT_FOUND,
                          "%s: there is no container in it", check->tree.root);
    return code;
}

enum spull_code sp_check_walk(struct sp_checking *check,
                              struct spull_error *err)
{
    struct walk walk = {.check = check};
    enum spull_code code = SPULL_OK;

    sp_buf_init(&walk.name, SIZE_MAX / 2);
    code = sp_buf_add(&walk.name, "", 0) == SP_BUF_OK
               ? walk_all(check, &walk, err)
               : sp_err_nomem(err);
    while (walk.depth > 0)
        sp_tree_names_done(&walk.levels[--walk.depth].names);
    sp_buf_done(&walk.name);
    return code;
}
