/* SPDX-License-Identifier: MIT */
/*
 * result: what came of one reference of a call, from the thread that worked on
 * it to whoever reads stdout and stderr.
 *
 * How a success is printed is each command's own; a failure is the same for
 * all, and so is what follows when nobody reads what is printed.
 */
#ifndef RESULT_H
#define RESULT_H

#include <spull.h>

#include "cmd.h"
#include "list.h"

/* Starts as zeros. */
struct result {
    struct spull_image *image;       /* that is in place, */
    struct spull_manifest *manifest; /* or what was asked for; or a failure: */
    struct spull_error *err;         /* NULL: no memory for it */
    struct cmd_cost cost;            /* of an image */
};

/* Keeps err of a failure; returns code. */
enum spull_code result_keep(struct result *result, enum spull_code code,
                            const struct spull_error *err);

/* Reports a failure, as cmd_report_line() does; for images, with their cost. */
void result_report(const struct cmd_call *call, const struct list_line *line,
                   const char *path, const struct result *result);
void result_report_image(const struct cmd_call *call,
                         const struct list_line *line, const char *path,
                         const struct result *result);

/*
 * What follows from code and err of having printed something: without stdout
 * there is no use in more, so the session is cancelled where nobody reads on.
 */
enum spull_code result_printed(struct spull *session, enum spull_code code,
                               const struct spull_error *err);

void result_done(struct result *result);

#endif
