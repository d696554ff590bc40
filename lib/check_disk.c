/* SPDX-License-Identifier: MIT */
/*
 * check_disk: a container in a directory, which shows all that there is: what
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
static enum spull_code file_read(const struct sp_visit *visit,
                                 const char *middle, const char *tag,
                                 const char *name, struct file *out,
                                 struct spull_error *err)
{
    const struct sp_tree *tree = &visit->check->tree;
    const char *slash = tag[0] != '\0' ? "/" : "";

    memset(out, 0, sizeof *out);
    sp_buf_init(&out->body, SP_DOCUMENT_MAX);
    if (asprintf(&out->name, "%s/%s/%s%s%s", visit->container->name, middle,
                 tag, slash, name) < 0)
        out->name = NULL;
    if (out->name == NULL ||
        asprintf(&out->place, "%s%s", tree->shown, out->name) < 0) {
        out->place = NULL;
        return sp_err_nomem(err);
    }
    out->code = sp_tree_read(tree, out->name, &out->body, &out->why);
    return out->code == SPULL_INTERNAL ? sp_err_nomem(err) : SPULL_OK;
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

static void say_broken(struct sp_findings *to, const struct file *file)
{
    bool outside = file->code == SPULL_INTEGRITY && file->body.len == 0;

    sp_finding_tell(to, outside ? SP_FINDING_LINK : SP_FINDING_DOCUMENT, "%s",
                    file->why.text);
}

/* A finding about something that was not read: CONTAINER/NAME. */
static enum spull_code
say_at(const struct sp_checking *check, struct sp_findings *to,
       const struct sp_container *folder, const char *name, const char *ref,
       enum sp_finding what, const char *text, struct spull_error *err)
{
    char *place = NULL;

    if (asprintf(&place, "%s%s/%s", check->tree.shown, folder->name, name) < 0)
        return sp_err_nomem(err);
    sp_finding_about(to, place, ref);
    sp_finding_tell(to, what, "%s", text);
    sp_finding_about(to, "", "");
    free(place);
    return SPULL_OK;
}

/* --- the list ------------------------------------------------------------- */

static enum spull_code read_tags(struct sp_visit *visit,
                                 struct spull_error *err)
{
    struct sp_container *folder = visit->container;
    struct sp_findings *findings = &visit->notes.findings;
    struct file list;
    enum spull_code code = file_read(visit, "tags", "", PAGE, &list, err);

    if (code == SPULL_OK) {
        sp_finding_about(findings, list.place, folder->name);
        folder->has_list = is_page(&list);
        if (is_broken(&list))
            say_broken(findings, &list);
    }
    if (code == SPULL_OK && folder->has_list) {
        pthread_mutex_lock(&visit->check->judging);
        code = sp_lint_tags(list.body.data, list.body.len, folder->name,
                            findings, &folder->tags, &folder->list_sound, err);
        pthread_mutex_unlock(&visit->check->judging);
    }
    if (code == SPULL_OK)
        code = sp_index_init(&folder->listed, &folder->tags, err);
    sp_finding_about(findings, "", "");
    file_done(&list);
    return code;
}

enum spull_code sp_disk_open(struct sp_visit *visit, struct spull_error *err)
{
    struct sp_container *folder = visit->container;
    struct spull_error why;
    char *name = NULL;

    if (asprintf(&name, "%s/manifests", folder->name) < 0)
        return sp_err_nomem(err);
    enum spull_code there =
        sp_tree_list(&visit->check->tree, name, &folder->names, &why);
    enum spull_code code = read_tags(visit, err);
    free(name);
    folder->count =
        folder->tag != NULL ? 1 : folder->tags.count + folder->names.count;
    if (code != SPULL_OK || there == SPULL_OK || folder->has_list)
        return code;
    /* Whoever looks through a directory calls more a container than is one. */
    if (visit->check->named)
        code = say_at(visit->check, &visit->notes.findings, folder,
                      "tags/" PAGE, folder->name, SP_FINDING_TAGS_MISSING,
                      there == SPULL_NOT_FOUND
                          ? "there are neither manifests nor a list of tags"
                          : why.text,
                      err);
    if (code != SPULL_OK)
        return code;
    *err = why;
    return there;
}

/* --- a tag ---------------------------------------------------------------- */

/* A tag that is looked at. */
struct look {
    struct sp_visit *visit;
    const char *tag;
    char *ref;                        /* C/N:TAG */
    struct file page, source, recipe; /* any of them may be there */
    struct spull_error *err;
};

/* The URL that a file has, which is where its own addresses start. */
static enum spull_code check_manifest(const struct look *look,
                                      const struct file *file,
                                      const char *bytes, size_t len)
{
    struct sp_visit *visit = look->visit;
    struct sp_url url = {0};
    enum spull_code code =
        sp_url_below(visit->check->registry, file->name, &url, look->err);

    if (code == SPULL_OK)
        code = sp_check_document(visit, &url, bytes, len, look->err);
    sp_url_done(&url);
    return code;
}

static enum spull_code check_source(const struct look *look,
                                    const struct file *source)
{
    struct spull_error why;
    struct sp_buf json;
    enum spull_code code = SPULL_OK;

    sp_buf_init(&json, SP_DOCUMENT_MAX);
    code = sp_front_render(source->body.data, source->body.len, &json, &why);
    if (code == SPULL_OK) {
        code = check_manifest(look, source, json.data, json.len);
    } else if (code == SPULL_INTERNAL) {
        sp_err_nomem(look->err);
    } else {
        sp_finding_tell(&look->visit->notes.findings, SP_FINDING_FRONT_MATTER,
                        "%s", why.text);
        look->visit->manifests++;
        code = SPULL_OK;
    }
    sp_buf_done(&json);
    return code;
}

static enum spull_code check_served(const struct look *look)
{
    struct sp_container *folder = look->visit->container;
    struct sp_findings *findings = &look->visit->notes.findings;
    const struct file *page = &look->page;

    sp_finding_about(findings, page->place, look->ref);
    if (is_broken(page))
        say_broken(findings, page);
    if (!is_page(page))
        return SPULL_OK;
    atomic_store(&folder->has_page, true);
    if (folder->list_sound && !sp_index_has(&folder->listed, look->tag))
        sp_finding_tell(findings, SP_FINDING_TAG_UNLISTED,
                        "the tag list does not have it");
    return check_manifest(look, page, page->body.data, page->body.len);
}

/* What a page is rendered from; it may be there alone. */
static enum spull_code check_rendered(const struct look *look)
{
    struct sp_findings *findings = &look->visit->notes.findings;
    const struct file *page = &look->page;
    const struct file *source = &look->source;

    sp_finding_about(findings, source->place, look->ref);
    if (is_front(page)) {
        sp_finding_about(findings, page->place, look->ref);
        return check_source(look, page);
    }
    if (is_front(source))
        return check_source(look, source);
    if (is_broken(source))
        say_broken(findings, source);
    else if (source->code == SPULL_OK && !is_page(page))
        sp_finding_tell(findings, SP_FINDING_FRONT_MATTER,
                        "there is no front matter: no line \"---\" at its "
                        "start");
    else if (source->code == SPULL_NOT_FOUND && look->recipe.code == SPULL_OK &&
             !is_page(page)) {
        sp_finding_about(findings, look->recipe.place, look->ref);
        sp_finding_tell(findings, SP_FINDING_RECIPE_DUE,
                        "it is due to be built: there is no " SOURCE
                        " beside it");
    }
    return SPULL_OK;
}

static enum spull_code check_files(const struct look *look)
{
    struct sp_visit *visit = look->visit;
    struct sp_container *folder = visit->container;
    struct sp_findings *findings = &visit->notes.findings;
    bool nothing = look->page.code == SPULL_NOT_FOUND &&
                   look->source.code == SPULL_NOT_FOUND;
    bool nothing_at_all = nothing && look->recipe.code != SPULL_OK;
    enum spull_code code = SPULL_OK;

    if (!nothing_at_all)
        atomic_store(&folder->saw_wanted, true);
    if (nothing && sp_index_has(&folder->listed, look->tag)) {
        code = say_at(visit->check, findings, folder, "tags/" PAGE, look->ref,
                      SP_FINDING_TAG_PHANTOM,
                      "it is listed, and there is no manifest", look->err);
    } else if (nothing_at_all && folder->tag != NULL) {
        sp_finding_about(findings, look->page.place, look->ref);
        sp_finding_tell(findings, SP_FINDING_DOCUMENT, "it is not there");
    }
    if (code == SPULL_OK)
        code = check_served(look);
    if (code == SPULL_OK)
        code = check_rendered(look);
    sp_finding_about(findings, "", "");
    return code;
}

static enum spull_code read_and_check(struct look *look)
{
    struct sp_visit *visit = look->visit;
    struct spull_error *err = look->err;
    enum spull_code code =
        file_read(visit, "manifests", look->tag, PAGE, &look->page, err);

    if (code == SPULL_OK)
        code = file_read(visit, "manifests", look->tag, SOURCE, &look->source,
                         err);
    if (code == SPULL_OK)
        code = file_read(visit, "manifests", look->tag, RECIPE, &look->recipe,
                         err);
    visit->watch.now.ref = look->ref;
    if (code == SPULL_OK)
        code = sp_watch_tick(&visit->watch, err);
    if (code == SPULL_OK)
        code = check_files(look);
    visit->watch.now.ref = "";
    return code;
}

static enum spull_code check_tag(struct sp_visit *visit, const char *tag,
                                 struct spull_error *err)
{
    struct look look = {.visit = visit, .tag = tag, .err = err};
    enum spull_code code = SPULL_OK;

    if (asprintf(&look.ref, "%s:%s", visit->container->name, tag) < 0)
        return sp_err_nomem(err);
    code = read_and_check(&look);
    file_done(&look.page);
    file_done(&look.source);
    file_done(&look.recipe);
    free(look.ref);
    return code;
}

/* A folder that no reference can name. */
static enum spull_code say_unnameable(struct sp_visit *visit, const char *name,
                                      struct spull_error *err)
{
    const struct sp_container *folder = visit->container;
    enum spull_code code = SPULL_OK;
    char *below = NULL;

    if (asprintf(&below, "manifests/%s", name) < 0)
        return sp_err_nomem(err);
    code = say_at(visit->check, &visit->notes.findings, folder, below,
                  folder->name, SP_FINDING_NAME,
                  "no reference can name this tag", err);
    free(below);
    return code;
}

/* In the order of the list; then what no list names. */
enum spull_code sp_disk_tag(struct sp_visit *visit, size_t number,
                            struct spull_error *err)
{
    const struct sp_container *folder = visit->container;
    const char *name = folder->tag;

    if (name != NULL)
        return check_tag(visit, name, err);
    if (number < folder->tags.count)
        return check_tag(visit, folder->tags.names[number], err);
    name = folder->names.list[number - folder->tags.count].text;
    if (!sp_ref_component_ok(name, strlen(name)))
        return say_unnameable(visit, name, err);
    if (sp_index_has(&folder->listed, name))
        return SPULL_OK;
    return check_tag(visit, name, err);
}

/* Pages that are served need a list; of sources, it is rendered. */
enum spull_code sp_disk_close(struct sp_checking *check,
                              struct sp_container *folder,
                              struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    if (atomic_load(&folder->has_page) && !folder->has_list)
        code = say_at(check, &check->findings, folder, "tags/" PAGE,
                      folder->name, SP_FINDING_TAGS_MISSING,
                      "there are manifests, and no list of tags", err);
    if (code == SPULL_OK && folder->tag != NULL &&
        !atomic_load(&folder->saw_wanted))
        code = sp_err_set(err, SPULL_NOT_FOUND, "there is nothing of it in %s",
                          check->tree.root);
    return code;
}
