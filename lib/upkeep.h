/* SPDX-License-Identifier: MIT */
/*
 * upkeep: what the keeper of a store does from time to time: remove what nobody
 * has used for long, and read again what is there. It knows no registry.
 */
#ifndef SP_UPKEEP_H
#define SP_UPKEEP_H

#include <stdbool.h>

#include <spull.h>

#include "ctx.h"

struct sp_upkeep {
    struct sp_ctx *ctx;
    bool prune; /* else verify */
    unsigned days;
    spull_entry_fn tell;
    void *payload;
};

/* As spull_store_prune() or spull_store_verify(). */
enum spull_code sp_upkeep(const struct sp_upkeep *what,
                          struct spull_error *err);

#endif
