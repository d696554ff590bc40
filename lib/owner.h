/* SPDX-License-Identifier: MIT */
/*
 * owner: which process made a file, and whether it still runs.
 *
 * A pid alone says nothing: it is reused, and another container or node counts
 * its own. So an owner is a boot, a pid namespace, a pid and the time at which
 * that process started (proc(5)). What can't be known from here is said so;
 * what to do then is decided elsewhere.
 */
#ifndef SP_OWNER_H
#define SP_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include <spull.h>

#include "buf.h"

#define SP_BOOT_TEXT 40

struct sp_owner {
    char boot[SP_BOOT_TEXT]; /* of the kernel: a UUID; "": unknown */
    uint64_t space;          /* of pids: an inode number; 0: unknown */
    uint64_t pid;   /* 0: nobody, who is gone wherever one looks from */
    uint64_t start; /* in ticks since that boot */
};

enum sp_life {
    SP_RUNS,     /* it is there */
    SP_STOPPED,  /* it stands still (SIGSTOP), and may go on at any time */
    SP_GONE,     /* it is not, and won't come back */
    SP_ELSEWHERE /* on another node or in another container: can't be seen */
};

struct sp_owner sp_owner_self(void);
enum sp_life sp_owner_life(const struct sp_owner *owner);

/* Is it this very process? */
bool sp_owner_is_self(const struct sp_owner *owner);

/* As one line, "BOOT SPACE PID START"; and back. false: it is none. */
enum sp_buf_result sp_owner_print(const struct sp_owner *owner,
                                  struct sp_buf *out);
bool sp_owner_parse(const char *line, struct sp_owner *out);

#endif
