/* SPDX-License-Identifier: MIT */
/*
 * part_lead: of many processes that want one blob in one directory, one
 * downloads: the leader.
 *
 * It is named by a symbolic link ".spull-LABEL.lead": symlink(2) makes name and
 * content in one step on every file system of a cluster. It shows that it lives
 * by the beat of its journal. A link that only its owner could remove, in a
 * sticky directory, is passed by: the next one is ".spull-LABEL-1.lead", and so
 * on.
 *
 * Nothing but bandwidth rests on this. Two leaders, by whatever race or lie of
 * a file system, download twice and install the same verified image.
 */
#ifndef SP_PART_LEAD_H
#define SP_PART_LEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spull.h>

struct sp_part;

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

/* Has a look at the leader. *bytes: what it had finished by its journal, if it
 * has one; UINT64_MAX: that is another user's, and closed to us. */
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
