/* SPDX-License-Identifier: MIT */
/*
 * spull_internal: what the files of the room spull share. spull.c has the
 * public functions, spull_vet.c looks at options. Nobody else includes it.
 */
#ifndef SP_SPULL_INTERNAL_H
#define SP_SPULL_INTERNAL_H

#include <spull.h>

/* SPULL_USAGE: an option has a value that can't be, or names a file that can't
 * be read. arch gets the name that SIF has for it. */
enum spull_code sp_spull_vet(struct spull_options *opts,
                             struct spull_error *err);

#endif
