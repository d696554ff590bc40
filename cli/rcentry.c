/* SPDX-License-Identifier: MIT */
/*
 * rcentry: one entry after the other: a key above the first header, or one of
 * the section that the last header has opened.
 */
#include "rcentry.h"

#include <string.h>

#include "fail.h"
#include "near.h"
#include "rcfile.h"

/* A file while its entries arrive. */
struct reading {
    struct rc *rc;
    const char *path;
    struct section *section; /* NULL: above the first header */
};

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
    value = value[1] == '\0' ? rc->home : rc_in_home(rc, value + 2);
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

static enum spull_code take_key(struct reading *reading,
                                const struct rcfile_entry *entry,
                                struct spull_error *err)
{
    struct rc *rc = reading->rc;
    const char *value = entry->value;
    size_t number;
    const struct opt_row *row = settings_find(entry->key, &number);
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
    if (settings_find(key, &number) != NULL)
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

enum spull_code rc_take_file(struct rc *rc, struct rc_file *file,
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
