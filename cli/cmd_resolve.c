/* SPDX-License-Identifier: MIT */
/*
 * spull resolve: references to their pinned form,
 * COLLECTION/NAME:TAG@sha256:HEX.
 *
 * A pin is worth as much as its digest, so a manifest that states no sha256
 * has no pinned form here, whatever --allow-md5 says elsewhere.
 */
#include <stdint.h>

#include "cmd.h"
#include "fail.h"
#include "out.h"
#include "say.h"
#include "settings.h"

static enum spull_code print_json(const char *ref,
                                  const struct spull_manifest *manifest,
                                  struct spull_error *err)
{
    struct out_object *object = out_object_new();

    out_text(object, "reference", ref);
    out_text(object, "state", "resolved");
    out_text(object, "pinned", manifest->pinned);
    out_text(object, "digest", manifest->digest);
    out_count(object, "size", manifest->size);
    out_text(object, "url", manifest->url);
    out_list(object, "urls", manifest->urls, manifest->url_count);
    return out_object_end(object, err);
}

static enum spull_code no_pin(const struct spull_manifest *manifest,
                              struct spull_error *err)
{
    fail_set(err, SPULL_INTEGRITY,
             "%s: can't be pinned: its manifest states no sha256 but %s",
             manifest->url, manifest->digest);
    fail_hint(err, "the registry's owner can state one");
    return SPULL_INTEGRITY;
}

static enum spull_code print_pinned(const struct cmd_call *call,
                                    const char *ref,
                                    const struct spull_manifest *manifest)
{
    struct spull_error err;
    enum spull_code code;

    if (call->common->json)
        code = print_json(ref, manifest, &err);
    else
        code = out_line(manifest->pinned, &err);
    return code == SPULL_OK ? code : cmd_report_out(&err);
}

static enum spull_code resolve(const struct cmd_call *call,
                               struct spull *session, const char *ref)
{
    struct spull_manifest *manifest = NULL;
    struct spull_error err;
    enum spull_code code = spull_manifest_get(session, ref, &manifest, &err);

    if (code == SPULL_OK && manifest->pinned == NULL)
        code = no_pin(manifest, &err);
    if (code != SPULL_OK)
        cmd_report(call, ref, NULL, &err);
    else
        code = print_pinned(call, ref, manifest);
    spull_manifest_free(manifest);
    return code;
}

static enum spull_code run(const struct cmd_call *call)
{
    struct spull *session = NULL;
    struct spull_error err;
    enum spull_code first = cmd_open(call, NULL, &session, &err);

    if (first != SPULL_OK) {
        say_error(&err, NULL);
        return first;
    }
    for (size_t i = 0; i < call->operand_count; i++) {
        enum spull_code code = resolve(call, session, call->operands[i]);

        if (first == SPULL_OK || code == SPULL_CANCELLED)
            first = code;
        if (code == SPULL_CANCELLED)
            break;
    }
    cmd_close(session);
    return first;
}

const struct cmd cmd_resolve = {
    .name = "resolve",
    .operands = "REF...",
    .summary = "print references pinned: COLLECTION/NAME:TAG@sha256:HEX",
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .settings = true,
    .tables = {&settings_session, &cmd_json_table, &cmd_common_table},
    .run = run,
};
