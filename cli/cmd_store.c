/* SPDX-License-Identifier: MIT */
/*
 * spull store: what the keeper of a shared store does: "prune" removes what
 * nobody has used for long, "verify" reads every entry again.
 */
#include <string.h>

#include "cmd.h"
#include "fail.h"
#include "out.h"
#include "say.h"
#include "settings.h"

struct opts {
    const char *older_than; /* NULL: not given, which 0 is not */
};

static const struct opt_row rows[] = {
    {"older-than", 0, "DAYS", OPT_TEXT, offsetof(struct opts, older_than), NULL,
     "prune: remove what was not used for DAYS (0: all that is not in use)"},
};

static const struct opt_table table = {rows, sizeof rows / sizeof rows[0]};

/* What the operand says. */
struct task {
    bool prune;
    unsigned days;
};

static enum spull_code read_days(const char *value, unsigned *days,
                                 struct spull_error *err)
{
    static const struct opt_row row = {.kind = OPT_COUNT};

    if (value == NULL)
        return fail_set(err, SPULL_USAGE,
                        "prune: --older-than DAYS is missing");
    if (opt_set(days, &row, value, err) != SPULL_OK)
        return fail_wrap(err, "--older-than");
    return SPULL_OK;
}

static enum spull_code read_task(const struct cmd_call *call, struct task *task,
                                 struct spull_error *err)
{
    const struct opts *opts = call->opts;
    const char *word = call->operands[0];

    task->prune = strcmp(word, "prune") == 0;
    if (task->prune)
        return read_days(opts->older_than, &task->days, err);
    if (strcmp(word, "verify") != 0) {
        fail_set(err, SPULL_USAGE, "store: '%s' is neither prune nor verify",
                 word);
        fail_hint(err, "'spull help store' says what they do");
        return SPULL_USAGE;
    }
    if (opts->older_than != NULL)
        return fail_set(err, SPULL_USAGE,
                        "verify: --older-than is for prune alone");
    return SPULL_OK;
}

/* Who hears of the entries. */
struct listener {
    bool json;
    bool told;               /* that something is wrong */
    struct spull_error lost; /* code 0: stdout takes what it is told */
};

static enum spull_code print_json(const struct spull_entry *entry,
                                  struct spull_error *err)
{
    struct out_object *object = out_object_new();

    out_text(object, "path", entry->path);
    out_text(object, "digest", entry->digest);
    out_count(object, "size", entry->size);
    if (entry->error != NULL)
        out_failure(object, entry->error);
    else
        out_text(object, "state", entry->removed ? "removed" : "verified");
    out_flag(object, "removed", entry->removed != 0);
    return out_object_end(object, err);
}

static int on_entry(void *payload, const struct spull_entry *entry)
{
    struct listener *listener = payload;
    enum spull_code code = SPULL_OK;

    if (entry->error != NULL) {
        say_error(entry->error, NULL);
        listener->told = true;
    }
    if (listener->json)
        code = print_json(entry, &listener->lost);
    else if (entry->error == NULL)
        code = out_line(entry->path, &listener->lost);
    if (code == SPULL_OK)
        listener->lost.code = SPULL_OK;
    return code != SPULL_OK;
}

/* What befell an entry was said when it did. */
static enum spull_code keep(struct spull *session, const struct cmd_call *call,
                            const struct task *task)
{
    struct listener listener = {.json = call->common->json};
    struct spull_error err;
    enum spull_code code =
        task->prune
            ? spull_store_prune(session, task->days, on_entry, &listener, &err)
            : spull_store_verify(session, on_entry, &listener, &err);

    if (listener.lost.code != SPULL_OK)
        return cmd_report_out(&listener.lost);
    if (code == SPULL_CANCELLED || (code != SPULL_OK && !listener.told))
        say_error(&err, NULL);
    return code;
}

static enum spull_code run(const struct cmd_call *call)
{
    struct spull *session = NULL;
    struct task task = {false, 0};
    struct spull_error err;
    enum spull_code code = read_task(call, &task, &err);

    if (code == SPULL_OK)
        code = cmd_open(call, NULL, &session, &err);
    if (code != SPULL_OK) {
        say_error(&err, NULL);
        return code;
    }
    code = keep(session, call, &task);
    cmd_close(session);
    return code;
}

const struct cmd cmd_store = {
    .name = "store",
    .operands = "prune|verify",
    .summary = "tidy up a shared store, or read all of it again",
    .operands_min = 1,
    .operands_max = 1,
    .settings = true,
    .own = &table,
    .own_size = sizeof(struct opts),
    .tables = {&table, &settings_store, &settings_keep, &cmd_json_table,
               &cmd_common_table},
    .run = run,
};
