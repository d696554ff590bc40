/* SPDX-License-Identifier: MIT */
/*
 * spull verify: reads installed images again, and says whether they are still
 * what they were, or with --ref, what the registry promises.
 */
#include <stdint.h>

#include "cmd.h"
#include "fail.h"
#include "out.h"
#include "say.h"
#include "settings.h"

struct opts {
    const char *ref;
};

static const struct opt_row rows[] = {
    {"ref", 0, "REF", OPT_TEXT, offsetof(struct opts, ref), NULL,
     "compare with what the registry has for REF; for a single FILE"},
};

static const struct opt_table table = {rows, sizeof rows / sizeof rows[0]};

static enum spull_code print_json(const struct spull_image *image,
                                  const char *ref, struct spull_error *err)
{
    struct out_object *object = out_object_new();

    out_text(object, "path", image->path);
    out_ref(object, "reference", ref);
    out_text(object, "state", "verified");
    out_text(object, "digest", image->digest);
    out_text(object, "image_digest", image->image_digest);
    out_flag(object, "weak", image->weak != 0);
    out_count(object, "size", image->size);
    out_seconds(object, "seconds", image->seconds);
    return out_object_end(object, err);
}

static enum spull_code verify(const struct cmd_call *call,
                              struct spull *session, const char *path)
{
    const struct opts *opts = call->opts;
    struct spull_image *image = NULL;
    struct spull_error err;
    enum spull_code code = spull_verify(session, path, opts->ref, &image, &err);

    if (code != SPULL_OK)
        return cmd_report(call, opts->ref, path, &err);
    if (call->common->json)
        code = print_json(image, opts->ref, &err);
    else
        code = out_line(image->path, &err);
    spull_image_free(image);
    return code == SPULL_OK ? code : cmd_report_out(&err);
}

static enum spull_code check(const struct cmd_call *call,
                             struct spull_error *err)
{
    const struct opts *opts = call->opts;

    if (opts->ref != NULL && call->operand_count > 1)
        return fail_set(err, SPULL_USAGE, "--ref: one reference for %zu files",
                        call->operand_count);
    return SPULL_OK;
}

static enum spull_code run(const struct cmd_call *call)
{
    struct spull *session = NULL;
    struct spull_error err;
    enum spull_code first = check(call, &err);

    if (first == SPULL_OK)
        first = cmd_open(call, NULL, &session, &err);
    if (first != SPULL_OK) {
        say_error(&err, NULL);
        return first;
    }
    for (size_t i = 0; i < call->operand_count; i++) {
        enum spull_code code = verify(call, session, call->operands[i]);

        if (first == SPULL_OK || code == SPULL_CANCELLED)
            first = code;
        if (code == SPULL_CANCELLED)
            break;
    }
    cmd_close(session);
    return first;
}

const struct cmd cmd_verify = {
    .name = "verify",
    .operands = "FILE...",
    .summary = "read installed images again: are they what they were?",
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .settings = true,
    .own = &table,
    .own_size = sizeof(struct opts),
    .tables = {&table, &settings_weak, &settings_session, &cmd_json_table,
               &cmd_common_table},
    .run = run,
};
