/* SPDX-License-Identifier: MIT */
/*
 * part: the partial file, from its exclusive creation to its seal.
 *
 * It lies beside the destination, since a name can only be given within one
 * file system, under a name of its own that no other process ever creates:
 * ".spull-LABEL-HOST-PID-RANDOM.part", with a journal ".spans" in place of
 * ".part". So who renames that name to the final one names an inode that this
 * process made and nobody else could write.
 *
 * A writer fills it in any order while one reader follows the frontier, the
 * first byte that is not there yet. All functions may be called by the two at
 * once; sp_part_seal() and sp_part_discard() only after both are done. The room
 * knows nothing of URLs, hashes or final names.
 */
#ifndef SP_PART_H
#define SP_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spull.h>

#include "part_sealed.h"
#include "span.h"
#include "watch.h"

#define SP_PART_LABEL 32 /* hex digits of a digest that name a part */

struct sp_part;

/*
 * Creates an empty partial file in directory dir, mode 0600. label tells blobs
 * apart: hex digits, of which the first SP_PART_LABEL count. SPULL_STORAGE,
 * INTERNAL.
 */
enum spull_code sp_part_new(const char *dir, const char *label,
                            struct sp_part **out, struct spull_error *err);

/*
 * The same in a directory that is shared, by its descriptor, which stays the
 * caller's: who may read there may read the file and its journal, so that
 * others can take up what we leave, and nobody else may ever write to it.
 */
enum spull_code sp_part_new_shared(int dir, const char *where,
                                   const char *label, struct sp_part **out,
                                   struct spull_error *err);

/*
 * Three ways for an empty part to get the size bytes that another file holds.
 * The first two cost no space; where they can't be, the part is empty as
 * before.
 *
 * Clone: has blocks of its own as soon as either file is written to.
 */
bool sp_part_clone(struct sp_part *part, int fd, uint64_t size);

/* Link: the part becomes another name of fd's inode, which is called name in
 * dir; mode and proof stay as they are. SPULL_STORAGE: there is no part now. */
enum spull_code sp_part_link(struct sp_part *part, int dir, const char *name,
                             int fd, uint64_t size, bool *linked,
                             struct spull_error *err);

/*
 * Copies what processes that are gone had finished of the same blob, and
 * removes what they left; piece by piece, where there is no room for both.
 * Those that can't be seen from here, or stand still, count as gone when they
 * were silent for long, which the caller knows if it deposed them: then deposed
 * is true. What is older than the options' keep_days is removed, whatever blob
 * it is of, and so is the link of a leader that is gone. A directory that the
 * session has looked through a moment ago is not looked through again, unless
 * something of this blob was there. That there is nothing, or nothing of use,
 * is no error.
 * SPULL_STORAGE, CANCELLED, INTERNAL.
 */
enum spull_code sp_part_inherit(struct sp_part *part, bool deposed,
                                struct sp_watch *watch,
                                struct spull_error *err);

/*
 * Copies from the open file fd what is missing of its first size bytes; in the
 * kernel where it can, which may share blocks. A file that is shorter gives
 * what it has. The journal shows life meanwhile. SPULL_STORAGE, CANCELLED,
 * INTERNAL.
 */
enum spull_code sp_part_copy(struct sp_part *part, int fd, uint64_t size,
                             struct sp_watch *watch, struct spull_error *err);

/*
 * For a part that is made from another file, and is of no use before it is
 * whole: removes those of the same label that processes which are gone have
 * left (deposed as above), and lets everybody know whose this one is.
 */
void sp_part_claim(struct sp_part *part, bool deposed, struct sp_watch *watch);

/* The size of the blob, as soon as the writer knows it: for the journal. */
void sp_part_set_size(struct sp_part *part, uint64_t size);
uint64_t sp_part_size(struct sp_part *part); /* 0: not known */

/* Writes the journal: what is finished, should we be killed; and that we live,
 * for those who wait. Does nothing where there is no news and the last beat is
 * not long ago. A failure is not told: it costs the next process a download. */
void sp_part_save(struct sp_part *part);

/*
 * Looks whether a part of size bytes would fit, as far as free space and quota
 * tell. Reserving makes sure of it, where the file system truly does. In
 * SPULL_STORAGE, they say what is needed and what there is.
 */
enum spull_code sp_part_check_room(struct sp_part *part, uint64_t size,
                                   struct spull_error *err);
enum spull_code sp_part_reserve(struct sp_part *part, uint64_t size,
                                struct spull_error *err);

/* Writes all of it at offset at, and lets the reader know. SPULL_STORAGE. */
enum spull_code sp_part_write(struct sp_part *part, uint64_t at,
                              const void *bytes, size_t len,
                              struct spull_error *err);

/* Bytes written so far, holes not counted; those of them that an earlier run
 * brought and that are nowhere else now; and where the last of them ends. */
uint64_t sp_part_total(struct sp_part *part);
uint64_t sp_part_inherited(struct sp_part *part);
uint64_t sp_part_extent(struct sp_part *part);

/*
 * The first bytes at or behind from, and before size, that are missing; false:
 * none are.
 */
bool sp_part_gap(struct sp_part *part, uint64_t from, uint64_t size,
                 struct sp_span *out);

/* Forgets every byte: what was written came from a source that lied. */
void sp_part_restart(struct sp_part *part);

/*
 * The writer's last word: the bytes [0, size) and no others are there
 * (SPULL_INTERNAL if not), or no more will come. Either wakes the reader. Also
 * SPULL_STORAGE.
 */
enum spull_code sp_part_complete(struct sp_part *part, uint64_t size,
                                 struct spull_error *err);
void sp_part_give_up(struct sp_part *part);

/* For the reader: from now on, writes fail with this. */
void sp_part_break(struct sp_part *part, const struct spull_error *why);

enum sp_follow {
    SP_FOLLOW_MORE,      /* bytes up to *frontier can be read */
    SP_FOLLOW_RESTARTED, /* begin again at 0 */
    SP_FOLLOW_COMPLETE,  /* nothing behind from, and never will be */
    SP_FOLLOW_GIVEN_UP
};

/*
 * Waits until there is more than from, and says how far it goes; who has to
 * wait is woken when it is SP_HASH_STEP more, or all there will be. *round
 * starts as 0 and belongs to the reader; it counts the restarts that it was
 * told of.
 */
enum sp_follow sp_part_follow(struct sp_part *part, uint64_t from,
                              unsigned *round, uint64_t *frontier);

/* Has there been a restart that the reader has not been told of, or has the
 * writer given up? */
bool sp_part_is_stale(struct sp_part *part, unsigned round);

/*
 * Reads exactly len bytes, which the frontier has passed. SPULL_STORAGE; it may
 * fail for no other reason than that the part is stale.
 */
enum spull_code sp_part_read(struct sp_part *part, uint64_t at, void *bytes,
                             size_t len, struct spull_error *err);

/*
 * Starts to write [from, to) back to disk, so that the flush at the end is
 * short. A hint: it can't fail.
 */
void sp_part_write_back(struct sp_part *part, uint64_t from, uint64_t to);

/*
 * Turns a complete part into what install takes; digest and look are what was
 * found of it. part is freed on success.
 */
enum spull_code sp_part_seal(struct sp_part *part,
                             const struct sp_digest *digest,
                             const struct sp_look *look, struct sp_sealed **out,
                             struct spull_error *err);

/* Writes down what is finished and leaves the file to a later process. */
void sp_part_keep(struct sp_part *part);

/* Removes the file and frees; for a part that is not wanted. */
void sp_part_discard(struct sp_part *part);

#endif
