/* SPDX-License-Identifier: MIT */
/*
 * rcregistry: what the registry setting means: the address behind a name, and
 * the header lines that go to it and nowhere else.
 *
 * Asks the settings in force; where they came from is known to rc.c alone.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "fail.h"
#include "rc.h"
#include "text.h"

static bool is_dir(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The number of the setting. */
static size_t registry_row(void)
{
    size_t number = 0;

    settings_find("registry", &number);
    return number;
}

enum spull_code rc_use_registry(struct rc *rc, const char *value,
                                const char *command, struct spull_error *err)
{
    struct rc_origin *origin = &rc->origin[registry_row()];

    if (origin->layer == RC_OPTION) {
        fail_set(err, SPULL_USAGE, "%s: %s takes the registry as its operand",
                 origin->name, command);
        fail_hint(err, "spull %s %s ...", command, rc->set.registry);
        return SPULL_USAGE;
    }
    rc->set.registry = value;
    *origin = (struct rc_origin){.layer = RC_OPTION, .name = command};
    return SPULL_OK;
}

static enum spull_code no_registry(const struct rc *rc, struct spull_error *err)
{
    char names[256], origin[256];
    struct text list = text_on(names, sizeof names);

    rc_origin_text(&rc->origin[registry_row()], origin, sizeof origin);
    fail_set(err, SPULL_USAGE,
             "%s: '%s' is no address, no directory and no [registry] section",
             origin, rc->set.registry);
    for (size_t i = 0; i < rc->sections.count; i++)
        text_add(&list, "%s%s", i ? ", " : "", rc->sections.list[i].name);
    if (rc->sections.count > 0)
        fail_hint(err, "the sections are %s", names);
    else
        fail_hint(err, "no spullrc has a [registry NAME] section");
    return SPULL_USAGE;
}

static enum spull_code no_url(const struct section *section,
                              struct spull_error *err)
{
    fail_set(err, SPULL_USAGE,
             "%s:%u: url: '%s' is no address and no directory", section->file,
             section->url_line, section->url);
    fail_hint(err,
              "a directory is found from where spull runs: './%s' or, "
              "better, a path from the root",
              section->url);
    return SPULL_USAGE;
}

enum spull_code rc_registry(const struct rc *rc, const char **out,
                            struct spull_error *err)
{
    const char *value = rc->set.registry;
    const struct section *section = section_find(&rc->sections, value);

    if (section != NULL)
        value = section->url;
    if (strchr(value, '/') == NULL && !is_dir(value))
        return section != NULL ? no_url(section, err) : no_registry(rc, err);
    *out = value;
    return SPULL_OK;
}

/* How long an address is without the slashes at its end. */
static size_t length_of(const char *address)
{
    size_t len = strlen(address);

    while (len > 0 && address[len - 1] == '/')
        len--;
    return len;
}

/* Scheme and host have no case (RFC 3986, section 6.2.2.1); the password
 * between them and the path behind them have. */
static bool is_same(const char *a, const char *b)
{
    size_t len = length_of(a), scheme, host, path;
    const char *mark = strstr(a, "://");

    if (len != length_of(b))
        return false;
    if (mark == NULL || len < (size_t)(mark - a) + 3)
        return strncmp(a, b, len) == 0;
    scheme = (size_t)(mark - a) + 3;
    path = scheme + strcspn(a + scheme, "/");
    for (host = path; host > scheme && a[host - 1] != '@';)
        host--;
    return strncasecmp(a, b, scheme) == 0 &&
           strncmp(a + scheme, b + scheme, host - scheme) == 0 &&
           strncasecmp(a + host, b + host, path - host) == 0 &&
           strncmp(a + path, b + path, len - path) == 0;
}

/* By its name, or by its address, so that a section holds however its registry
 * was chosen. */
static const struct section *section_in_use(const struct rc *rc)
{
    const char *value = rc->set.registry;
    const struct section *section = section_find(&rc->sections, value);

    for (size_t i = 0; section == NULL && i < rc->sections.count; i++)
        if (is_same(rc->sections.list[i].url, value))
            section = &rc->sections.list[i];
    return section;
}

const char **rc_headers(const struct rc *rc)
{
    const struct section *section = section_in_use(rc);
    size_t count = section != NULL ? section->header_count : 0;
    const char **list = calloc(count + rc->header_count + 1, sizeof *list);

    if (list == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        list[i] = section->headers[i];
    for (size_t i = 0; i < rc->header_count; i++)
        list[count + i] = rc->headers[i];
    return list;
}
