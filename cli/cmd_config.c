/* SPDX-License-Identifier: MIT */
/*
 * spull config: every setting in force, and where it came from.
 *
 * What is printed is itself a spullrc that gives the same settings; all that is
 * no setting (origins, proxies, files) stands in comments, and so does what has
 * a password, which is never shown.
 */
#include <ctype.h>
#include <string.h>

#include "cmd.h"
#include "out.h"
#include "rcfile.h"
#include "say.h"
#include "settings.h"
#include "text.h"

/* A value of VALUE_MAX with each byte escaped, and where it came from. */
#define LINE_BYTES    20480
#define KEY_WIDTH     15 /* "connect-timeout" */
#define ORIGIN_COLUMN 40

struct opts {
    bool registries;
};

static const struct opt_row rows[] = {
    {"registries", 0, NULL, OPT_FLAG, offsetof(struct opts, registries), NULL,
     "list the names of the [registry NAME] sections, no more"},
};

static const struct opt_table table = {rows, sizeof rows / sizeof rows[0]};

/* Lines that could be printed count; after the first that could not, none. */
struct printer {
    bool json;
    enum spull_code code;
    struct spull_error err;
};

static void print_line(struct printer *printer, const char *line)
{
    if (printer->code == SPULL_OK)
        printer->code = out_line(line, &printer->err);
}

static void add_value(struct text *text, const char *value)
{
    if (!rcfile_needs_quotes(value)) {
        text_add(text, "%s", value);
        return;
    }
    text_add(text, "\"");
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\')
            text_add(text, "\\");
        text_add(text, "%c", *value);
    }
    text_add(text, "\"");
}

/* before: "# " for what would be another setting, since it is not all there. */
static void print_pair(struct printer *printer, const char *before,
                       const char *key, const char *value,
                       const struct rc_origin *origin)
{
    char line[LINE_BYTES], from[LINE_BYTES / 4], shown[LINE_BYTES / 4];
    struct text text = text_on(line, sizeof line);

    if (value == NULL) {
        text_add(&text, "# %s =", key);
        print_line(printer, line);
        return;
    }
    text_add(&text, "%s%-*s = ", before, KEY_WIDTH, key);
    add_value(&text, value);
    rc_origin_text(origin, from, sizeof from);
    text_printable(shown, sizeof shown, from);
    text_add(&text, "%*s  # %s",
             text.len < ORIGIN_COLUMN ? (int)(ORIGIN_COLUMN - text.len) : 0, "",
             shown);
    print_line(printer, line);
}

/* "forever" is the only value that is a word where others are numbers. */
static bool is_number(const struct opt_row *row, const char *value)
{
    return strcmp(opt_kind_name(row->kind), "number") == 0 ||
           row->kind == OPT_SECONDS || row->kind == OPT_RATE ||
           row->kind == OPT_SIZE ||
           (row->kind == OPT_PATIENCE && strcmp(value, "forever") != 0);
}

/* section and row may be NULL; without a row, the value is text. */
static void print_object(struct printer *printer, const char *section,
                         const char *key, const struct opt_row *row,
                         const char *value, const struct rc_origin *origin)
{
    struct out_object *object = out_object_new();
    char from[LINE_BYTES / 4];
    bool file = origin->layer == RC_FILE;

    if (printer->code != SPULL_OK) {
        out_object_free(object);
        return;
    }
    rc_origin_text(origin, from, sizeof from);
    if (section != NULL)
        out_text(object, "section", section);
    out_text(object, "key", key);
    if (row != NULL && row->kind == OPT_FLAG)
        out_flag(object, "value", strcmp(value, "yes") == 0);
    else if (row != NULL && is_number(row, value))
        out_json(object, "value", value);
    else
        out_text(object, "value", value);
    out_text(object, "origin", file ? "file" : from);
    out_text(object, "file", file ? origin->name : NULL);
    if (file)
        out_count(object, "line", origin->line);
    else
        out_text(object, "line", NULL);
    printer->code = out_object_end(object, &printer->err);
}

/* "http://user:word@host" without the word. Proxies may be written without
 * a scheme, and passwords with an '@' that nobody encoded. */
static void hide_password(struct text *text, const char *value)
{
    const char *scheme = strstr(value, "://");
    const char *start = scheme != NULL ? scheme + 3 : value;
    const char *at = strrchr(start, '@');
    const char *colon = strchr(start, ':');

    if (at == NULL || colon == NULL || colon > at) {
        text_add(text, "%s", value);
        return;
    }
    text_add(text, "%.*s:***%s", (int)(colon - value), value, at);
}

/* A directory may have an '@' and a ':' in its name; an address is an address
 * by its "://", and a proxy always is one. */
static const char *without_password(char *room, size_t cap,
                                    const struct opt_row *row,
                                    const char *value)
{
    struct text text = text_on(room, cap);

    if (value == NULL ||
        (strcmp(row->name, "proxy") != 0 &&
         (row->kind != OPT_REGISTRY || strstr(value, "://") == NULL)))
        return value;
    hide_password(&text, value);
    return room;
}

static const char *if_hidden(const char *shown, const char *whole)
{
    return whole != NULL && strcmp(shown, whole) != 0 ? "# " : "";
}

static void print_settings(struct printer *printer, const struct rc *rc)
{
    const struct opt_row *row = settings_row(0);

    for (size_t i = 0; row != NULL; row = settings_row(++i)) {
        char number[OPT_NUMBER_TEXT];
        char room[LINE_BYTES / 4];
        const char *whole = opt_get(&rc->set, row, number);
        const char *value = without_password(room, sizeof room, row, whole);

        if (row->kind == OPT_LIST)
            continue; /* of one registry, and often secret */
        if (printer->json)
            print_object(printer, NULL, row->key, row, value, &rc->origin[i]);
        else
            print_pair(printer, if_hidden(value, whole), row->key, value,
                       &rc->origin[i]);
    }
}

/* Their values may be passwords, and this output is for the help desk. */
static void print_headers(struct printer *printer,
                          const struct section *section)
{
    for (size_t i = 0; i < section->header_count; i++) {
        const char *header = section->headers[i];
        char line[LINE_BYTES];
        struct text text = text_on(line, sizeof line);

        text_add(&text, "# header = %.*s: ***", (int)strcspn(header, ":"),
                 header);
        print_line(printer, line);
    }
}

static void print_sections(struct printer *printer, const struct rc *rc)
{
    for (size_t i = 0; i < rc->sections.count; i++) {
        const struct section *section = &rc->sections.list[i];
        struct rc_origin origin = {RC_FILE, section->file, section->line};
        char line[LINE_BYTES], room[LINE_BYTES / 4];
        struct text text = text_on(line, sizeof line);
        const char *url =
            without_password(room, sizeof room, settings_row(0), section->url);
        const char *before;

        if (printer->json) {
            print_object(printer, section->name, "url", NULL, url, &origin);
            continue;
        }
        print_line(printer, "");
        /* A section without url would be a mistake. */
        before = if_hidden(url, section->url);
        text_add(&text, "%s[registry %s]", before, section->name);
        print_line(printer, line);
        print_pair(printer, before, "url", url, &origin);
        print_headers(printer, section);
    }
}

/* libcurl asks for the name in lower case first, and takes none that is empty.
 * It ignores HTTP_PROXY, which CGI lets strangers set. */
static const char *proxy_variable(const char *lower, char upper[16])
{
    size_t i;

    if (rc_env(lower) != NULL)
        return lower;
    if (strcmp(lower, "http_proxy") == 0)
        return NULL;
    for (i = 0; i < 15 && lower[i] != '\0'; i++)
        upper[i] = (char)toupper((unsigned char)lower[i]);
    upper[i] = '\0';
    return rc_env(upper) != NULL ? upper : NULL;
}

static void print_proxies(struct printer *printer)
{
    static const char *const names[] = {"http_proxy", "https_proxy",
                                        "all_proxy", "no_proxy"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char upper[16], raw[LINE_BYTES / 4], shown[LINE_BYTES / 4];
        char line[LINE_BYTES / 2];
        const char *name = proxy_variable(names[i], upper);
        struct text text = text_on(raw, sizeof raw);
        struct rc_origin origin = {RC_VARIABLE, name, 0};

        if (name == NULL)
            continue;
        hide_password(&text, rc_env(name));
        if (printer->json) {
            print_object(printer, NULL, names[i], NULL, raw, &origin);
            continue;
        }
        text_printable(shown, sizeof shown, raw);
        text = text_on(line, sizeof line);
        text_add(&text, "# %s = %s", name, shown);
        print_line(printer, line);
    }
}

static void print_files(struct printer *printer, const struct rc *rc)
{
    for (size_t i = 0; i < RC_FILES; i++) {
        const struct rc_file *file = &rc->files[i];
        char shown[LINE_BYTES / 4], line[LINE_BYTES / 2];
        struct text text = text_on(line, sizeof line);

        if (file->path == NULL)
            continue;
        text_printable(shown, sizeof shown, file->path);
        text_add(&text, "# %s %s",
                 file->text != NULL ? "read:" : "not there:", shown);
        print_line(printer, line);
    }
}

/* What else may lie in a directory where images are installed. */
static void print_partials(struct printer *printer)
{
    print_line(printer, "# partial files: " SPULL_PART_NAME ", .spans");
    print_line(printer, "# who downloads: " SPULL_LEAD_NAME);
}

static void print_names(struct printer *printer, const struct rc *rc)
{
    if (printer->json) {
        print_sections(printer, rc);
        return;
    }
    for (size_t i = 0; i < rc->sections.count; i++)
        print_line(printer, rc->sections.list[i].name);
}

static void print_all(struct printer *printer, const struct rc *rc)
{
    print_settings(printer, rc);
    print_sections(printer, rc);
    if (!printer->json)
        print_line(printer, "");
    print_proxies(printer);
    if (!printer->json) {
        print_partials(printer);
        print_files(printer, rc);
    }
}

static enum spull_code run(const struct cmd_call *call)
{
    const struct opts *opts = call->opts;
    struct printer printer = {.json = call->common->json, .code = SPULL_OK};
    struct spull_error err;
    enum spull_code code;

    if (opts->registries)
        print_names(&printer, call->rc);
    else
        print_all(&printer, call->rc);
    if (printer.code != SPULL_OK)
        return cmd_report_out(&printer.err);
    if (opts->registries)
        return SPULL_OK;
    /* Shown all the same: whoever has this error wants to see why. */
    code = cmd_try(call, &err);
    if (code != SPULL_OK)
        say_error(&err, NULL);
    return code;
}

const struct cmd cmd_config = {
    .name = "config",
    .operands = "",
    .summary = "show every setting in force, and where it came from",
    .settings = true,
    .own = &table,
    .own_size = sizeof(struct opts),
    .tables = {&table, &settings_place, &settings_image, &settings_weak,
               &settings_store, &settings_keep, &settings_list,
               &settings_session, &cmd_json_table, &cmd_common_table},
    .run = run,
};
