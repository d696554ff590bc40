/* SPDX-License-Identifier: MIT */
/*
 * section: the [registry NAME] sections of configuration files.
 *
 * There are a handful of them, so a list that is searched from its start will
 * do.
 */
#include "section.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

static bool name_ok(const char *name)
{
    for (; *name != '\0'; name++)
        if (!isalnum((unsigned char)*name) && strchr("._-", *name) == NULL)
            return false;
    return true;
}

void sections_done(struct sections *sections)
{
    for (size_t i = 0; i < sections->count; i++)
        free(sections->list[i].headers);
    free(sections->list);
}

bool section_add_header(struct section *section, const char *line)
{
    const char **grown =
        realloc(section->headers, (section->header_count + 1) * sizeof *grown);

    if (grown == NULL)
        return false;
    section->headers = grown;
    grown[section->header_count++] = line;
    return true;
}

struct section *section_find(const struct sections *sections, const char *name)
{
    for (size_t i = 0; i < sections->count; i++)
        if (strcmp(sections->list[i].name, name) == 0)
            return &sections->list[i];
    return NULL;
}

static struct section *add(struct sections *sections)
{
    size_t size = (sections->count + 1) * sizeof *sections->list;
    struct section *grown = realloc(sections->list, size);

    if (grown == NULL)
        return NULL;
    sections->list = grown;
    return &grown[sections->count++];
}

/* The NAME of "registry NAME"; NULL: err says what it is instead. */
static const char *parse_name(const char *header, struct spull_error *err)
{
    const char *name = header + strcspn(header, " \t");

    if (strncmp(header, "registry", 8) != 0 || name != header + 8 ||
        *name == '\0') {
        fail_set(err, SPULL_USAGE, "[%s] is not of the form [registry NAME]",
                 header);
        return NULL;
    }
    name += strspn(name, " \t");
    if (name_ok(name))
        return name;
    fail_set(err, SPULL_USAGE,
             "'%s' can't name a registry: letters, digits, '.', '_' and '-' "
             "can",
             name);
    return NULL;
}

enum spull_code section_open(struct sections *sections,
                             const struct rcfile_entry *header,
                             const char *file, struct section **out,
                             struct spull_error *err)
{
    const char *name = parse_name(header->section, err);
    struct section *section = NULL;

    if (name == NULL)
        return SPULL_USAGE;
    section = section_find(sections, name);
    if (section != NULL && strcmp(section->file, file) == 0)
        return fail_set(err, SPULL_USAGE,
                        "[registry %s] was already there in line %u", name,
                        section->line);
    if (section != NULL)
        free(section->headers);
    else
        section = add(sections);
    if (section == NULL)
        return fail_nomem(err);
    *section =
        (struct section){.name = name, .file = file, .line = header->line};
    *out = section;
    return SPULL_OK;
}

enum spull_code section_check(const struct sections *sections,
                              struct spull_error *err)
{
    for (size_t i = 0; i < sections->count; i++) {
        const struct section *section = &sections->list[i];

        if (section->url == NULL)
            return fail_set(err, SPULL_USAGE, "%s:%u: [registry %s] has no url",
                            section->file, section->line, section->name);
    }
    return SPULL_OK;
}
