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
#include <sys/types.h>

#include <spull.h>

#include "digest.h"
#include "sif.h"
#include "span.h"
#include "watch.h"

#define SP_PART_LABEL 32 /* hex digits of a digest that name a part */

struct sp_part;

/*
 * A file whose bytes were verified in this inode. Only verify makes one, with
 * sp_part_seal(), and only install takes one.
 */
struct sp_sealed {
    int dir;     /* descriptor of the directory that holds it */
    int fd;      /* of the file, read and write */
    char *name;  /* its name there, for now */
    char *where; /* the directory as the user named it, for messages */
    bool shared; /* who may read the directory may read the file */
    bool linked; /* the inode has another name, elsewhere: it stays as it is */
    uint64_t size;
    uint64_t beat; /* how often its journal was written */
    struct sp_digest digest;
    struct sp_look look;
    bool unpacked;           /* it came out of an archive that was verified */
    struct sp_digest origin; /* of that archive, where there was one */
};

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
 * Sets the mode of fd to own and, of the bits in others, those that its
 * directory grants; gives fd to the directory's group, or no group access.
 * false: errno says why not.
 */
bool sp_part_share(int dir, int fd, mode_t own, mode_t others);

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
 * is true. What
 * is older than the options' keep_days is removed, whatever blob it is of, and
 * so is the link of a leader that is gone. A directory that the session has
 * looked through a moment ago is not looked through again, unless something of
 * this blob was there. That there is nothing, or nothing of use, is no error.
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
 * Removes from a directory the parts and journals that nobody has written to
 * for so many days (0: none), and the journals and leads of parts that are no
 * more. Adds to *count and *bytes.
 */
void sp_part_tidy(int dir, unsigned days, uint64_t *count, uint64_t *bytes);

/* Removes what other processes have left of the same blob beside a finished
 * file: all of those that are gone, and of those that can't be seen from here
 * what is older than the options' keep_days. */
void sp_part_bury(const struct sp_sealed *sealed, struct sp_ctx *ctx);

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

/* Removes the file and frees; for a part or a sealed one that is not wanted. */
void sp_part_discard(struct sp_part *part);
void sp_sealed_discard(struct sp_sealed *sealed);

/* Leaves the file, which could not be named now, to a later process. */
void sp_sealed_keep(struct sp_sealed *sealed);

/* SPULL_STORAGE: there is no room for it after all, and how much it takes. */
enum spull_code sp_sealed_say_full(const struct sp_sealed *sealed, int why,
                                   struct spull_error *err);

/* Is it written down what there is of it? Too little is not worth it, and a
 * link is nobody's to take up. */
bool sp_sealed_has_journal(const struct sp_sealed *sealed);

/* Shows those who wait that we live, while the file is flushed; by the journal,
 * where there is one. */
void sp_sealed_beat(struct sp_sealed *sealed);

/* Frees a sealed one whose file has got its final name. */
void sp_sealed_free(struct sp_sealed *sealed);

/*
 * The lead: of many processes that want one blob in one directory, one
 * downloads. It is named by a symbolic link ".spull-LABEL.lead": symlink(2)
 * makes name and content in one step on every file system of a cluster. A
 * leader shows that it lives by the beat of its journal.
 *
 * A link that only its owner could remove, in a sticky directory, is passed by:
 * the next one is ".spull-LABEL-1.lead", and so on.
 *
 * Nothing but bandwidth rests on this. Two leaders, by whatever race or lie of
 * a file system, download twice and install the same verified image.
 */
struct sp_lead;

/* dir and label as for sp_part_new(). SPULL_STORAGE, INTERNAL. */
enum spull_code sp_lead_new(const char *dir, const char *label,
                            struct sp_lead **out, struct spull_error *err);

/* The same for a directory by its descriptor, which stays the caller's. */
enum spull_code sp_lead_new_shared(int dir, const char *where,
                                   const char *label, struct sp_lead **out,
                                   struct spull_error *err);

/* Gives the lead up, if it is ours, and frees. */
void sp_lead_free(struct sp_lead *lead);

enum sp_lead_state {
    SP_LEAD_VACANT, /* nobody leads */
    SP_LEAD_BEATS,  /* somebody does, and has shown life since the last look */
    SP_LEAD_SILENT, /* somebody does, and has not */
    SP_LEAD_GONE    /* the one that leads has died */
};

/* Has a look at the leader. *bytes: what it had finished, if that is known. */
enum sp_lead_state sp_lead_look(struct sp_lead *lead, uint64_t *bytes);

/* Tries to lead with this part, also when we lead with another. false: somebody
 * else was first. */
bool sp_lead_take(struct sp_lead *lead, const struct sp_part *part);

/* Takes away the leader that the last look saw. */
void sp_lead_depose(struct sp_lead *lead);

/*
 * Is fd the very file that a leader was seen to fill, and that leader this user
 * or root? Then whoever named it had verified it, in this inode. *other: its
 * label is not that of the lead.
 */
bool sp_lead_made(const struct sp_lead *lead, int fd, bool *other);

/* Closes that file: while it is open, its blocks are taken. */
void sp_lead_forget(struct sp_lead *lead);

/* Is the leader last seen another pull of this process? */
bool sp_lead_is_here(const struct sp_lead *lead);

/* "HOST-PID" of the leader last seen, or "". */
void sp_lead_who(const struct sp_lead *lead, char *out, size_t cap);

#endif
