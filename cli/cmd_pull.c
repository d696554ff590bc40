/* SPDX-License-Identifier: MIT */
/*
 * spull pull: installs the images that references name, several at once.
 *
 * Where they go is settled by targets before anything is downloaded. Paths are
 * printed in the order of the list, so that a script can pair them with it;
 * JSON objects as images are done, since each says which it is about.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "events.h"
#include "fail.h"
#include "list.h"
#include "out.h"
#include "pool.h"
#include "result.h"
#include "say.h"
#include "settings.h"
#include "targets.h"
#include "term.h"

struct opts {
    const char *output;
    bool force;
    const char *progress_fd;
};

struct batch {
    const struct cmd_call *call;
    struct spull *session;
    struct targets targets;
    struct result *results;
    struct events events; /* what each pull starts with */
};

/* Who hears how a pull gets on. */
struct listeners {
    struct term_job job;
    struct events events;
};

/* The library calls back in the thread that pulls. */
static _Thread_local struct listeners *listening;

static const struct opt_row rows[] = {
    {"output", 'o', "FILE", OPT_PATH, offsetof(struct opts, output), NULL,
     "install as FILE, below DIR if -d is given; for a single REF"},
    {"force", 'F', NULL, OPT_FLAG, offsetof(struct opts, force), NULL,
     "replace a file that is there and differs"},
    {"progress-fd", 0, "FD", OPT_TEXT, offsetof(struct opts, progress_fd), NULL,
     "tell progress as JSON lines on descriptor FD"},
};

static const struct opt_table table = {rows, sizeof rows / sizeof rows[0]};

static enum spull_code check_output(const struct cmd_call *call,
                                    struct spull_error *err)
{
    const struct opts *opts = call->opts;
    const char *file = opts->output;

    if (file == NULL)
        return SPULL_OK;
    if (call->common->file != NULL)
        return fail_set(err, SPULL_USAGE, "-o: one file for a list (-f)");
    if (call->operand_count > 1)
        return fail_set(err, SPULL_USAGE, "-o: one file for %zu references",
                        call->operand_count);
    if (strcmp(file, "-") == 0) {
        fail_set(err, SPULL_USAGE, "-o: an image can't go to stdout");
        fail_hint(err, "only a verified file gets its name; pull it, then "
                       "read it");
        return SPULL_USAGE;
    }
    if (file[strlen(file) - 1] == '/') {
        fail_set(err, SPULL_USAGE, "-o: '%s' is no name of a file", file);
        fail_hint(err, "-d says in which directory to install");
        return SPULL_USAGE;
    }
    return SPULL_OK;
}

static int on_progress(void *payload, const struct spull_progress *now)
{
    struct listeners *listeners = listening;

    (void)payload;
    term_job_progress(&listeners->job, now);
    events_progress(&listeners->events, now);
    return 0;
}

/* --- one image ------------------------------------------------------------ */

static enum spull_code pull_one(void *payload, unsigned slot, size_t item)
{
    struct batch *batch = payload;
    const struct target *target = &batch->targets.list[item];
    struct result *result = &batch->results[item];
    struct listeners listeners = {.events = batch->events};
    struct spull_error err;
    enum spull_code code;

    (void)slot;
    listening = &listeners;
    term_job_start(&listeners.job, target->line->ref);
    code = spull_pull(batch->session, target->line->ref, target->path,
                      &result->image, &err);
    term_job_end(&listeners.job, result->image);
    result->cost.transferred = listeners.job.fetched;
    result->cost.seconds = listeners.job.seconds;
    return result_keep(result, code, &err);
}

static enum spull_code print_json(const char *ref,
                                  const struct spull_image *image,
                                  struct spull_error *err)
{
    struct out_object *object = out_object_new();
    bool installed = image->state == SPULL_INSTALLED;

    out_ref(object, "reference", ref);
    out_text(object, "path", image->path);
    out_text(object, "state", installed ? "installed" : "up-to-date");
    out_text(object, "digest", image->digest);
    out_text(object, "image_digest", image->image_digest);
    out_flag(object, "weak", image->weak != 0);
    out_count(object, "size", image->size);
    out_count(object, "transferred", image->transferred);
    out_text(object, "url", image->url);
    out_text(object, "placed", image->placed);
    out_seconds(object, "seconds", image->seconds);
    out_text(object, "kind", image->kind);
    out_text(object, "arch", image->arch[0] != '\0' ? image->arch : NULL);
    return out_object_end(object, err);
}

/* Says what went wrong, or prints the object. */
static enum spull_code tell_result(void *payload, size_t item,
                                   enum spull_code code)
{
    const struct batch *batch = payload;
    const struct target *target = &batch->targets.list[item];
    struct result *result = &batch->results[item];
    struct spull_error err;

    if (code != SPULL_OK) {
        result_report_image(batch->call, target->line, target->path, result);
    } else if (batch->call->common->json) {
        code = print_json(target->line->ref, result->image, &err);
        code = result_printed(batch->session, code, &err);
    }
    result_done(result);
    return code;
}

static enum spull_code print_path(void *payload, size_t item,
                                  enum spull_code code)
{
    const struct batch *batch = payload;
    struct spull_error err;

    if (code != SPULL_OK || batch->call->common->json)
        return code;
    code = out_line(batch->targets.list[item].path, &err);
    return result_printed(batch->session, code, &err);
}

/* --- all of them ---------------------------------------------------------- */

static enum spull_code pull_all(struct batch *batch)
{
    struct pool pool = {.count = batch->targets.count,
                        .jobs = batch->call->rc->set.jobs,
                        .payload = batch,
                        .work = pull_one,
                        .done = tell_result,
                        .settle = print_path};
    enum spull_code code;

    if (batch->targets.twice > 0)
        say_detail("%zu references are there twice, and pulled once",
                   batch->targets.twice);
    term_begin(pool.count, 0);
    code = pool_run(&pool);
    if (code != SPULL_CANCELLED)
        term_end();
    return code;
}

static enum spull_code plan(struct batch *batch, const struct list *list,
                            struct spull_error *err)
{
    const struct opts *opts = batch->call->opts;
    enum spull_code code = targets_plan(list, batch->call->rc->set.dir,
                                        opts->output, &batch->targets, err);

    if (code != SPULL_OK)
        return code;
    batch->results = calloc(batch->targets.count + 1, sizeof *batch->results);
    return batch->results != NULL ? SPULL_OK : fail_nomem(err);
}

static enum spull_code open_session(struct batch *batch,
                                    struct spull_error *err)
{
    const struct opts *opts = batch->call->opts;
    struct spull_options options;

    spull_options_init(&options);
    options.force = opts->force;
    options.progress = on_progress;
    return cmd_open(batch->call, &options, &batch->session, err);
}

static enum spull_code run(const struct cmd_call *call)
{
    const struct opts *opts = call->opts;
    struct batch batch = {.call = call};
    struct list list = {0};
    struct spull_error err;
    enum spull_code code = events_open(&batch.events, opts->progress_fd, &err);

    if (code == SPULL_OK)
        code = check_output(call, &err);
    if (code == SPULL_OK)
        code = cmd_list(call, 0, &list, &err);
    if (code == SPULL_OK)
        code = plan(&batch, &list, &err);
    if (code == SPULL_OK)
        code = open_session(&batch, &err);
    if (code == SPULL_OK)
        code = pull_all(&batch);
    else if (code != SPULL_CANCELLED)
        say_error(&err, NULL);
    cmd_close(batch.session);
    free(batch.results);
    targets_done(&batch.targets);
    list_done(&list);
    return code;
}

const struct cmd cmd_pull = {
    .name = "pull",
    .operands = "REF...",
    .summary = "install images; print the path of each",
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .lists = true,
    .settings = true,
    .own = &table,
    .own_size = sizeof(struct opts),
    .tables = {&table, &cmd_list_table, &settings_place, &settings_image,
               &settings_weak, &settings_store, &settings_keep, &settings_list,
               &settings_session, &cmd_json_table, &cmd_common_table},
    .run = run,
};
