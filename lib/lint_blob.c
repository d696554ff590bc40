/* SPDX-License-Identifier: MIT */
/*
 * lint_blob: what was seen of a blob, beside what is stated of it.
 */
#include <inttypes.h>
#include <string.h>

#include "limits.h"
#include "lint.h"

/* What an error of http says begins with the URL, that of a file with its path.
 */
static bool says_where(const char *why, const char *url)
{
    static const char file[] = "file://";
    const char *path =
        strncmp(url, file, strlen(file)) == 0 ? url + strlen(file) : url;

    return strncmp(why, url, strlen(url)) == 0 ||
           strncmp(why, path, strlen(path)) == 0;
}

static void lint_absence(const char *url, const struct sp_seen *seen,
                         struct sp_findings *to)
{
    static const enum sp_finding whats[] = {
        [SP_SEEN_MISSING] = SP_FINDING_BLOB_MISSING,
        [SP_SEEN_DENIED] = SP_FINDING_BLOB_DENIED,
        [SP_SEEN_OUTSIDE] = SP_FINDING_URL_OUTSIDE,
        [SP_SEEN_LOST] = SP_FINDING_BLOB_UNREACHABLE,
        [SP_SEEN_ASTRAY] = SP_FINDING_BLOB_REDIRECT,
    };
    enum sp_finding what = whats[seen->how];

    if (says_where(seen->why, url))
        sp_finding_tell(to, what, "%s", seen->why);
    else
        sp_finding_tell(to, what, "%s: %s", url, seen->why);
}

static bool is_markup(const struct sp_look *look)
{
    return strcmp(look->kind, "web page") == 0 ||
           strcmp(look->kind, "XML document") == 0;
}

/* What is neither an image nor anything that an image comes out of. */
static bool is_stranger(const struct sp_look *look)
{
    static const char *const kinds[] = {"unknown data", "text", "JSON document",
                                        "empty file"};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(look->kind, kinds[i]) == 0)
            return true;
    return false;
}

/* An archive or compressed file: an image comes out of it. */
static bool is_packed(const struct sp_look *look)
{
    return !look->image && !is_markup(look) && !is_stranger(look);
}

static void lint_length(const struct sp_stated *stated, const char *url,
                        const struct sp_seen *seen, struct sp_findings *to)
{
    uint64_t size = stated->layer.size;

    if (!seen->told_length)
        sp_finding_tell(to, SP_FINDING_BLOB_LENGTH,
                        "%s: the server does not say how long it is", url);
    if (seen->beyond)
        sp_finding_tell(to, SP_FINDING_BLOB_SIZE,
                        "%s: more bytes came than a size of %" PRIu64 " allows",
                        url, size);
    else if (stated->layer.has_size && seen->has_length &&
             !sp_size_matches(size, seen->length, false))
        sp_finding_tell(to, SP_FINDING_BLOB_SIZE,
                        "%s: it has %" PRIu64 " bytes, and its size is stated "
                        "as %" PRIu64,
                        url, seen->length, size);
}

static void lint_server(const char *url, const struct sp_seen *seen,
                        struct sp_findings *to)
{
    if (!seen->http)
        return;
    if (!seen->ranges && !(seen->has_length && seen->length == 0))
        sp_finding_tell(to, SP_FINDING_BLOB_RANGES,
                        "%s: the server sends no parts of it: nobody can go on "
                        "where a download stopped",
                        url);
    if (seen->redirects > SP_REDIRECTS_USUAL)
        sp_finding_tell(to, SP_FINDING_BLOB_REDIRECTS,
                        "%s: it is %u redirects away", url, seen->redirects);
    if (seen->page_type)
        sp_finding_tell(to, SP_FINDING_BLOB_TYPE,
                        "%s: the server calls it text/html; proxies may change "
                        "what they take for a page",
                        url);
}

/* What pull would say of a blob that is an archive. */
static void lint_inside(const struct sp_stated *stated, const char *url,
                        const struct sp_seen *seen, struct sp_findings *to)
{
    const struct sp_stated_part *config = &stated->config;

    if (seen->inside == SP_INSIDE_BAD)
        sp_finding_tell(to, SP_FINDING_UNPACK, "%s: %s", url, seen->why);
    if (seen->inside != SP_INSIDE_IMAGE)
        return;
    if (sp_stated_image_digest(stated) != NULL &&
        !sp_digest_equal(&config->digest, &seen->image_digest))
        sp_finding_tell(to, SP_FINDING_UNPACK_DIGEST,
                        "%s: the image in the %s has %s, and its config states "
                        "%s",
                        url, seen->look.kind, seen->image_digest.text,
                        config->digest.text);
    if (sp_stated_image_size(stated) > 0 &&
        !sp_size_matches(config->size, seen->image_length, false))
        sp_finding_tell(to, SP_FINDING_UNPACK_SIZE,
                        "%s: the image in the %s has %" PRIu64
                        " bytes, and its config states the size %" PRIu64,
                        url, seen->look.kind, seen->image_length, config->size);
}

void sp_lint_blob(const struct sp_stated *stated, const char *url,
                  const struct sp_seen *seen, struct sp_findings *to)
{
    const struct sp_digest *digest = &stated->layer.digest;

    if (seen->how == SP_SEEN_NOT)
        return;
    if (seen->how != SP_SEEN_THERE) {
        lint_absence(url, seen, to);
        return;
    }
    if (is_markup(&seen->look)) {
        sp_finding_tell(to, SP_FINDING_BLOB_PAGE, "%s: it is a %s, no image",
                        url, seen->look.kind);
        return;
    }
    if (is_stranger(&seen->look))
        sp_finding_tell(to, SP_FINDING_BLOB_KIND,
                        "%s: by its first bytes it is no image: %s", url,
                        seen->look.kind);
    lint_length(stated, url, seen, to);
    lint_server(url, seen, to);
    if (seen->hashed && stated->layer.has_digest &&
        seen->digest.algorithm == digest->algorithm &&
        !sp_digest_equal(&seen->digest, digest))
        sp_finding_tell(to, SP_FINDING_BLOB_DIGEST,
                        "%s: it has %s, and %s is stated", url,
                        seen->digest.text, digest->text);
    lint_inside(stated, url, seen, to);
}

/* Beside the blob it is known; else only images of no size are in doubt. */
static void lint_unit(const struct sp_stated_part *layer,
                      const struct sp_seen *best, struct sp_findings *to)
{
    if (!layer->has_size)
        return;
    if (best->how != SP_SEEN_THERE && layer->size < SP_SIZE_DOUBTFUL)
        sp_finding_tell(to, SP_FINDING_SIZE_UNIT,
                        "its size %" PRIu64 " is that of hardly any image: it "
                        "seems to count KiB, and not bytes",
                        layer->size);
    else if (best->has_length && layer->size != best->length &&
             sp_size_matches(layer->size, best->length, false))
        sp_finding_tell(to, SP_FINDING_SIZE_UNIT,
                        "its size %" PRIu64 " counts KiB of disk usage: write "
                        "%" PRIu64 ", the bytes",
                        layer->size, best->length);
}

const struct sp_digest *sp_stated_image_digest(const struct sp_stated *stated)
{
    const struct sp_stated_part *config = &stated->config;
    const struct sp_stated_part *layer = &stated->layer;
    bool same =
        layer->has_digest && sp_digest_equal(&layer->digest, &config->digest);

    return config->has_digest && config->digest.algorithm == SP_SHA256 && !same
               ? &config->digest
               : NULL;
}

uint64_t sp_stated_image_size(const struct sp_stated *stated)
{
    const struct sp_stated_part *config = &stated->config;
    bool same = stated->layer.has_size && stated->layer.size == config->size;

    return config->has_size && !same ? config->size : 0;
}

static bool same_size(uint64_t a, uint64_t b)
{
    return sp_size_matches(a, b, false) || sp_size_matches(b, a, false);
}

/* Of an archive, the config describes what comes out of it. */
static void lint_agreement(const struct sp_stated *stated,
                           const struct sp_seen *best, struct sp_findings *to)
{
    const struct sp_stated_part *layer = &stated->layer;
    const struct sp_stated_part *config = &stated->config;

    if (best->how == SP_SEEN_THERE && is_packed(&best->look))
        return;
    if (layer->has_size && config->has_size &&
        !same_size(layer->size, config->size))
        sp_finding_tell(to, SP_FINDING_CONFIG_SIZE,
                        "its config states the size %" PRIu64
                        ", its layer %" PRIu64,
                        config->size, layer->size);
    if (layer->has_digest && config->has_digest &&
        strcmp(layer->digest.text, config->digest.text) != 0)
        sp_finding_tell(to, SP_FINDING_CONFIG_DIGEST,
                        "its config states %s, its layer %s",
                        config->digest.text, layer->digest.text);
}

void sp_lint_stated(const struct sp_stated *stated, const struct sp_seen *best,
                    struct sp_findings *to)
{
    lint_unit(&stated->layer, best, to);
    lint_agreement(stated, best, to);
}
