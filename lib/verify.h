/* SPDX-License-Identifier: MIT */
/*
 * verify: hashes the partial file while it is still being filled, compares,
 * and seals. The only caller of sp_part_seal().
 *
 * The hash reads back what was written, so it covers the bytes in the file and
 * not those that went by in memory. A thread of its own follows the frontier;
 * what is left to do when the last byte arrives is a chunk or two.
 */
#ifndef SP_VERIFY_H
#define SP_VERIFY_H

#include <stdbool.h>

#include <spull.h>

#include "digest.h"
#include "ref.h"
#include "sif.h"
#include "watch.h"

/*
 * What has to be proven of a blob: the pin's digest if there is one, else the
 * stated one. SPULL_INTEGRITY: the two disagree (the tag has moved), or the
 * stated one is no proof and allow_md5 does not help.
 */
enum spull_code sp_verify_want(const struct sp_ref *ref,
                               const struct sp_digest *stated, bool allow_md5,
                               struct sp_digest *want, struct spull_error *err);

/* The same without asking for strength: only that the tag has not moved. */
enum spull_code sp_verify_pin(const struct sp_ref *ref,
                              const struct sp_digest *stated,
                              struct spull_error *err);

struct sp_part;
struct sp_sealed;
struct sp_verify;

/*
 * Starts to follow part, which must live until sp_verify_end() or
 * sp_verify_free(). SPULL_INTERNAL.
 */
enum spull_code sp_verify_start(struct sp_part *part, enum sp_algorithm how,
                                struct sp_verify **out,
                                struct spull_error *err);

/*
 * Waits for the end of part, which the writer must have completed, and seals it
 * if its digest is want (NULL: whatever it is, as it came out of a file that
 * was verified); then part is gone. SPULL_INTEGRITY: another digest; part is
 * the caller's still. *look says what the first bytes are, in both cases. What
 * was copied in a moment may take minutes to be read: meanwhile the journal
 * shows that we live, and watch is told. Also SPULL_STORAGE, CANCELLED,
 * INTERNAL. One call only.
 */
enum spull_code sp_verify_end(struct sp_verify *verify, struct sp_watch *watch,
                              const struct sp_digest *want,
                              struct sp_look *look, struct sp_sealed **out,
                              struct spull_error *err);

/* The writer must have completed part or given it up. */
void sp_verify_free(struct sp_verify *verify);

/*
 * For a complete part that is a link to fd, or a clone of it, taken when nobody
 * but this user and root could write to fd: seals it if fd has the digest, as a
 * proof says or, where there is none, after reading fd. SPULL_INTEGRITY: it has
 * another one; the part is the caller's then. Also STORAGE, CANCELLED,
 * INTERNAL.
 */
enum spull_code sp_verify_twin(struct sp_part *part, int fd,
                               const struct sp_digest *want,
                               struct sp_watch *watch, struct sp_look *look,
                               struct sp_sealed **out, struct spull_error *err);

/*
 * Hashes a file that has been there before, from the descriptor's offset 0 to
 * its end; tells watch. SPULL_STORAGE, CANCELLED, INTERNAL.
 */
enum spull_code sp_verify_file(int fd, enum sp_algorithm how,
                               struct sp_watch *watch, struct sp_digest *out,
                               struct sp_look *look, struct spull_error *err);

/* Only the first bytes of such a file. */
void sp_verify_look(int fd, struct sp_look *look);

#endif
