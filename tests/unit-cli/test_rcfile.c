/* SPDX-License-Identifier: MIT */
/*
 * rcfile: every line of the grammar, every way to get it wrong, and no input
 * that makes it read past the end.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "rcfile.h"
#include "unit.h"

/* What was read, as "LINE[SECTION]KEY=VALUE;"; a quoted value in quotes. */
static enum spull_code record(void *payload, const struct rcfile_entry *entry,
                              struct spull_error *err)
{
    char *seen = payload;
    size_t len = strlen(seen);
    const char *quote = entry->quoted ? "\"" : "";

    if (entry->key == NULL)
        snprintf(seen + len, 256 - len, "%u[%s];", entry->line, entry->section);
    else if (strcmp(entry->key, "refuse") == 0)
        return fail_set(err, SPULL_USAGE, "refused");
    else
        snprintf(seen + len, 256 - len, "%u[%s]%s=%s%s%s;", entry->line,
                 entry->section, entry->key, quote, entry->value, quote);
    return SPULL_OK;
}

static enum spull_code parse(const char *text, char seen[256],
                             struct spull_error *err)
{
    char *copy = strdup(text);
    enum spull_code code;

    assert_non_null(copy);
    seen[0] = '\0';
    code = rcfile_parse(copy, "FILE", record, seen, err);
    free(copy);
    return code;
}

static void reads_files(void **state)
{
    static const struct {
        const char *text, *seen;
    } cases[] = {
        {"", ""},
        {"\n\n# a = b\n  # c\n\t\n", ""},
        {"a=b", "1[]a=b;"},
        {"a = b\n", "1[]a=b;"},
        {" \ta\t =  b c \t\r\n", "1[]a=b c;"},
        {"\n\na=b\nc=d", "3[]a=b;4[]c=d;"},
        {"a = b=c", "1[]a=b=c;"},
        {"a = b # c", "1[]a=b;"},
        {"a = b\t#c", "1[]a=b;"},
        {"a = b#c", "1[]a=b#c;"},
        {"a =#c", "1[]a=#c;"},
        {"a = #c", "1[]a=;"},
        {"a =", "1[]a=;"},
        {"a = \"b # c \"  # d", "1[]a=\"b # c \";"},
        {"a = \"\"", "1[]a=\"\";"},
        {"a = \"b \\\" \\\\ \\c\"#d", "1[]a=\"b \" \\ \\c\";"},
        {"a = b\"c\"", "1[]a=b\"c\";"},
        {"[s t]\na=b\n[u]\nc=d", "1[s t];2[s t]a=b;3[u];4[u]c=d;"},
        {"  [ s ]  # x\na=b", "1[s];2[s]a=b;"},
        {"[]", "1[];"},
    };
    char seen[256];
    struct spull_error err;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        assert_int_equal(parse(cases[i].text, seen, &err), SPULL_OK);
        assert_string_equal(seen, cases[i].seen);
    }
}

static void refuses_files(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"a", "FILE:1: no '='"},
        {"\nb c\n", "FILE:2: no '='"},
        {"= b", "FILE:1: no key"},
        {" = b", "FILE:1: no key"},
        {"a = \"b", "FILE:1: the closing quote"},
        {"a = \"b\\\"", "FILE:1: the closing quote"},
        {"a = \"b\\", "FILE:1: the closing quote"},
        {"a = \"b\" c", "FILE:1: 'c' after the closing quote"},
        {"a = \"b\"\"", "FILE:1: '\"' after the closing quote"},
        {"[a", "FILE:1: the ']'"},
        {"[a] b", "FILE:1: 'b' after the ']'"},
        {"a=b\nrefuse=x\nc", "FILE:2: refused"},
    };
    char seen[256];

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct spull_error err = {0};

        unit_failed(&err, parse(cases[i].text, seen, &err));
        assert_int_equal(err.code, SPULL_USAGE);
        unit_says(&err, cases[i].why);
    }
}

static void limits_lines(void **state)
{
    static char text[16384 + 2];
    char seen[256];
    struct spull_error err;

    (void)state;
    memset(text, '#', sizeof text);
    text[16384] = '\0';
    assert_int_equal(parse(text, seen, &err), SPULL_OK);
    text[16384] = '#';
    text[16385] = '\0';
    assert_int_equal(parse(text, seen, &err), SPULL_USAGE);
    unit_says(&err, "FILE:1: longer than");
}

static void survives_spoilt_files(void **state)
{
    static const char seed[] = "# c\nkey = value # c\n[registry a]\r\n"
                               "url = \"x \\\" # y\"\n";
    uint64_t random = 20;
    char seen[256];

    (void)state;
    for (int i = 0; i < UNIT_ROUNDS; i++) {
        struct spull_error err = {0};
        size_t len;
        char *text = unit_spoil(seed, sizeof seed - 1, &random, &len);
        enum spull_code code;

        seen[0] = '\0';
        code = rcfile_parse(text, "FILE", record, seen, &err);
        if (code != SPULL_OK)
            unit_failed(&err, code);
        free(text);
    }
}

/* What a value looks like in a file comes back as that value. */
static void says_what_needs_quotes(void **state)
{
    static const struct {
        const char *value;
        bool quotes;
    } cases[] = {
        {"plain", false}, {"two words", false}, {"b\"c", false},
        {"c:\\d", false}, {"", true},           {" x", true},
        {"x\t", true},    {"a #b", true},       {"#", true},
        {"\"x", true},    {"~/x", true},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++)
        assert_int_equal(rcfile_needs_quotes(cases[i].value), cases[i].quotes);
}

static void write_file(const char *path, const char *bytes, size_t len)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void reads_only_files(void **state)
{
    char dir[] = "spull-rcfile-XXXXXX", path[64];
    struct spull_error err;
    char *text = NULL;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/rc", dir);
    assert_int_equal(rcfile_read(path, &text, &err), SPULL_OK);
    assert_null(text);
    assert_int_equal(rcfile_read(dir, &text, &err), SPULL_USAGE);
    unit_says(&err, dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(rcfile_read(path, &text, &err), SPULL_USAGE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_int_equal(rcfile_read(path, &text, &err), SPULL_OK);
    assert_string_equal(text, "");
    free(text);
    assert_int_equal(unlink(path), 0);
    write_file(path, "a=b\n\0c", 6);
    assert_int_equal(rcfile_read(path, &text, &err), SPULL_USAGE);
    unit_says(&err, "rc:2: a NUL byte");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void limits_the_size(void **state)
{
    char path[] = "spull-rcfile-XXXXXX";
    char *bytes = malloc(1048577), *text = NULL;
    struct spull_error err;

    (void)state;
    assert_non_null(bytes);
    memset(bytes, '\n', 1048577);
    assert_int_equal(close(mkstemp(path)), 0);
    write_file(path, bytes, 1048576);
    assert_int_equal(rcfile_read(path, &text, &err), SPULL_OK);
    assert_int_equal(strlen(text), 1048576);
    free(text);
    write_file(path, bytes, 1048577);
    assert_int_equal(rcfile_read(path, &text, &err), SPULL_USAGE);
    unit_says(&err, "larger than");
    free(bytes);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_files),
        cmocka_unit_test(refuses_files),
        cmocka_unit_test(limits_lines),
        cmocka_unit_test(survives_spoilt_files),
        cmocka_unit_test(says_what_needs_quotes),
        cmocka_unit_test(reads_only_files),
        cmocka_unit_test(limits_the_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
