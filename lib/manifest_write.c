/* SPDX-License-Identifier: MIT */
/*
 * manifest_write: the documents of a registry that we make ourselves.
 *
 * They look as the page templates of the public registries make them, so that
 * every client reads them. The same input gives the same bytes: who writes a
 * document again can see that nothing has changed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "err.h"
#include "json.h"
#include "limits.h"
#include "manifest.h"

#define SCHEMA_TYPE "application/vnd.singularity.distribution.manifest.v2+json"
#define CONFIG_TYPE "application/vnd.singularity.container.image.v1+json"
#define LAYER_TYPE  "application/vnd.singularity.image.squashfs"

/*
 * The document as text, with a final line break. It will be served as a web
 * page, and holds what strangers wrote: no browser may find markup in it.
 * These three stand in strings only, if at all.
 */
static char *print(const cJSON *root)
{
    char *json = sp_json_ascii(root);
    struct sp_buf out;
    enum sp_buf_result result = SP_BUF_OK;

    if (!json)
        return NULL;
    sp_buf_init(&out, SP_DOCUMENT_MAX);
    for (const char *c = json; *c != '\0' && result == SP_BUF_OK; c++)
        result = strchr("<>&", *c) ? sp_buf_print(&out, "\\u%04x", (unsigned)*c)
                                   : sp_buf_add(&out, c, 1);
    free(json);
    if (result == SP_BUF_OK)
        result = sp_buf_add(&out, "\n", 1);
    char *text = result == SP_BUF_OK ? sp_buf_take(&out) : NULL;
    sp_buf_done(&out);
    return text;
}

static enum spull_code finish(cJSON *root, bool whole, char **out,
                              struct spull_error *err)
{
    char *text = whole ? print(root) : NULL;

    cJSON_Delete(root);
    if (!whole)
        return sp_err_nomem(err);
    if (!text)
        return sp_err_set(err, SPULL_INTEGRITY,
                          "the document would be longer than %" PRIu64 " bytes",
                          SP_DOCUMENT_MAX);
    *out = text;
    return SPULL_OK;
}

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text_of(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(member(object, name));
}

/* All annotations of one object, if there are any. */
static bool carry_annotations(const cJSON *from, cJSON *to)
{
    const cJSON *notes = member(from, "annotations");
    cJSON *copy = NULL;

    if (!cJSON_IsObject(notes))
        return true;
    copy = cJSON_Duplicate(notes, true);
    if (copy && cJSON_AddItemToObject(to, "annotations", copy))
        return true;
    cJSON_Delete(copy);
    return false;
}

/* What a thing of ours is: type, exact size, digest. */
static cJSON *describe(cJSON *parent, const char *name, const char *type,
                       const struct sp_draft *draft)
{
    cJSON *object =
        name ? cJSON_AddObjectToObject(parent, name) : cJSON_CreateObject();
    bool ok = object && cJSON_AddStringToObject(object, "mediaType", type) &&
              cJSON_AddNumberToObject(object, "size", (double)draft->size) &&
              cJSON_AddStringToObject(object, "digest", draft->digest);

    if (!ok && !name)
        cJSON_Delete(object);
    return ok ? object : NULL;
}

/*
 * The source's config, where it says something that the layer does not: what
 * comes out of an archive. Where the blob is an image itself, it is a rest of
 * how that was once made, or wrong.
 */
static const cJSON *config_to_keep(const struct sp_draft *draft,
                                   const cJSON *source)
{
    const cJSON *config = member(source, "config");
    const char *text = text_of(config, "digest");
    struct sp_digest digest;

    if (draft->is_image || !text ||
        sp_digest_parse(text, &digest, NULL) != SPULL_OK ||
        digest.algorithm != SP_SHA256 ||
        strcmp(digest.text, draft->digest) == 0)
        return NULL;
    return config;
}

static bool add_config(cJSON *root, const struct sp_draft *draft,
                       const cJSON *source)
{
    const cJSON *kept = config_to_keep(draft, source);
    cJSON *copy = NULL;

    if (!kept)
        return describe(root, "config", CONFIG_TYPE, draft) != NULL;
    copy = cJSON_Duplicate(kept, true);
    if (copy && cJSON_AddItemToObject(root, "config", copy))
        return true;
    cJSON_Delete(copy);
    return false;
}

static bool add_layer(cJSON *root, const struct sp_draft *draft,
                      const cJSON *source)
{
    const cJSON *theirs = cJSON_GetArrayItem(member(source, "layers"), 0);
    const char *type = text_of(theirs, "mediaType");
    cJSON *layers = cJSON_AddArrayToObject(root, "layers");
    cJSON *layer = describe(NULL, NULL, type ? type : LAYER_TYPE, draft);
    cJSON *urls = NULL;
    cJSON *url = cJSON_CreateString(draft->url);

    if (!layers || !layer || !cJSON_AddItemToArray(layers, layer)) {
        cJSON_Delete(layer);
        cJSON_Delete(url);
        return false;
    }
    urls = cJSON_AddArrayToObject(layer, "urls");
    if (!urls || !url || !cJSON_AddItemToArray(urls, url)) {
        cJSON_Delete(url);
        return false;
    }
    return carry_annotations(theirs, layer);
}

/* What is carried over is said as its author said it. */
static bool keep_numbers(cJSON *source, const char *text)
{
    return source == NULL || sp_json_keep_numbers(source, text, strlen(text));
}

enum spull_code sp_manifest_print(const struct sp_draft *draft, char **out,
                                  struct spull_error *err)
{
    cJSON *source = NULL;
    cJSON *root = NULL;
    enum spull_code code = SPULL_OK;
    bool whole = false;

    if (draft->source)
        code =
            sp_json_parse(draft->source, strlen(draft->source), &source, err);
    if (code != SPULL_OK)
        return code;
    root = cJSON_CreateObject();
    whole = root && keep_numbers(source, draft->source) &&
            cJSON_AddNumberToObject(root, "schemaVersion", 2) &&
            cJSON_AddStringToObject(root, "mediaType", SCHEMA_TYPE) &&
            add_config(root, draft, source) && add_layer(root, draft, source) &&
            carry_annotations(source, root);
    cJSON_Delete(source);
    return finish(root, whole, out, err);
}

enum spull_code sp_tags_print(const char *container, char *const *names,
                              size_t count, char **out, struct spull_error *err)
{
    cJSON *root = cJSON_CreateObject();
    bool whole = root && cJSON_AddStringToObject(root, "name", container);
    cJSON *tags = whole ? cJSON_AddArrayToObject(root, "tags") : NULL;

    whole = tags != NULL;
    for (size_t i = 0; i < count && whole; i++) {
        cJSON *tag = cJSON_CreateString(names[i]);
        whole = tag && cJSON_AddItemToArray(tags, tag);
        if (!whole)
            cJSON_Delete(tag);
    }
    return finish(root, whole, out, err);
}
