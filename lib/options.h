/* SPDX-License-Identifier: MIT */
/*
 * options: struct spull_options as a session keeps it: all defaults, and copies
 * of all strings.
 *
 * It knows where the strings are and what a caller of an older library has left
 * out. What a value means, and whether it can be, is not known here.
 */
#ifndef SP_OPTIONS_H
#define SP_OPTIONS_H

#include <stdbool.h>

#include <spull.h>

/* A copy, to end with sp_options_done(). SPULL_USAGE: its size is wrong; also
 * INTERNAL. */
enum spull_code sp_options_copy(const struct spull_options *from,
                                struct spull_options *out,
                                struct spull_error *err);
void sp_options_done(struct spull_options *opts);

/* Makes one of its strings a copy of value. false: no memory. */
bool sp_options_set(const char **string, const char *value);

#endif
