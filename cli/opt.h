/* SPDX-License-Identifier: MIT */
/*
 * opt: options as tables of rows, the command line as rows with values.
 *
 * A row says once how an option is spelled, what value it takes, where the
 * value goes and what it is for; parser, help, dump and configuration files
 * all read it. This room knows no option and no command.
 */
#ifndef OPT_H
#define OPT_H

#include <stdbool.h>
#include <stddef.h>

#include <spull.h>

enum opt_kind {
    OPT_FLAG,     /* bool */
    OPT_TEXT,     /* const char *, borrowed */
    OPT_PATH,     /* the same; "~/" counts in configuration files */
    OPT_REGISTRY, /* the same; a URL, directory or name of a section */
    OPT_SECONDS,  /* unsigned */
    OPT_COUNT,    /* unsigned */
    OPT_JOBS,     /* unsigned, from 1 to what a pool bears */
    OPT_LANES,    /* unsigned, as many connections as the library takes */
    OPT_IP,       /* unsigned, a version of IP; 0: any */
    OPT_ARCH,     /* text that the library knows as an architecture */
    OPT_RATE,     /* uint64_t, bytes a second; K, M and G are powers of 1024 */
    OPT_SIZE,     /* uint64_t, bytes; with the same letters */
    OPT_PATIENCE, /* unsigned, seconds or "forever" (SPULL_WAIT) */
    OPT_LIST      /* const char *, checked here and collected by others */
};

struct opt_row {
    const char *name;  /* without the dashes */
    char letter;       /* 0: none */
    const char *value; /* what help calls it; NULL for a flag */
    enum opt_kind kind;
    size_t offset;   /* in the struct that the table is for */
    const char *key; /* of configuration files; NULL: none */
    const char *help;
};

struct opt_table {
    const struct opt_row *rows;
    size_t count;
};

/* One option of a command line. */
struct opt_given {
    const struct opt_row *row;
    const char *value; /* of a flag: "yes" or "no" */
};

/* A command line, taken apart. Points into argv. */
struct opt_line {
    struct opt_given *given;
    size_t given_count;
    const char **operands;
    size_t operand_count;
};

/*
 * Takes argv[1..] apart. tables ends with NULL; command is for messages, NULL:
 * not known yet. SPULL_USAGE for an option that no table has, and for a value
 * that is missing or too many. The values themselves are not looked at.
 */
enum spull_code opt_parse(int argc, char **argv,
                          const struct opt_table *const *tables,
                          const char *command, struct opt_line *out,
                          struct spull_error *err);
void opt_line_done(struct opt_line *line);

/* Hands the options of table to base, the struct that the table is for. */
enum spull_code opt_apply(const struct opt_line *line,
                          const struct opt_table *table, void *base,
                          struct spull_error *err);

/* Is there one of table's? */
bool opt_is_given(const struct opt_line *line, const struct opt_table *table);

/*
 * Puts value, as text, into row's place below base. SPULL_USAGE says why it
 * can't be, not which option or key it was meant for.
 */
enum spull_code opt_set(void *base, const struct opt_row *row,
                        const char *value, struct spull_error *err);

/*
 * The value in row's place as text, which opt_set() reads as the same value.
 * number is room for it if it is no string. NULL: not set.
 */
#define OPT_NUMBER_TEXT 24
const char *opt_get(const void *base, const struct opt_row *row,
                    char number[OPT_NUMBER_TEXT]);

/* What a value is, in one word, for the dump. */
const char *opt_kind_name(enum opt_kind kind);

#endif
