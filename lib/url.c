/* SPDX-License-Identifier: MIT */
/*
 * url: who may lead where, what a registry's address may be, and how a URL is
 * copied. What a server answers is not known here.
 */
#include "url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "err.h"
#include "limits.h"
#include "url_internal.h"

enum spull_code sp_url_parse(const char *text, struct sp_url *out,
                             struct spull_error *err)
{
    return sp_url_resolve(NULL, text, out, err);
}

enum spull_code sp_url_follow(const struct sp_url *base, const char *reference,
                              struct sp_url *out, struct spull_error *err)
{
    struct sp_url url = {.scheme = SP_SCHEME_HTTP};
    enum spull_code code = sp_url_resolve(base, reference, &url, err);

    if (code == SPULL_USAGE)
        return sp_err_wrap(err, SPULL_INTEGRITY, "%s leads to a bad URL",
                           base->shown);
    if (code != SPULL_OK)
        return code;
    if (base->scheme != SP_SCHEME_FILE && url.scheme == SP_SCHEME_FILE)
        code = sp_err_set(err, SPULL_INTEGRITY,
                          "%s leads to %s: a server "
                          "can't point to local files",
                          base->origin, url.shown);
    else if (base->scheme == SP_SCHEME_HTTPS && url.scheme == SP_SCHEME_HTTP)
        code = sp_err_set(err, SPULL_INTEGRITY,
                          "%s leads to %s: https never falls back to http",
                          base->origin, url.shown);
    if (code == SPULL_OK)
        *out = url;
    else
        sp_url_done(&url);
    return code;
}

/* A directory's file URL. Whether it exists is found out when it is read. */
static enum spull_code directory_url(const char *dir, struct sp_url *out,
                                     struct spull_error *err)
{
    char *text = NULL;
    enum spull_code code = sp_url_print_directory(dir, &text, err);

    if (code == SPULL_OK)
        code = sp_url_resolve(NULL, text, out, err);
    free(text);
    return code;
}

static enum spull_code refuse_split(const char *text, struct spull_error *err)
{
    sp_url_refuse(err, text, "an \"@\" behind a \"/\"");
    sp_err_hint(err,
                "in a password, write %%2F for a slash; in a path behind a "
                "port, write %%40 for it");
    return SPULL_USAGE;
}

static void strip_slashes(char *text)
{
    char *scheme = text == NULL ? NULL : strstr(text, "://");
    size_t least = scheme == NULL ? 0 : (size_t)(scheme + 3 - text);
    size_t len = scheme == NULL ? 0 : strlen(text);

    while (len > least && text[len - 1] == '/')
        text[--len] = '\0';
}

enum spull_code sp_url_registry(const char *text, struct sp_url *out,
                                struct spull_error *err)
{
    struct sp_url url = {.scheme = SP_SCHEME_HTTP};
    enum spull_code code = SPULL_OK;

    if (text[0] == '\0')
        return sp_err_set(err, SPULL_USAGE, "the registry's address is empty");
    if (!strstr(text, "://"))
        code = directory_url(text, &url, err);
    else if (strpbrk(text, "?#"))
        code =
            sp_url_refuse(err, text, "a registry has no query and no fragment");
    else if (sp_url_may_split(strstr(text, "://") + 3))
        code = refuse_split(text, err);
    else
        code = sp_url_resolve(NULL, text, &url, err);
    if (code != SPULL_OK)
        return code;
    strip_slashes(url.text);
    strip_slashes(url.plain);
    strip_slashes(url.shown);
    *out = url;
    return SPULL_OK;
}

enum spull_code sp_url_below(const struct sp_url *base, const char *path,
                             struct sp_url *out, struct spull_error *err)
{
    enum spull_code code = SPULL_OK;
    struct sp_buf text;

    /* Longer than a URL may be, so that the parser says why. */
    sp_buf_init(&text, (size_t)SP_URL_MAX * 2);
    if (sp_buf_print(&text, "%s/%s", base->text, path) != SP_BUF_OK)
        code = sp_err_set(err, SPULL_USAGE, "%s/...: too long", base->shown);
    else
        code = sp_url_resolve(NULL, text.data, out, err);
    sp_buf_done(&text);
    return code;
}

bool sp_url_same_origin(const struct sp_url *a, const struct sp_url *b)
{
    return strcmp(a->origin, b->origin) == 0;
}

enum spull_code sp_url_copy(const struct sp_url *from, struct sp_url *out,
                            struct spull_error *err)
{
    struct sp_url url = {strdup(from->text),  strdup(from->plain),
                         strdup(from->shown), strdup(from->origin),
                         strdup(from->host),  from->scheme};

    if (!url.text || !url.plain || !url.shown || !url.origin || !url.host) {
        sp_url_done(&url);
        return sp_err_nomem(err);
    }
    *out = url;
    return SPULL_OK;
}

void sp_url_done(struct sp_url *url)
{
    if (!url)
        return;
    free(url->text);
    free(url->plain);
    free(url->shown);
    free(url->origin);
    free(url->host);
    memset(url, 0, sizeof(*url));
}
