/* SPDX-License-Identifier: MIT */
/*
 * spull tags: the tags of a container, one a line, in the registry's order.
 *
 * What is a tag and what only looks like one, the library has decided; entries
 * that it left out are told to those who want to know (-v, --json).
 */
#include "cmd.h"
#include "out.h"
#include "say.h"
#include "settings.h"

static enum spull_code print_lines(const struct spull_tags *tags,
                                   struct spull_error *err)
{
    for (size_t i = 0; i < tags->count; i++) {
        enum spull_code code = out_line(tags->names[i], err);

        if (code != SPULL_OK)
            return code;
    }
    return SPULL_OK;
}

static enum spull_code print_json(const char *container,
                                  const struct spull_tags *tags,
                                  struct spull_error *err)
{
    struct out_object *object = out_object_new();

    out_ref(object, "container", container);
    out_list(object, "tags", tags->names, tags->count);
    out_list(object, "left_out", tags->left_out, tags->left_out_count);
    return out_object_end(object, err);
}

static enum spull_code print_tags(const struct cmd_call *call,
                                  const struct spull_tags *tags)
{
    struct spull_error err;
    enum spull_code code;

    for (size_t i = 0; i < tags->left_out_count; i++)
        say_detail("left out, since it can be no tag: %s", tags->left_out[i]);
    if (call->common->json)
        code = print_json(call->operands[0], tags, &err);
    else
        code = print_lines(tags, &err);
    return code == SPULL_OK ? code : cmd_report_out(&err);
}

static enum spull_code run(const struct cmd_call *call)
{
    const char *container = call->operands[0];
    struct spull *session = NULL;
    struct spull_tags *tags = NULL;
    struct spull_error err;
    enum spull_code code = cmd_open(call, NULL, &session, &err);

    if (code == SPULL_OK)
        code = spull_tags_get(session, container, &tags, &err);
    if (code != SPULL_OK)
        cmd_report(call, container, NULL, &err);
    else
        code = print_tags(call, tags);
    spull_tags_free(tags);
    cmd_close(session);
    return code;
}

const struct cmd cmd_tags = {
    .name = "tags",
    .operands = "COLLECTION/NAME",
    .summary = "list the tags of a container, one a line",
    .operands_min = 1,
    .operands_max = 1,
    .settings = true,
    .tables = {&settings_session, &cmd_json_table, &cmd_common_table},
    .run = run,
};
