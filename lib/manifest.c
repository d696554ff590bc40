/* SPDX-License-Identifier: MIT */
/*
 * manifest: bytes to the one layer (size, digest, urls), and to a tag list.
 *
 * What JSON is, json.c knows; where the bytes came from, and who will fetch the
 * urls, is not known here.
 */
#include "manifest.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "json.h"
#include "limits.h"
#include "ref.h"
#include "sif.h"

/* Above this, cJSON's double skips whole numbers (2^53). */
#define SIZE_STATED_MAX 9007199254740991.0

/* What a tag that can't be one is shown as. */
#define LEFT_OUT_ROOM 128

enum sp_body sp_body_look(const char *bytes, size_t len)
{
    sp_json_strip(&bytes, &len);
    if (len == 0 || (len == 2 && memcmp(bytes, "-@", 2) == 0))
        return SP_BODY_NOTHING;
    if (bytes[0] == '{')
        return SP_BODY_JSON;
    switch (sp_sif_markup(bytes, len)) {
    case SP_MARKUP_PAGE:
        return SP_BODY_PAGE;
    case SP_MARKUP_XML:
        return SP_BODY_LISTING;
    case SP_MARKUP_NONE:
        break;
    }
    return SP_BODY_OTHER;
}

enum spull_code sp_manifest_layer(const cJSON *root, const cJSON **out,
                                  struct spull_error *err)
{
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(root, "layers");

    if (!layers)
        return sp_err_set(err, SPULL_INTEGRITY, "it has no \"layers\"");
    if (!cJSON_IsArray(layers))
        return sp_err_set(err, SPULL_INTEGRITY, "its \"layers\" is no list");
    int count = cJSON_GetArraySize(layers);
    if (count != 1)
        return sp_err_set(err, SPULL_INTEGRITY,
                          "it has %d layers, an image is exactly one", count);
    if (!cJSON_IsObject(layers->child))
        return sp_err_set(err, SPULL_INTEGRITY, "its layer is no object");
    *out = layers->child;
    return SPULL_OK;
}

enum spull_code sp_manifest_size(const cJSON *part, const char *what,
                                 uint64_t *out, struct spull_error *err)
{
    const cJSON *size = cJSON_GetObjectItemCaseSensitive(part, "size");

    if (!size || cJSON_IsNull(size))
        return sp_err_set(err, SPULL_INTEGRITY, "%s states no size", what);
    if (!cJSON_IsNumber(size))
        return sp_err_set(err, SPULL_INTEGRITY, "%s's size is no number", what);
    double value = size->valuedouble;
    if (!(value >= 1.0 && value <= SIZE_STATED_MAX) ||
        (double)(uint64_t)value < value)
        return sp_err_set(err, SPULL_INTEGRITY,
                          "%s's size %.17g is no whole number from 1 to "
                          "2^53 - 1",
                          what, value);
    *out = (uint64_t)value;
    return SPULL_OK;
}

enum spull_code sp_manifest_digest(const cJSON *part, const char *what,
                                   struct sp_digest *out,
                                   struct spull_error *err)
{
    const cJSON *digest = cJSON_GetObjectItemCaseSensitive(part, "digest");

    if (!digest || cJSON_IsNull(digest))
        return sp_err_set(err, SPULL_INTEGRITY, "%s states no digest", what);
    if (!cJSON_IsString(digest))
        return sp_err_set(err, SPULL_INTEGRITY, "%s's digest is no string",
                          what);
    enum spull_code code = sp_digest_parse(digest->valuestring, out, err);
    return code == SPULL_OK ? code : sp_err_wrap(err, code, "%s", what);
}

static void free_strings(char **strings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(strings[i]);
    free(strings);
}

/* list is one of strings. */
static enum spull_code copy_strings(const cJSON *list, size_t size, char ***out,
                                    size_t *count, struct spull_error *err)
{
    char **copies = calloc(size, sizeof(*copies));
    const cJSON *item = list->child;

    if (!copies)
        return sp_err_nomem(err);
    for (size_t i = 0; i < size; i++, item = item->next) {
        copies[i] = strdup(item->valuestring);
        if (!copies[i]) {
            free_strings(copies, i);
            return sp_err_nomem(err);
        }
    }
    *out = copies;
    *count = size;
    return SPULL_OK;
}

enum spull_code sp_manifest_urls(const cJSON *layer, char ***out, size_t *count,
                                 struct spull_error *err)
{
    const cJSON *urls = cJSON_GetObjectItemCaseSensitive(layer, "urls");
    const cJSON *url = NULL;
    size_t taken = 0;

    if (!urls || cJSON_IsNull(urls) || (cJSON_IsArray(urls) && !urls->child))
        return sp_err_set(err, SPULL_INTEGRITY, "it names no URL of the image");
    if (!cJSON_IsArray(urls))
        return sp_err_set(err, SPULL_INTEGRITY, "its \"urls\" is no list");
    int size = cJSON_GetArraySize(urls);
    if (size > SP_URLS_MAX)
        return sp_err_set(err, SPULL_INTEGRITY,
                          "it names %d URLs of the image, %d at most", size,
                          SP_URLS_MAX);
    cJSON_ArrayForEach(url, urls)
    {
        taken++;
        if (!cJSON_IsString(url) || url->valuestring[0] == '\0')
            return sp_err_set(err, SPULL_INTEGRITY, "its URL number %zu is %s",
                              taken,
                              cJSON_IsString(url) ? "empty" : "no string");
    }
    return copy_strings(urls, (size_t)size, out, count, err);
}

static enum spull_code read_layer(const cJSON *root, struct sp_manifest *out,
                                  struct spull_error *err)
{
    static const char what[] = "its layer";
    const cJSON *layer = NULL;
    enum spull_code code = sp_manifest_layer(root, &layer, err);

    if (code == SPULL_OK)
        code = sp_manifest_size(layer, what, &out->size, err);
    if (code == SPULL_OK)
        code = sp_manifest_digest(layer, what, &out->digest, err);
    if (code == SPULL_OK)
        code = sp_manifest_urls(layer, &out->urls, &out->url_count, err);
    return code;
}

/* Rarely of use, and often wrong: what makes no sense there is no error. */
static void read_config(const cJSON *root, struct sp_manifest *out)
{
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(root, "config");
    uint64_t size = 0;
    struct sp_digest digest = {.algorithm = SP_OTHER_ALGORITHM};

    if (!cJSON_IsObject(config))
        return;
    if (sp_manifest_size(config, "config", &size, NULL) == SPULL_OK &&
        size != out->size)
        out->image_size = size;
    if (sp_manifest_digest(config, "config", &digest, NULL) == SPULL_OK &&
        digest.algorithm == SP_SHA256 &&
        !sp_digest_equal(&digest, &out->digest)) {
        out->has_image_digest = true;
        out->image_digest = digest;
    }
}

enum spull_code sp_manifest_parse(const char *bytes, size_t len,
                                  struct sp_manifest *out,
                                  struct spull_error *err)
{
    struct sp_manifest manifest = {.url_count = 0};
    cJSON *root = NULL;

    enum spull_code code = sp_json_parse(bytes, len, &root, err);
    if (code != SPULL_OK)
        goto out;
    code = read_layer(root, &manifest, err);
    if (code != SPULL_OK)
        goto out;
    read_config(root, &manifest);
    manifest.json = sp_json_print(bytes, len);
    if (!manifest.json) {
        code = sp_err_nomem(err);
        goto out;
    }
    *out = manifest;
out:
    if (code != SPULL_OK)
        sp_manifest_done(&manifest);
    cJSON_Delete(root);
    return code;
}

void sp_manifest_done(struct sp_manifest *manifest)
{
    if (!manifest)
        return;
    free(manifest->json);
    free_strings(manifest->urls, manifest->url_count);
    memset(manifest, 0, sizeof(*manifest));
}

uint64_t sp_size_bound(uint64_t stated, bool strict)
{
    if (!strict)
        stated =
            stated <= SP_IMAGE_MAX / SP_KIB ? stated * SP_KIB : SP_IMAGE_MAX;
    return stated < SP_IMAGE_MAX ? stated : SP_IMAGE_MAX;
}

bool sp_size_matches(uint64_t stated, uint64_t bytes, bool strict)
{
    if (stated == bytes)
        return true;
    if (strict || stated > UINT64_MAX / SP_KIB)
        return false;
    uint64_t usage = stated * SP_KIB;
    return usage >= bytes && usage - bytes <= SP_DU_EXCESS_MAX;
}

/* An entry of a tag list and where it stands. */
struct entry {
    const char *name;
    size_t index;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *one = a;
    const struct entry *two = b;
    int order = strcmp(one->name, two->name);

    if (order != 0)
        return order;
    return one->index < two->index ? -1 : one->index > two->index;
}

/* Sorted, repetitions are neighbours, the first of them first. */
static bool mark_repeated(const cJSON *tags, size_t count, bool *repeated)
{
    struct entry *entries = calloc(count, sizeof(*entries));
    const cJSON *tag = tags->child;
    size_t strings = 0;

    if (!entries)
        return false;
    for (size_t i = 0; i < count; i++, tag = tag->next)
        if (cJSON_IsString(tag))
            entries[strings++] = (struct entry){tag->valuestring, i};
    qsort(entries, strings, sizeof(*entries), compare_entries);
    for (size_t i = 1; i < strings; i++)
        repeated[entries[i].index] =
            strcmp(entries[i - 1].name, entries[i].name) == 0;
    free(entries);
    return true;
}

bool sp_tag_ok(const char *text)
{
    /* The generator's page about the containers below: no tag of any. */
    return sp_ref_component_ok(text, strlen(text)) &&
           strcmp(text, "README.md") != 0;
}

static bool can_be_tag(const cJSON *tag)
{
    return cJSON_IsString(tag) && sp_tag_ok(tag->valuestring);
}

/* What stands in a list for an entry that is no tag. */
static char *show_entry(const cJSON *tag)
{
    char shown[LEFT_OUT_ROOM];
    char *json = cJSON_IsString(tag) ? NULL : cJSON_PrintUnformatted(tag);
    const char *text = json ? json : tag->valuestring;

    if (!text)
        return NULL;
    sp_printable(shown, sizeof(shown), text, strlen(text));
    cJSON_free(json);
    return strdup(shown);
}

static bool sort_out(const cJSON *tags, const bool *repeated,
                     struct sp_tags *out)
{
    const cJSON *tag = NULL;
    size_t i = 0;

    cJSON_ArrayForEach(tag, tags)
    {
        bool good = !repeated[i++] && can_be_tag(tag);
        char *text = good ? strdup(tag->valuestring) : show_entry(tag);
        if (!text)
            return false;
        if (good)
            out->names[out->count++] = text;
        else
            out->left_out[out->left_out_count++] = text;
    }
    return true;
}

static enum spull_code read_tags(const cJSON *tags, struct sp_tags *out,
                                 struct spull_error *err)
{
    if (!tags || cJSON_IsNull(tags))
        return sp_err_set(err, SPULL_INTEGRITY, "it has no \"tags\"");
    if (!cJSON_IsArray(tags))
        return sp_err_set(err, SPULL_INTEGRITY, "its \"tags\" is no list");
    size_t count = (size_t)cJSON_GetArraySize(tags);
    if (count > SP_TAGS_MAX)
        return sp_err_set(err, SPULL_INTEGRITY, "it has %zu tags, %d at most",
                          count, SP_TAGS_MAX);
    if (count == 0)
        return SPULL_OK;

    bool *repeated = calloc(count, sizeof(*repeated));
    out->names = calloc(count, sizeof(*out->names));
    out->left_out = calloc(count, sizeof(*out->left_out));
    bool ok = repeated && out->names && out->left_out &&
              mark_repeated(tags, count, repeated) &&
              sort_out(tags, repeated, out);
    free(repeated);
    return ok ? SPULL_OK : sp_err_nomem(err);
}

enum spull_code sp_tags_parse(const char *bytes, size_t len,
                              struct sp_tags *out, struct spull_error *err)
{
    struct sp_tags tags = {NULL, 0, NULL, 0};
    cJSON *root = NULL;

    enum spull_code code = sp_json_parse(bytes, len, &root, err);
    if (code == SPULL_OK)
        code = read_tags(cJSON_GetObjectItemCaseSensitive(root, "tags"), &tags,
                         err);
    if (code == SPULL_OK)
        *out = tags;
    else
        sp_tags_done(&tags);
    cJSON_Delete(root);
    return code;
}

void sp_tags_done(struct sp_tags *tags)
{
    if (!tags)
        return;
    free_strings(tags->names, tags->count);
    free_strings(tags->left_out, tags->left_out_count);
    memset(tags, 0, sizeof(*tags));
}
