/* SPDX-License-Identifier: MIT */
/*
 * mirror_internal: what the files of the room mirror share.
 *
 * mirror.c has the steps in order, mirror_blob.c how a blob comes into the
 * tree, mirror_tree.c folders, and what is in them, mirror_draft.c how
 * documents are written, mirror_tags.c lists of tags, mirror_claim.c who needs
 * a blob that no manifest names yet, mirror_walk.c all that the documents of a
 * tree say, mirror_prune.c what nobody needs. Nobody else includes it.
 *
 * The tree: COLLECTION/NAME/tags/index.html,
 * COLLECTION/NAME/manifests/TAG/index.html, blobs/sha256/HEX.
 */
#ifndef SP_MIRROR_INTERNAL_H
#define SP_MIRROR_INTERNAL_H

#include <limits.h>
#include <stdbool.h>

#include "buf.h"
#include "digest.h"
#include "mirror.h"
#include "registry.h"
#include "sif.h"
#include "watch.h"

#define SP_MIRROR_BLOBS "blobs/sha256"
#define SP_MIRROR_INDEX "index.html"

/* One image on its way into the tree. */
struct mirror {
    struct sp_ctx *ctx;
    struct sp_http *http;
    const struct sp_mirror_order *order;
    struct sp_watch watch;
    struct sp_found found; /* of a file, size and digest only */
    int file;              /* -1: there is none */
    struct sp_digest want; /* that the blob has to have */
    char *folder;          /* of the manifest, below dir */
    char *claim;           /* NULL: none */
    /* Of the blob, once it is there. */
    struct spull_image *image;
    struct sp_digest digest; /* sha256 */
    char *path;
    uint64_t size;
    struct sp_look look;
    bool changed; /* something in the tree */
};

/* --- mirror_blob.c --- */

/* Makes sure that the blob is in the tree, and fills in what is known of it. */
enum spull_code sp_mirror_bring(struct mirror *mirror, struct spull_error *err);

/* --- mirror_tree.c --- */

/* dir "/" more, to free(). NULL: out of memory. */
char *sp_mirror_path(const char *dir, const char *more);

/* Makes dir and the folders of below in it, as far as they are not there. */
enum spull_code sp_mirror_folder(const char *dir, const char *below,
                                 struct spull_error *err);

/* What is done with a name in a folder, of which dir is a descriptor. false:
 * that is enough. */
typedef bool (*sp_mirror_visit_fn)(void *payload, int dir, const char *name);

/* Calls visit with each name in a folder below dir; with none, if there is no
 * such folder. SPULL_STORAGE: it can't be read, or not to its end. */
enum spull_code sp_mirror_each(const char *dir, const char *folder,
                               sp_mirror_visit_fn visit, void *payload,
                               struct spull_error *err);

/* The document in a folder below dir. *there: is there one? *out is to be ended
 * in any case. STORAGE; INTEGRITY: it is too long. */
enum spull_code sp_mirror_read(const char *dir, const char *folder,
                               struct sp_buf *out, bool *there,
                               struct spull_error *err);

/* Is it text already? */
bool sp_mirror_says(const char *dir, const char *folder, const char *text);

/* The digest that the manifest in this folder states. false: none, no sha256,
 * or it can't be read. */
bool sp_mirror_stated(const char *dir, const char *folder,
                      struct sp_digest *out);

/* Flushes a directory to disk. STORAGE. */
enum spull_code sp_mirror_flush(int dir, const char *shown,
                                struct spull_error *err);

/* --- mirror_draft.c --- */

/* Makes the document in a folder below dir text, in one step, unless it is;
 * then *changed is set. */
enum spull_code sp_mirror_write(const char *dir, const char *folder,
                                const char *text, bool *changed,
                                struct spull_error *err);

/* The same in steps: a document that others can see to come. */
struct sp_mirror_draft {
    char *shown; /* the folder it is in */
    int dir;
    int file;
    char name[NAME_MAX + 1]; /* "": it has got its own */
};

/* To end in any case. */
enum spull_code sp_mirror_draft_begin(const char *dir, const char *folder,
                                      struct sp_mirror_draft *draft,
                                      struct spull_error *err);

/* Writes it, and gives it its name. *removed: it fails since somebody has
 * dropped it. */
enum spull_code sp_mirror_draft_publish(struct sp_mirror_draft *draft,
                                        const char *text, bool *removed,
                                        struct spull_error *err);
void sp_mirror_draft_end(struct sp_mirror_draft *draft);

/* Removes all drafts from a folder, whosever they are. */
void sp_mirror_drop_drafts(const char *dir, const char *folder);

/* Is this the name of a temporary document, whose process is gone? One that
 * can't be seen from here is gone when the file at path is old. */
bool sp_mirror_is_litter(const char *path, const char *name);

/* --- mirror_tags.c --- */

/*
 * Brings the list of tags in line with the manifests that are there. tag is the
 * one that must be in it, whoever is about to write another list: if it is,
 * nothing else is looked at; NULL: look.
 */
enum spull_code sp_mirror_tags(struct sp_watch *watch, const char *dir,
                               const char *container, const char *tag,
                               bool *changed, struct spull_error *err);

/* --- mirror_claim.c --- */

/*
 * Says that this process needs the blob of this digest, whether a manifest
 * names it or not. To end with sp_mirror_unclaim(). NULL: it could not be said;
 * nothing but a prune at this very moment minds.
 */
char *sp_mirror_claim(const char *dir, const char *hex);
void sp_mirror_unclaim(char *claim);

/* Shows a prune that has looked at the blob already that it is in use again:
 * its ctime changes, and nothing else. */
void sp_mirror_touch(const char *path);

/*
 * Calls see with the digest's hex of each claim of a process that lives, or may
 * live; the others' claims are removed. keep_days: for how long one that can't
 * be seen from here counts; 0: for ever. SPULL_STORAGE: there may be more.
 */
enum spull_code sp_mirror_claims(const char *dir, unsigned keep_days,
                                 void (*see)(void *payload, const char *hex),
                                 void *payload, struct spull_error *err);

/* --- mirror_walk.c --- */

/* What is done with what a walk over a tree finds. */
struct sp_mirror_walk {
    struct sp_watch *watch;
    const char *dir;
    /* Each document, whose text may be changed. */
    void (*read)(void *payload, struct sp_buf *text);
    /* Each temporary one whose process is gone. */
    void (*litter)(void *payload, const char *path);
    void *payload;
};

/*
 * Reads all documents, and brings the lists of tags in line. SPULL_STORAGE,
 * INTEGRITY: there may be more, which could not be read or lie elsewhere; also
 * CANCELLED.
 */
enum spull_code sp_mirror_walk(const struct sp_mirror_walk *order,
                               struct spull_error *err);

#endif
