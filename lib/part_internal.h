/* SPDX-License-Identifier: MIT */
/*
 * part_internal: what the files of the room part share.
 *
 * part.c owns the file and its two users, part_journal.c what a killed process
 * leaves behind and how the next one takes it up. Nobody else includes it.
 */
#ifndef SP_PART_INTERNAL_H
#define SP_PART_INTERNAL_H

#include <pthread.h>

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
    unsigned rounds; /* restarts */
    enum part_state state;
    struct spull_error broken; /* why the reader gave up; code 0: it did not */
    uint64_t size;             /* of the blob, where it is known; 0: not yet */
    uint64_t saved;            /* bytes that the journal knows of */
};

/* Takes note of a span that is in the file, and lets the reader know. Fails
 * with what the reader has failed with, or without memory. */
enum spull_code sp_part_finish(struct sp_part *part, struct sp_span span,
                               struct spull_error *err);

/* Writes all of it, at offset at of fd. SPULL_STORAGE. */
enum spull_code sp_part_write_all(const struct sp_sealed *file, uint64_t at,
                                  const char *bytes, size_t len,
                                  struct spull_error *err);

/* Removes the journal of the part of this name. */
void sp_part_journal_remove(const struct sp_sealed *file);

#endif
