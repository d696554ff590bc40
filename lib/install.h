/* SPDX-License-Identifier: MIT */
/*
 * install: gives a sealed part its final name.
 *
 * Flush the bytes, set the mode, name the inode, flush the directory, in this
 * order: a crash at any point leaves the old state or the new one. Its argument
 * can't be an unverified file. It does not know where the bytes came from.
 */
#ifndef SP_INSTALL_H
#define SP_INSTALL_H

#include <stdbool.h>
#include <sys/types.h>

#include <spull.h>

#include "part_sealed.h"

/* For the umask to take from: an image can be run, a blob of a mirror is data
 * for a web server. */
#define SP_MODE_IMAGE 0777
#define SP_MODE_BLOB  0666

/*
 * Names the file final (one component) in the directory that it lies in, with
 * mode less the umask. Without replace, an existing final is SPULL_EXISTS and
 * stays as it is, also when it appears in this very moment. sealed is freed; on
 * failure its file is removed, or kept for a later process where the disk may
 * yet take it. SPULL_STORAGE with ENOENT: somebody who thought us dead has
 * taken the file away. Also SPULL_STORAGE.
 */
enum spull_code sp_install(struct sp_sealed *sealed, const char *final,
                           mode_t mode, bool replace, struct spull_error *err);

#endif
