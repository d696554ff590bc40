/* SPDX-License-Identifier: MIT */
/*
 * spull manifest: the manifest that a reference names, as JSON.
 *
 * Only what was found sound is printed. With --json, what was made of it is
 * around it, on one line.
 */
#include "cmd.h"
#include "out.h"
#include "settings.h"

static enum spull_code print_json(const char *ref,
                                  const struct spull_manifest *manifest,
                                  struct spull_error *err)
{
    struct out_object *object = out_object_new();

    out_ref(object, "reference", ref);
    out_text(object, "url", manifest->url);
    out_ref(object, "pinned", manifest->pinned);
    out_digest(object, manifest->digest);
    out_count(object, "size", manifest->size);
    out_list(object, "urls", manifest->urls, manifest->url_count);
    out_json(object, "manifest", manifest->json);
    return out_object_end(object, err);
}

static enum spull_code print_manifest(const struct cmd_call *call,
                                      const struct spull_manifest *manifest)
{
    struct spull_error err;
    enum spull_code code;

    if (call->common->json)
        code = print_json(call->operands[0], manifest, &err);
    else
        code = out_line(manifest->json, &err);
    return code == SPULL_OK ? code : cmd_report_out(&err);
}

static enum spull_code run(const struct cmd_call *call)
{
    const char *ref = call->operands[0];
    struct spull *session = NULL;
    struct spull_manifest *manifest = NULL;
    struct spull_error err;
    enum spull_code code = cmd_open(call, NULL, &session, &err);

    if (code == SPULL_OK)
        code = spull_manifest_get(session, ref, &manifest, &err);
    if (code != SPULL_OK)
        cmd_report(call, ref, NULL, &err);
    else
        code = print_manifest(call, manifest);
    spull_manifest_free(manifest);
    cmd_close(session);
    return code;
}

const struct cmd cmd_manifest = {
    .name = "manifest",
    .operands = "REF",
    .summary = "print a manifest, validated, as JSON",
    .operands_min = 1,
    .operands_max = 1,
    .settings = true,
    .tables = {&settings_session, &cmd_json_table, &cmd_common_table},
    .run = run,
};
