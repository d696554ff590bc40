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
#include "rcentry.h"
#include "text.h"

#ifndef SPULL_SYSCONFDIR
#error "SPULL_SYSCONFDIR is where the system's spullrc is"
#endif

#define SPELLED_MAX 64 /* "SPULL_CONNECT_TIMEOUT", "--no-strict-size" */

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

const char *rc_in_home(struct rc *rc, const char *name)
{
    size_t len = strlen(rc->home) + strlen(name) + 2;
    char *path = malloc(len);

    if (path != NULL)
        snprintf(path, len, "%s/%s", rc->home, name);
    return keep(rc, path);
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
    if (rc->home != NULL)
        rc->files[RC_HOME].path = rc_in_home(rc, ".spullrc");
    return rc->files[RC_HOME].path != NULL ? SPULL_OK : fail_nomem(err);
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
            settings_find(given->row->key, &number) == NULL)
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
    const struct opt_row *row = settings_find(key, &number);

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
    rc->set.netrc_file = rc_in_home(rc, ".netrc");
    return rc->set.netrc_file != NULL ? SPULL_OK : fail_nomem(err);
}

static enum spull_code load(struct rc *rc, const struct opt_line *line,
                            struct spull_error *err)
{
    enum spull_code code = find_files(rc, err);

    for (size_t i = 0; i < RC_FILES && code == SPULL_OK; i++)
        code = rc_take_file(rc, &rc->files[i], err);
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
