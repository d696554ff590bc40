/* SPDX-License-Identifier: MIT */
/*
 * lint: what is wrong with a document, a URL, or a blob beside what is stated
 * of it. Pure: bytes and what was seen go in, findings come out.
 *
 * What manifest refuses is an error here; what it takes for the sake of old
 * registries, and others may not, is a warning. It asks no server and reads no
 * file.
 */
#ifndef SP_LINT_H
#define SP_LINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <spull.h>

#include "digest.h"
#include "finding.h"
#include "manifest.h"
#include "sif.h"
#include "url.h"

/* What one part of a manifest, layer or config, states, as far as it is sound.
 */
struct sp_stated_part {
    bool has_size;
    uint64_t size;
    bool has_digest;
    struct sp_digest digest;
};

/* What a manifest states, as far as it is sound. Starts as zeros. */
struct sp_stated {
    struct sp_stated_part layer;
    struct sp_stated_part config;
    char **urls; /* as written */
    size_t url_count;
};

/* Fails with SPULL_INTERNAL alone; *out is written in any case. */
enum spull_code sp_lint_manifest(const char *bytes, size_t len,
                                 struct sp_findings *to, struct sp_stated *out,
                                 struct spull_error *err);
void sp_stated_done(struct sp_stated *stated);

/* What config says of the image in a blob that is an archive, by the rule that
 * manifest has: NULL or 0 where it says nothing, or the same as the layer. */
const struct sp_digest *sp_stated_image_digest(const struct sp_stated *stated);
uint64_t sp_stated_image_size(const struct sp_stated *stated);

/* The same for a tag list of container; *out has what can be tags, and *sound
 * says whether it is a list at all. */
enum spull_code sp_lint_tags(const char *bytes, size_t len,
                             const char *container, struct sp_findings *to,
                             struct sp_tags *out, bool *sound,
                             struct spull_error *err);

/* The names of a tag list in another order; they are borrowed. */
struct sp_index {
    const char **names;
    size_t count;
};

enum spull_code sp_index_init(struct sp_index *index,
                              const struct sp_tags *tags,
                              struct spull_error *err);
bool sp_index_has(const struct sp_index *index, const char *tag);
void sp_index_done(struct sp_index *index);

/*
 * Looks at a URL of a blob in a document at base, at the time now. *usable:
 * somebody could be asked there, and *out was written. SPULL_INTERNAL.
 */
enum spull_code sp_lint_url(const struct sp_url *base, const char *text,
                            time_t now, struct sp_findings *to, bool *usable,
                            struct sp_url *out, struct spull_error *err);

/* How a server, or a file system, answered for a blob. */
enum sp_seen_how {
    SP_SEEN_NOT,     /* it was not asked */
    SP_SEEN_THERE,   /* bytes came */
    SP_SEEN_MISSING, /* 404, 410, no such file */
    SP_SEEN_DENIED,
    SP_SEEN_OUTSIDE, /* a file that is not the registry's */
    SP_SEEN_LOST,    /* the network, or a file system's errors */
    SP_SEEN_ASTRAY   /* redirects without end, or to where they may not lead */
};

/* Whether an archive was unpacked. */
enum sp_seen_inside {
    SP_INSIDE_NOT,   /* nobody tried */
    SP_INSIDE_IMAGE, /* it is sound, and has one image */
    SP_INSIDE_BAD
};

/* What was seen of a blob at one URL. */
struct sp_seen {
    enum sp_seen_how how;
    const char *why;  /* where it is not there, or can't be unpacked; borrowed
                       */
    bool http;        /* what follows about ranges and types means something */
    bool told_length; /* the server said it */
    bool has_length;  /* it is known, however */
    uint64_t length;
    bool beyond; /* more came than can be right */
    bool ranges; /* it sent the range that was asked for */
    unsigned redirects;
    bool page_type; /* it says that the blob is text/html */
    struct sp_look look;
    bool hashed; /* all of it was read */
    struct sp_digest digest;
    enum sp_seen_inside inside;
    uint64_t image_length;         /* of what is in it */
    struct sp_digest image_digest; /* a sha256 */
};

/* url is what a finding shows. */
void sp_lint_blob(const struct sp_stated *stated, const char *url,
                  const struct sp_seen *seen, struct sp_findings *to);

/*
 * What only shows beside a blob, or in doubt without: the unit of the size, and
 * a config that disagrees. best is of the first URL that had the blob, or one
 * that was not asked.
 */
void sp_lint_stated(const struct sp_stated *stated, const struct sp_seen *best,
                    struct sp_findings *to);

#endif
