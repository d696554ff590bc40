/* SPDX-License-Identifier: MIT */
/*
 * folder: the names in a directory, one after the other.
 *
 * Owns how a directory is read, and that a stream of its own is used for it. It
 * knows nothing of what the names mean.
 */
#ifndef SP_FOLDER_H
#define SP_FOLDER_H

#include <stdbool.h>

/*
 * Calls visit with each name but "." and "..", until it returns false. dir is a
 * descriptor of the directory, which stays as it is. false: the directory can't
 * be read, or not to its end, and errno says why.
 */
bool sp_folder_each(int dir, bool (*visit)(void *payload, const char *name),
                    void *payload);

#endif
