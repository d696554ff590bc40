/* SPDX-License-Identifier: MIT */
/*
 * check_internal: what the files of the room check share.
 *
 * check.c knows which containers there are to look at, on a server, and
 * check_walk.c in a directory. check_line.c has them looked at side by side,
 * and tells what was found in order; check_visit.c is one look. check_site.c
 * knows how a server's container is read, check_tree.c and check_disk.c a
 * directory's; check_document.c has one manifest judged, check_blob.c looks at
 * its blobs, check_ask.c asks servers for them by check_talk.c, check_unpack.c
 * looks into them, check_memo.c remembers what was seen of them, and
 * check_notes.c what is to be told. Nobody else includes it.
 */
#ifndef SP_CHECK_INTERNAL_H
#define SP_CHECK_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "buf.h"
#include "check.h"
#include "finding.h"
#include "hosts.h"
#include "limits.h"
#include "lint.h"
#include "watch.h"

/* --- what is remembered --------------------------------------------------- */

/* What was seen of a blob. */
struct sp_memo_entry {
    char *key;
    char *why; /* that seen.why points to, or NULL */
    struct sp_seen seen;
    bool busy;    /* somebody looks right now */
    bool counted; /* sp_memo_count() was told of it */
};

struct sp_memo {
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t news;
    struct sp_memo_entry **list; /* sorted by key */
    size_t count;
    size_t cap;
};

void sp_memo_init(struct sp_memo *memo);
void sp_memo_done(struct sp_memo *memo);

/*
 * true: *seen is what is remembered; its why stays until the end. false: the
 * caller is to look, and must end that with sp_memo_keep(). Who asks for the
 * same meanwhile waits for that.
 */
bool sp_memo_ask(struct sp_memo *memo, const char *key, struct sp_seen *seen);
/* NULL: it came to nothing; somebody else is to look. */
void sp_memo_keep(struct sp_memo *memo, const char *key,
                  const struct sp_seen *seen);
/* true: for the first time. */
bool sp_memo_count(struct sp_memo *memo, const char *key);

/* --- what is shared by all that look -------------------------------------- */

/* A registry in a directory. */
struct sp_tree {
    char *root;     /* without links */
    char *shown;    /* as it was named, to be put before places; "" or "DIR/" */
    size_t folders; /* that were looked into; only the caller's thread does */
};

struct sp_checking {
    struct sp_ctx *ctx;
    struct sp_http *http;
    const struct sp_url *registry;
    enum spull_depth depth;
    time_t now;
    struct sp_memo memo;
    struct sp_hosts lost;    /* servers whose blobs were asked for in vain */
    struct sp_tree tree;     /* root is NULL: it is no directory */
    bool named;              /* what is looked at was asked for by name */
    pthread_mutex_t judging; /* one document as values in memory at a time */
    pthread_mutex_t reading; /* one blob is read to its end at a time */
    pthread_mutex_t showing; /* guards what visits show */
    atomic_bool stopped;     /* all visits are to end */
    pthread_t caller;

    /* Of the caller's thread: what is told already. */
    struct sp_watch watch;
    struct sp_findings findings;
    struct spull_checked counts;
    char ref[SP_REF_MAX]; /* that watch shows */
    char note[SP_CHECK_NOTE];
};

/* --- what was found, and is not told yet ---------------------------------- */

struct sp_note {
    struct sp_note *next;
    enum spull_severity severity;
    const char *code; /* NULL: no finding, but a blob, of which text is the key
                       */
    const char *place;
    const char *ref;
    const char *text;
    char room[]; /* of all three */
};

/* Does not move once it is initialised. */
struct sp_notes {
    struct sp_findings findings; /* write here */
    struct sp_note *first;
    struct sp_note **end;
    bool nomem; /* some were lost */
};

void sp_notes_init(struct sp_notes *notes);
void sp_notes_done(struct sp_notes *notes);
/* Remembers that a blob was looked at. */
void sp_notes_blob(struct sp_notes *notes, const char *key);
/* Tells all, and forgets it. INTERNAL: some were lost. */
enum spull_code sp_notes_tell(struct sp_notes *notes, struct sp_checking *check,
                              struct spull_error *err);

/* --- one look ------------------------------------------------------------- */

struct sp_container;

/* At the list of a container, or at one of its tags. */
struct sp_visit {
    struct sp_checking *check;
    struct sp_container *container;
    size_t number; /* 0: the list; else of the tag, from 1 on */
    struct sp_watch watch;
    struct sp_notes notes;
    uint64_t manifests;     /* that were looked at */
    struct spull_error why; /* of the blob that was looked at last */
    bool done;              /* what follows holds */
    enum spull_code code;
    struct spull_error err;
    struct spull_progress shown; /* ref and note stand below */
    char ref[SP_REF_MAX];
    char note[SP_CHECK_NOTE];
    struct sp_visit *next;
};

struct sp_visit *sp_visit_new(struct sp_checking *check,
                              struct sp_container *container, size_t number);
void sp_visit_free(struct sp_visit *visit);
/* Looks; then its code holds. */
void sp_visit_work(struct sp_visit *visit);

/* Makes what it shows that of the caller's own watch. */
void sp_visit_show(struct sp_visit *visit);
/* Does it do something that takes long? */
bool sp_visit_is_busy(struct sp_visit *visit);

/* --- one container -------------------------------------------------------- */

/* A name in a folder. */
struct sp_tree_name {
    char *text;
    bool link;
};

struct sp_tree_names {
    struct sp_tree_name *list; /* sorted */
    size_t count;
};

struct sp_container {
    struct sp_notes before; /* what was found on the way to it */
    char *name;             /* NULL: there are only those */
    char *tag;              /* the only one that is wanted; NULL: all */

    /* What its list says, as soon as that was read. */
    struct sp_tags tags;
    struct sp_index listed;     /* the same */
    bool has_list;              /* on a server: a sound one */
    size_t count;               /* of visits to its tags */
    char *list_place;           /* on a server */
    struct sp_tree_names names; /* in a directory: folders below manifests/ */
    bool list_sound;
    atomic_bool has_page;   /* some manifest is there as it is served */
    atomic_bool saw_wanted; /* there is something of the tag */

    /* For check_line.c, under its lock. */
    struct sp_visit *first; /* that was begun, and not told yet */
    struct sp_visit **end;
    size_t begun;     /* visits */
    size_t waiting;   /* of which were not told yet */
    unsigned working; /* of which are not done yet */
    bool open;        /* the list was read */
    atomic_bool over; /* nobody will hear of the rest */
    struct sp_container *next;
};

/* name and tag are copied; both may be NULL. */
struct sp_container *sp_container_new(const char *name, const char *tag);
void sp_container_free(struct sp_container *container);

/*
 * Those that follow fail where nothing can be looked at: CANCELLED and INTERNAL
 * end all, other codes one container. What is found is no failure.
 */

/* Reads the list, and sets count: of a container on a server (site), and of one
 * in a directory (disk). */
enum spull_code sp_site_open(struct sp_visit *visit, struct spull_error *err);
enum spull_code sp_disk_open(struct sp_visit *visit, struct spull_error *err);

/* Looks at a tag, by number from 0 on. */
enum spull_code sp_site_tag(struct sp_visit *visit, size_t number,
                            struct spull_error *err);
enum spull_code sp_disk_tag(struct sp_visit *visit, size_t number,
                            struct spull_error *err);

/* After all its tags, in the caller's thread. */
enum spull_code sp_disk_close(struct sp_checking *check,
                              struct sp_container *folder,
                              struct spull_error *err);

/* A manifest, and its blobs; findings are about it already. */
enum spull_code sp_check_document(struct sp_visit *visit,
                                  const struct sp_url *base, const char *bytes,
                                  size_t len, struct spull_error *err);

/* Does it say that all is over? */
bool sp_check_ends(enum spull_code code);

/* Looks at a blob; seen->why is good until the next call. */
enum spull_code sp_check_blob(struct sp_visit *visit, const struct sp_url *url,
                              const struct sp_stated *stated,
                              struct sp_seen *seen, struct spull_error *err);

/* A file for reading and writing without a name, so that nothing is left of it
 * in any case; in folder. STORAGE. */
enum spull_code sp_scratch_open(const char *folder, int *fd,
                                struct spull_error *err);

/* Unpacks the blob that fd has, and adds to *seen what is in it; its why is
 * good until the next call. STORAGE, INTERNAL, CANCELLED. */
enum spull_code sp_check_unpack(struct sp_visit *visit, int fd,
                                const struct sp_stated *stated,
                                struct sp_seen *seen, struct spull_error *err);

/* --- all containers ------------------------------------------------------- */

/* Which containers there are. Called in the caller's thread. */
struct sp_round {
    void *payload;
    /* The next one; NULL: there is no more. CANCELLED, INTERNAL. */
    enum spull_code (*next)(void *payload, struct sp_container **out,
                            struct spull_error *err);
    /* What came of one; a failure that is returned ends all. */
    enum spull_code (*settle)(void *payload,
                              const struct sp_container *container,
                              enum spull_code code,
                              const struct spull_error *why,
                              struct spull_error *err);
};

enum spull_code sp_line_run(struct sp_checking *check,
                            const struct sp_round *round,
                            struct spull_error *err);

/* All containers of the directory. */
enum spull_code sp_check_walk(struct sp_checking *check,
                              struct spull_error *err);

/* --- a directory ---------------------------------------------------------- */

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

/*
 * The folders in a folder, those whose names begin with a dot aside; links
 * count if they lead to a folder, or out. NOT_FOUND, DENIED, STORAGE.
 */
enum spull_code sp_tree_list(struct sp_tree *tree, const char *name,
                             struct sp_tree_names *out,
                             struct spull_error *err);
void sp_tree_names_done(struct sp_tree_names *names);

#endif
