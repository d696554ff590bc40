/* SPDX-License-Identifier: MIT */
/*
 * lint: what is wrong with a manifest or a tag list.
 *
 * manifest says of each part what it would refuse, and why; here that becomes a
 * finding, and the next part is looked at.
 */
#include "lint.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "json.h"
#include "limits.h"

/* The media types that generators write, whatever the blob is. */
static const char manifest_type[] =
    "application/vnd.singularity.distribution.manifest.v2+json";
static const char config_type[] =
    "application/vnd.singularity.container.image.v1+json";
static const char layer_type[] = "application/vnd.singularity.image.squashfs";

#define SCHEMA_VERSION 2

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In one program the first of them counts, in another the last. */
static bool lint_keys(const cJSON *object, struct sp_findings *to)
{
    size_t count = (size_t)cJSON_GetArraySize(object);
    const char **names = NULL;
    const cJSON *child = NULL;
    size_t i = 0;

    if (count < 2)
        return true;
    names = calloc(count, sizeof *names);
    if (names == NULL)
        return false;
    cJSON_ArrayForEach(child, object)
    {
        names[i++] = child->string;
    }
    qsort(names, count, sizeof *names, compare_names);
    for (i = 1; i < count; i++)
        if (strcmp(names[i - 1], names[i]) == 0 &&
            (i == 1 || strcmp(names[i - 2], names[i]) != 0))
            sp_finding_tell(to, SP_FINDING_JSON_KEY,
                            "the key \"%s\" is there more than once", names[i]);
    free(names);
    return true;
}

/* Of the document and all that is in it, in its order. */
static bool lint_all_keys(const cJSON *root, struct sp_findings *to)
{
    const cJSON *above[SP_JSON_DEPTH_MAX + 1];
    size_t depth = 0;
    const cJSON *item = root;

    while (item != NULL) {
        if (cJSON_IsObject(item) && !lint_keys(item, to))
            return false;
        if (item->child != NULL && depth <= SP_JSON_DEPTH_MAX) {
            above[depth++] = item;
            item = item->child;
            continue;
        }
        while (depth > 0 && item->next == NULL)
            item = above[--depth];
        item = depth > 0 ? item->next : NULL;
    }
    return true;
}

/* What holds for any document. NULL, with SPULL_OK: it is no JSON. */
static enum spull_code lint_json(const char *bytes, size_t len,
                                 struct sp_findings *to, cJSON **out,
                                 struct spull_error *err)
{
    struct spull_error why;
    size_t line = 0;
    cJSON *root = NULL;

    if (sp_json_parse(bytes, len, &root, &why) != SPULL_OK) {
        sp_finding_tell(to, SP_FINDING_JSON, "%s", why.text);
        return SPULL_OK;
    }
    const char *odd = sp_json_odd(bytes, len, &line);
    if (odd != NULL)
        sp_finding_tell(to, SP_FINDING_JSON_STRICT,
                        "some programs refuse %s, in line %zu", odd, line);
    if (!lint_all_keys(root, to)) {
        cJSON_Delete(root);
        return sp_err_nomem(err);
    }
    *out = root;
    return SPULL_OK;
}

static void lint_type(const cJSON *part, const char *what, const char *known,
                      struct sp_findings *to)
{
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(part, "mediaType");

    if (type == NULL)
        return;
    if (!cJSON_IsString(type))
        sp_finding_tell(to, SP_FINDING_MEDIA_TYPE,
                        "%s's \"mediaType\" is no string", what);
    else if (strcmp(type->valuestring, known) != 0)
        sp_finding_tell(to, SP_FINDING_MEDIA_TYPE,
                        "%s's \"mediaType\" is \"%s\", not \"%s\"", what,
                        type->valuestring, known);
}

static void lint_schema(const cJSON *root, struct sp_findings *to)
{
    const cJSON *version =
        cJSON_GetObjectItemCaseSensitive(root, "schemaVersion");

    if (version == NULL)
        sp_finding_tell(to, SP_FINDING_SCHEMA, "it has no \"schemaVersion\"");
    else if (!cJSON_IsNumber(version) || version->valueint != SCHEMA_VERSION)
        sp_finding_tell(to, SP_FINDING_SCHEMA,
                        "its \"schemaVersion\" is not 2");
    lint_type(root, "it", manifest_type, to);
}

/* Programs that compare text see two digests where there is one. */
static void lint_case(const cJSON *part, const struct sp_digest *digest,
                      struct sp_findings *to)
{
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(part, "digest");

    if (digest->algorithm == SP_OTHER_ALGORITHM ||
        strcmp(text->valuestring, digest->text) == 0)
        return;
    sp_finding_tell(to, SP_FINDING_DIGEST_CASE,
                    "digest \"%s\": write %s, for programs that compare text",
                    text->valuestring, digest->text);
}

static void lint_digest(const cJSON *layer, struct sp_stated_part *out,
                        struct sp_findings *to)
{
    struct spull_error why;

    out->has_digest =
        sp_manifest_digest(layer, "its layer", &out->digest, &why) == SPULL_OK;
    if (!out->has_digest) {
        sp_finding_tell(to, SP_FINDING_DIGEST, "%s", why.text);
        return;
    }
    lint_case(layer, &out->digest, to);
    if (out->digest.algorithm == SP_MD5)
        sp_finding_tell(to, SP_FINDING_DIGEST_WEAK,
                        "%s: an md5 can be forged, and is refused without "
                        "--allow-md5; state a sha256",
                        out->digest.text);
    else if (out->digest.algorithm == SP_OTHER_ALGORITHM)
        sp_finding_tell(to, SP_FINDING_DIGEST_WEAK,
                        "%s: only sha256 is a proof; this algorithm is unknown",
                        out->digest.text);
}

static enum spull_code lint_layer(const cJSON *layer, struct sp_stated *out,
                                  struct sp_findings *to,
                                  struct spull_error *err)
{
    struct spull_error why;

    lint_type(layer, "its layer", layer_type, to);
    out->layer.has_size = sp_manifest_size(layer, "its layer", &out->layer.size,
                                           &why) == SPULL_OK;
    if (!out->layer.has_size)
        sp_finding_tell(to, SP_FINDING_SIZE, "%s", why.text);
    lint_digest(layer, &out->layer, to);
    enum spull_code code =
        sp_manifest_urls(layer, &out->urls, &out->url_count, &why);
    if (code == SPULL_INTEGRITY)
        sp_finding_tell(to, SP_FINDING_URLS, "%s", why.text);
    return code == SPULL_INTERNAL ? sp_err_nomem(err) : SPULL_OK;
}

/* It may be left out, and so may be what it states. */
static void lint_config(const cJSON *root, struct sp_stated_part *out,
                        struct sp_findings *to)
{
    static const char what[] = "its config";
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(root, "config");
    struct spull_error why;

    if (config == NULL)
        return;
    if (!cJSON_IsObject(config)) {
        sp_finding_tell(to, SP_FINDING_CONFIG, "its \"config\" is no object");
        return;
    }
    lint_type(config, what, config_type, to);
    if (cJSON_HasObjectItem(config, "size")) {
        out->has_size =
            sp_manifest_size(config, what, &out->size, &why) == SPULL_OK;
        if (!out->has_size)
            sp_finding_tell(to, SP_FINDING_CONFIG, "%s", why.text);
    }
    if (cJSON_HasObjectItem(config, "digest")) {
        out->has_digest =
            sp_manifest_digest(config, what, &out->digest, &why) == SPULL_OK;
        if (!out->has_digest)
            sp_finding_tell(to, SP_FINDING_CONFIG, "%s", why.text);
    }
}

enum spull_code sp_lint_manifest(const char *bytes, size_t len,
                                 struct sp_findings *to, struct sp_stated *out,
                                 struct spull_error *err)
{
    const cJSON *layer = NULL;
    struct spull_error why;
    cJSON *root = NULL;

    memset(out, 0, sizeof *out);
    enum spull_code code = lint_json(bytes, len, to, &root, err);
    if (root == NULL)
        return code;
    lint_schema(root, to);
    if (sp_manifest_layer(root, &layer, &why) != SPULL_OK)
        sp_finding_tell(to, SP_FINDING_LAYERS, "%s", why.text);
    else
        code = lint_layer(layer, out, to, err);
    lint_config(root, &out->config, to);
    cJSON_Delete(root);
    return code;
}

void sp_stated_done(struct sp_stated *stated)
{
    if (stated == NULL)
        return;
    for (size_t i = 0; i < stated->url_count; i++)
        free(stated->urls[i]);
    free(stated->urls);
    memset(stated, 0, sizeof *stated);
}

static void lint_name(const cJSON *root, const char *container,
                      struct sp_findings *to)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(root, "name");

    if (name == NULL)
        return;
    if (!cJSON_IsString(name))
        sp_finding_tell(to, SP_FINDING_TAGS_NAME, "its \"name\" is no string");
    else if (strcmp(name->valuestring, container) != 0)
        sp_finding_tell(to, SP_FINDING_TAGS_NAME,
                        "its \"name\" is \"%s\", not \"%s\"", name->valuestring,
                        container);
}

/* What can be no tag, and what is there once too often. */
static enum spull_code lint_left_out(const struct sp_tags *tags,
                                     struct sp_findings *to,
                                     struct spull_error *err)
{
    struct sp_index index;
    enum spull_code code = sp_index_init(&index, tags, err);

    for (size_t i = 0; i < tags->left_out_count && code == SPULL_OK; i++) {
        bool twice = sp_index_has(&index, tags->left_out[i]);
        sp_finding_tell(to,
                        twice ? SP_FINDING_TAG_TWICE : SP_FINDING_TAG_STRANGER,
                        twice ? "\"%s\" is listed more than once"
                              : "\"%s\" is listed, and can be no tag",
                        tags->left_out[i]);
    }
    sp_index_done(&index);
    return code;
}

enum spull_code sp_lint_tags(const char *bytes, size_t len,
                             const char *container, struct sp_findings *to,
                             struct sp_tags *out, bool *sound,
                             struct spull_error *err)
{
    struct spull_error why;
    cJSON *root = NULL;

    memset(out, 0, sizeof *out);
    *sound = false;
    enum spull_code code = lint_json(bytes, len, to, &root, err);
    if (root == NULL)
        return code;
    lint_name(root, container, to);
    cJSON_Delete(root);
    code = sp_tags_parse(bytes, len, out, &why);
    if (code == SPULL_INTERNAL)
        return sp_err_nomem(err);
    *sound = code == SPULL_OK;
    if (!*sound)
        sp_finding_tell(to, SP_FINDING_TAGS, "%s", why.text);
    return lint_left_out(out, to, err);
}
