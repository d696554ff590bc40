/* SPDX-License-Identifier: MIT */
/*
 * ref: parses and prints a reference,
 * [BASE-URL/]COLLECTION/NAME[:TAG][@sha256:HEX].
 *
 * It knows the grammar (spull(1), REFERENCES) and no registry: whether a
 * container exists is not asked here. A BASE-URL is what has "://" in it; then
 * the last two components are the container, since nothing else could tell
 * where the URL ends.
 */
#ifndef SP_REF_H
#define SP_REF_H

#include <stdbool.h>
#include <stddef.h>

#include <spull.h>

#define SP_PIN_TEXT 65 /* 64 hex digits and the NUL */

struct sp_ref {
    char *base;      /* BASE-URL without the final slash, or NULL; not vetted */
    char *container; /* "vanessa/greeting", two components or more */
    char *tag;       /* "latest" if none was given */
    char pin[SP_PIN_TEXT]; /* lower-case hex of a sha256, or "" */
};

/* Fails with SPULL_USAGE, naming the offending character, or INTERNAL. */
enum spull_code sp_ref_parse(const char *text, struct sp_ref *out,
                             struct spull_error *err);

/* The same without tag and pin, which are SPULL_USAGE here. tag is NULL. */
enum spull_code sp_ref_parse_container(const char *text, struct sp_ref *out,
                                       struct spull_error *err);
void sp_ref_done(struct sp_ref *ref);

/* Is text[0..len) a component: [A-Za-z0-9._+~-]+, not starting with . or -? */
bool sp_ref_component_ok(const char *text, size_t len);

/* The last component of the container; points into ref. */
const char *sp_ref_name(const struct sp_ref *ref);

/* Each to free(); NULL: out of memory. */
char *sp_ref_text(const struct sp_ref *ref); /* [BASE/]C/N:TAG */
char *sp_ref_pinned(const struct sp_ref *ref,
                    const char *hex);            /* ...@sha256: */
char *sp_ref_filename(const struct sp_ref *ref); /* NAME_TAG.sif */

#endif
