/* SPDX-License-Identifier: MIT */
/*
 * rc: the settings in force, and where each of them came from.
 *
 * Each layer overwrites what the one below has said, so the order of calls in
 * load() is the order of precedence. Every layer is checked, also where it is
 * overruled: a mistake should show on the day that it is made.
 */
#include "rc.h"

#include <ctype.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "near.h"
#include "rcfile.h"
#include "text.h"

#ifndef SPULL_SYSCONFDIR
#error "SPULL_SYSCONFDIR is where the system's spullrc is"
#endif

#define SPELLED_MAX 64 /* "SPULL_CONNECT_TIMEOUT", "--no-strict-size" */

/* A file while its entries arrive. */
struct reading {
    struct rc *rc;
    const char *path;
    struct section *section; /* NULL: above the first header */
};

const char *rc_env(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

static char *keep(struct rc *rc, char *string)
{
    char **grown = NULL;

    if (string == NULL)
        return NULL;
    grown = realloc(rc->kept, (rc->kept_count + 1) * sizeof *grown);
    if (grown == NULL) {
        free(string);
        return NULL;
    }
    rc->kept = grown;
    rc->kept[rc->kept_count++] = string;
    return string;
}

static char *join(const char *dir, const char *name)
{
    size_t len = strlen(dir) + strlen(name) + 2;
    char *path = malloc(len);

    if (path != NULL)
        snprintf(path, len, "%s/%s", dir, name);
    return path;
}

/* No shell does this for the values of a file. */
static enum spull_code expand_home(struct rc *rc,
                                   const struct rcfile_entry *entry,
                                   const char **out, struct spull_error *err)
{
    const char *value = entry->value;

    if (entry->quoted || value[0] != '~' ||
        (value[1] != '/' && value[1] != '\0')) {
        *out = value;
        return SPULL_OK;
    }
    if (rc->home == NULL)
        return fail_set(err, SPULL_USAGE, "'%s': no home directory is known",
                        value);
    value = keep(rc, value[1] == '\0' ? strdup(rc->home)
                                      : join(rc->home, value + 2));
    if (value == NULL)
        return fail_nomem(err);
    *out = value;
    return SPULL_OK;
}

static enum spull_code unknown_key(const struct rcfile_entry *entry,
                                   struct spull_error *err)
{
    struct near search = {.typed = entry->key};
    const struct opt_row *row = settings_row(0);

    for (size_t i = 0; row != NULL; row = settings_row(++i))
        near_try(&search, row->key);
    fail_set(err, SPULL_USAGE, "there is no key '%s'", entry->key);
    if (search.best != NULL)
        fail_hint(err, "did you mean '%s'?", search.best);
    else
        fail_hint(err, "spullrc(5) lists the keys");
    return SPULL_USAGE;
}

static const struct opt_row *find_key(const char *key, size_t *number)
{
    const struct opt_row *row = settings_row(0);

    for (*number = 0; row != NULL; row = settings_row(*number)) {
        if (strcmp(row->key, key) == 0)
            return row;
        (*number)++;
    }
    return NULL;
}

static enum spull_code take_key(struct reading *reading,
                                const struct rcfile_entry *entry,
                                struct spull_error *err)
{
    struct rc *rc = reading->rc;
    const char *value = entry->value;
    size_t number;
    const struct opt_row *row = find_key(entry->key, &number);
    enum spull_code code = SPULL_OK;

    if (row == NULL)
        return unknown_key(entry, err);
    if (row->kind == OPT_LIST) {
        fail_set(err, SPULL_USAGE, "'%s' is for one registry", row->key);
        fail_hint(err, "put it into a [registry NAME] section");
        return SPULL_USAGE;
    }
    if (row->kind == OPT_PATH || row->kind == OPT_REGISTRY)
        code = expand_home(rc, entry, &value, err);
    if (code == SPULL_OK)
        code = opt_set(&rc->set, row, value, err);
    if (code != SPULL_OK)
        return fail_wrap(err, "%s", row->key);
    rc->origin[number].layer = RC_FILE;
    rc->origin[number].name = reading->path;
    rc->origin[number].line = entry->line;
    return SPULL_OK;
}

static enum spull_code unknown_section_key(const struct section *section,
                                           const char *key,
                                           struct spull_error *err)
{
    size_t number;

    fail_set(err, SPULL_USAGE, "[registry %s] has no key '%s'", section->name,
             key);
    if (find_key(key, &number) != NULL)
        fail_hint(err, "move it up, before the first [registry NAME]");
    else
        fail_hint(err, "its keys are 'url' and 'header'");
    return SPULL_USAGE;
}

static enum spull_code take_section_key(struct reading *reading,
                                        const struct rcfile_entry *entry,
                                        struct spull_error *err)
{
    static const struct opt_row rows[] = {
        {.name = "url",
         .kind = OPT_REGISTRY,
         .offset = offsetof(struct section, url)},
        {.name = "header", .kind = OPT_LIST},
    };
    struct section *section = reading->section;
    const char *value = entry->value;
    const char *header = NULL;
    bool is_url = strcmp(entry->key, rows[0].name) == 0;
    enum spull_code code = SPULL_OK;

    if (!is_url && strcmp(entry->key, rows[1].name) != 0)
        return unknown_section_key(section, entry->key, err);
    if (is_url)
        code = expand_home(reading->rc, entry, &value, err);
    if (code == SPULL_OK && is_url)
        code = opt_set(section, &rows[0], value, err);
    else if (code == SPULL_OK)
        code = opt_set(&header, &rows[1], value, err);
    if (code == SPULL_OK && !is_url && !section_add_header(section, header))
        code = fail_nomem(err);
    if (code == SPULL_OK && is_url)
        section->url_line = entry->line;
    return code == SPULL_OK ? code : fail_wrap(err, "%s", entry->key);
}

static enum spull_code take_entry(void *payload,
                                  const struct rcfile_entry *entry,
                                  struct spull_error *err)
{
    struct reading *reading = payload;

    if (entry->key == NULL)
        return section_open(&reading->rc->sections, entry, reading->path,
                            &reading->section, err);
    if (reading->section != NULL)
        return take_section_key(reading, entry, err);
    return take_key(reading, entry, err);
}

static enum spull_code load_file(struct rc *rc, struct rc_file *file,
                                 struct spull_error *err)
{
    struct reading reading = {rc, file->path, NULL};
    enum spull_code code;

    if (file->path == NULL)
        return SPULL_OK;
    code = rcfile_read(file->path, &file->text, err);
    if (code == SPULL_OK && file->text != NULL)
        code = rcfile_parse(file->text, file->path, take_entry, &reading, err);
    if (code == SPULL_OK)
        code = section_check(&rc->sections, err);
    return code;
}

static enum spull_code find_files(struct rc *rc, struct spull_error *err)
{
    const char *home = rc_env("HOME");

    rc->files[RC_SYSTEM].path = SPULL_SYSCONFDIR "/spullrc";
    if (home == NULL) {
        const struct passwd *user = getpwuid(geteuid());

        home = user != NULL ? user->pw_dir : NULL;
    }
    /* Batch jobs of accounts without a home do exist. */
    if (home == NULL)
        return SPULL_OK;
    rc->home = keep(rc, strdup(home));
    rc->files[RC_HOME].path = keep(rc, join(home, ".spullrc"));
    if (rc->home == NULL || rc->files[RC_HOME].path == NULL)
        return fail_nomem(err);
    return SPULL_OK;
}

/* "ca-file" to "SPULL_CA_FILE". */
static void name_variable(char *dst, size_t cap, const char *key)
{
    struct text text = text_on(dst, cap);

    text_add(&text, "SPULL_%s", key);
    for (char *at = dst; *at != '\0'; at++)
        *at = (char)(*at == '-' ? '_' : toupper((unsigned char)*at));
}

static enum spull_code add_header(struct rc *rc, const char *line,
                                  struct spull_error *err)
{
    const char **grown =
        realloc(rc->headers, (rc->header_count + 1) * sizeof *grown);

    if (grown == NULL)
        return fail_nomem(err);
    rc->headers = grown;
    grown[rc->header_count++] = line;
    return SPULL_OK;
}

static enum spull_code load_variables(struct rc *rc, struct spull_error *err)
{
    const struct opt_row *row = settings_row(0);

    for (size_t i = 0; row != NULL; row = settings_row(++i)) {
        char name[SPELLED_MAX];
        const char *value;

        name_variable(name, sizeof name, row->key);
        value = rc_env(name);
        if (value == NULL)
            continue;
        if (opt_set(&rc->set, row, value, err) != SPULL_OK)
            return fail_wrap(err, "%s", name);
        rc->origin[i].layer = RC_VARIABLE;
        rc->origin[i].name = keep(rc, strdup(name));
        if (rc->origin[i].name == NULL)
            return fail_nomem(err);
        if (row->kind == OPT_LIST && add_header(rc, value, err) != SPULL_OK)
            return err->code;
    }
    return SPULL_OK;
}

static enum spull_code take_origin(struct rc *rc, size_t number,
                                   const struct opt_given *given,
                                   struct spull_error *err)
{
    bool negated =
        given->row->kind == OPT_FLAG && strcmp(given->value, "no") == 0;
    char name[SPELLED_MAX];
    struct text text = text_on(name, sizeof name);

    text_add(&text, "--%s%s", negated ? "no-" : "", given->row->name);
    rc->origin[number].layer = RC_OPTION;
    rc->origin[number].name = keep(rc, strdup(name));
    return rc->origin[number].name != NULL ? SPULL_OK : fail_nomem(err);
}

static enum spull_code load_options(struct rc *rc, const struct opt_line *line,
                                    struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    if (line == NULL)
        return SPULL_OK;
    for (size_t i = 0; settings_all[i] != NULL && code == SPULL_OK; i++)
        code = opt_apply(line, settings_all[i], &rc->set, err);
    for (size_t i = 0; i < line->given_count && code == SPULL_OK; i++) {
        const struct opt_given *given = &line->given[i];
        size_t number;

        if (given->row->kind == OPT_LIST)
            code = add_header(rc, given->value, err);
        if (given->row->key == NULL ||
            find_key(given->row->key, &number) == NULL)
            continue;
        code = take_origin(rc, number, given, err);
    }
    return code;
}

static enum spull_code load_curl_variable(struct rc *rc, const char *key,
                                          const char *variable,
                                          struct spull_error *err)
{
    const char *value = rc_env(variable);
    size_t number;
    const struct opt_row *row = find_key(key, &number);

    if (value == NULL || row == NULL)
        return SPULL_OK;
    if (opt_set(&rc->set, row, value, err) != SPULL_OK)
        return fail_wrap(err, "%s", variable);
    rc->origin[number].layer = RC_VARIABLE;
    rc->origin[number].name = variable;
    return SPULL_OK;
}

/*
 * As curl(1) does: whoever names a file or directory means no other, and
 * CURL_CA_BUNDLE goes before OpenSSL's own variables.
 */
static enum spull_code load_curl(struct rc *rc, struct spull_error *err)
{
    enum spull_code code;

    if (rc->set.ca_file != NULL || rc->set.ca_dir != NULL)
        return SPULL_OK;
    if (rc_env("CURL_CA_BUNDLE") != NULL)
        return load_curl_variable(rc, "ca-file", "CURL_CA_BUNDLE", err);
    code = load_curl_variable(rc, "ca-file", "SSL_CERT_FILE", err);
    if (code == SPULL_OK)
        code = load_curl_variable(rc, "ca-dir", "SSL_CERT_DIR", err);
    return code;
}

/* netrc alone means the file that ftp(1) reads. */
static enum spull_code find_netrc(struct rc *rc, struct spull_error *err)
{
    if (!rc->set.netrc || rc->set.netrc_file != NULL)
        return SPULL_OK;
    if (rc->home == NULL)
        return fail_set(err, SPULL_USAGE, "netrc: no home directory is known");
    rc->set.netrc_file = keep(rc, join(rc->home, ".netrc"));
    return rc->set.netrc_file != NULL ? SPULL_OK : fail_nomem(err);
}

static enum spull_code load(struct rc *rc, const struct opt_line *line,
                            struct spull_error *err)
{
    enum spull_code code = find_files(rc, err);

    for (size_t i = 0; i < RC_FILES && code == SPULL_OK; i++)
        code = load_file(rc, &rc->files[i], err);
    if (code == SPULL_OK)
        code = load_variables(rc, err);
    if (code == SPULL_OK)
        code = load_options(rc, line, err);
    if (code == SPULL_OK)
        code = load_curl(rc, err);
    if (code == SPULL_OK)
        code = find_netrc(rc, err);
    return code;
}

enum spull_code rc_load(struct rc *out, const struct opt_line *line,
                        struct spull_error *err)
{
    struct rc rc;
    enum spull_code code;

    memset(&rc, 0, sizeof rc);
    settings_init(&rc.set);
    code = load(&rc, line, err);
    if (code == SPULL_OK)
        *out = rc;
    else
        rc_done(&rc);
    return code;
}

void rc_done(struct rc *rc)
{
    if (rc == NULL)
        return;
    for (size_t i = 0; i < rc->kept_count; i++)
        free(rc->kept[i]);
    for (size_t i = 0; i < RC_FILES; i++)
        free(rc->files[i].text);
    free(rc->kept);
    free(rc->headers);
    sections_done(&rc->sections);
    memset(rc, 0, sizeof *rc);
}

/* Rows of the session are the first, so their numbers are settings_row()'s. */
void rc_blame(const struct rc *rc, struct spull_error *err)
{
    for (size_t i = 0; i < settings_session.count; i++) {
        const struct opt_row *row = settings_row(i);
        const char *path;
        char origin[512];

        if (row->kind != OPT_PATH)
            continue;
        path = opt_get(&rc->set, row, NULL);
        if (path == NULL || access(path, R_OK) == 0)
            continue;
        rc_origin_text(&rc->origin[i], origin, sizeof origin);
        /* Else the key netrc has found it. */
        if (rc->origin[i].layer == RC_BUILT_IN)
            fail_wrap(err, "netrc");
        else
            fail_wrap(err, "%s: %s", origin, row->key);
        return;
    }
}

void rc_origin_text(const struct rc_origin *origin, char *dst, size_t cap)
{
    struct text text = text_on(dst, cap);

    switch (origin->layer) {
    case RC_BUILT_IN:
        text_add(&text, "built-in");
        break;
    case RC_VARIABLE:
    case RC_OPTION:
        text_add(&text, "%s", origin->name);
        break;
    case RC_FILE:
        text_add(&text, "%s:%u", origin->name, origin->line);
        break;
    }
}
