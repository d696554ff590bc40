/* SPDX-License-Identifier: MIT */
/*
 * spull help: what commands and options there are, for people and programs.
 *
 * Everything is made from the tables, so that no option can be forgotten; the
 * dump is what tests hold against manual pages and completions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "fail.h"
#include "out.h"
#include "say.h"
#include "settings.h"
#include "text.h"

#define COLUMNS     79
#define HELP_COLUMN 30
#define HELP_BYTES  512

struct opts {
    bool dump;
};

static const struct opt_row rows[] = {
    {"dump", 0, NULL, OPT_FLAG, offsetof(struct opts, dump), NULL,
     "print commands, options and keys for programs, with tabs between"},
};

static const struct opt_table table = {rows, sizeof rows / sizeof rows[0]};

/* Writes help from the help column on, broken at blanks. at: columns used. */
static void write_wrapped(FILE *to, const char *help, size_t at)
{
    if (at + 2 > HELP_COLUMN) {
        fputc('\n', to);
        at = 0;
    }
    fprintf(to, "%*s", (int)(HELP_COLUMN - at), "");
    at = HELP_COLUMN;
    while (*help != '\0') {
        size_t word = strcspn(help, " ");
        size_t blank = at > HELP_COLUMN;

        if (at + blank + word > COLUMNS) {
            fprintf(to, "\n%*s", HELP_COLUMN, "");
            at = HELP_COLUMN;
            blank = 0;
        }
        fprintf(to, "%s%.*s", blank ? " " : "", (int)word, help);
        at += blank + word;
        help += word + (help[word] == ' ');
    }
    fputc('\n', to);
}

static bool can_negate(const struct opt_row *row)
{
    return row->kind == OPT_FLAG && row->key != NULL;
}

/* Nobody has to look for it elsewhere, where it is a number or a word. */
static void add_default(struct text *text, const struct opt_row *row)
{
    struct settings settings;
    char number[OPT_NUMBER_TEXT];

    if (row->key == NULL)
        return;
    switch (row->kind) {
    case OPT_SECONDS:
    case OPT_COUNT:
    case OPT_JOBS:
    case OPT_LANES:
    case OPT_IP:
    case OPT_RATE:
    case OPT_PATIENCE:
        settings_init(&settings);
        text_add(text, " [default: %s]", opt_get(&settings, row, number));
        break;
    default:
        break;
    }
}

static void write_row(FILE *to, const struct opt_row *row)
{
    char help[HELP_BYTES];
    struct text all = text_on(help, sizeof help);
    char left[COLUMNS];
    struct text text = text_on(left, sizeof left);

    if (row->letter != 0)
        text_add(&text, "  -%c, ", row->letter);
    else
        text_add(&text, "      ");
    text_add(&text, "--%s%s", can_negate(row) ? "[no-]" : "", row->name);
    if (row->value != NULL)
        text_add(&text, " %s", row->value);
    text_add(&all, "%s", row->help);
    add_default(&all, row);
    fputs(left, to);
    write_wrapped(to, help, text.len);
}

/* Does the command take it? Where the registry is its operand, no -r. */
static bool takes(const struct cmd *cmd, const struct opt_row *row)
{
    return !cmd->takes_registry || row->key == NULL ||
           strcmp(row->key, "registry") != 0;
}

/* All options of the command, or those that have a letter. */
static void write_options(FILE *to, const struct cmd *cmd, bool all)
{
    for (size_t t = 0; cmd->tables[t] != NULL; t++)
        for (size_t i = 0; i < cmd->tables[t]->count; i++) {
            const struct opt_row *row = &cmd->tables[t]->rows[i];

            if (takes(cmd, row) && (all || row->letter != 0))
                write_row(to, row);
        }
}

static void write_cmd(FILE *to, const struct cmd *cmd)
{
    const char *gap = cmd->operands[0] != '\0' ? " " : "";

    /* The word may be left out: see main.c. */
    if (cmd == &cmd_pull)
        fprintf(to, "usage: spull [pull] [OPTIONS] %s\n", cmd->operands);
    else
        fprintf(to, "usage: spull %s [OPTIONS]%s%s\n", cmd->name, gap,
                cmd->operands);
    fprintf(to, "\n%s\n\n", cmd->summary);
    write_options(to, cmd, true);
}

static void write_overview(FILE *to)
{
    fputs("usage: spull [pull] [OPTIONS] REF...\n"
          "       spull COMMAND [OPTIONS] [OPERAND...]\n\n"
          "Pulls Singularity/Apptainer images from static registries.\n"
          "REF is [BASE-URL/]COLLECTION/NAME[:TAG][@sha256:HEX].\n\n",
          to);
    for (size_t i = 0; cmd_all[i] != NULL; i++) {
        char left[COLUMNS];
        struct text text = text_on(left, sizeof left);

        text_add(&text, "  %s %s", cmd_all[i]->name, cmd_all[i]->operands);
        fputs(left, to);
        write_wrapped(to, cmd_all[i]->summary, text.len);
    }
    fputc('\n', to);
    write_options(to, &cmd_pull, false);
    write_row(to, &cmd_none.own->rows[0]);
    fputs("\n'spull help pull' lists all options of pull, and so for the other "
          "commands.\nThe manual is spull(1).\n",
          to);
}

static void dump_tables(FILE *to, const struct cmd *cmd)
{
    for (size_t t = 0; cmd->tables[t] != NULL; t++) {
        for (size_t i = 0; i < cmd->tables[t]->count; i++) {
            const struct opt_row *row = &cmd->tables[t]->rows[i];
            if (!takes(cmd, row))
                continue;
            char letter[] = {row->letter ? '-' : '\0', row->letter, '\0'};

            fprintf(to, "option\t%s\t%s\t--%s\t%s\t%s\t%s\n", cmd->name, letter,
                    row->name, row->value ? row->value : "",
                    row->key ? row->key : "", row->help);
        }
    }
}

static void dump_keys(FILE *to)
{
    const struct opt_row *row = settings_row(0);
    struct settings settings;

    settings_init(&settings);
    for (size_t i = 0; row != NULL; row = settings_row(++i)) {
        char number[OPT_NUMBER_TEXT];
        const char *value = opt_get(&settings, row, number);

        fprintf(to, "key\t%s\t%s\t%s\n", row->key, opt_kind_name(row->kind),
                value != NULL ? value : "");
    }
}

static void write_dump(FILE *to)
{
    for (size_t i = 0; cmd_all[i] != NULL; i++)
        fprintf(to, "command\t%s\t%s\n", cmd_all[i]->name, cmd_all[i]->summary);
    dump_tables(to, &cmd_none);
    for (size_t i = 0; cmd_all[i] != NULL; i++)
        dump_tables(to, cmd_all[i]);
    dump_keys(to);
}

/* What was written to the stream, without its last line break. */
static char *text_of(FILE *to, char **bytes)
{
    if (to == NULL || fclose(to) != 0 || *bytes == NULL)
        return NULL;
    (*bytes)[strlen(*bytes) - 1] = '\0';
    return *bytes;
}

static enum spull_code print(const char *text)
{
    struct spull_error err;
    enum spull_code code;

    if (text == NULL)
        code = fail_nomem(&err);
    else
        code = out_line(text, &err);
    return code == SPULL_OK ? code : cmd_report_out(&err);
}

enum spull_code cmd_help_show(const struct cmd *cmd)
{
    char *bytes = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&bytes, &len);
    enum spull_code code;

    if (to != NULL && cmd == &cmd_none)
        write_overview(to);
    else if (to != NULL)
        write_cmd(to, cmd);
    code = print(text_of(to, &bytes));
    free(bytes);
    return code;
}

void cmd_help_usage(void)
{
    char *bytes = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&bytes, &len);
    const char *text;

    if (to != NULL)
        write_overview(to);
    text = text_of(to, &bytes);
    if (text != NULL)
        say_plain(text);
    free(bytes);
}

static enum spull_code print_dump(void)
{
    char *bytes = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&bytes, &len);
    enum spull_code code;

    if (to != NULL)
        write_dump(to);
    code = print(text_of(to, &bytes));
    free(bytes);
    return code;
}

static enum spull_code run(const struct cmd_call *call)
{
    const struct opts *opts = call->opts;
    const struct cmd *cmd = &cmd_none;
    struct spull_error err;

    if (opts->dump)
        return print_dump();
    if (call->operand_count > 0)
        cmd = cmd_find(call->operands[0]);
    if (cmd != NULL)
        return cmd_help_show(cmd);
    cmd_unknown(call->operands[0], &err);
    say_error(&err, NULL);
    return err.code;
}

const struct cmd cmd_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .summary = "explain spull, or one of its commands",
    .operands_max = 1,
    .own = &table,
    .own_size = sizeof(struct opts),
    .tables = {&table, &cmd_common_table},
    .run = run,
};
