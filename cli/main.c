/* SPDX-License-Identifier: MIT */
/*
 * main: from argv to a command, and from its result to the exit status.
 *
 * Finds the command, has options and settings read, and runs it. What the
 * commands are is said in cmd.c; what they do, in their own files.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <spull.h>

#include "cmd.h"
#include "fail.h"
#include "opt.h"
#include "out.h"
#include "rc.h"
#include "say.h"
#include "stop.h"
#include "term.h"

/* The tables of all commands, each once, and those of "spull" alone. */
#define TABLES_MAX 32

static size_t add_tables(const struct opt_table **all, size_t count,
                         const struct cmd *cmd)
{
    for (size_t t = 0; cmd->tables[t] != NULL; t++) {
        size_t i = 0;

        while (i < count && all[i] != cmd->tables[t])
            i++;
        if (i == count && count < TABLES_MAX)
            all[count++] = cmd->tables[t];
    }
    all[count] = NULL;
    return count;
}

/* Whoever asks for more than "spull" alone can do has left the REF out. */
static const struct cmd *cmd_without_operand(const struct opt_line *line)
{
    for (size_t i = 0; i < line->given_count; i++) {
        struct opt_line one = {.given = &line->given[i], .given_count = 1};
        bool found = false;

        for (size_t t = 0; cmd_none.tables[t] != NULL; t++)
            found = found || opt_is_given(&one, cmd_none.tables[t]);
        if (!found)
            return &cmd_pull;
    }
    return &cmd_none;
}

/*
 * Which command a line is for. Options before it can be any command's, so all
 * tables are asked; an option means the same in each, or at least takes a
 * value in all or none.
 */
static enum spull_code find_cmd(int argc, char **argv, const struct cmd **cmd,
                                bool *named, struct spull_error *err)
{
    const struct opt_table *all[TABLES_MAX + 1];
    size_t count = add_tables(all, 0, &cmd_none);
    struct opt_line line;
    enum spull_code code;

    for (size_t i = 0; cmd_all[i] != NULL; i++)
        count = add_tables(all, count, cmd_all[i]);
    code = opt_parse(argc, argv, all, NULL, &line, err);
    if (code != SPULL_OK)
        return code;
    *named = false;
    if (line.operand_count == 0) {
        *cmd = cmd_without_operand(&line);
    } else if (strchr(line.operands[0], '/') != NULL) {
        *cmd = &cmd_pull;
    } else {
        *cmd = cmd_find(line.operands[0]);
        *named = true;
        if (*cmd == NULL)
            code = cmd_unknown(line.operands[0], err);
    }
    opt_line_done(&line);
    return code;
}

static enum spull_code check_operands(const struct cmd *cmd,
                                      const struct cmd_call *call,
                                      struct spull_error *err)
{
    bool listed = cmd->lists && call->common->file != NULL;
    enum spull_code code = SPULL_OK;

    if (call->operand_count + listed < cmd->operands_min)
        code = fail_set(err, SPULL_USAGE, "%s: %.*s is missing", cmd->name,
                        (int)strcspn(cmd->operands, " "), cmd->operands);
    else if (call->operand_count > cmd->operands_max)
        code = fail_set(err, SPULL_USAGE, "%s: '%s' is one operand too many",
                        cmd->name, call->operands[cmd->operands_max]);
    if (code != SPULL_OK)
        fail_hint(err, "usage: spull %s [OPTIONS]%s%s", cmd->name,
                  cmd->operands[0] != '\0' ? " " : "", cmd->operands);
    return code;
}

/* "spull" with options only, or with nothing. */
static enum spull_code run_none(const struct cmd_call *call)
{
    const struct cmd_top *opts = call->opts;
    struct spull_error err;
    enum spull_code code;
    char line[64] = "spull ";

    if (!opts->version) {
        cmd_help_usage();
        return SPULL_USAGE;
    }
    strncat(line, spull_version(), sizeof line - strlen(line) - 1);
    code = out_line(line, &err);
    if (code != SPULL_OK && code != SPULL_CANCELLED)
        say_error(&err, NULL);
    return code;
}

static enum spull_code run_cmd(const struct cmd *cmd, struct cmd_call *call,
                               const struct opt_line *line)
{
    struct spull_error err;
    struct rc rc;
    enum spull_code code;

    if (call->common->help)
        return cmd_help_show(cmd);
    if (cmd == &cmd_none)
        return run_none(call);
    code = check_operands(cmd, call, &err);
    if (code == SPULL_OK && cmd->settings)
        code = rc_load(&rc, line, &err);
    if (code != SPULL_OK) {
        say_error(&err, NULL);
        return code;
    }
    if (!cmd->settings)
        return cmd->run(call);
    call->rc = &rc;
    code = cmd->run(call);
    rc_done(&rc);
    return code;
}

/* Reads the command's own options and those of all. */
static enum spull_code read_options(const struct cmd *cmd,
                                    const struct opt_line *line,
                                    struct cmd_common *common, void *own,
                                    struct spull_error *err)
{
    enum spull_code code = opt_apply(line, &cmd_common_table, common, err);

    if (code == SPULL_OK)
        code = opt_apply(line, &cmd_json_table, common, err);
    if (code == SPULL_OK)
        code = opt_apply(line, &cmd_list_table, common, err);
    if (code == SPULL_OK && cmd->own != NULL)
        code = opt_apply(line, cmd->own, own, err);
    return code;
}

/* Of -q and -v the last one counts: one may stand in an alias. */
static enum say_level level_of(const struct opt_line *line)
{
    enum say_level level = SAY_NORMAL;

    for (size_t i = 0; i < line->given_count; i++) {
        if (line->given[i].row->letter == 'q')
            level = SAY_QUIET;
        else if (line->given[i].row->letter == 'v')
            level = SAY_VERBOSE;
    }
    return level;
}

static enum spull_code run(int argc, char **argv)
{
    struct cmd_common common = {.quiet = false};
    struct opt_line line = {NULL, 0, NULL, 0};
    struct spull_error err;
    const struct cmd *cmd = NULL;
    void *own = NULL;
    bool named = false;
    enum spull_code code = find_cmd(argc, argv, &cmd, &named, &err);

    if (code != SPULL_OK)
        goto out;
    code = opt_parse(argc, argv, cmd->tables,
                     cmd == &cmd_none ? NULL : cmd->name, &line, &err);
    if (code != SPULL_OK)
        goto out;
    own = calloc(1, cmd->own_size + 1);
    if (own == NULL) {
        fail_nomem(&err);
        code = SPULL_INTERNAL;
        goto out;
    }
    code = read_options(cmd, &line, &common, own, &err);
out:
    if (code != SPULL_OK) {
        say_error(&err, NULL);
    } else {
        struct cmd_call call = {.common = &common, .opts = own, .line = &line};

        say_init(level_of(&line), term_colour());
        call.operands = line.operands + named;
        call.operand_count = line.operand_count - named;
        code = run_cmd(cmd, &call, &line);
    }
    free(own);
    opt_line_done(&line);
    return code;
}

/*
 * Else the first file that is opened would become stdout or stderr, and what
 * is printed would land in it. Opened the wrong way round, so that printing
 * still fails.
 */
static void open_missing_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
            _exit(SPULL_INTERNAL);
}

/*
 * At exit(3) each library takes its tables apart, for the kernel to throw the
 * pieces away: of the time that a small image takes, a fortieth. Only who
 * counts leaks wants to see it.
 */
static _Noreturn void leave(enum spull_code code)
{
#ifdef SPULL_COUNTS_LEAKS
    exit((int)code);
#else
    fflush(NULL);
    _exit((int)code);
#endif
}

int main(int argc, char **argv)
{
    enum spull_code code;

    open_missing_streams();
    stop_init();
    term_init();
    say_init(SAY_NORMAL, term_colour());
    code = run(argc, argv);
    /* A signal after the work was done has cut nothing short. */
    if (code == SPULL_CANCELLED)
        stop_die();
    leave(code);
}
