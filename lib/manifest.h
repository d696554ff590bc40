/* SPDX-License-Identifier: MIT */
/*
 * manifest: bytes to the one layer (size, digest, urls), and to a tag list.
 *
 * Takes what real registries serve (byte order mark, blank lines, sizes in KiB)
 * and refuses what can't be trusted. It knows nothing of servers: urls come out
 * as they were written, and whether a digest is strong enough is asked later.
 */
#ifndef SP_MANIFEST_H
#define SP_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spull.h>

#include "digest.h"

struct sp_manifest {
    char *json; /* printed again, no final line break */
    uint64_t size;
    struct sp_digest digest; /* of the layer, which describes the blob */
    char **urls;             /* as written; at least one */
    size_t url_count;
    /* What config says of the image. It counts only where the blob is an
     * archive of it: elsewhere it is often a remnant of how the image was made.
     */
    uint64_t image_size; /* as stated; 0: nothing, or the same as size */
    bool has_image_digest;
    struct sp_digest image_digest; /* a sha256 other than digest */
};

/* What a body is, before it is parsed as JSON. */
enum sp_body {
    SP_BODY_JSON,    /* starts like an object */
    SP_BODY_NOTHING, /* blank, or the template's "-@" for "no manifest" */
    SP_BODY_PAGE,    /* HTML: a soft 404, a portal, a listing */
    SP_BODY_LISTING, /* XML of an object store */
    SP_BODY_OTHER
};

enum sp_body sp_body_look(const char *bytes, size_t len);

/* SPULL_INTEGRITY: malformed, not one layer, no size, digest or urls. */
enum spull_code sp_manifest_parse(const char *bytes, size_t len,
                                  struct sp_manifest *out,
                                  struct spull_error *err);
void sp_manifest_done(struct sp_manifest *manifest);

/*
 * The same part by part, for those who want to know all that is wrong. part is
 * a layer or the config, what is what an error calls it. SPULL_INTEGRITY. urls
 * is a list of copies, to free one by one.
 */
struct cJSON;
enum spull_code sp_manifest_layer(const struct cJSON *root,
                                  const struct cJSON **out,
                                  struct spull_error *err);
enum spull_code sp_manifest_size(const struct cJSON *part, const char *what,
                                 uint64_t *out, struct spull_error *err);
enum spull_code sp_manifest_digest(const struct cJSON *part, const char *what,
                                   struct sp_digest *out,
                                   struct spull_error *err);
enum spull_code sp_manifest_urls(const struct cJSON *layer, char ***out,
                                 size_t *count, struct spull_error *err);

/*
 * How many bytes a blob may have at most, when a manifest states size: size
 * itself if strict, else size in KiB, since the scripts that build registries
 * write what "du -k" says; and never more than SP_IMAGE_MAX.
 */
uint64_t sp_size_bound(uint64_t stated, bool strict);

/*
 * Does a blob of so many bytes match the stated size: the same number or,
 * unless strict, a plausible disk usage in KiB of it?
 */
bool sp_size_matches(uint64_t stated, uint64_t bytes, bool strict);

struct sp_tags {
    char **names;
    size_t count;
    char **left_out; /* printable */
    size_t left_out_count;
};

/*
 * Entries that can be no tag (not a component, not a string, "README.md",
 * twice the same) are left out. SPULL_INTEGRITY: malformed.
 */
enum spull_code sp_tags_parse(const char *bytes, size_t len,
                              struct sp_tags *out, struct spull_error *err);
void sp_tags_done(struct sp_tags *tags);

/* Can this be a tag, in a list of tags? */
bool sp_tag_ok(const char *text);

/* What a manifest of our own shall say. */
struct sp_draft {
    const char *source; /* JSON of the one that it is made after; NULL: none */
    uint64_t size;      /* bytes */
    const char *digest; /* "sha256:..." */
    const char *url;
    bool is_image; /* the blob itself, and not what has to be unpacked first */
};

/*
 * Prints a manifest, to free(). Of the source, it keeps the layer's media type,
 * annotations, and the config of a blob that has to be unpacked. INTEGRITY: too
 * long, or the source is malformed.
 */
enum spull_code sp_manifest_print(const struct sp_draft *draft, char **out,
                                  struct spull_error *err);

/* Prints a tag list, to free(). */
enum spull_code sp_tags_print(const char *container, char *const *names,
                              size_t count, char **out,
                              struct spull_error *err);

#endif
