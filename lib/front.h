/* SPDX-License-Identifier: MIT */
/*
 * front: the front matter of a generator's page to the manifest that it
 * renders.
 *
 * The first public registries are made by a page generator: a manifest's source
 * is a README.md whose front matter has its size, digest and layers.
 *
 * Reads the part of YAML that generators and people write there: keys with
 * plain or quoted values, and one list of such. What else may stand under keys
 * that nobody needs is skipped; under those that count it is refused. How good
 * the manifest is, is for lint to say.
 */
#ifndef SP_FRONT_H
#define SP_FRONT_H

#include <stdbool.h>
#include <stddef.h>

#include <spull.h>

#include "buf.h"

/* Does it start with a line of three hyphens? */
bool sp_front_look(const char *bytes, size_t len);

/*
 * Appends the manifest to out, as JSON. SPULL_INTEGRITY, with the line: it
 * can't be read, or the page would be no JSON.
 */
enum spull_code sp_front_render(const char *bytes, size_t len,
                                struct sp_buf *out, struct spull_error *err);

#endif
