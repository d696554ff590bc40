/* SPDX-License-Identifier: MIT */
/*
 * Somebody else who may write to a folder, and is quick: just before a file is
 * linked under another name, the file SWAP_FROM takes the place of what was to
 * be linked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int linkat(int old_dir, const char *old_name, int new_dir, const char *new_name,
           int flags)
{
    const char *from = getenv("SWAP_FROM");

    if (from != NULL)
        (void)renameat(-100, from, old_dir, old_name);
    return (int)syscall(SYS_linkat, old_dir, old_name, new_dir, new_name,
                        flags);
}
