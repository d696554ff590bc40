/* SPDX-License-Identifier: MIT */
/*
 * section: the [registry NAME] sections of configuration files.
 *
 * A later file replaces a section of an earlier one as a whole. What a section
 * is good for is not known here.
 */
#ifndef SECTION_H
#define SECTION_H

#include <stdbool.h>
#include <stddef.h>

#include <spull.h>

#include "rcfile.h"

/* Strings are borrowed. */
struct section {
    const char *name;
    const char *url;      /* NULL while its line has not come */
    unsigned url_line;    /* where that stands */
    const char **headers; /* lines for this registry alone; owned list */
    size_t header_count;
    const char *file; /* where its header stands */
    unsigned line;
};

/* Starts zeroed. */
struct sections {
    struct section *list;
    size_t count;
};

void sections_done(struct sections *sections);

/* false: no memory. */
bool section_add_header(struct section *section, const char *line);

/* NULL: there is none of this name. */
struct section *section_find(const struct sections *sections, const char *name);

/*
 * Makes the section that a header in file opens. SPULL_USAGE: it is no
 * [registry NAME], or file has had it. *out is good until the next call.
 */
enum spull_code section_open(struct sections *sections,
                             const struct rcfile_entry *header,
                             const char *file, struct section **out,
                             struct spull_error *err);

/* SPULL_USAGE: a section has ended without a url. */
enum spull_code section_check(const struct sections *sections,
                              struct spull_error *err);

#endif
