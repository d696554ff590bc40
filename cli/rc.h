/* SPDX-License-Identifier: MIT */
/*
 * rc: the settings in force, and where each of them came from.
 *
 * Lays options over variables over ~/.spullrc over the system's spullrc over
 * what curl's users have set over the defaults. The only room that calls
 * getenv(3). Which settings there are, the table of settings says.
 */
#ifndef RC_H
#define RC_H

#include <stddef.h>

#include <spull.h>

#include "opt.h"
#include "section.h"
#include "settings.h"

enum rc_layer { RC_BUILT_IN, RC_VARIABLE, RC_FILE, RC_OPTION };

struct rc_origin {
    enum rc_layer layer;
    const char *name; /* of the variable or file; "--dir" */
    unsigned line;    /* in the file */
};

struct rc_file {
    const char *path; /* NULL: there is no place for it */
    char *text;       /* NULL: not there */
};

enum { RC_SYSTEM, RC_HOME, RC_FILES };

struct rc {
    struct settings set;
    struct rc_origin origin[SETTINGS_MAX]; /* by settings_row()'s number */
    struct sections sections;
    struct rc_file files[RC_FILES];
    const char **headers; /* given for this call; NULL at the end */
    size_t header_count;
    const char *home;
    char **kept; /* strings that nothing else owns */
    size_t kept_count;
};

/*
 * Reads everything. line may be NULL. The result points into line's words and
 * the environment. Fails with SPULL_USAGE, naming file and line, variable or
 * option; or with SPULL_INTERNAL.
 */
enum spull_code rc_load(struct rc *out, const struct opt_line *line,
                        struct spull_error *err);
void rc_done(struct rc *rc);

/*
 * Makes an operand of a command the registry, whatever a file or variable says.
 * SPULL_USAGE: an option says something, too.
 */
enum spull_code rc_use_registry(struct rc *rc, const char *value,
                                const char *command, struct spull_error *err);

/* What the registry setting means: a URL or a directory. SPULL_USAGE. */
enum spull_code rc_registry(const struct rc *rc, const char **out,
                            struct spull_error *err);

/*
 * The header lines for that registry: its section's and those of this call, as
 * a list with NULL at its end, to free(). NULL: no memory.
 */
const char **rc_headers(const struct rc *rc);

/*
 * The library refused a session: puts before err's text which setting names a
 * file that can't be read, if one does, and where it came from.
 */
void rc_blame(const struct rc *rc, struct spull_error *err);

/* "~/.spullrc:3", "SPULL_DIR", "--dir", "built-in". */
void rc_origin_text(const struct rc_origin *origin, char *dst, size_t cap);

/* The path of a file in the home directory, which must be known; lives as long
 * as rc. NULL: no memory. */
const char *rc_in_home(struct rc *rc, const char *name);

/* A variable's value; NULL if it is not set or empty. */
const char *rc_env(const char *name);

#endif
