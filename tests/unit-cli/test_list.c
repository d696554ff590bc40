/* SPDX-License-Identifier: MIT */
/*
 * list: what a line may be, what it may not, and no file that makes it read
 * past the end.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "list.h"
#include "unit.h"

#define SEEN 512

static void write_list(const char *path, const char *bytes, size_t len)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* What was read, as "LINE=REF COMMENT;". */
static void record(const struct list *list, char seen[SEEN])
{
    seen[0] = '\0';
    for (size_t i = 0; i < list->count; i++) {
        const struct list_line *line = &list->lines[i];
        size_t len = strlen(seen);

        assert_true(len < SEEN - 1);
        snprintf(seen + len, SEEN - len, "%u=%s%s%s;", line->number,
                 line->ref != NULL ? line->ref : "",
                 line->comment != NULL ? " " : "",
                 line->comment != NULL ? line->comment : "");
    }
}

/* Reads bytes as the file that a test has its own of. */
static enum spull_code read_bytes(const char *bytes, size_t len,
                                  char seen[SEEN], struct spull_error *err)
{
    char path[] = "spull-list-XXXXXX";
    struct list list = {0};
    enum spull_code code;

    assert_int_equal(close(mkstemp(path)), 0);
    write_list(path, bytes, len);
    code = list_read(&list, path, err);
    if (code == SPULL_OK)
        record(&list, seen);
    else
        assert_int_equal(strncmp(err->text, path, strlen(path)), 0);
    list_done(&list);
    assert_int_equal(unlink(path), 0);
    return code;
}

static void reads_lists(void **state)
{
    static const struct {
        const char *text, *seen;
    } cases[] = {
        {"", ""},
        {"a/b", "1=a/b;"},
        {"a/b\n", "1=a/b;"},
        {"\n\na/b:c\n \t \nd/e\n", "1=;2=;3=a/b:c;4=;5=d/e;"},
        {"# one\n  # two\t\na/b # three \na/c\t#four", "1= # one;2= # two;"
                                                       "3=a/b # three;"
                                                       "4=a/c #four;"},
        {"a/b#c", "1=a/b#c;"},
        {"  a/b\t\r\nc/d\r\n", "1=a/b;2=c/d;"},
        {"\xef\xbb\xbf"
         "a/b\n",
         "1=a/b;"},
        {"\xef\xbb\xbf# c\n", "1= # c;"},
        {"a/b # tab\there, \xc3\xa9, \xe9", "1=a/b # tab\there, \xc3\xa9, "
                                            "\xe9;"},
        {"-x\n", "1=-x;"},
    };
    char seen[SEEN];
    struct spull_error err;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        assert_int_equal(
            read_bytes(cases[i].text, strlen(cases[i].text), seen, &err),
            SPULL_OK);
        assert_string_equal(seen, cases[i].seen);
    }
}

static void refuses_lists(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        const char *why;
    } cases[] = {
        {"a/b c/d", 7, ":1: 'c/d' after the reference"},
        {"\na/b\t c/d # e", 13, ":2: 'c/d # e' after the reference"},
        {"a/b\n\0", 5, ":2: a NUL byte"},
        {"a\0/b", 4, ":1: a NUL byte"},
        {"a\0\n", 3, ":1: a NUL byte"},
        {"a/b\n# \x1b[2J", 10, ":2: a control character"},
        {"a/b\rc/d", 7, ":1: a control character"},
        {"a/b # \tx\x7f", 9, ":1: a control character"},
        {"a/b # \xc2\x9b", 8, ":1: a control character"},
    };
    char seen[SEEN];

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct spull_error err = {0};

        unit_failed(&err, read_bytes(cases[i].text, cases[i].len, seen, &err));
        assert_int_equal(err.code, SPULL_USAGE);
        unit_says(&err, cases[i].why);
    }
}

static void limits_lines(void **state)
{
    static char text[8192 + 3];
    struct spull_error err;
    struct list list = {0};
    char path[] = "spull-list-XXXXXX";

    (void)state;
    memset(text, '#', sizeof text);
    text[8192] = '\n';
    assert_int_equal(close(mkstemp(path)), 0);
    write_list(path, text, 8193);
    assert_int_equal(list_read(&list, path, &err), SPULL_OK);
    assert_int_equal(strlen(list.lines[0].comment), 8192);
    list_done(&list);
    text[8192] = '#';
    write_list(path, text, 8193);
    assert_int_equal(list_read(&list, path, &err), SPULL_USAGE);
    unit_says(&err, ":1: longer than");
    list_done(&list);
    assert_int_equal(unlink(path), 0);
}

/* count bytes of line breaks, as a file. */
static enum spull_code read_breaks(size_t count, struct spull_error *err)
{
    char path[] = "spull-list-XXXXXX";
    char *bytes = malloc(count);
    struct list list = {0};
    enum spull_code code;

    assert_non_null(bytes);
    memset(bytes, '\n', count);
    assert_int_equal(close(mkstemp(path)), 0);
    write_list(path, bytes, count);
    code = list_read(&list, path, err);
    list_done(&list);
    free(bytes);
    assert_int_equal(unlink(path), 0);
    return code;
}

static void limits_files(void **state)
{
    struct spull_error err;

    (void)state;
    assert_int_equal(read_breaks(200000, &err), SPULL_OK);
    assert_int_equal(read_breaks(200001, &err), SPULL_USAGE);
    unit_says(&err, ":200001: more than");
    assert_int_equal(read_breaks(8388609, &err), SPULL_USAGE);
    unit_says(&err, ": larger than");
}

static void reads_only_what_is_there(void **state)
{
    struct list list = {0};
    struct spull_error err;

    (void)state;
    assert_int_equal(list_read(&list, "no-such-list", &err), SPULL_USAGE);
    unit_says(&err, "no-such-list: ");
    assert_int_equal(list_read(&list, ".", &err), SPULL_USAGE);
    assert_int_equal(list.count, 0);
    list_done(&list);
}

/* Standard input is a pipe here, as a shell makes one. */
static void reads_standard_input(void **state)
{
    struct list list = {0};
    struct spull_error err;
    char seen[SEEN];
    int before = dup(STDIN_FILENO), ends[2];

    (void)state;
    assert_true(before >= 0);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "a/b\nc d", 7), 7);
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(list_add(&list, "x/y", &err), SPULL_OK);
    assert_int_equal(list_read(&list, "-", &err), SPULL_USAGE);
    unit_says(&err, "standard input:2: ");
    record(&list, seen);
    assert_string_equal(seen, "0=x/y;1=a/b;");
    list_done(&list);
    assert_int_equal(dup2(before, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(close(before), 0);
}

static void survives_spoilt_lists(void **state)
{
    static const char seed[] = "# c\na/b:c@sha256:00 # c\r\n\n  d/e\t#\n";
    uint64_t random = 5;
    char seen[SEEN];

    (void)state;
    for (int i = 0; i < UNIT_ROUNDS; i++) {
        struct spull_error err = {0};
        size_t len;
        char *text = unit_spoil(seed, sizeof seed - 1, &random, &len);
        enum spull_code code = read_bytes(text, len, seen, &err);

        if (code != SPULL_OK)
            unit_failed(&err, code);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_lists),
        cmocka_unit_test(refuses_lists),
        cmocka_unit_test(limits_lines),
        cmocka_unit_test(limits_files),
        cmocka_unit_test(reads_only_what_is_there),
        cmocka_unit_test(reads_standard_input),
        cmocka_unit_test(survives_spoilt_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
