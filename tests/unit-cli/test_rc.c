/* SPDX-License-Identifier: MIT */
/*
 * rc: for each key, option over variable over home over system over curl over
 * default, and the truth about where it came from; what "spull config" prints
 * gives the same settings again.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "rc.h"
#include "unit.h"

#define SYSTEM SPULL_SYSCONFDIR "/spullrc"

/* The home of each test, and the files in it. */
static char home[64], home_rc[96];

static void write_rc(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    static const char *const names[] = {
        "SPULL_REGISTRY",  "SPULL_DIR",     "SPULL_STALL_TIMEOUT",
        "SPULL_ALLOW_MD5", "SPULL_CA_FILE", "SPULL_CA_DIR",
        "CURL_CA_BUNDLE",  "SSL_CERT_FILE", "SSL_CERT_DIR",
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(names); i++)
        unsetenv(names[i]);
    mkdir(SPULL_SYSCONFDIR, 0755);
    unlink(SYSTEM);
    snprintf(home, sizeof home, "spull-home-XXXXXX");
    if (mkdtemp(home) == NULL)
        return -1;
    snprintf(home_rc, sizeof home_rc, "%s/.spullrc", home);
    return setenv("HOME", home, 1);
}

static int tear_down(void **state)
{
    (void)state;
    unlink(SYSTEM);
    unlink(home_rc);
    return rmdir(home);
}

/* The line of "spull config" and these words, which end with NULL. */
static enum spull_code load(const char *const *words, struct opt_line *line,
                            struct rc *rc, struct spull_error *err)
{
    static char text[4][64];
    char *argv[5] = {text[0]};
    int argc = 1;
    enum spull_code code;

    for (; words[argc - 1] != NULL; argc++) {
        snprintf(text[argc], sizeof text[argc], "%s", words[argc - 1]);
        argv[argc] = text[argc];
    }
    code = opt_parse(argc, argv, cmd_config.tables, NULL, line, err);
    assert_int_equal(code, SPULL_OK);
    code = rc_load(rc, line, err);
    opt_line_done(line);
    return code;
}

/* What is set where; NULL: nothing. */
struct layers {
    const char *variable[2]; /* name, value */
    const char *other[2];    /* of curl */
    const char *home, *system;
    const char *words[3];
};

static void lay(const struct layers *layers)
{
    if (layers->variable[0] != NULL)
        setenv(layers->variable[0], layers->variable[1], 1);
    if (layers->other[0] != NULL)
        setenv(layers->other[0], layers->other[1], 1);
    if (layers->home != NULL)
        write_rc(home_rc, layers->home);
    if (layers->system != NULL)
        write_rc(SYSTEM, layers->system);
}

static void check_key(const struct rc *rc, const char *key, const char *value,
                      const char *origin)
{
    char number[OPT_NUMBER_TEXT], from[256];
    const struct opt_row *row = settings_row(0);
    const char *found;

    for (size_t i = 0; row != NULL; row = settings_row(++i)) {
        if (strcmp(row->key, key) != 0)
            continue;
        found = opt_get(&rc->set, row, number);
        if (value == NULL)
            assert_null(found);
        else
            assert_string_equal(found, value);
        rc_origin_text(&rc->origin[i], from, sizeof from);
        if (strstr(from, origin) == NULL)
            fail_msg("%s is from %s, not %s", key, from, origin);
        return;
    }
    fail_msg("no key %s", key);
}

static void the_higher_layer_counts(void **state)
{
    static const struct {
        struct layers layers;
        const char *key, *value, *origin;
    } cases[] = {
        {{.home = NULL}, "registry", SPULL_DEFAULT_REGISTRY, "built-in"},
        {{.home = NULL}, "stall-timeout", "30", "built-in"},
        {{.home = NULL}, "dir", NULL, "built-in"},
        {{.home = NULL}, "strict-size", "no", "built-in"},
        {{.system = "\ndir = s"}, "dir", "s", SYSTEM ":2"},
        {{.system = "dir = s", .home = "dir = h"}, "dir", "h", "/.spullrc:1"},
        {{.home = "dir = h", .variable = {"SPULL_DIR", "v"}},
         "dir",
         "v",
         "SPULL_DIR"},
        {{.home = "dir = h", .variable = {"SPULL_DIR", ""}},
         "dir",
         "h",
         "/.spullrc:1"},
        {{.variable = {"SPULL_DIR", "v"}, .words = {"-d", "o"}},
         "dir",
         "o",
         "--dir"},
        {{.variable = {"SPULL_ALLOW_MD5", "yes"}},
         "allow-md5",
         "yes",
         "SPULL_ALLOW_MD5"},
        {{.variable = {"SPULL_ALLOW_MD5", "yes"}, .words = {"--no-allow-md5"}},
         "allow-md5",
         "no",
         "--no-allow-md5"},
        {{.variable = {"SPULL_STALL_TIMEOUT", "5"}},
         "stall-timeout",
         "5",
         "SPULL_STALL_TIMEOUT"},
        /* curl's variables, as curl(1) takes them */
        {{.other = {"CURL_CA_BUNDLE", "c"}}, "ca-file", "c", "CURL_CA_BUNDLE"},
        {{.other = {"SSL_CERT_FILE", "c"}}, "ca-file", "c", "SSL_CERT_FILE"},
        {{.other = {"SSL_CERT_DIR", "c"}}, "ca-dir", "c", "SSL_CERT_DIR"},
        {{.other = {"CURL_CA_BUNDLE", "c"}, .system = "ca-file = s"},
         "ca-file",
         "s",
         SYSTEM},
        {{.other = {"SSL_CERT_DIR", "c"}, .words = {"--ca-file=o"}},
         "ca-dir",
         NULL,
         "built-in"},
        {{.other = {"SSL_CERT_FILE", "c"}, .variable = {"CURL_CA_BUNDLE", "b"}},
         "ca-file",
         "b",
         "CURL_CA_BUNDLE"},
        {{.other = {"SSL_CERT_DIR", "c"}, .variable = {"CURL_CA_BUNDLE", "b"}},
         "ca-dir",
         NULL,
         "built-in"},
    };

    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct opt_line line;
        struct rc rc;
        struct spull_error err = {0};

        lay(&cases[i].layers);
        if (load(cases[i].layers.words, &line, &rc, &err) != SPULL_OK)
            fail_msg("case %zu: %s", i, err.text);
        check_key(&rc, cases[i].key, cases[i].value, cases[i].origin);
        rc_done(&rc);
        tear_down(state);
        set_up(state);
    }
}

static void mistakes_are_shown(void **state)
{
    static const struct {
        struct layers layers;
        const char *text, *hint;
    } cases[] = {
        {{.home = "\ndri = x"},
         ".spullrc:2: there is no key 'dri'",
         "did you mean 'dir'?"},
        {{.home = "xyzzy = x"}, "there is no key 'xyzzy'", "spullrc(5)"},
        {{.home = "dir ="}, ".spullrc:1: dir: the value is empty", ""},
        {{.home = "strict-size = 2"}, ":1: strict-size: '2' is neither", ""},
        {{.home = "stall-timeout = x"}, ":1: stall-timeout: 'x' is not", ""},
        /* overruled, and wrong all the same */
        {{.system = "stall-timeout = x", .home = "stall-timeout = 3"},
         SYSTEM ":1: stall-timeout",
         ""},
        {{.variable = {"SPULL_STALL_TIMEOUT", "x"},
          .words = {"--stall-timeout=3"}},
         "SPULL_STALL_TIMEOUT: 'x' is not",
         ""},
        {{.words = {"--stall-timeout=x"}}, "--stall-timeout: 'x' is not", ""},
        {{.home = "[proxy a]"}, ":1: [proxy a] is not of the form", ""},
        {{.home = "[registry]"}, ":1: [registry] is not of the form", ""},
        {{.home = "[registrya b]"}, ":1: [registrya b] is not of", ""},
        {{.home = "[registry a/b]"}, ":1: 'a/b' can't name", ""},
        {{.home = "[registry a]"}, ":1: [registry a] has no url", ""},
        {{.home = "[registry a]\nurl=x\n[registry a]\nurl=y"},
         ":3: [registry a] was already there in line 1",
         ""},
        {{.home = "[registry a]\nurl=x\ndir = y"},
         ":3: [registry a] has no key 'dir'",
         "move it up"},
        {{.home = "[registry a]\nurrl=x"},
         ":2: [registry a] has no key",
         "'url'"},
        {{.home = "[registry a]\nurl="}, ":2: url: the value is empty", ""},
    };

    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct opt_line line;
        struct rc rc;
        struct spull_error err = {0};

        lay(&cases[i].layers);
        unit_failed(&err, load(cases[i].layers.words, &line, &rc, &err));
        assert_int_equal(err.code, SPULL_USAGE);
        unit_says(&err, cases[i].text);
        assert_non_null(strstr(err.hint, cases[i].hint));
        tear_down(state);
        set_up(state);
    }
}

static void a_registry_is_what_it_looks_like(void **state)
{
    static const struct {
        const char *value, *meaning;
    } cases[] = {
        {"lab", "https://lab.example/r"},
        {"both", "./from-home"},
        {"http://x/y", "http://x/y"},
        {"some/dir", "some/dir"},
        {".", "."},
        {"..", ".."},
        {"nosuch", NULL},
    };

    (void)state;
    write_rc(SYSTEM, "[registry lab]\nurl = https://lab.example/r\n"
                     "[registry both]\nurl = ./from-system\n");
    write_rc(home_rc, "[registry both]\nurl = ./from-home\n");
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct rc rc;
        struct spull_error err = {0};
        const char *meaning = NULL;

        setenv("SPULL_REGISTRY", cases[i].value, 1);
        assert_int_equal(rc_load(&rc, NULL, &err), SPULL_OK);
        if (cases[i].meaning != NULL) {
            assert_int_equal(rc_registry(&rc, &meaning, &err), SPULL_OK);
            assert_string_equal(meaning, cases[i].meaning);
        } else {
            assert_int_equal(rc_registry(&rc, &meaning, &err), SPULL_USAGE);
            unit_says(&err, "SPULL_REGISTRY: 'nosuch' is no");
            assert_non_null(strstr(err.hint, "lab, both"));
        }
        rc_done(&rc);
    }
}

static void a_tilde_is_the_home(void **state)
{
    static const struct {
        const char *text, *tail;
        bool expanded;
    } cases[] = {
        {"dir = ~/x", "/x", true},       {"dir = ~", "", true},
        {"dir = \"~/x\"", "~/x", false}, {"dir = ~x/y", "~x/y", false},
        {"dir = a/~/x", "a/~/x", false},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct rc rc;
        struct spull_error err;
        char wanted[128];

        write_rc(home_rc, cases[i].text);
        assert_int_equal(rc_load(&rc, NULL, &err), SPULL_OK);
        snprintf(wanted, sizeof wanted, "%s%s", cases[i].expanded ? home : "",
                 cases[i].tail);
        assert_string_equal(rc.set.dir, wanted);
        rc_done(&rc);
    }
}

/* What a shell left alone means what it says. */
static void a_tilde_elsewhere_is_a_tilde(void **state)
{
    struct rc rc;
    struct spull_error err;

    (void)state;
    setenv("SPULL_DIR", "~/x", 1);
    assert_int_equal(rc_load(&rc, NULL, &err), SPULL_OK);
    check_key(&rc, "dir", "~/x", "SPULL_DIR");
    rc_done(&rc);
}

/* Runs "spull config" with its stdout going to a file. */
static void print_config(const struct rc *rc, const char *path)
{
    const struct cmd_common common = {0};
    const bool registries = false;
    const struct opt_line line = {0};
    const struct cmd_call call = {
        .common = &common, .rc = rc, .line = &line, .opts = &registries};
    int saved = dup(STDOUT_FILENO);
    enum spull_code code;

    fflush(stdout);
    assert_non_null(freopen(path, "w", stdout));
    /* Of files that are not there, it says so when all is printed. */
    code = cmd_config.run(&call);
    assert_true(code == SPULL_OK || code == SPULL_USAGE);
    fflush(stdout);
    assert_int_equal(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
    close(saved);
}

static void same_settings(const struct rc *a, const struct rc *b)
{
    const struct opt_row *row = settings_row(0);

    for (size_t i = 0; row != NULL; row = settings_row(++i)) {
        char number[2][OPT_NUMBER_TEXT];
        const char *one = opt_get(&a->set, row, number[0]);
        const char *two = opt_get(&b->set, row, number[1]);

        if (one == NULL || two == NULL)
            assert_ptr_equal(one, two);
        else
            assert_string_equal(one, two);
    }
    assert_int_equal(a->sections.count, b->sections.count);
    for (size_t i = 0; i < a->sections.count; i++) {
        assert_string_equal(a->sections.list[i].name, b->sections.list[i].name);
        assert_string_equal(a->sections.list[i].url, b->sections.list[i].url);
    }
}

/* Values that would be read as something else if they were not quoted. */
static void what_is_printed_is_a_spullrc(void **state)
{
    static const char *const agents[] = {
        "plain/1.0", " edge ",      "a # b",  "#a",           "\"quoted\"",
        "back\\",    "\\\"both\\ ", "a = b",  "[x]",          "~/agent",
        "\"",        "a \"b\" # c", "\\\\ #", "na\xc3\xafve",
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(agents); i++) {
        struct rc first, second;
        struct spull_error err = {0};

        write_rc(home_rc, "strict-size = yes\nregistry = lab\nca-dir = ~/c\n"
                          "[registry lab]\nurl = \" /x#\"\n"
                          "[registry two]\nurl = https://two.example/\n");
        setenv("SPULL_USER_AGENT", agents[i], 1);
        setenv("SPULL_DIR", agents[i], 1);
        setenv("http_proxy", "http://me:word@proxy:3128", 1);
        assert_int_equal(rc_load(&first, NULL, &err), SPULL_OK);
        print_config(&first, home_rc);
        unsetenv("SPULL_USER_AGENT");
        unsetenv("SPULL_DIR");
        unsetenv("http_proxy");
        if (rc_load(&second, NULL, &err) != SPULL_OK)
            fail_msg("%s: %s", agents[i], err.text);
        same_settings(&first, &second);
        assert_null(strstr(second.files[RC_HOME].text, "word"));
        rc_done(&first);
        rc_done(&second);
    }
}

static void no_home_is_no_error(void **state)
{
    struct rc rc;
    struct spull_error err;

    (void)state;
    write_rc(home_rc, "stall-timeout = 9");
    setenv("HOME", "", 1);
    assert_int_equal(rc_load(&rc, NULL, &err), SPULL_OK);
    assert_int_not_equal(rc.set.stall_timeout, 9);
    rc_done(&rc);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, set_up, tear_down)

/* How an address is spelled does not matter, which one it is does. */
static void finds_the_headers_of_an_address(void **state)
{
    static const struct {
        const char *url, *given;
        bool same;
    } cases[] = {
        {"http://h.org/reg", "http://h.org/reg", true},
        {"http://h.org/reg/", "http://h.org/reg", true},
        {"http://h.org/reg", "http://h.org/reg///", true},
        {"http://h.org", "HTTP://H.Org/", true},
        {"https://H:8/Reg", "https://h:8/Reg", true},
        {"https://h:8/reg", "https://h:8/Reg", false},
        {"https://h:8/reg", "http://h:8/reg", false},
        {"http://h/reg", "http://h/re", false},
        {"http://h/reg", "http://i/reg", false},
        {"http://me:Pw@h/r", "http://me:Pw@H/r", true},
        {"http://me:Pw@h/r", "http://me:pw@h/r", false},
        {"http://me@h@h/r", "http://me@h@H/r", true},
        {"/srv/reg/", "/srv/reg", true},
        {"/srv/reg", "/srv/Reg", false},
        {"http://", "http:///", true},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        const char *words[] = {"-r", cases[i].given, NULL};
        struct opt_line line;
        struct spull_error err;
        struct rc rc;
        const char **headers = NULL;
        char text[128];

        snprintf(text, sizeof text, "[registry x]\nurl = %s\nheader = A: b\n",
                 cases[i].url);
        write_rc(home_rc, text);
        assert_int_equal(load(words, &line, &rc, &err), SPULL_OK);
        headers = rc_headers(&rc);
        assert_non_null(headers);
        assert_int_equal(headers[0] != NULL, cases[i].same);
        free(headers);
        rc_done(&rc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_higher_layer_counts),
        TEST(mistakes_are_shown),
        TEST(a_registry_is_what_it_looks_like),
        TEST(a_tilde_is_the_home),
        TEST(a_tilde_elsewhere_is_a_tilde),
        TEST(what_is_printed_is_a_spullrc),
        TEST(no_home_is_no_error),
        TEST(finds_the_headers_of_an_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
