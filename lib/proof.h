/* SPDX-License-Identifier: MIT */
/*
 * proof: that a file was verified, written on the file itself.
 *
 * An extended attribute names the digest together with the size, the time of
 * the last write and the inode for which it was found. If any of them differs,
 * or the file system keeps no attributes, there is no proof and the file is
 * hashed again: a proof saves reading, and nothing else. It knows no registry.
 */
#ifndef SP_PROOF_H
#define SP_PROOF_H

#include <stdbool.h>

#include <spull.h>

#include "digest.h"
#include "sif.h"

/*
 * Writes down that fd's content has this digest; nothing may write to the file
 * afterwards. Only for what look calls an image. A failure is not told.
 */
void sp_proof_write(int fd, const struct sp_digest *digest,
                    const struct sp_look *look);

/*
 * Is there a proof on fd, by this user or by root, that holds? *digest and
 * *look are written if so.
 */
bool sp_proof_read(int fd, struct sp_digest *digest, struct sp_look *look);

/* What was once found for the file, whether it still holds or not: to tell
 * damage from a tag that has moved on. */
bool sp_proof_remember(int fd, struct sp_digest *digest);

#endif
