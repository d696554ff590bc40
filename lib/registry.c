/* SPDX-License-Identifier: MIT */
/*
 * registry: the two paths of a static registry, and the ways in which hosts say
 * "there is nothing here". What a document holds is read in manifest.
 */
#include "registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "again.h"
#include "err.h"
#include "limits.h"

void sp_page_done(struct sp_page *page)
{
    if (page == NULL)
        return;
    sp_buf_done(&page->body);
    sp_url_done(&page->url);
    memset(&page->url, 0, sizeof page->url);
}

/* A document that is asked for. */
struct asking {
    struct sp_watch *watch;
    struct sp_http *http;
    const struct sp_url *url;
    struct sp_page *page; /* what came, last */
    bool http1;           /* over HTTP/2 it broke */
    uint64_t since_ms;    /* the first time */
};

static enum spull_code ask(void *payload, struct sp_outcome *out,
                           struct spull_error *err)
{
    struct asking *asking = payload;
    struct sp_page *page = asking->page;
    struct sp_got got = {0};
    struct sp_request request = {.url = asking->url,
                                 .max_ms = sp_watch_left_ms(asking->watch),
                                 .since_ms = asking->since_ms,
                                 .http1 = asking->http1};

    sp_page_done(page);
    sp_buf_init(&page->body, SP_DOCUMENT_MAX);
    enum spull_code code =
        sp_http_get(asking->http, &request, &page->body, &got, err);
    page->url = got.url;
    asking->http1 = got.http1;
    out->transient = got.transient;
    out->lost = got.lost;
    out->retry_after = got.retry_after;
    return code;
}

/*
 * What came instead of a document. A page with status 200 is how some hosts
 * say "not found", and a listing is how object stores answer for a folder.
 */
static enum spull_code judge(const struct sp_page *page,
                             struct spull_error *err)
{
    const char *instead = NULL;

    switch (sp_body_look(page->body.data, page->body.len)) {
    case SP_BODY_NOTHING:
        instead = "nothing";
        break;
    case SP_BODY_PAGE:
        instead = "a web page";
        break;
    case SP_BODY_LISTING:
        instead = "a listing";
        break;
    default:
        return SPULL_OK;
    }
    return sp_err_set(err, SPULL_NOT_FOUND,
                      "%s: the server answers with %s instead of the document",
                      page->url.shown, instead);
}

static enum spull_code get_and_judge(struct sp_watch *watch,
                                     struct sp_http *http,
                                     const struct sp_url *registry,
                                     const char *path, struct sp_page *page,
                                     struct spull_error *err)
{
    struct sp_url url = {0};
    struct spull_error why = {0};
    struct asking asking = {watch, http, &url, page, false, sp_watch_ms()};
    enum spull_code code = sp_url_below(registry, path, &url, &why);

    if (code == SPULL_OK)
        code = sp_again(watch, ask, &asking, &why);
    if (code == SPULL_OK)
        code = judge(page, &why);
    if (code != SPULL_OK && err != NULL)
        *err = why;
    sp_url_done(&url);
    return code;
}

/* A folder of an object store is refused or missing; of a file system, it is
 * no document at all, which need not be tried. */
enum spull_code sp_registry_page(struct sp_watch *watch, struct sp_http *http,
                                 const struct sp_url *registry,
                                 const char *folder, struct sp_page *out,
                                 struct spull_error *err)
{
    enum spull_code code = SPULL_NOT_FOUND;
    struct sp_page page = {0};
    char *index = NULL;

    if (registry->scheme != SP_SCHEME_FILE)
        code = get_and_judge(watch, http, registry, folder, &page, err);
    if (code == SPULL_NOT_FOUND || code == SPULL_DENIED) {
        if (asprintf(&index, "%sindex.html", folder) < 0)
            code = sp_err_nomem(err);
        else
            code = get_and_judge(watch, http, registry, index, &page, err);
        free(index);
    }
    if (code == SPULL_OK)
        *out = page;
    else
        sp_page_done(&page);
    return code;
}

/* The urls that the document may lead to; the others are said and skipped. */
static enum spull_code vet_urls(struct sp_ctx *ctx, struct sp_found *found,
                                struct spull_error *err)
{
    enum spull_code code = SPULL_INTERNAL;

    found->urls = calloc(found->manifest.url_count, sizeof *found->urls);
    if (found->urls == NULL)
        return sp_err_nomem(err);
    for (size_t i = 0; i < found->manifest.url_count; i++) {
        struct spull_error why = {0};
        code = sp_url_follow(&found->url, found->manifest.urls[i],
                             &found->urls[found->url_count], &why);
        if (code == SPULL_OK)
            found->url_count++;
        else if (found->manifest.url_count > 1)
            sp_ctx_warn(ctx, "%s", why.text);
        if (code != SPULL_OK && err != NULL)
            *err = why;
    }
    return found->url_count > 0 ? SPULL_OK : code;
}

static enum spull_code read_manifest(struct sp_ctx *ctx, struct sp_page *page,
                                     struct sp_found *found,
                                     struct spull_error *err)
{
    enum spull_code code = sp_manifest_parse(page->body.data, page->body.len,
                                             &found->manifest, err);

    found->url = page->url;
    memset(&page->url, 0, sizeof page->url);
    if (code == SPULL_OK)
        code = vet_urls(ctx, found, err);
    if (code != SPULL_OK)
        sp_err_wrap(err, code, "%s", found->url.shown);
    return code;
}

/* Whoever has put the registry into the reference does so again. */
static void hint_missing(const struct sp_ctx *ctx,
                         const struct sp_url *registry,
                         const struct sp_ref *ref, struct spull_error *err)
{
    const char *options = ctx->opts.hint_options;
    bool own = ref->base != NULL;

    sp_err_hint(err, "\"spull tags %s%s%s%s%s\" lists what there is", options,
                options[0] != '\0' ? " " : "", own ? registry->plain : "",
                own ? "/" : "", ref->container);
}

enum spull_code
sp_registry_manifest(struct sp_watch *watch, struct sp_http *http,
                     const struct sp_url *registry, const struct sp_ref *ref,
                     struct sp_found *out, struct spull_error *err)
{
    struct sp_page page = {0};
    struct sp_found found = {0};
    enum spull_code code = SPULL_OK;
    char *folder = NULL;

    if (asprintf(&folder, "%s/manifests/%s/", ref->container, ref->tag) < 0)
        return sp_err_nomem(err);
    code = sp_registry_page(watch, http, registry, folder, &page, err);
    if (code == SPULL_NOT_FOUND)
        hint_missing(watch->ctx, registry, ref, err);
    if (code == SPULL_OK)
        code = read_manifest(watch->ctx, &page, &found, err);
    if (code == SPULL_OK)
        *out = found;
    else
        sp_found_done(&found);
    if (code != SPULL_OK && code != SPULL_CANCELLED)
        sp_err_wrap(err, code, "manifest");
    sp_page_done(&page);
    free(folder);
    return code;
}

void sp_found_done(struct sp_found *found)
{
    if (found == NULL)
        return;
    for (size_t i = 0; i < found->url_count; i++)
        sp_url_done(&found->urls[i]);
    free(found->urls);
    sp_url_done(&found->url);
    sp_manifest_done(&found->manifest);
    memset(found, 0, sizeof *found);
}

enum spull_code sp_registry_tags(struct sp_watch *watch, struct sp_http *http,
                                 const struct sp_url *registry,
                                 const struct sp_ref *container,
                                 struct sp_tags *out, struct spull_error *err)
{
    struct sp_page page = {0};
    enum spull_code code = SPULL_OK;
    char *folder = NULL;

    if (asprintf(&folder, "%s/tags/", container->container) < 0)
        return sp_err_nomem(err);
    code = sp_registry_page(watch, http, registry, folder, &page, err);
    if (code == SPULL_OK) {
        code = sp_tags_parse(page.body.data, page.body.len, out, err);
        if (code != SPULL_OK)
            sp_err_wrap(err, code, "%s", page.url.shown);
    }
    if (code != SPULL_OK && code != SPULL_CANCELLED)
        sp_err_wrap(err, code, "tags");
    sp_page_done(&page);
    free(folder);
    return code;
}
