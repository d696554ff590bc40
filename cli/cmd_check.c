/* SPDX-License-Identifier: MIT */
/*
 * spull check: what is wrong with a registry, one finding a line.
 *
 * What is looked for is the library's business. Here a finding becomes a line
 * that editors and CI systems can read, and all of them an exit status.
 */
#include <inttypes.h>
#include <stdint.h>

#include "cmd.h"
#include "fail.h"
#include "out.h"
#include "say.h"
#include "settings.h"
#include "term.h"
#include "text.h"

/* Place, code and text of a finding: 2 KiB each at most. */
#define LINE_BYTES 8192

struct opts {
    bool deep;
    bool no_blobs;
    bool strict;
};

static const struct opt_row rows[] = {
    {"deep", 0, NULL, OPT_FLAG, offsetof(struct opts, deep), NULL,
     "read all of each blob, unpack archives, and compare digests"},
    {"no-blobs", 0, NULL, OPT_FLAG, offsetof(struct opts, no_blobs), NULL,
     "look at documents only; ask no server for blobs"},
    {"strict", 0, NULL, OPT_FLAG, offsetof(struct opts, strict), NULL,
     "fail for warnings, too"},
};

static const struct opt_table table = {rows, sizeof rows / sizeof rows[0]};

/* A check while it runs. */
struct checker {
    const struct cmd_call *call;
    struct spull *session;
    struct term_job job;
    struct spull_error lost; /* why a finding could not be printed */
};

static const char *severity_name(enum spull_severity severity)
{
    static const char *const names[] = {"note", "warning", "error"};

    return names[severity];
}

static void print_line(const struct spull_finding *finding,
                       struct spull_error *err)
{
    char line[LINE_BYTES];
    struct text text = text_on(line, sizeof line);

    text_add(&text, "%s: %s %s: %s", finding->place,
             severity_name(finding->severity), finding->code, finding->text);
    out_line(line, err);
}

static void print_json(const struct spull_finding *finding,
                       struct spull_error *err)
{
    struct out_object *object = out_object_new();

    out_text(object, "place", finding->place);
    out_text(object, "reference",
             finding->ref[0] != '\0' ? finding->ref : NULL);
    out_text(object, "severity", severity_name(finding->severity));
    out_text(object, "code", finding->code);
    out_text(object, "text", finding->text);
    out_object_end(object, err);
}

/* Once nobody reads on, there is no use in going on. */
static void on_finding(void *payload, const struct spull_finding *finding)
{
    struct checker *checker = payload;

    if (checker->lost.code != SPULL_OK)
        return;
    say_status("");
    if (checker->call->common->json)
        print_json(finding, &checker->lost);
    else
        print_line(finding, &checker->lost);
    if (checker->lost.code != SPULL_OK)
        spull_cancel(checker->session);
}

static int on_progress(void *payload, const struct spull_progress *now)
{
    struct checker *checker = payload;

    checker->job.ref = now->ref;
    if (now->ref[0] != '\0')
        term_job_progress(&checker->job, now);
    return 0;
}

static void add_count(struct text *text, const char *before, uint64_t count,
                      const char *what)
{
    text_add(text, "%s%" PRIu64 " %s%s", before, count, what,
             count == 1 ? "" : "s");
}

static void say_summary(const struct spull_checked *checked)
{
    char line[256];
    struct text text = text_on(line, sizeof line);

    add_count(&text, "", checked->containers, "container");
    add_count(&text, ", ", checked->manifests, "manifest");
    add_count(&text, ", ", checked->blobs, "blob");
    add_count(&text, ": ", checked->errors, "error");
    add_count(&text, ", ", checked->warnings, "warning");
    add_count(&text, ", ", checked->notes, "note");
    say_note("%s", line);
}

static enum spull_code status_of(const struct opts *opts,
                                 const struct spull_checked *checked)
{
    uint64_t count = checked->errors + (opts->strict ? checked->warnings : 0);

    return count > 0 ? SPULL_INTEGRITY : SPULL_OK;
}

static enum spull_code check(struct checker *checker)
{
    const struct cmd_call *call = checker->call;
    const struct opts *opts = call->opts;
    enum spull_depth depth = opts->deep       ? SPULL_DIGESTS
                             : opts->no_blobs ? SPULL_DOCUMENTS
                                              : SPULL_BLOBS;
    struct spull_checked checked;
    struct spull_error err;

    term_job_start(&checker->job, "");
    enum spull_code code = spull_check(checker->session, call->operands + 1,
                                       call->operand_count - 1, depth,
                                       on_finding, checker, &checked, &err);
    term_job_end(&checker->job, NULL);
    if (checker->lost.code != SPULL_OK)
        return cmd_report_out(&checker->lost);
    if (code != SPULL_OK)
        say_error(&err, NULL);
    if (code != SPULL_USAGE && code != SPULL_CANCELLED)
        say_summary(&checked);
    return code != SPULL_OK ? code : status_of(opts, &checked);
}

/* REGISTRY is what -r takes. */
static enum spull_code open_session(struct checker *checker,
                                    struct spull_error *err)
{
    struct rc rc = *checker->call->rc;
    struct cmd_call call = *checker->call;
    struct spull_options options;

    if (rc_use_registry(&rc, call.operands[0], "check", err) != SPULL_OK)
        return err->code;
    call.rc = &rc;
    spull_options_init(&options);
    options.progress = on_progress;
    options.progress_payload = checker;
    if (rc_env("TMPDIR") != NULL)
        options.scratch = rc_env("TMPDIR");
    return cmd_open(&call, &options, &checker->session, err);
}

static enum spull_code run(const struct cmd_call *call)
{
    const struct opts *opts = call->opts;
    struct checker checker = {.call = call};
    struct spull_error err;
    enum spull_code code = SPULL_OK;

    if (opts->deep && opts->no_blobs)
        code = fail_set(&err, SPULL_USAGE,
                        "--deep and --no-blobs: only one of them");
    if (code == SPULL_OK)
        code = open_session(&checker, &err);
    if (code != SPULL_OK)
        say_error(&err, NULL);
    else
        code = check(&checker);
    cmd_close(checker.session);
    return code;
}

const struct cmd cmd_check = {
    .name = "check",
    .operands = "REGISTRY [COLLECTION/NAME[:TAG]...]",
    .summary = "look for what is wrong with a registry",
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .settings = true,
    .takes_registry = true,
    .own = &table,
    .own_size = sizeof(struct opts),
    .tables = {&table, &settings_list, &settings_session, &cmd_json_table,
               &cmd_common_table},
    .run = run,
};
