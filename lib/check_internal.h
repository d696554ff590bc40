/* SPDX-License-Identifier: MIT */
/*
 * check_internal: what the files of the room check share.
 *
 * check.c goes from container to container, check_site.c knows how a server's
 * container is read, check_tree.c and check_folder.c a directory's;
 * check_document.c has one manifest judged, check_blob.c asks for blobs,
 * check_memo.c remembers what was seen of them. Nobody else includes it.
 */
#ifndef SP_CHECK_INTERNAL_H
#define SP_CHECK_INTERNAL_H

#include <stdbool.h>
#include <time.h>

#include "buf.h"
#include "check.h"
#include "finding.h"
#include "lint.h"
#include "watch.h"

/* What was seen of a URL; in an array sorted by key. */
struct sp_memo_entry {
    char *key;
    char *why; /* that seen.why points to, or NULL */
    struct sp_seen seen;
};

struct sp_memo {
    struct sp_memo_entry *list;
    size_t count;
    size_t cap;
};

/* A registry in a directory. */
struct sp_tree {
    char *root;     /* without links */
    char *shown;    /* as it was named, to be put before places; "" or "DIR/" */
    size_t folders; /* that were looked into */
};

struct sp_checking {
    struct sp_ctx *ctx;
    struct sp_http *http;
    const struct sp_url *registry;
    enum spull_depth depth;
    time_t now;
    struct sp_watch watch;
    struct sp_findings findings;
    struct spull_checked counts;
    struct sp_memo memo;
    struct sp_tree tree;    /* root is NULL: it is no directory */
    struct spull_error why; /* of the blob that was looked at last */
    char *lost;             /* origin that gave no answer, last of all */
};

/*
 * Those that follow fail where nothing can be looked at: CANCELLED and INTERNAL
 * end all, other codes one container. What is found is no failure.
 */

/* One container; tag is NULL for all of it. */
enum spull_code sp_check_site(struct sp_checking *check, const char *container,
                              const char *tag, struct spull_error *err);
enum spull_code sp_check_folder(struct sp_checking *check,
                                const char *container, const char *tag,
                                struct spull_error *err);

/* All containers of the directory. */
enum spull_code sp_check_walk(struct sp_checking *check,
                              struct spull_error *err);

/* A manifest, and its blobs; findings are about it already. */
enum spull_code sp_check_document(struct sp_checking *check,
                                  const struct sp_url *base, const char *bytes,
                                  size_t len, struct spull_error *err);

/* Does it say that all is over? */
bool sp_check_ends(enum spull_code code);

/* Looks at a blob; seen->why is good until the next call. */
enum spull_code sp_check_blob(struct sp_checking *check,
                              const struct sp_url *url,
                              const struct sp_stated *stated,
                              struct sp_seen *seen, struct spull_error *err);

/* NULL: nothing is remembered. */
const struct sp_seen *sp_memo_find(const struct sp_memo *memo, const char *key);
/* Remembers it, in place of what it knew, while there is room. */
void sp_memo_keep(struct sp_memo *memo, const char *key,
                  const struct sp_seen *seen);
void sp_memo_done(struct sp_memo *memo);

/* Opens the directory. NOT_FOUND, DENIED, STORAGE, INTERNAL. */
enum spull_code sp_tree_open(struct sp_tree *tree,
                             const struct sp_url *registry, const char *named,
                             struct spull_error *err);
void sp_tree_done(struct sp_tree *tree);

/*
 * Opens a regular file for reading, path being absolute. NOT_FOUND, DENIED,
 * STORAGE; INTEGRITY: a link on the way leads out of the directory.
 */
enum spull_code sp_tree_file(const struct sp_tree *tree, const char *path,
                             int *fd, uint64_t *size, struct spull_error *err);

/* Reads a document whole, name being relative. Also INTEGRITY: too long. */
enum spull_code sp_tree_read(const struct sp_tree *tree, const char *name,
                             struct sp_buf *out, struct spull_error *err);

/* A name in a folder. */
struct sp_tree_name {
    char *text;
    bool link;
};

struct sp_tree_names {
    struct sp_tree_name *list; /* sorted */
    size_t count;
};

/*
 * The folders in a folder, those whose names begin with a dot aside; links
 * count if they lead to a folder, or out. NOT_FOUND, DENIED, STORAGE.
 */
enum spull_code sp_tree_list(struct sp_tree *tree, const char *name,
                             struct sp_tree_names *out,
                             struct spull_error *err);
void sp_tree_names_done(struct sp_tree_names *names);

#endif
