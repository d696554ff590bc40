/* SPDX-License-Identifier: MIT */
/*
 * rcentry: what the entries of a configuration file set: keys, and what is in
 * [registry NAME] sections. Which files there are, rc knows.
 */
#ifndef RCENTRY_H
#define RCENTRY_H

#include <spull.h>

#include "rc.h"

/* Reads a file, if it is there, over what rc has. SPULL_USAGE, with its path
 * and line. */
enum spull_code rc_take_file(struct rc *rc, struct rc_file *file,
                             struct spull_error *err);

#endif
