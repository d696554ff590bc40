/* SPDX-License-Identifier: MIT */
/*
 * opt: options as tables of rows, the command line as rows with values.
 *
 * Options may stand before and after operands, so getopt_long(3) would do, but
 * for two things: it takes unambiguous beginnings, which break scripts when an
 * option is added, and its messages can't be made printable.
 */
#include "opt.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fail.h"
#include "near.h"
#include "pool.h"
#include "text.h"

#define SECONDS_MAX 86400
#define COUNT_MAX   1000000000
#define LANES_MAX   16 /* spull.h, connections */
/* With its escapes, such a value still is a line of a configuration file. */
#define VALUE_MAX 4096

/* The command line while it is taken apart. */
struct parser {
    char **argv;
    int argc;
    int at;
    const struct opt_table *const *tables;
    const char *command;
    struct opt_line line;
};

const char *opt_kind_name(enum opt_kind kind)
{
    switch (kind) {
    case OPT_FLAG:
        return "flag";
    case OPT_TEXT:
    case OPT_ARCH:
        return "text";
    case OPT_PATH:
        return "path";
    case OPT_REGISTRY:
        return "registry";
    case OPT_SECONDS:
        return "seconds";
    case OPT_COUNT:
    case OPT_JOBS:
    case OPT_LANES:
    case OPT_IP:
        return "number";
    case OPT_RATE:
        return "rate";
    case OPT_SIZE:
        return "size";
    case OPT_PATIENCE:
        return "patience";
    case OPT_LIST:
        return "list";
    }
    return "";
}

static enum spull_code set_flag(bool *place, const char *value,
                                struct spull_error *err)
{
    static const char *const words[] = {"no",  "yes", "false", "true",
                                        "off", "on",  "0",     "1"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(value, words[i]) == 0) {
            *place = i % 2 == 1;
            return SPULL_OK;
        }
    }
    return fail_set(err, SPULL_USAGE, "'%s' is neither yes nor no", value);
}

/* Digits only: strtoul(3) would take signs and white space too. */
static bool read_number(const char *value, uint64_t *out, const char **end)
{
    char *stop = NULL;

    if (value[0] < '0' || value[0] > '9')
        return false;
    errno = 0;
    *out = strtoull(value, &stop, 10);
    *end = stop;
    return errno == 0;
}

static enum spull_code set_count(unsigned *place, const char *value,
                                 const char *what, unsigned least,
                                 unsigned most, struct spull_error *err)
{
    uint64_t number = 0;
    const char *end = NULL;

    if (!read_number(value, &number, &end) || *end != '\0' || number < least ||
        number > most)
        return fail_set(err, SPULL_USAGE,
                        "'%s' is not a number%s from %u to "
                        "%u",
                        value, what, least, most);
    *place = (unsigned)number;
    return SPULL_OK;
}

static enum spull_code set_ip(unsigned *place, const char *value,
                              struct spull_error *err)
{
    static const char digits[] = "046";

    if (strlen(value) != 1 || strchr(digits, value[0]) == NULL)
        return fail_set(err, SPULL_USAGE, "'%s' is neither 4 nor 6, nor 0, any",
                        value);
    *place = (unsigned)(value[0] - '0');
    return SPULL_OK;
}

static enum spull_code set_patience(unsigned *place, const char *value,
                                    struct spull_error *err)
{
    if (strcasecmp(value, "forever") != 0)
        return set_count(place, value, " of seconds, or 'forever',", 0,
                         COUNT_MAX, err);
    *place = SPULL_WAIT;
    return SPULL_OK;
}

/* The power of 1024 that a unit stands for; false: it is none. */
static bool read_unit(const char *unit, unsigned *power)
{
    static const char units[] = "KMG";
    const char *found = NULL;

    *power = 0;
    if (unit[0] == '\0')
        return true;
    found = strchr(units, toupper((unsigned char)unit[0]));
    if (found == NULL || unit[1] != '\0')
        return false;
    *power = (unsigned)(found - units) + 1;
    return true;
}

/* "500K", as curl(1) takes it; what: a rate, a size. */
static enum spull_code set_bytes(uint64_t *place, const char *value,
                                 const char *what, struct spull_error *err)
{
    uint64_t number = 0;
    const char *end = NULL;
    unsigned power = 0;

    if (!read_number(value, &number, &end) || !read_unit(end, &power) ||
        number > UINT64_MAX >> (10 * power))
        return fail_set(err, SPULL_USAGE,
                        "'%s' is not a %s like 500K, 20M or 1G", value, what);
    *place = number << (10 * power);
    return SPULL_OK;
}

static enum spull_code set_text(const char **place, const char *value,
                                struct spull_error *err)
{
    if (value[0] == '\0')
        return fail_set(err, SPULL_USAGE, "the value is empty");
    if (strlen(value) > VALUE_MAX)
        return fail_set(err, SPULL_USAGE,
                        "the value has more than %d characters", VALUE_MAX);
    /* A line break would add a header to a request, a line to stdout. */
    if (text_has_control(value))
        return fail_set(err, SPULL_USAGE, "'%s' contains a control character",
                        value);
    *place = value;
    return SPULL_OK;
}

/* Which architectures there are, only a session says, when it is opened. */
static enum spull_code set_arch(const char **place, const char *value,
                                struct spull_error *err)
{
    struct spull_options options;
    struct spull *session = NULL;
    enum spull_code code = set_text(&value, value, err);

    if (code != SPULL_OK)
        return code;
    spull_options_init(&options);
    options.arch = value;
    code = spull_new(&options, &session, err);
    spull_free(session);
    if (code == SPULL_OK)
        *place = value;
    return code;
}

enum spull_code opt_set(void *base, const struct opt_row *row,
                        const char *value, struct spull_error *err)
{
    static const unsigned most[] = {
        [OPT_JOBS] = POOL_JOBS_MAX, [OPT_LANES] = LANES_MAX};
    void *place = (char *)base + row->offset;

    switch (row->kind) {
    case OPT_FLAG:
        return set_flag(place, value, err);
    case OPT_SECONDS:
        return set_count(place, value, " of seconds", 1, SECONDS_MAX, err);
    case OPT_COUNT:
        return set_count(place, value, "", 0, COUNT_MAX, err);
    case OPT_JOBS:
    case OPT_LANES:
        return set_count(place, value, "", 1, most[row->kind], err);
    case OPT_IP:
        return set_ip(place, value, err);
    case OPT_ARCH:
        return set_arch(place, value, err);
    case OPT_RATE:
        return set_bytes(place, value, "rate", err);
    case OPT_SIZE:
        return set_bytes(place, value, "size", err);
    case OPT_PATIENCE:
        return set_patience(place, value, err);
    case OPT_LIST:
    case OPT_TEXT:
    case OPT_PATH:
    case OPT_REGISTRY:
        return set_text(place, value, err);
    }
    return fail_set(err, SPULL_INTERNAL, "an option of no kind");
}

const char *opt_get(const void *base, const struct opt_row *row,
                    char number[OPT_NUMBER_TEXT])
{
    const void *place = (const char *)base + row->offset;

    switch (row->kind) {
    case OPT_FLAG:
        return *(const bool *)place ? "yes" : "no";
    case OPT_COUNT:
    case OPT_JOBS:
    case OPT_LANES:
    case OPT_IP:
    case OPT_SECONDS:
        snprintf(number, OPT_NUMBER_TEXT, "%u", *(const unsigned *)place);
        return number;
    case OPT_PATIENCE:
        if (*(const unsigned *)place == SPULL_WAIT)
            return "forever";
        snprintf(number, OPT_NUMBER_TEXT, "%u", *(const unsigned *)place);
        return number;
    case OPT_RATE:
    case OPT_SIZE:
        snprintf(number, OPT_NUMBER_TEXT, "%" PRIu64, *(const uint64_t *)place);
        return number;
    case OPT_LIST:
    case OPT_TEXT:
    case OPT_ARCH:
    case OPT_PATH:
    case OPT_REGISTRY:
        return *(const char *const *)place;
    }
    return NULL;
}

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
