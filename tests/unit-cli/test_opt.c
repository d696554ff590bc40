/* SPDX-License-Identifier: MIT */
/*
 * opt: every way to write an option means the same, every other is refused;
 * and the tables of the real commands agree with each other.
 */
#include "cmd.h"
#include "opt.h"
#include "unit.h"

struct values {
    bool quiet, strict;
    const char *dir;
    unsigned time;
};

static const struct opt_row rows[] = {
    {"quiet", 'q', NULL, OPT_FLAG, offsetof(struct values, quiet), NULL, ""},
    {"strict", 's', NULL, OPT_FLAG, offsetof(struct values, strict), "strict",
     ""},
    {"dir", 'd', "DIR", OPT_PATH, offsetof(struct values, dir), "dir", ""},
    {"time", 0, "SECONDS", OPT_SECONDS, offsetof(struct values, time), "time",
     ""},
};
static const struct opt_table table = {rows, UNIT_COUNT(rows)};
static const struct opt_table *const tables[] = {&table, NULL};

#define WORDS_MAX 8

/* Words end with NULL. Parses and applies them; operands joined by blanks. */
static enum spull_code read_line(const char *const *words,
                                 struct values *values, char operands[64],
                                 struct spull_error *err)
{
    static char kept[32];
    char text[WORDS_MAX][32];
    char *argv[WORDS_MAX + 1] = {text[0]};
    int argc = 1;
    struct opt_line line;
    enum spull_code code;

    for (; words[argc - 1] != NULL; argc++) {
        snprintf(text[argc], sizeof text[argc], "%s", words[argc - 1]);
        argv[argc] = text[argc];
    }
    code = opt_parse(argc, argv, tables, NULL, &line, err);
    if (code != SPULL_OK)
        return code;
    operands[0] = '\0';
    for (size_t i = 0; i < line.operand_count; i++)
        snprintf(operands + strlen(operands), 64 - strlen(operands), "%s%s",
                 i ? " " : "", line.operands[i]);
    code = opt_apply(&line, &table, values, err);
    if (values->dir != NULL) {
        /* It pointed into the words. */
        snprintf(kept, sizeof kept, "%s", values->dir);
        values->dir = kept;
    }
    opt_line_done(&line);
    return code;
}

static void reads_lines(void **state)
{
    static const struct {
        const char *words[WORDS_MAX];
        struct values values;
        const char *operands;
    } cases[] = {
        {{NULL}, {0}, ""},
        {{"a", "b", NULL}, {0}, "a b"},
        {{"-q", "a", NULL}, {.quiet = true}, "a"},
        {{"a", "--quiet", "b", NULL}, {.quiet = true}, "a b"},
        {{"-qs", NULL}, {.quiet = true, .strict = true}, ""},
        {{"-d", "x", "a", NULL}, {.dir = "x"}, "a"},
        {{"-dx", "a", NULL}, {.dir = "x"}, "a"},
        {{"-qdx", NULL}, {.quiet = true, .dir = "x"}, ""},
        {{"-qd", "x", NULL}, {.quiet = true, .dir = "x"}, ""},
        {{"--dir=x=y", NULL}, {.dir = "x=y"}, ""},
        {{"--dir", "-x", NULL}, {.dir = "-x"}, ""},
        {{"-d", "--", "a", NULL}, {.dir = "--"}, "a"},
        {{"-d", "x", "-d", "y", NULL}, {.dir = "y"}, ""},
        {{"--", "-q", "--dir", NULL}, {0}, "-q --dir"},
        {{"-q", "--", "--", NULL}, {.quiet = true}, "--"},
        {{"-", NULL}, {0}, "-"},
        {{"--strict", "--no-strict", NULL}, {0}, ""},
        {{"--no-strict", "-s", NULL}, {.strict = true}, ""},
        {{"--time", "86400", NULL}, {.time = 86400}, ""},
        {{"--time=1", NULL}, {.time = 1}, ""},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct values values = {0};
        struct spull_error err = {0};
        char operands[64];

        assert_int_equal(read_line(cases[i].words, &values, operands, &err),
                         SPULL_OK);
        assert_int_equal(values.quiet, cases[i].values.quiet);
        assert_int_equal(values.strict, cases[i].values.strict);
        assert_int_equal(values.time, cases[i].values.time);
        assert_string_equal(operands, cases[i].operands);
        if (cases[i].values.dir == NULL)
            assert_null(values.dir);
        else
            assert_string_equal(values.dir, cases[i].values.dir);
    }
}

static void refuses_lines(void **state)
{
    static const struct {
        const char *words[WORDS_MAX];
        const char *text, *hint;
    } cases[] = {
        {{"-x", NULL}, "-x: there is no", "--help"},
        {{"-qx", NULL}, "-x: there is no", "--help"},
        {{"-\x1b", NULL}, "-\\x1b: there is no", "--help"},
        {{"--xyzzy", NULL}, "--xyzzy: there is no", "--help"},
        {{"--qiuet", NULL}, "--qiuet: there is no", "did you mean --quiet?"},
        {{"--quie", NULL}, "--quie: there is no", "did you mean --quiet?"},
        {{"--stric=1", NULL}, "--stric: there is no", "did you mean --strict?"},
        {{"--no-quiet", NULL}, "--no-quiet: there is no", ""}, /* is no key */
        {{"--no-dir", NULL}, "--no-dir: there is no", ""},
        {{"--no-", NULL}, "--no-: there is no", ""},
        {{"--=x", NULL}, "--: there is no", ""},
        {{"-d", NULL}, "--dir: DIR is missing", ""},
        {{"-qd", NULL}, "--dir: DIR is missing", ""},
        {{"--dir", NULL}, "--dir: DIR is missing", ""},
        {{"--dir=", NULL}, "--dir: the value is empty", ""},
        {{"--dir", "a\nb", NULL}, "--dir: 'a\\x0ab' contains a control", ""},
        {{"--quiet=yes", NULL}, "--quiet: it takes no value", ""},
        {{"--no-strict=", NULL}, "--no-strict: it takes no value", ""},
        {{"--time", "0", NULL}, "--time: '0' is not a number", ""},
        {{"--time", "86401", NULL}, "--time: '86401' is not", ""},
        {{"--time", "-1", NULL}, "--time: '-1' is not", ""},
        {{"--time", "+1", NULL}, "--time: '+1' is not", ""},
        {{"--time", " 1", NULL}, "--time: ' 1' is not", ""},
        {{"--time", "1s", NULL}, "--time: '1s' is not", ""},
        {{"--time", "99999999999999999999", NULL}, "' is not", ""},
        {{"--time=", NULL}, "--time: '' is not", ""},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct values values = {0};
        struct spull_error err = {0};
        char operands[64];

        unit_failed(&err, read_line(cases[i].words, &values, operands, &err));
        assert_int_equal(err.code, SPULL_USAGE);
        unit_says(&err, cases[i].text);
        assert_non_null(strstr(err.hint, cases[i].hint));
    }
}

static void reads_words_for_flags(void **state)
{
    static const struct {
        const char *word;
        bool value;
    } cases[] = {{"yes", true},    {"YES", true},  {"true", true},
                 {"On", true},     {"1", true},    {"no", false},
                 {"False", false}, {"off", false}, {"0", false}};
    struct values values = {0};
    struct spull_error err;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        values.quiet = !cases[i].value;
        assert_int_equal(opt_set(&values, &rows[0], cases[i].word, &err), 0);
        assert_int_equal(values.quiet, cases[i].value);
    }
    assert_int_equal(opt_set(&values, &rows[0], "2", &err), SPULL_USAGE);
    assert_int_equal(opt_set(&values, &rows[0], "", &err), SPULL_USAGE);
}

/* A new value must not be written before it is known to be good. */
static void keeps_the_old_value(void **state)
{
    struct values values = {.strict = true, .dir = "old", .time = 7};
    struct spull_error err;

    (void)state;
    assert_int_equal(opt_set(&values, &rows[1], "?", &err), SPULL_USAGE);
    assert_int_equal(opt_set(&values, &rows[2], "", &err), SPULL_USAGE);
    assert_int_equal(opt_set(&values, &rows[3], "?", &err), SPULL_USAGE);
    assert_true(values.strict);
    assert_string_equal(values.dir, "old");
    assert_int_equal(values.time, 7);
}

static void limits_values(void **state)
{
    char value[4098];
    struct values values = {0};
    struct spull_error err;

    (void)state;
    memset(value, 'x', sizeof value);
    value[4096] = '\0';
    assert_int_equal(opt_set(&values, &rows[2], value, &err), SPULL_OK);
    value[4096] = 'x';
    value[4097] = '\0';
    assert_int_equal(opt_set(&values, &rows[2], value, &err), SPULL_USAGE);
}

/* Options may stand before the command, when it is not known yet. */
static void same_option(const struct opt_row *a, const struct opt_row *b)
{
    bool same_name = strcmp(a->name, b->name) == 0;

    if (same_name && a != b)
        fail_msg("two rows for --%s", a->name);
    if (a != b && a->letter != 0 && a->letter == b->letter)
        fail_msg("--%s and --%s are both -%c", a->name, b->name, a->letter);
}

static void check_row(const struct opt_row *row)
{
    assert_int_equal(row->value == NULL, row->kind == OPT_FLAG);
    assert_true(row->help[0] != '\0');
    assert_null(strpbrk(row->help, "\t\n"));
    /* One word for a setting, wherever it is set. */
    if (row->key != NULL)
        assert_string_equal(row->key, row->name);
    for (size_t c = 0; cmd_all[c] != NULL; c++)
        for (size_t t = 0; cmd_all[c]->tables[t] != NULL; t++)
            for (size_t i = 0; i < cmd_all[c]->tables[t]->count; i++)
                same_option(row, &cmd_all[c]->tables[t]->rows[i]);
}

static void commands_agree(void **state)
{
    (void)state;
    for (size_t c = 0; cmd_all[c] != NULL; c++)
        for (size_t t = 0; cmd_all[c]->tables[t] != NULL; t++)
            for (size_t i = 0; i < cmd_all[c]->tables[t]->count; i++)
                check_row(&cmd_all[c]->tables[t]->rows[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_lines),
        cmocka_unit_test(refuses_lines),
        cmocka_unit_test(reads_words_for_flags),
        cmocka_unit_test(keeps_the_old_value),
        cmocka_unit_test(limits_values),
        cmocka_unit_test(commands_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
