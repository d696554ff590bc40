/* SPDX-License-Identifier: MIT */
/*
 * spull mirror: copies images into a static registry on disk, several at once;
 * prints the pinned form of each.
 *
 * What a container without a tag stands for, and that no two images are one in
 * the tree, is settled before anything is downloaded.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bar.h"
#include "cmd.h"
#include "fail.h"
#include "list.h"
#include "orders.h"
#include "out.h"
#include "pool.h"
#include "result.h"
#include "say.h"
#include "settings.h"
#include "spelling.h"
#include "term.h"

struct opts {
    const char *add; /* the last one; the line has them all */
    const char *base_url;
    bool prune;
};

struct batch {
    const struct cmd_call *call;
    const char *dir;
    struct spull *session;
    struct list list;
    struct orders orders;
    struct result *results;
    enum spull_code first; /* of the references that can't be asked for */
    size_t first_at;       /* it stands before the order of this number */
    size_t refused;        /* how many there are */
    size_t failed_at;      /* the first order that failed, or SIZE_MAX */
};

/* The library calls back in the thread that mirrors. */
static _Thread_local struct term_job *watched;

static const struct opt_row rows[] = {
    {"add", 0, "REF=FILE", OPT_TEXT, offsetof(struct opts, add), NULL,
     "put the image in FILE into the registry as REF, COLLECTION/NAME:TAG; may "
     "be repeated"},
    {"base-url", 0, "URL", OPT_TEXT, offsetof(struct opts, base_url), NULL,
     "write absolute URLs, for a registry that is served at URL"},
    {"prune", 0, NULL, OPT_FLAG, offsetof(struct opts, prune), NULL,
     "then remove the blobs that no manifest in DIR names"},
};

static const struct opt_table table = {rows, sizeof rows / sizeof rows[0]};

static int on_progress(void *payload, const struct spull_progress *now)
{
    (void)payload;
    if (watched != NULL)
        term_job_progress(watched, now);
    return 0;
}

/* --- one image ------------------------------------------------------------ */

static enum spull_code mirror_one(void *payload, unsigned slot, size_t item)
{
    struct batch *batch = payload;
    const struct order *order = &batch->orders.list[item];
    struct result *result = &batch->results[item];
    struct term_job job;
    struct spull_error err;
    enum spull_code code;

    (void)slot;
    watched = &job;
    term_job_start(&job, order->line.ref);
    code = spull_mirror(batch->session, batch->dir, order->line.ref,
                        order->file, &result->image, &err);
    term_job_end(&job, result->image);
    result->cost.transferred = job.fetched;
    result->cost.seconds = job.seconds;
    watched = NULL;
    return result_keep(result, code, &err);
}

/* --- results -------------------------------------------------------------- */

static char *pinned(const struct spull_image *image)
{
    size_t room = strlen(image->ref) + strlen(image->digest) + 2;
    char *text = malloc(room);

    if (text != NULL)
        snprintf(text, room, "%s@%s", image->ref, image->digest);
    return text;
}

static enum spull_code print_json(const char *ref,
                                  const struct spull_image *image,
                                  struct spull_error *err)
{
    struct out_object *object = out_object_new();
    bool changed = image->state == SPULL_INSTALLED;
    char *pin = pinned(image);

    out_ref(object, "reference", ref);
    out_text(object, "state", changed ? "mirrored" : "up-to-date");
    out_text(object, "pinned", pin);
    out_text(object, "path", image->path);
    out_text(object, "digest", image->digest);
    out_flag(object, "weak", image->weak != 0);
    out_count(object, "size", image->size);
    out_count(object, "transferred", image->transferred);
    out_text(object, "url", image->url);
    out_seconds(object, "seconds", image->seconds);
    out_text(object, "kind", image->kind);
    out_text(object, "arch", image->arch[0] != '\0' ? image->arch : NULL);
    free(pin);
    return out_object_end(object, err);
}

/* Says what went wrong, or prints the object. */
static enum spull_code tell_result(void *payload, size_t item,
                                   enum spull_code code)
{
    struct batch *batch = payload;
    const struct order *order = &batch->orders.list[item];
    const struct list_line *line = &order->line;
    struct result *result = &batch->results[item];
    struct spull_error err;

    if (code != SPULL_OK) {
        if (order->number < batch->failed_at)
            batch->failed_at = order->number;
        result_report_image(batch->call, line, NULL, result);
    } else if (batch->call->common->json) {
        code = print_json(line->ref, result->image, &err);
        code = result_printed(batch->session, code, &err);
    }
    return code;
}

static enum spull_code print_pin(void *payload, size_t item,
                                 enum spull_code code)
{
    const struct batch *batch = payload;
    struct result *result = &batch->results[item];
    struct spull_error err;
    char *pin = NULL;

    if (code == SPULL_OK && !batch->call->common->json) {
        pin = pinned(result->image);
        code = pin == NULL ? fail_nomem(&err) : out_line(pin, &err);
        code = result_printed(batch->session, code, &err);
    }
    free(pin);
    result_done(result);
    return code;
}

/* --- what is to be done --------------------------------------------------- */

/* All tags of a container. */
static enum spull_code add_tags(struct batch *batch,
                                const struct list_line *line,
                                struct spull_error *err)
{
    struct spull_tags *tags = NULL;
    enum spull_code code =
        spull_tags_get(batch->session, line->ref, &tags, err);

    if (code == SPULL_OK && tags->count == 0)
        code = fail_set(err, SPULL_NOT_FOUND, "there is no tag of it");
    for (size_t i = 0; code == SPULL_OK && i < tags->count; i++)
        code = orders_add(&batch->orders, line, tags->names[i], err);
    spull_tags_free(tags);
    return code;
}

/* A line that can't be asked for is reported, and the others go on; unless the
 * call is wrong as it stands. */
static enum spull_code add_line(struct batch *batch,
                                const struct list_line *line)
{
    static const struct cmd_cost nothing;
    struct spull_error err;
    enum spull_code code = SPULL_OK;

    if (line->ref == NULL)
        return SPULL_OK;
    if (spelling_is_bare(line->ref))
        code = add_tags(batch, line, &err);
    else
        code = orders_add(&batch->orders, line, NULL, &err);
    if (code == SPULL_OK)
        return code;
    cmd_report_line(batch->call, line, NULL, &nothing, &err);
    if (code == SPULL_CANCELLED || code == SPULL_INTERNAL ||
        code == SPULL_USAGE)
        return code;
    batch->refused++;
    if (batch->first == SPULL_OK) {
        batch->first = code;
        batch->first_at = batch->orders.count;
    }
    return SPULL_OK;
}

static enum spull_code add_files(struct batch *batch, struct spull_error *err)
{
    const struct opt_line *line = batch->call->line;
    enum spull_code code = SPULL_OK;

    for (size_t i = 0; i < line->given_count && code == SPULL_OK; i++)
        if (line->given[i].row == &rows[0])
            code = orders_add_file(&batch->orders, line->given[i].value, err);
    return code;
}

/* Reports its errors itself. */
static enum spull_code plan(struct batch *batch)
{
    struct spull_error err;
    enum spull_code code = add_files(batch, &err);

    if (code != SPULL_OK) {
        say_error(&err, NULL);
        return code;
    }
    for (size_t i = 0; i < batch->list.count && code == SPULL_OK; i++)
        code = add_line(batch, &batch->list.lines[i]);
    if (code != SPULL_OK)
        return code;
    code = orders_settle(&batch->orders, &err);
    if (code == SPULL_OK) {
        batch->results =
            calloc(batch->orders.count + 1, sizeof *batch->results);
        if (batch->results == NULL)
            code = fail_nomem(&err);
    }
    if (code != SPULL_OK)
        say_error(&err, NULL);
    return code;
}

/* --- all of it ------------------------------------------------------------ */

static enum spull_code mirror_all(struct batch *batch)
{
    struct pool pool = {.count = batch->orders.count,
                        .jobs = batch->call->rc->set.jobs,
                        .payload = batch,
                        .work = mirror_one,
                        .done = tell_result,
                        .settle = print_pin};
    enum spull_code code;

    if (batch->orders.twice > 0)
        say_detail("%zu references are there twice, and mirrored once",
                   batch->orders.twice);
    term_begin(pool.count, batch->refused);
    code = pool_run(&pool);
    if (code != SPULL_CANCELLED)
        term_end();
    return code;
}

static enum spull_code print_pruned(const struct batch *batch, uint64_t count,
                                    uint64_t bytes)
{
    struct spull_error err;
    struct out_object *object;
    char size[BAR_SIZE_TEXT];

    bar_size(size, (double)bytes);
    say_note("%s: %" PRIu64 " file%s removed, %s", batch->dir, count,
             count == 1 ? "" : "s", size);
    if (!batch->call->common->json)
        return SPULL_OK;
    object = out_object_new();
    out_text(object, "state", "pruned");
    out_text(object, "path", batch->dir);
    out_count(object, "removed", count);
    out_count(object, "bytes", bytes);
    return result_printed(batch->session, out_object_end(object, &err), &err);
}

static enum spull_code prune(const struct batch *batch)
{
    uint64_t count = 0, bytes = 0;
    struct spull_error err;

    if (spull_mirror_prune(batch->session, batch->dir, &count, &bytes, &err) !=
        SPULL_OK) {
        fail_wrap(&err, "prune");
        return cmd_report(batch->call, NULL, batch->dir, &err);
    }
    return print_pruned(batch, count, bytes);
}

/* The first failure of the list: of an order, or of what could be none. */
static enum spull_code verdict(const struct batch *batch, enum spull_code code)
{
    if (batch->first == SPULL_OK || code == SPULL_CANCELLED ||
        (code != SPULL_OK && batch->failed_at < batch->first_at))
        return code;
    return batch->first;
}

static enum spull_code work(struct batch *batch)
{
    const struct opts *opts = batch->call->opts;
    enum spull_code code = plan(batch);

    if (code == SPULL_OK)
        code = verdict(batch, mirror_all(batch));
    if (opts->prune && code == SPULL_OK)
        return prune(batch);
    if (opts->prune && code != SPULL_CANCELLED)
        say_warn("nothing was pruned, since something has failed");
    return code;
}

static enum spull_code check(const struct batch *batch, struct spull_error *err)
{
    const struct opts *opts = batch->call->opts;

    if (batch->list.count > 0 || opts->add != NULL || opts->prune ||
        batch->call->common->file != NULL)
        return SPULL_OK;
    fail_set(err, SPULL_USAGE, "mirror: nothing to do for %s", batch->dir);
    fail_hint(err, "usage: spull mirror [OPTIONS] DIR REF...");
    return SPULL_USAGE;
}

static enum spull_code open_session(struct batch *batch,
                                    struct spull_error *err)
{
    const struct opts *opts = batch->call->opts;
    struct spull_options options;

    spull_options_init(&options);
    options.mirror_base = opts->base_url;
    options.progress = on_progress;
    return cmd_open(batch->call, &options, &batch->session, err);
}

static enum spull_code run(const struct cmd_call *call)
{
    struct batch batch = {
        .call = call, .dir = call->operands[0], .failed_at = SIZE_MAX};
    struct spull_error err;
    enum spull_code code = cmd_list(call, 1, &batch.list, &err);

    if (code == SPULL_OK)
        code = check(&batch, &err);
    if (code == SPULL_OK)
        code = open_session(&batch, &err);
    if (code == SPULL_OK)
        code = work(&batch);
    else if (code != SPULL_CANCELLED)
        say_error(&err, NULL);
    cmd_close(batch.session);
    for (size_t i = 0; batch.results != NULL && i < batch.orders.count; i++)
        result_done(&batch.results[i]);
    free(batch.results);
    orders_done(&batch.orders);
    list_done(&batch.list);
    return code;
}

const struct cmd cmd_mirror = {
    .name = "mirror",
    .operands = "DIR [REF...]",
    .summary = "copy images into a registry on disk; print them pinned",
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .settings = true,
    .own = &table,
    .own_size = sizeof(struct opts),
    .tables = {&table, &cmd_list_table, &settings_image, &settings_weak,
               &settings_keep, &settings_list, &settings_session,
               &cmd_json_table, &cmd_common_table},
    .run = run,
};
