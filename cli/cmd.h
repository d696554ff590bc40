/* SPDX-License-Identifier: MIT */
/*
 * cmd: what a command is, which ones there are, and how they get a session.
 *
 * A new command is a file cmd_NAME.c with an option struct, a table and a run
 * function, and a line in cmd.c. What a command does is said in its file alone.
 */
#ifndef CMD_H
#define CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spull.h>

#include "list.h"
#include "opt.h"
#include "rc.h"

/* Options that mean the same to several commands. */
struct cmd_common {
    bool quiet;
    bool verbose;
    bool help;
    bool json;
    const char *file; /* the last one; cmd_list() reads all */
};

extern const struct opt_table cmd_common_table;
extern const struct opt_table cmd_json_table;
extern const struct opt_table cmd_list_table; /* for a cmd with lists */

/* One call of a command. */
struct cmd_call {
    const struct cmd_common *common;
    const struct rc *rc; /* NULL if the command needs no settings */
    const struct opt_line *line;
    const void *opts; /* the command's own struct */
    const char **operands;
    size_t operand_count;
};

#define CMD_TABLES_MAX 12

struct cmd {
    const char *name;
    const char *operands; /* as usage shows them; "" if there are none */
    const char *summary;  /* one line */
    size_t operands_min;
    size_t operands_max;
    bool lists;    /* -f may stand for the last operand that there must be */
    bool settings; /* reads the configuration */
    bool takes_registry;         /* as an operand: -r is refused */
    const struct opt_table *own; /* NULL: no options of its own */
    size_t own_size;             /* of their struct */
    const struct opt_table *tables[CMD_TABLES_MAX]; /* own and shared, NULL */
    /* Reports its errors itself; returns what becomes the exit status. */
    enum spull_code (*run)(const struct cmd_call *call);
};

extern const struct cmd cmd_pull;
extern const struct cmd cmd_tags;
extern const struct cmd cmd_manifest;
extern const struct cmd cmd_resolve;
extern const struct cmd cmd_verify;
extern const struct cmd cmd_mirror;
extern const struct cmd cmd_check;
extern const struct cmd cmd_store;
extern const struct cmd cmd_config;
extern const struct cmd cmd_help;

/* In the order of help; ends with NULL. */
extern const struct cmd *const cmd_all[];

/* The options of "spull" without a command. */
struct cmd_top {
    bool version;
};
extern const struct cmd cmd_none;

/* NULL: there is none of this name. */
const struct cmd *cmd_find(const char *name);

/* Sets err to "'name' is no command", with the nearest one as hint. */
enum spull_code cmd_unknown(const char *name, struct spull_error *err);

/*
 * Opens a session with the settings in force and watches for signals. adjust
 * holds what is no setting: force and the progress callback; NULL: neither.
 */
enum spull_code cmd_open(const struct cmd_call *call,
                         const struct spull_options *adjust, struct spull **out,
                         struct spull_error *err);
void cmd_close(struct spull *session);

/* Would it open? */
enum spull_code cmd_try(const struct cmd_call *call, struct spull_error *err);

/*
 * The references that a call is about: the operands from the one with number
 * skip on, then the lines of each -f FILE. *out starts as zeros, and is to be
 * ended in any case. SPULL_USAGE, CANCELLED, INTERNAL.
 */
enum spull_code cmd_list(const struct cmd_call *call, size_t skip,
                         struct list *out, struct spull_error *err);

/*
 * Reports that an operand failed, on stderr and, with --json, as an object on
 * stdout. path is where it would have been installed, or NULL. Returns err's
 * code.
 */
enum spull_code cmd_report(const struct cmd_call *call, const char *operand,
                           const char *path, const struct spull_error *err);

/* What an image took that did not come. */
struct cmd_cost {
    uint64_t transferred; /* bytes over the network */
    double seconds;
};

/*
 * The same of a reference that may come from a file: says its line, too. With
 * cost, the object has the members that it would have had of a success; NULL:
 * without.
 */
enum spull_code cmd_report_line(const struct cmd_call *call,
                                const struct list_line *line, const char *path,
                                const struct cmd_cost *cost,
                                const struct spull_error *err);

/* Reports that printing results failed, once; returns err's code. */
enum spull_code cmd_report_out(const struct spull_error *err);

/* Help on stdout: for a command, or of all. */
enum spull_code cmd_help_show(const struct cmd *cmd);

/* For who typed nothing at all. */
void cmd_help_usage(void);

#endif
