/* SPDX-License-Identifier: MIT */
/*
 * proof: that a file was verified, written on the file itself.
 *
 * An extended attribute names the digest (and that of the archive from which
 * the file was unpacked) together with the size, the time of the last write and
 * the inode for which it was found. If any of them differs, or the file system
 * keeps no attributes, there is no proof and the file is hashed again: a proof
 * saves reading, and nothing else. It knows no registry.
 */
#ifndef SP_PROOF_H
#define SP_PROOF_H

#include <stdbool.h>

#include <spull.h>

#include "digest.h"
#include "sif.h"

/* What was found of a file. */
struct sp_proof {
    struct sp_digest digest;
    struct sp_look look;
    bool unpacked;           /* it came out of an archive */
    struct sp_digest origin; /* of that archive, where there was one */
};

/*
 * Writes down what was found of fd; nothing may write to the file afterwards.
 * Only for what look calls an image. A failure is not told.
 */
void sp_proof_write(int fd, const struct sp_proof *proof);

/* Is there a proof on fd, by this user or by root, that holds? */
bool sp_proof_read(int fd, struct sp_proof *out);

/* What was once found for the file, by this user or by root, whether it still
 * holds or not: to tell damage from a tag that has moved on. */
bool sp_proof_remember(int fd, struct sp_proof *out);

#endif
