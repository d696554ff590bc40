/* SPDX-License-Identifier: MIT */
/*
 * opt: the command line, taken apart by tables. What a value may be is known in
 * optvalue.c.
 *
 * Options may stand before and after operands, so getopt_long(3) would do, but
 * for two things: it takes unambiguous beginnings, which break scripts when an
 * option is added, and its messages can't be made printable.
 */
#include "opt.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "near.h"
#include "text.h"

/* The command line while it is taken apart. */
struct parser {
    char **argv;
    int argc;
    int at;
    const struct opt_table *const *tables;
    const char *command;
    struct opt_line line;
};

static const struct opt_row *find_name(const struct parser *p, const char *name,
                                       size_t len)
{
    for (size_t t = 0; p->tables[t] != NULL; t++) {
        for (size_t i = 0; i < p->tables[t]->count; i++) {
            const struct opt_row *row = &p->tables[t]->rows[i];

            if (strlen(row->name) == len && memcmp(row->name, name, len) == 0)
                return row;
        }
    }
    return NULL;
}

static const struct opt_row *find_letter(const struct parser *p, char letter)
{
    for (size_t t = 0; p->tables[t] != NULL; t++)
        for (size_t i = 0; i < p->tables[t]->count; i++)
            if (p->tables[t]->rows[i].letter == letter)
                return &p->tables[t]->rows[i];
    return NULL;
}

/* A file can say yes where one call wants no: keys can be taken back. */
static const struct opt_row *find_negated(const struct parser *p,
                                          const char *name, size_t len)
{
    const struct opt_row *row;

    if (len <= 3 || memcmp(name, "no-", 3) != 0)
        return NULL;
    row = find_name(p, name + 3, len - 3);
    if (row == NULL || row->kind != OPT_FLAG || row->key == NULL)
        return NULL;
    return row;
}

static enum spull_code unknown(const struct parser *p, const char *dashes,
                               const char *name, size_t len,
                               struct spull_error *err)
{
    char typed[64];
    struct near search = {.typed = typed};

    snprintf(typed, sizeof typed, "%.*s", (int)(len < 60 ? len : 60), name);
    for (size_t t = 0; p->tables[t] != NULL && dashes[1] != '\0'; t++)
        for (size_t i = 0; i < p->tables[t]->count; i++)
            near_try(&search, p->tables[t]->rows[i].name);
    fail_set(err, SPULL_USAGE, "%s%s%s%s: there is no such option",
             p->command ? p->command : "", p->command ? ": " : "", dashes,
             typed);
    if (search.best != NULL)
        fail_hint(err, "did you mean --%s?", search.best);
    else
        fail_hint(err, "'spull %s%s' lists the options",
                  p->command ? "help " : "--help",
                  p->command ? p->command : "");
    return SPULL_USAGE;
}

static void take(struct parser *p, const struct opt_row *row, const char *value)
{
    p->line.given[p->line.given_count].row = row;
    p->line.given[p->line.given_count].value = value;
    p->line.given_count++;
}

static enum spull_code take_next(struct parser *p, const struct opt_row *row,
                                 struct spull_error *err)
{
    if (p->at + 1 >= p->argc)
        return fail_set(err, SPULL_USAGE, "--%s: %s is missing", row->name,
                        row->value);
    p->at++;
    take(p, row, p->argv[p->at]);
    return SPULL_OK;
}

static enum spull_code parse_long(struct parser *p, const char *name,
                                  struct spull_error *err)
{
    const char *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct opt_row *row = find_name(p, name, len);
    const char *flag = "yes";

    if (row == NULL) {
        row = find_negated(p, name, len);
        flag = "no";
    }
    if (row == NULL)
        return unknown(p, "--", name, len, err);
    if (row->kind == OPT_FLAG) {
        if (equals != NULL)
            return fail_set(err, SPULL_USAGE, "--%.*s: it takes no value",
                            (int)len, name);
        take(p, row, flag);
        return SPULL_OK;
    }
    if (equals == NULL)
        return take_next(p, row, err);
    take(p, row, equals + 1);
    return SPULL_OK;
}

static enum spull_code parse_letters(struct parser *p, const char *letters,
                                     struct spull_error *err)
{
    for (; *letters != '\0'; letters++) {
        const struct opt_row *row = find_letter(p, *letters);

        if (row == NULL) {
            size_t len = text_utf8(letters);

            return unknown(p, "-", letters, len ? len : 1, err);
        }
        if (row->kind != OPT_FLAG) {
            if (letters[1] == '\0')
                return take_next(p, row, err);
            take(p, row, letters + 1);
            return SPULL_OK;
        }
        take(p, row, "yes");
    }
    return SPULL_OK;
}

static enum spull_code parse_all(struct parser *p, struct spull_error *err)
{
    enum spull_code code = SPULL_OK;
    bool options = true;

    for (p->at = 1; p->at < p->argc && code == SPULL_OK; p->at++) {
        const char *word = p->argv[p->at];

        if (!options || word[0] != '-' || word[1] == '\0')
            p->line.operands[p->line.operand_count++] = word;
        else if (strcmp(word, "--") == 0)
            options = false;
        else if (word[1] == '-')
            code = parse_long(p, word + 2, err);
        else
            code = parse_letters(p, word + 1, err);
    }
    return code;
}

enum spull_code opt_parse(int argc, char **argv,
                          const struct opt_table *const *tables,
                          const char *command, struct opt_line *out,
                          struct spull_error *err)
{
    struct parser p = {argv, argc, 1, tables, command, {NULL, 0, NULL, 0}};
    size_t letters = 1; /* so that calloc(3) is never asked for nothing */
    enum spull_code code;

    /* Bundled letters can make more options than there are words. */
    for (int i = 1; i < argc; i++)
        letters += strlen(argv[i]) + 1;
    p.line.given = calloc(letters, sizeof *p.line.given);
    p.line.operands = calloc(letters, sizeof *p.line.operands);
    if (p.line.given == NULL || p.line.operands == NULL)
        code = fail_nomem(err);
    else
        code = parse_all(&p, err);
    if (code == SPULL_OK)
        *out = p.line;
    else
        opt_line_done(&p.line);
    return code;
}

void opt_line_done(struct opt_line *line)
{
    if (line == NULL)
        return;
    free(line->given);
    free(line->operands);
    memset(line, 0, sizeof *line);
}

static bool has_row(const struct opt_table *table, const struct opt_row *row)
{
    for (size_t i = 0; i < table->count; i++)
        if (&table->rows[i] == row)
            return true;
    return false;
}

bool opt_is_given(const struct opt_line *line, const struct opt_table *table)
{
    for (size_t i = 0; i < line->given_count; i++)
        if (has_row(table, line->given[i].row))
            return true;
    return false;
}

enum spull_code opt_apply(const struct opt_line *line,
                          const struct opt_table *table, void *base,
                          struct spull_error *err)
{
    for (size_t i = 0; i < line->given_count; i++) {
        const struct opt_given *given = &line->given[i];
        enum spull_code code;

        if (!has_row(table, given->row))
            continue;
        code = opt_set(base, given->row, given->value, err);
        if (code != SPULL_OK)
            return fail_wrap(err, "--%s", given->row->name);
    }
    return SPULL_OK;
}
