/* SPDX-License-Identifier: MIT */
/*
 * spull pull: installs the images that references name.
 *
 * Works out all destinations before anything is downloaded, so that a call
 * which can't succeed as a whole fails at once; then pulls one after the other.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "events.h"
#include "fail.h"
#include "out.h"
#include "say.h"
#include "settings.h"
#include "term.h"

struct opts {
    const char *output;
    bool force;
    const char *progress_fd;
};

/* Who hears how a pull gets on. */
struct listeners {
    struct term_job job;
    struct events events;
};

static const struct opt_row rows[] = {
    {"output", 'o', "FILE", OPT_PATH, offsetof(struct opts, output), NULL,
     "install as FILE, below DIR if -d is given; for a single REF"},
    {"force", 'F', NULL, OPT_FLAG, offsetof(struct opts, force), NULL,
     "replace a file that is there and differs"},
    {"progress-fd", 0, "FD", OPT_TEXT, offsetof(struct opts, progress_fd), NULL,
     "tell progress as JSON lines on descriptor FD"},
};

static const struct opt_table table = {rows, sizeof rows / sizeof rows[0]};

/* One image to pull. */
struct target {
    const char *ref;
    char *path;  /* as it is printed */
    char *place; /* the same file however it is written */
};

struct targets {
    struct target *list;
    size_t count;
};

static void targets_done(struct targets *targets)
{
    for (size_t i = 0; i < targets->count; i++) {
        free(targets->list[i].path);
        free(targets->list[i].place);
    }
    free(targets->list);
}

static enum spull_code check_output(const struct cmd_call *call,
                                    struct spull_error *err)
{
    const struct opts *opts = call->opts;
    const char *file = opts->output;

    if (file == NULL)
        return SPULL_OK;
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

/* file below dir, unless it says itself where it is. */
static char *output_path(const char *dir, const char *file)
{
    size_t len;
    char *path = NULL;

    if (dir == NULL || file[0] == '/')
        return strdup(file);
    len = strlen(dir) + strlen(file) + 2;
    path = malloc(len);
    if (path != NULL)
        snprintf(path, len, "%s%s%s", dir,
                 dir[strlen(dir) - 1] == '/' ? "" : "/", file);
    return path;
}

/* The directory without symbolic links, and the name in it. The name's own
 * link does not count: a new image takes its place. */
static char *place_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    char *dir = NULL, *real = NULL, *place = NULL;

    if (slash == NULL)
        dir = strdup(".");
    else
        dir = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (dir == NULL)
        return NULL;
    real = realpath(dir, NULL);
    /* What is not there can only be compared as it is written. */
    place = output_path(real != NULL ? real : dir, name);
    free(real);
    free(dir);
    return place;
}

static enum spull_code set_path(const struct cmd_call *call,
                                struct target *target, struct spull_error *err)
{
    const struct opts *opts = call->opts;
    const char *dir = call->rc->set.dir;
    enum spull_code code;

    /* Also with -o: this is what looks at the reference's grammar. */
    code = spull_destination(target->ref, dir, &target->path, err);
    if (code != SPULL_OK)
        return code;
    if (opts->output != NULL) {
        free(target->path);
        target->path = output_path(dir, opts->output);
    }
    if (target->path == NULL)
        return fail_nomem(err);
    target->place = place_of(target->path);
    if (target->place == NULL)
        return fail_nomem(err);
    return SPULL_OK;
}

static bool is_listed(const struct targets *targets, const char *ref)
{
    for (size_t i = 0; i < targets->count; i++)
        if (strcmp(targets->list[i].ref, ref) == 0)
            return true;
    return false;
}

static enum spull_code check_place(const struct targets *targets,
                                   const struct target *target,
                                   struct spull_error *err)
{
    for (size_t i = 0; i < targets->count; i++) {
        const struct target *other = &targets->list[i];

        if (other == target || strcmp(other->place, target->place) != 0)
            continue;
        fail_set(err, SPULL_USAGE, "%s and %s: both would be installed as %s",
                 other->ref, target->ref, target->path);
        fail_hint(err, "pull them one by one, with -o or -d");
        return SPULL_USAGE;
    }
    return SPULL_OK;
}

static enum spull_code plan(const struct cmd_call *call,
                            struct targets *targets, struct spull_error *err)
{
    enum spull_code code = check_output(call, err);

    if (code != SPULL_OK)
        return code;
    targets->list = calloc(call->operand_count, sizeof *targets->list);
    if (targets->list == NULL)
        return fail_nomem(err);
    for (size_t i = 0; i < call->operand_count && code == SPULL_OK; i++) {
        struct target *target = &targets->list[targets->count];

        if (is_listed(targets, call->operands[i])) {
            say_detail("a reference is there twice, and pulled once");
            continue;
        }
        target->ref = call->operands[i];
        targets->count++;
        code = set_path(call, target, err);
        if (code == SPULL_OK)
            code = check_place(targets, target, err);
    }
    return code;
}

static int on_progress(void *payload, const struct spull_progress *now)
{
    struct listeners *listeners = payload;

    term_job_progress(&listeners->job, now);
    events_progress(&listeners->events, now);
    return 0;
}

static enum spull_code print_json(const char *ref,
                                  const struct spull_image *image,
                                  struct spull_error *err)
{
    struct out_object *object = out_object_new();
    bool installed = image->state == SPULL_INSTALLED;

    out_text(object, "reference", ref);
    out_text(object, "path", image->path);
    out_text(object, "state", installed ? "installed" : "up-to-date");
    out_text(object, "digest", image->digest);
    out_flag(object, "weak", image->weak != 0);
    out_count(object, "size", image->size);
    out_count(object, "transferred", image->transferred);
    out_text(object, "url", image->url);
    out_seconds(object, "seconds", image->seconds);
    out_text(object, "kind", image->kind);
    out_text(object, "arch", image->arch[0] != '\0' ? image->arch : NULL);
    return out_object_end(object, err);
}

static enum spull_code print_image(const struct cmd_call *call, const char *ref,
                                   const struct spull_image *image)
{
    struct spull_error err;
    enum spull_code code;

    if (call->common->json)
        code = print_json(ref, image, &err);
    else
        code = out_line(image->path, &err);
    return code == SPULL_OK ? code : cmd_report_out(&err);
}

static enum spull_code pull_one(const struct cmd_call *call,
                                struct spull *session, struct term_job *job,
                                const struct target *target)
{
    struct spull_image *image = NULL;
    struct spull_error err;
    enum spull_code code;

    term_job_start(job, target->ref);
    code = spull_pull(session, target->ref, target->path, &image, &err);
    term_job_end(job, image);
    if (code != SPULL_OK)
        cmd_report(call, target->ref, target->path, &err);
    else
        code = print_image(call, target->ref, image);
    spull_image_free(image);
    return code;
}

static enum spull_code pull_all(const struct cmd_call *call,
                                struct spull *session, struct term_job *job,
                                const struct targets *targets)
{
    enum spull_code first = SPULL_OK;

    for (size_t i = 0; i < targets->count; i++) {
        enum spull_code code = pull_one(call, session, job, &targets->list[i]);

        if (code == SPULL_CANCELLED)
            return code;
        if (first == SPULL_OK)
            first = code;
    }
    return first;
}

static enum spull_code run(const struct cmd_call *call)
{
    const struct opts *opts = call->opts;
    struct targets targets = {NULL, 0};
    struct spull_options options;
    struct spull *session = NULL;
    struct listeners listeners;
    struct spull_error err;
    enum spull_code code =
        events_open(&listeners.events, opts->progress_fd, &err);

    spull_options_init(&options);
    options.force = opts->force;
    options.progress = on_progress;
    options.progress_payload = &listeners;
    if (code == SPULL_OK)
        code = plan(call, &targets, &err);
    if (code == SPULL_OK)
        code = cmd_open(call, &options, &session, &err);
    if (code != SPULL_OK)
        say_error(&err, NULL);
    else
        code = pull_all(call, session, &listeners.job, &targets);
    cmd_close(session);
    targets_done(&targets);
    return code;
}

const struct cmd cmd_pull = {
    .name = "pull",
    .operands = "REF...",
    .summary = "install images; print the path of each",
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .settings = true,
    .own = &table,
    .own_size = sizeof(struct opts),
    .tables = {&table, &settings_image, &settings_session, &cmd_json_table,
               &cmd_common_table},
    .run = run,
};
