/* SPDX-License-Identifier: MIT */
/*
 * registry: a reference to its manifest, a container to its tags.
 *
 * Knows where a static registry keeps its documents and how hosts answer for a
 * folder: PATH/ first, PATH/index.html where that is refused, missing, or a
 * listing. It downloads no images.
 */
#ifndef SP_REGISTRY_H
#define SP_REGISTRY_H

#include <spull.h>

#include "buf.h"
#include "http.h"
#include "manifest.h"
#include "ref.h"
#include "url.h"
#include "watch.h"

/* A document as it came, and the URL that answered. */
struct sp_page {
    struct sp_buf body;
    struct sp_url url;
};

/*
 * Asks for the document in a folder, "a/b/tags/". It is not looked into, but
 * for a web page or listing in its place, which is SPULL_NOT_FOUND.
 */
enum spull_code sp_registry_page(struct sp_watch *watch, struct sp_http *http,
                                 const struct sp_url *registry,
                                 const char *folder, struct sp_page *out,
                                 struct spull_error *err);
void sp_page_done(struct sp_page *page);

/* A manifest, and where the blob may be had as seen from there. */
struct sp_found {
    struct sp_manifest manifest;
    struct sp_url url;   /* of the document, after redirects */
    struct sp_url *urls; /* of the blob, absolute and vetted; at least one */
    size_t url_count;
};

/*
 * Asks registry for ref's manifest. SPULL_NOT_FOUND, NETWORK, DENIED,
 * INTEGRITY (also: every url of the blob leads where it may not), INTERNAL.
 */
enum spull_code
sp_registry_manifest(struct sp_watch *watch, struct sp_http *http,
                     const struct sp_url *registry, const struct sp_ref *ref,
                     struct sp_found *out, struct spull_error *err);
void sp_found_done(struct sp_found *found);

enum spull_code sp_registry_tags(struct sp_watch *watch, struct sp_http *http,
                                 const struct sp_url *registry,
                                 const struct sp_ref *container,
                                 struct sp_tags *out, struct spull_error *err);

#endif
