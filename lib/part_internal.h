/* SPDX-License-Identifier: MIT */
/*
 * part_internal: what the files of the room part share.
 *
 * part.c owns what is in the file and its two users, part_sealed.c the file
 * itself, part_name.c how the files are called, part_journal.c what a process
 * writes down, part_inherit.c how the next one takes it up, part_yield.c how
 * that is done on a full disk, part_lead.c who of many downloads, part_space.c
 * whether it will fit, part_share.c how files and their bytes are shared,
 * part_sweep.c what nobody needs any more. Nobody else includes it.
 */
#ifndef SP_PART_INTERNAL_H
#define SP_PART_INTERNAL_H

#include <pthread.h>

#include "owner.h"
#include "part.h"
#include "span.h"

enum part_state { PART_WRITING, PART_COMPLETE, PART_GIVEN_UP };

struct sp_part {
    struct sp_sealed file; /* what the seal will hand over */
    char label[SP_PART_LABEL + 1];
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t moved;
    struct sp_spans done;
    uint64_t frontier;
    uint64_t wake_at; /* frontier that the reader, if it waits, waits for */
    unsigned rounds;  /* restarts */
    enum part_state state;
    struct spull_error broken; /* why the reader gave up; code 0: it did not */
    uint64_t inherited;        /* bytes that an earlier run brought */
    uint64_t size;             /* of the blob, where it is known; 0: not yet */
    uint64_t saved;            /* bytes that the journal knows of */
    uint64_t saved_ms; /* when it was written, or could first have been */
    uint64_t beat;     /* how often */
    bool released;     /* whoever comes may take it up, on any node */
};

/* Takes note of a span that is in the file, and lets the reader know. Fails
 * with what the reader has failed with, or without memory. */
enum spull_code sp_part_finish(struct sp_part *part, struct sp_span span,
                               struct spull_error *err);

/* Writes all of it, at offset at of fd. SPULL_STORAGE. */
enum spull_code sp_part_write_all(const struct sp_sealed *file, uint64_t at,
                                  const char *bytes, size_t len,
                                  struct spull_error *err);

/* Closes and frees; the files stay. */
void sp_part_abandon(struct sp_part *part);

/* All that is there by now was an earlier run's. */
void sp_part_set_inherited(struct sp_part *part);

/* --- part_sealed.c -------------------------------------------------------- */

/* Opens the directory that the user calls where: as that, or, if dir is not
 * AT_FDCWD, dir once more. *out is the caller's. SPULL_STORAGE. */
enum spull_code sp_part_open_dir(int dir, const char *where, int *out,
                                 struct spull_error *err);

/* Creates the file of this name exclusively. false: errno says why not. */
bool sp_part_create_file(struct sp_sealed *file);

/* Closes it and frees its strings; the second removes it, too. */
void sp_sealed_close(struct sp_sealed *file);
void sp_sealed_remove(struct sp_sealed *file);

/* --- part_name.c ---------------------------------------------------------- */

#define SP_PART_PREFIX ".spull-"

/* The name of a part that no other process will create. To free(); NULL: no
 * memory. */
char *sp_part_fresh_name(const char *label);

/* The name with another suffix, as ".spans" for the journal of a part. To
 * free(); NULL: no memory. */
char *sp_part_beside(const char *name, const char *suffix);

/* Does it have the prefix of ours; that suffix, and more than that? */
bool sp_part_is_ours(const char *name);
bool sp_part_ends_in(const char *name, const char *suffix);

/* The label in the name of a part or a journal. false: it has none. */
bool sp_part_label_of(const char *name, char label[SP_PART_LABEL + 1]);

/* --- part_journal.c ------------------------------------------------------- */

/* What a journal says. Starts as zeros; to end with sp_journal_done(). */
struct journal {
    struct sp_owner owner;
    uint64_t beat;
    uint64_t size;
    struct sp_spans done;
};

/* Reads the journal of this name. false: there is none that makes sense. */
bool sp_journal_read(int dir, const char *name, struct journal *out);
void sp_journal_done(struct journal *journal);

/* Replaces the journal of the part of this name, which is beside file, and
 * removes it. */
bool sp_journal_write(const struct sp_sealed *file, const char *part_name,
                      const struct journal *journal);
void sp_journal_remove(int dir, const char *part_name);

/* Is this the name of a journal? Of which blob: label. */
bool sp_journal_is_name(const char *name, char label[SP_PART_LABEL + 1]);

/* Writes the journal whether there is news or not. */
bool sp_part_save_at_once(struct sp_part *part);

/* Writes the journal of a complete file that whoever comes may take up. */
void sp_sealed_release(struct sp_sealed *sealed);

/* Takes room on the disk that the next journal, and one more, will find free.
 */
void sp_part_hold_room(const struct sp_part *part);

/* Removes what is beside the part of this name in place of a next journal. */
void sp_journal_remove_next(int dir, const char *part_name);

/* What tells the journal of the part of this name, as it is now, from any
 * other: its text or, where it can't be read, what can be seen of it. To
 * free(). Also the bytes that it counts, UINT64_MAX where it cannot be read.
 * NULL: there is none. */
char *sp_part_pulse(int dir, const char *part_name, uint64_t *bytes);

/* --- part_lead.c ---------------------------------------------------------- */

/* A lead's target is "PART-NAME|OWNER". false: this one is none. */
#define SP_LEAD_ROOM 512
bool sp_lead_split(const char *target, char name[SP_LEAD_ROOM],
                   struct sp_owner *owner);

/* Does nobody lead with the link of this name, which is older than when? */
bool sp_lead_is_over(int dir, const char *link, time_t when);

/* --- part_yield.c --------------------------------------------------------- */

/* An earlier part and ours, while bytes go from one to the other. */
struct legacy {
    struct sp_part *part; /* ours */
    struct journal journal;
    char *name; /* of the earlier one's file, as it is now; NULL: it is no part,
                   and is left as it is */
    int fd;
    unsigned char *chunk; /* NULL while the kernel copies */
    bool seized;          /* its name is one that only we know */
    uint64_t left; /* bytes that it had to itself when it last gave some back */
};

/* Frees the blocks of what ours has as well. false: that brings no room. */
bool sp_legacy_give_back(struct legacy *legacy);

/* --- part_space.c --------------------------------------------------------- */

/* SPULL_STORAGE: there was no room for more, and how much it takes. */
enum spull_code sp_part_say_full(struct sp_part *part, int why,
                                 struct spull_error *err);

#endif
