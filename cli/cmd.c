/* SPDX-License-Identifier: MIT */
/*
 * cmd: what a command is, which ones there are, and how they get a session.
 *
 * Holds the options that all or several commands share, settings aside.
 */
#include "cmd.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "near.h"
#include "out.h"
#include "say.h"
#include "settings.h"
#include "stop.h"
#include "text.h"

/* A file, a line and a reference: what is longer is cut. */
#define REPORT_MAX 512

/* More than any hint has room for, so that a hint is what ends in "...". */
#define HINT_OPTIONS_MAX 1024

static const struct opt_row common_rows[] = {
    {"quiet", 'q', NULL, OPT_FLAG, offsetof(struct cmd_common, quiet), NULL,
     "say nothing but errors"},
    {"verbose", 'v', NULL, OPT_FLAG, offsetof(struct cmd_common, verbose), NULL,
     "say what is decided, and why"},
    {"help", 'h', NULL, OPT_FLAG, offsetof(struct cmd_common, help), NULL,
     "show this help"},
};

static const struct opt_row json_rows[] = {
    {"json", 0, NULL, OPT_FLAG, offsetof(struct cmd_common, json), NULL,
     "print results as JSON, one object a line"},
};

static const struct opt_row list_rows[] = {
    {"file", 'f', "FILE", OPT_PATH, offsetof(struct cmd_common, file), NULL,
     "take the references in FILE too, one a line (-: standard input); may be "
     "repeated"},
};

static const struct opt_row top_rows[] = {
    {"version", 'V', NULL, OPT_FLAG, offsetof(struct cmd_top, version), NULL,
     "print the version"},
};

const struct opt_table cmd_common_table = {common_rows, 3};
const struct opt_table cmd_json_table = {json_rows, 1};
const struct opt_table cmd_list_table = {list_rows, 1};
static const struct opt_table top_table = {top_rows, 1};

const struct cmd cmd_none = {
    .name = "",
    .operands = "",
    .summary = "",
    .own = &top_table,
    .own_size = sizeof(struct cmd_top),
    .tables = {&cmd_common_table, &top_table},
};

const struct cmd *const cmd_all[] = {
    &cmd_pull,   &cmd_tags,   &cmd_manifest, &cmd_resolve,
    &cmd_verify, &cmd_mirror, &cmd_check,    &cmd_store,
    &cmd_config, &cmd_help,   NULL,
};

const struct cmd *cmd_find(const char *name)
{
    for (size_t i = 0; cmd_all[i] != NULL; i++)
        if (strcmp(cmd_all[i]->name, name) == 0)
            return cmd_all[i];
    return NULL;
}

enum spull_code cmd_unknown(const char *name, struct spull_error *err)
{
    struct near search = {.typed = name};

    for (size_t i = 0; cmd_all[i] != NULL; i++)
        near_try(&search, cmd_all[i]->name);
    fail_set(err, SPULL_USAGE, "'%s': there is no such command", name);
    if (search.best != NULL)
        fail_hint(err, "did you mean '%s'?", search.best);
    else
        fail_hint(err, "a reference is COLLECTION/NAME[:TAG]; "
                       "'spull --help' lists the commands");
    return SPULL_USAGE;
}

enum spull_code cmd_list(const struct cmd_call *call, size_t skip,
                         struct list *out, struct spull_error *err)
{
    const struct opt_line *line = call->line;
    enum spull_code code = SPULL_OK;

    for (size_t i = skip; i < call->operand_count && code == SPULL_OK; i++)
        code = list_add(out, call->operands[i], err);
    for (size_t i = 0; i < line->given_count && code == SPULL_OK; i++)
        if (line->given[i].row == &list_rows[0])
            code = list_read(out, line->given[i].value, err);
    return code;
}

static void on_log(void *payload, enum spull_level level, const char *line)
{
    (void)payload;
    if (level == SPULL_LOG_WARN)
        say_warn("%s", line);
    else
        say_detail("%s", line);
}

/* A word that a shell takes as it is, or in quotes. */
static void add_word(struct text *text, const char *word)
{
    if (word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                          "0123456789-._~/:@%+,=")] == '\0') {
        text_add(text, "%s", word);
        return;
    }
    text_add(text, "'");
    for (; *word != '\0'; word++)
        text_add(text, *word == '\'' ? "'\\''" : "%c", *word);
    text_add(text, "'");
}

/* The options that say where the registry is and how to get there, so that a
 * command in a hint works when it is pasted. Those that may hold a secret are
 * not repeated. */
static void hint_options(const struct opt_line *line, char *words, size_t cap)
{
    struct text text = text_on(words, cap);

    for (size_t i = 0; i < line->given_count; i++) {
        const struct opt_given *given = &line->given[i];
        struct opt_line one = {.given = &line->given[i], .given_count = 1};

        if (!opt_is_given(&one, &settings_session))
            continue;
        if (given->row->kind == OPT_FLAG)
            text_add(&text, "%s--%s%s", text.len > 0 ? " " : "",
                     strcmp(given->value, "no") ? "" : "no-", given->row->name);
        if (given->row->kind == OPT_REGISTRY || given->row->kind == OPT_PATH) {
            text_add(&text, "%s--%s ", text.len > 0 ? " " : "",
                     given->row->name);
            add_word(&text, given->value);
        }
    }
    text_hide_refs(words, cap);
}

static enum spull_code open_session(const struct cmd_call *call,
                                    const struct spull_options *adjust,
                                    struct spull **out, struct spull_error *err)
{
    struct spull_options options;
    const char *registry = NULL;
    const char **headers = NULL;
    char words[HINT_OPTIONS_MAX];
    enum spull_code code = rc_registry(call->rc, &registry, err);

    if (code != SPULL_OK)
        return code;
    if (adjust != NULL)
        options = *adjust;
    else
        spull_options_init(&options);
    settings_to_options(&call->rc->set, registry, &options);
    options.log = on_log;
    hint_options(call->line, words, sizeof words);
    options.hint_options = words;
    headers = rc_headers(call->rc);
    if (headers == NULL)
        return fail_nomem(err);
    options.headers = headers;
    code = spull_new(&options, out, err);
    free(headers);
    if (code == SPULL_USAGE && err->sys != 0)
        rc_blame(call->rc, err);
    return code;
}

enum spull_code cmd_open(const struct cmd_call *call,
                         const struct spull_options *adjust, struct spull **out,
                         struct spull_error *err)
{
    struct spull *session = NULL;
    enum spull_code code = open_session(call, adjust, &session, err);

    if (code == SPULL_USAGE && err->hint[0] == '\0')
        fail_hint(err, "'spull config' shows where each setting comes from");
    if (code != SPULL_OK)
        return code;
    stop_watch(session);
    *out = session;
    return SPULL_OK;
}

enum spull_code cmd_try(const struct cmd_call *call, struct spull_error *err)
{
    struct spull *session = NULL;
    enum spull_code code = open_session(call, NULL, &session, err);

    spull_free(session);
    return code;
}

void cmd_close(struct spull *session)
{
    stop_watch(NULL);
    spull_free(session);
}

enum spull_code cmd_report_out(const struct spull_error *err)
{
    static enum spull_code said = SPULL_OK;
    /* Whoever closed the pipe has read enough; tools say nothing then. */
    bool unread = err->code == SPULL_CANCELLED && stop_signal() == SIGPIPE;

    /* On a full disk, each of ten thousand lines would fail alike. */
    if (!unread && err->code != said)
        say_error(err, NULL);
    said = err->code;
    return err->code;
}

/* A program that reads objects finds the same members in all of them. */
static void add_cost(struct out_object *object, const struct cmd_cost *cost)
{
    out_text(object, "digest", NULL);
    out_text(object, "size", NULL);
    out_count(object, "transferred", cost->transferred);
    out_text(object, "url", NULL);
    out_seconds(object, "seconds", cost->seconds);
}

/* As an object on stdout. */
static enum spull_code report_json(const char *ref, const char *path,
                                   const struct cmd_cost *cost,
                                   const struct spull_error *err)
{
    struct out_object *object = out_object_new();
    struct spull_error lost;

    out_ref(object, "reference", ref);
    if (path != NULL || cost != NULL)
        out_text(object, "path", path);
    out_failure(object, err);
    if (cost != NULL)
        add_cost(object, cost);
    if (out_object_end(object, &lost) != SPULL_OK)
        cmd_report_out(&lost);
    return err->code;
}

enum spull_code cmd_report(const struct cmd_call *call, const char *operand,
                           const char *path, const struct spull_error *err)
{
    struct list_line line = {.ref = operand};

    return cmd_report_line(call, &line, path, NULL, err);
}

enum spull_code cmd_report_line(const struct cmd_call *call,
                                const struct list_line *line, const char *path,
                                const struct cmd_cost *cost,
                                const struct spull_error *err)
{
    /* One that is wrong by itself is quoted in the text already. */
    const char *ref = err->code == SPULL_USAGE ? NULL : line->ref;
    char place[REPORT_MAX];
    struct text text = text_on(place, sizeof place);

    /* What ends because nobody reads the results is no news. */
    if (err->code == SPULL_CANCELLED && stop_signal() == SIGPIPE)
        return err->code;
    if (line->file == NULL) {
        say_error(err, ref);
    } else {
        text_add(&text, "%s:%u%s%s", line->file, line->number,
                 ref != NULL ? ": " : "", ref != NULL ? ref : "");
        text_hide_refs(place, sizeof place);
        say_error(err, place);
    }
    return call->common->json ? report_json(line->ref, path, cost, err)
                              : err->code;
}
