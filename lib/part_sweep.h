/* SPDX-License-Identifier: MIT */
/*
 * part_sweep: removes what processes that are gone have left in a directory.
 *
 * It knows partial files, journals and leads by their names, and no part that
 * is being filled.
 */
#ifndef SP_PART_SWEEP_H
#define SP_PART_SWEEP_H

#include <stdint.h>

struct sp_ctx;
struct sp_sealed;

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

#endif
