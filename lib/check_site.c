/* SPDX-License-Identifier: MIT */
/*
 * check_site: a container on a server, which shows its tag list and the
 * manifests that are asked for, and no more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_internal.h"
#include "err.h"
#include "registry.h"

/* Where a document is expected, to free(). NULL: no memory. */
static char *place_of(const struct sp_visit *visit, const char *folder)
{
    struct sp_url url = {0};
    char *place = NULL;

    if (sp_url_below(visit->check->registry, folder, &url, NULL) == SPULL_OK)
        place = strdup(url.shown);
    sp_url_done(&url);
    return place;
}

static enum spull_code judge_tags(struct sp_visit *visit,
                                  const struct sp_page *page,
                                  struct spull_error *err)
{
    struct sp_container *site = visit->container;
    struct sp_findings *findings = &visit->notes.findings;

    sp_finding_about(findings, page->url.shown, site->name);
    pthread_mutex_lock(&visit->check->judging);
    enum spull_code code =
        sp_lint_tags(page->body.data, page->body.len, site->name, findings,
                     &site->tags, &site->has_list, err);
    pthread_mutex_unlock(&visit->check->judging);
    if (code == SPULL_OK)
        code = sp_index_init(&site->listed, &site->tags, err);
    free(site->list_place);
    site->list_place = strdup(page->url.shown);
    return site->list_place == NULL ? sp_err_nomem(err) : code;
}

static enum spull_code read_tags(struct sp_visit *visit, const char *folder,
                                 struct spull_error *err)
{
    struct sp_checking *check = visit->check;
    struct sp_findings *findings = &visit->notes.findings;
    struct sp_page page = {0};

    sp_finding_about(findings, visit->container->list_place,
                     visit->container->name);
    enum spull_code code = sp_registry_page(
        &visit->watch, check->http, check->registry, folder, &page, err);
    if (code == SPULL_OK)
        code = judge_tags(visit, &page, err);
    else if (!sp_check_ends(code))
        sp_finding_tell(findings,
                        code == SPULL_NETWORK ? SP_FINDING_UNREACHABLE
                                              : SP_FINDING_TAGS_MISSING,
                        "%s", err->text);
    sp_finding_about(findings, "", "");
    sp_page_done(&page);
    return code;
}

enum spull_code sp_site_open(struct sp_visit *visit, struct spull_error *err)
{
    struct sp_container *site = visit->container;
    enum spull_code code = SPULL_INTERNAL;
    char *folder = NULL;

    if (asprintf(&folder, "%s/tags/", site->name) < 0)
        return sp_err_nomem(err);
    site->list_place = place_of(visit, folder);
    code = site->list_place == NULL ? sp_err_nomem(err)
                                    : read_tags(visit, folder, err);
    free(folder);
    site->count = site->tag != NULL ? 1 : site->tags.count;
    /* Who has a tag in mind can do without the list. */
    return site->tag != NULL && !sp_check_ends(code) ? SPULL_OK : code;
}

/* A server that is gone is not asked for all the rest. */
static bool is_gone(const struct spull_error *err)
{
    return err->code == SPULL_NETWORK && err->http == 0;
}

/* A tag that is looked at. */
struct look {
    struct sp_visit *visit;
    const char *tag;
    char *ref;    /* C/N:TAG */
    char *folder; /* of its manifest */
    char *place;  /* where that is expected */
    struct spull_error *err;
};

static enum spull_code say_missing(const struct look *look,
                                   enum spull_code code)
{
    struct sp_container *site = look->visit->container;
    struct sp_findings *findings = &look->visit->notes.findings;
    enum sp_finding what =
        code == SPULL_NETWORK ? SP_FINDING_UNREACHABLE : SP_FINDING_DOCUMENT;

    if (code == SPULL_NOT_FOUND && sp_index_has(&site->listed, look->tag)) {
        what = SP_FINDING_TAG_PHANTOM;
        sp_finding_about(findings, site->list_place, look->ref);
    }
    sp_finding_tell(findings, what, "%s", look->err->text);
    return site->tag != NULL || is_gone(look->err) ? code : SPULL_OK;
}

static enum spull_code check_page(const struct look *look,
                                  const struct sp_page *page)
{
    const struct sp_container *site = look->visit->container;
    struct sp_findings *findings = &look->visit->notes.findings;

    sp_finding_about(findings, page->url.shown, look->ref);
    if (site->tag != NULL && site->has_list &&
        !sp_index_has(&site->listed, look->tag))
        sp_finding_tell(findings, SP_FINDING_TAG_UNLISTED,
                        "the tag list does not have it");
    return sp_check_document(look->visit, &page->url, page->body.data,
                             page->body.len, look->err);
}

static enum spull_code check_ref(const struct look *look)
{
    struct sp_visit *visit = look->visit;
    struct sp_checking *check = visit->check;
    struct sp_page page = {0};
    enum spull_code code = SPULL_OK;

    visit->watch.now.ref = look->ref;
    sp_finding_about(&visit->notes.findings, look->place, look->ref);
    code = sp_watch_tick(&visit->watch, look->err);
    if (code != SPULL_OK)
        return code;
    code = sp_registry_page(&visit->watch, check->http, check->registry,
                            look->folder, &page, look->err);
    if (code == SPULL_OK)
        code = check_page(look, &page);
    else if (!sp_check_ends(code))
        code = say_missing(look, code);
    sp_page_done(&page);
    return code;
}

enum spull_code sp_site_tag(struct sp_visit *visit, size_t number,
                            struct spull_error *err)
{
    const struct sp_container *site = visit->container;
    struct look look = {.visit = visit, .tag = site->tag, .err = err};

    if (look.tag == NULL)
        look.tag = site->tags.names[number];
    if (asprintf(&look.ref, "%s:%s", site->name, look.tag) < 0)
        look.ref = NULL;
    if (asprintf(&look.folder, "%s/manifests/%s/", site->name, look.tag) < 0)
        look.folder = NULL;
    if (look.folder != NULL)
        look.place = place_of(visit, look.folder);
    enum spull_code code = look.ref == NULL || look.place == NULL
                               ? sp_err_nomem(err)
                               : check_ref(&look);
    sp_finding_about(&visit->notes.findings, "", "");
    visit->watch.now.ref = "";
    free(look.folder);
    free(look.place);
    free(look.ref);
    return code;
}
