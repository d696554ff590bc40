/* SPDX-License-Identifier: MIT */
/*
 * result: what came of one reference of a call, from the thread that worked on
 * it to whoever reads stdout and stderr.
 *
 * An error is kept apart, since it is large and a list may be long.
 */
#include "result.h"

#include <stdlib.h>

#include "fail.h"

enum spull_code result_keep(struct result *result, enum spull_code code,
                            const struct spull_error *err)
{
    if (code == SPULL_OK)
        return code;
    result->err = malloc(sizeof *result->err);
    if (result->err != NULL)
        *result->err = *err;
    return code;
}

static void report(const struct cmd_call *call, const struct list_line *line,
                   const char *path, const struct cmd_cost *cost,
                   const struct result *result)
{
    struct spull_error nomem;

    fail_nomem(&nomem);
    cmd_report_line(call, line, path, cost,
                    result->err != NULL ? result->err : &nomem);
}

void result_report(const struct cmd_call *call, const struct list_line *line,
                   const char *path, const struct result *result)
{
    report(call, line, path, NULL, result);
}

void result_report_image(const struct cmd_call *call,
                         const struct list_line *line, const char *path,
                         const struct result *result)
{
    report(call, line, path, &result->cost, result);
}

enum spull_code result_printed(struct spull *session, enum spull_code code,
                               const struct spull_error *err)
{
    if (code == SPULL_OK)
        return SPULL_OK;
    if (code == SPULL_CANCELLED)
        spull_cancel(session);
    return cmd_report_out(err);
}

void result_done(struct result *result)
{
    spull_image_free(result->image);
    spull_manifest_free(result->manifest);
    free(result->err);
    *result = (struct result){.image = NULL};
}
