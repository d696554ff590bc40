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

/* A container that is looked at. */
struct site {
    struct sp_checking *check;
    const char *container;
    char *list_place; /* where its tags are; "" if they can't be had */
    struct sp_tags tags;
    struct sp_index listed; /* the same */
    bool has_list;
    bool wanted; /* one tag was asked for, and has to be there */
    struct spull_error *err;
};

bool sp_check_ends(enum spull_code code)
{
    return code == SPULL_CANCELLED || code == SPULL_INTERNAL;
}

static char *place_of(const struct site *site, const char *folder)
{
    struct sp_url url = {0};
    char *place = NULL;

    if (sp_url_below(site->check->registry, folder, &url, NULL) == SPULL_OK)
        place = strdup(url.shown);
    sp_url_done(&url);
    return place;
}

static enum spull_code read_tags(struct site *site, const char *folder,
                                 struct sp_page *page)
{
    struct sp_checking *check = site->check;
    struct spull_error *err = site->err;
    enum spull_code code = sp_registry_page(&check->watch, check->http,
                                            check->registry, folder, page, err);

    if (code != SPULL_OK) {
        if (!sp_check_ends(code))
            sp_finding_tell(&check->findings, SP_FINDING_TAGS_MISSING, "%s",
                            err->text);
        return code;
    }
    sp_finding_about(&check->findings, page->url.shown, site->container);
    code = sp_lint_tags(page->body.data, page->body.len, site->container,
                        &check->findings, &site->tags, &site->has_list, err);
    if (code == SPULL_OK)
        code = sp_index_init(&site->listed, &site->tags, err);
    free(site->list_place);
    site->list_place = strdup(page->url.shown);
    return site->list_place == NULL ? sp_err_nomem(err) : code;
}

static enum spull_code check_tags(struct site *site)
{
    struct sp_page page = {0};
    enum spull_code code = SPULL_INTERNAL;
    char *folder = NULL;

    if (asprintf(&folder, "%s/tags/", site->container) < 0)
        return sp_err_nomem(site->err);
    site->list_place = place_of(site, folder);
    if (site->list_place == NULL) {
        sp_err_nomem(site->err);
    } else {
        sp_finding_about(&site->check->findings, site->list_place,
                         site->container);
        code = read_tags(site, folder, &page);
    }
    sp_page_done(&page);
    free(folder);
    return code;
}

/* A server that is gone is not asked for all the rest. */
static bool is_gone(const struct spull_error *err)
{
    return err->code == SPULL_NETWORK && err->http == 0;
}

static enum spull_code say_missing(struct site *site, const char *tag,
                                   const char *ref, enum spull_code code)
{
    struct sp_findings *findings = &site->check->findings;

    if (code == SPULL_NOT_FOUND && sp_index_has(&site->listed, tag)) {
        sp_finding_about(findings, site->list_place, ref);
        sp_finding_tell(findings, SP_FINDING_TAG_PHANTOM, "%s",
                        site->err->text);
    } else {
        sp_finding_tell(findings, SP_FINDING_DOCUMENT, "%s", site->err->text);
    }
    return is_gone(site->err) ? code : SPULL_OK;
}

static enum spull_code check_page(struct site *site, const char *tag,
                                  const char *ref, const struct sp_page *page)
{
    struct sp_checking *check = site->check;

    sp_finding_about(&check->findings, page->url.shown, ref);
    if (site->wanted && site->has_list && !sp_index_has(&site->listed, tag))
        sp_finding_tell(&check->findings, SP_FINDING_TAG_UNLISTED,
                        "the tag list does not have it");
    return sp_check_document(check, &page->url, page->body.data, page->body.len,
                             site->err);
}

static enum spull_code check_ref(struct site *site, const char *tag,
                                 const char *folder, const char *ref)
{
    struct sp_checking *check = site->check;
    struct sp_page page = {0};
    enum spull_code code = sp_registry_page(
        &check->watch, check->http, check->registry, folder, &page, site->err);

    if (code == SPULL_OK) {
        code = check_page(site, tag, ref, &page);
    } else if (!sp_check_ends(code)) {
        enum spull_code rest = say_missing(site, tag, ref, code);
        code = site->wanted ? code : rest;
    }
    sp_page_done(&page);
    return code;
}

static enum spull_code check_tag(struct site *site, const char *tag)
{
    char *folder = NULL;
    char *place = NULL;
    char *ref = NULL;
    enum spull_code code = SPULL_INTERNAL;

    if (asprintf(&ref, "%s:%s", site->container, tag) < 0)
        ref = NULL;
    if (asprintf(&folder, "%s/manifests/%s/", site->container, tag) < 0)
        folder = NULL;
    if (folder != NULL)
        place = place_of(site, folder);
    if (ref == NULL || place == NULL) {
        sp_err_nomem(site->err);
    } else {
        site->check->watch.now.ref = ref;
        sp_finding_about(&site->check->findings, place, ref);
        code = sp_watch_tick(&site->check->watch, site->err);
        if (code == SPULL_OK)
            code = check_ref(site, tag, folder, ref);
    }
    site->check->watch.now.ref = "";
    sp_finding_about(&site->check->findings, "", "");
    free(folder);
    free(place);
    free(ref);
    return code;
}

enum spull_code sp_check_site(struct sp_checking *check, const char *container,
                              const char *tag, struct spull_error *err)
{
    struct site site = {.check = check,
                        .container = container,
                        .wanted = tag != NULL,
                        .err = err};
    enum spull_code code = check_tags(&site);

    check->counts.containers++;
    /* Who has a tag in mind can do without the list. */
    if (tag != NULL && !sp_check_ends(code))
        code = check_tag(&site, tag);
    else if (tag == NULL)
        for (size_t i = 0; i < site.tags.count && code == SPULL_OK; i++)
            code = check_tag(&site, site.tags.names[i]);
    sp_finding_about(&check->findings, "", "");
    sp_index_done(&site.listed);
    sp_tags_done(&site.tags);
    free(site.list_place);
    return code;
}
