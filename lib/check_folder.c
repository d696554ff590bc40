/* SPDX-License-Identifier: MIT */
/*
 * check_folder: a container in a directory, which shows all that there is: what
 * a web server would serve (index.html), and what a generator makes that from
 * (README.md with front matter, and recipes).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_internal.h"
#include "err.h"
#include "front.h"
#include "limits.h"
#include "ref.h"

#define PAGE   "index.html"
#define SOURCE "README.md"
#define RECIPE "Singularity"

/* A container that is looked at. */
struct folder {
    struct sp_checking *check;
    const char *container;
    const char *wanted;         /* the only tag, or NULL */
    struct sp_tree_names names; /* folders below manifests/ */
    struct sp_tags tags;
    struct sp_index listed; /* the same */
    bool has_list;          /* some document is there */
    bool list_sound;
    bool has_page;   /* some manifest is there as it is served */
    bool saw_wanted; /* there is something of it */
    struct spull_error *err;
};

/* One file of it: what it is called where, and what is in it. */
struct file {
    char *name;  /* from the registry's root on */
    char *place; /* as it is shown */
    struct sp_buf body;
    enum spull_code code; /* of reading it */
    struct spull_error why;
};

static void file_done(struct file *file)
{
    free(file->name);
    free(file->place);
    sp_buf_done(&file->body);
}

/* Reads CONTAINER/MIDDLE/NAME. Fails with INTERNAL alone; else see code. */
static enum spull_code file_read(const struct folder *folder,
                                 const char *middle, const char *tag,
                                 const char *name, struct file *out)
{
    const struct sp_tree *tree = &folder->check->tree;
    const char *slash = tag[0] != '\0' ? "/" : "";

    memset(out, 0, sizeof *out);
    sp_buf_init(&out->body, SP_DOCUMENT_MAX);
    if (asprintf(&out->name, "%s/%s/%s%s%s", folder->container, middle, tag,
                 slash, name) < 0)
        out->name = NULL;
    if (out->name == NULL ||
        asprintf(&out->place, "%s%s", tree->shown, out->name) < 0) {
        out->place = NULL;
        return sp_err_nomem(folder->err);
    }
    out->code = sp_tree_read(tree, out->name, &out->body, &out->why);
    return out->code == SPULL_INTERNAL ? sp_err_nomem(folder->err) : SPULL_OK;
}

static bool is_front(const struct file *file)
{
    return file->code == SPULL_OK &&
           sp_front_look(file->body.data, file->body.len);
}

/* Is it a document as it is served, and not the source of one? */
static bool is_page(const struct file *file)
{
    return file->code == SPULL_OK && !is_front(file);
}

/* A file that is there and can't be read. */
static bool is_broken(const struct file *file)
{
    return file->code != SPULL_OK && file->code != SPULL_NOT_FOUND;
}

static void say_broken(const struct folder *folder, const struct file *file)
{
    bool outside = file->code == SPULL_INTEGRITY && file->body.len == 0;

    sp_finding_tell(&folder->check->findings,
                    outside ? SP_FINDING_LINK : SP_FINDING_DOCUMENT, "%s",
                    file->why.text);
}

static enum spull_code read_tags(struct folder *folder)
{
    struct sp_findings *findings = &folder->check->findings;
    struct file list;
    enum spull_code code = file_read(folder, "tags", "", PAGE, &list);

    if (code == SPULL_OK) {
        sp_finding_about(findings, list.place, folder->container);
        folder->has_list = is_page(&list);
        if (is_broken(&list))
            say_broken(folder, &list);
    }
    if (code == SPULL_OK && folder->has_list)
        code = sp_lint_tags(list.body.data, list.body.len, folder->container,
                            findings, &folder->tags, &folder->list_sound,
                            folder->err);
    if (code == SPULL_OK)
        code = sp_index_init(&folder->listed, &folder->tags, folder->err);
    sp_finding_about(findings, "", "");
    file_done(&list);
    return code;
}

/* The URL that a file has, which is where its own addresses start. */
static enum spull_code check_manifest(const struct folder *folder,
                                      const struct file *file,
                                      const char *bytes, size_t len)
{
    struct sp_url url = {0};
    enum spull_code code =
        sp_url_below(folder->check->registry, file->name, &url, folder->err);

    if (code == SPULL_OK)
        code = sp_check_document(folder->check, &url, bytes, len, folder->err);
    sp_url_done(&url);
    return code;
}

static enum spull_code check_source(const struct folder *folder,
                                    const struct file *source)
{
    struct sp_findings *findings = &folder->check->findings;
    struct spull_error why;
    struct sp_buf json;
    enum spull_code code = SPULL_OK;

    sp_buf_init(&json, SP_DOCUMENT_MAX);
    code = sp_front_render(source->body.data, source->body.len, &json, &why);
    if (code == SPULL_OK) {
        code = check_manifest(folder, source, json.data, json.len);
    } else if (code == SPULL_INTERNAL) {
        sp_err_nomem(folder->err);
    } else {
        sp_finding_tell(findings, SP_FINDING_FRONT_MATTER, "%s", why.text);
        folder->check->counts.manifests++;
        code = SPULL_OK;
    }
    sp_buf_done(&json);
    return code;
}

static enum spull_code check_served(struct folder *folder, const char *tag,
                                    const char *ref, const struct file *page)
{
    struct sp_findings *findings = &folder->check->findings;

    sp_finding_about(findings, page->place, ref);
    if (is_broken(page))
        say_broken(folder, page);
    if (!is_page(page))
        return SPULL_OK;
    folder->has_page = true;
    if (folder->list_sound && !sp_index_has(&folder->listed, tag))
        sp_finding_tell(findings, SP_FINDING_TAG_UNLISTED,
                        "the tag list does not have it");
    return check_manifest(folder, page, page->body.data, page->body.len);
}

/* What a page is rendered from; it may be there alone. */
static enum spull_code check_rendered(struct folder *folder, const char *ref,
                                      const struct file *page,
                                      const struct file *source,
                                      const struct file *recipe)
{
    struct sp_findings *findings = &folder->check->findings;

    sp_finding_about(findings, source->place, ref);
    if (is_front(page)) {
        sp_finding_about(findings, page->place, ref);
        return check_source(folder, page);
    }
    if (is_front(source))
        return check_source(folder, source);
    if (is_broken(source))
        say_broken(folder, source);
    else if (source->code == SPULL_OK && !is_page(page))
        sp_finding_tell(findings, SP_FINDING_FRONT_MATTER,
                        "there is no front matter: no line \"---\" at its "
                        "start");
    else if (source->code == SPULL_NOT_FOUND && recipe->code == SPULL_OK &&
             !is_page(page)) {
        sp_finding_about(findings, recipe->place, ref);
        sp_finding_tell(findings, SP_FINDING_RECIPE_DUE,
                        "it is due to be built: there is no " SOURCE
                        " beside it");
    }
    return SPULL_OK;
}

/* A finding about something that was not read: CONTAINER/NAME. */
static enum spull_code say_at(const struct folder *folder, const char *name,
                              const char *ref, enum sp_finding what,
                              const char *text)
{
    struct sp_findings *findings = &folder->check->findings;
    char *place = NULL;

    if (asprintf(&place, "%s%s/%s", folder->check->tree.shown,
                 folder->container, name) < 0)
        return sp_err_nomem(folder->err);
    sp_finding_about(findings, place, ref);
    sp_finding_tell(findings, what, "%s", text);
    sp_finding_about(findings, "", "");
    free(place);
    return SPULL_OK;
}

static enum spull_code check_files(struct folder *folder, const char *tag,
                                   const char *ref, struct file files[3])
{
    const struct file *page = &files[0];
    const struct file *source = &files[1];
    bool nothing =
        page->code == SPULL_NOT_FOUND && source->code == SPULL_NOT_FOUND;
    enum spull_code code = SPULL_OK;

    if (!nothing || files[2].code == SPULL_OK)
        folder->saw_wanted = true;
    if (nothing && sp_index_has(&folder->listed, tag))
        code = say_at(folder, "tags/" PAGE, ref, SP_FINDING_TAG_PHANTOM,
                      "it is listed, and there is no manifest");
    if (code == SPULL_OK)
        code = check_served(folder, tag, ref, page);
    if (code == SPULL_OK)
        code = check_rendered(folder, ref, page, source, &files[2]);
    sp_finding_about(&folder->check->findings, "", "");
    return code;
}

static enum spull_code check_tag(struct folder *folder, const char *tag)
{
    static const char *const names[] = {PAGE, SOURCE, RECIPE};
    struct file files[3] = {{0}};
    enum spull_code code = SPULL_OK;
    char *ref = NULL;

    if (asprintf(&ref, "%s:%s", folder->container, tag) < 0)
        return sp_err_nomem(folder->err);
    for (size_t i = 0; i < 3 && code == SPULL_OK; i++)
        code = file_read(folder, "manifests", tag, names[i], &files[i]);
    folder->check->watch.now.ref = ref;
    if (code == SPULL_OK)
        code = sp_watch_tick(&folder->check->watch, folder->err);
    if (code == SPULL_OK)
        code = check_files(folder, tag, ref, files);
    folder->check->watch.now.ref = "";
    for (size_t i = 0; i < 3; i++)
        file_done(&files[i]);
    free(ref);
    return code;
}

/* A folder that no reference can name. */
static enum spull_code say_unnameable(const struct folder *folder,
                                      const char *name)
{
    enum spull_code code = SPULL_OK;
    char *below = NULL;

    if (asprintf(&below, "manifests/%s", name) < 0)
        return sp_err_nomem(folder->err);
    code = say_at(folder, below, folder->container, SP_FINDING_NAME,
                  "no reference can name this tag");
    free(below);
    return code;
}

/* In the order of the list; then what no list names. */
static enum spull_code check_tags(struct folder *folder)
{
    enum spull_code code = SPULL_OK;

    for (size_t i = 0; i < folder->tags.count && code == SPULL_OK; i++)
        code = check_tag(folder, folder->tags.names[i]);
    for (size_t i = 0; i < folder->names.count && code == SPULL_OK; i++) {
        const char *name = folder->names.list[i].text;
        if (!sp_ref_component_ok(name, strlen(name)))
            code = say_unnameable(folder, name);
        else if (!sp_index_has(&folder->listed, name))
            code = check_tag(folder, name);
    }
    return code;
}

static enum spull_code check_all(struct folder *folder)
{
    enum spull_code code = SPULL_OK;

    if (folder->wanted != NULL)
        code = check_tag(folder, folder->wanted);
    else
        code = check_tags(folder);
    /* Pages that are served need a list; of sources, it is rendered. */
    if (code == SPULL_OK && folder->has_page && !folder->has_list)
        code = say_at(folder, "tags/" PAGE, folder->container,
                      SP_FINDING_TAGS_MISSING,
                      "there are manifests, and no list of tags");
    if (code == SPULL_OK && folder->wanted != NULL && !folder->saw_wanted)
        code = sp_err_set(
            folder->err, SPULL_NOT_FOUND, "%s:%s: there is nothing of it in %s",
            folder->container, folder->wanted, folder->check->tree.root);
    return code;
}

enum spull_code sp_check_folder(struct sp_checking *check,
                                const char *container, const char *tag,
                                struct spull_error *err)
{
    struct folder folder = {
        .check = check, .container = container, .wanted = tag, .err = err};
    struct spull_error why;
    char *name = NULL;

    if (asprintf(&name, "%s/manifests", container) < 0)
        return sp_err_nomem(err);
    enum spull_code there =
        sp_tree_list(&check->tree, name, &folder.names, &why);
    enum spull_code code = read_tags(&folder);
    check->counts.containers++;
    if (there != SPULL_OK && !folder.has_list) {
        *err = why;
        code = there;
    }
    if (code == SPULL_OK)
        code = check_all(&folder);
    sp_tree_names_done(&folder.names);
    sp_index_done(&folder.listed);
    sp_tags_done(&folder.tags);
    free(name);
    return code;
}
