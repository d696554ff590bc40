/* SPDX-License-Identifier: MIT */
/*
 * options: one table of the strings, and the lines that set the defaults. The
 * numbers and their reasons are in limits.h.
 */
#include "options.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "limits.h"

#define USER_AGENT "spull/" SPULL_VERSION
#define SCRATCH    "/tmp"

void spull_options_init(struct spull_options *options)
{
    memset(options, 0, sizeof *options);
    options->size = sizeof *options;
    options->registry = SPULL_DEFAULT_REGISTRY;
    options->connect_timeout = SP_CONNECT_SECONDS;
    options->stall_timeout = SP_STALL_SECONDS;
    options->retries = SP_RETRIES;
    options->wait = SPULL_WAIT;
    options->keep_days = SP_KEEP_DAYS;
    options->connections = SP_CONNECTIONS;
    options->jobs = SP_CHECK_JOBS;
    options->unpack = 1;
    options->unpack_max = SP_UNPACK_MAX;
    options->scratch = SCRATCH;
    options->user_agent = USER_AGENT;
}

/* NULL means the default, also where that is a string. */
static void fill_in(struct spull_options *options)
{
    if (options->registry == NULL)
        options->registry = SPULL_DEFAULT_REGISTRY;
    if (options->scratch == NULL)
        options->scratch = SCRATCH;
    if (options->user_agent == NULL)
        options->user_agent = USER_AGENT;
    if (options->hint_options == NULL)
        options->hint_options = "";
}

/* Where the options that are strings are. */
#define AT(field) offsetof(struct spull_options, field)
static const size_t strings[] = {
    AT(registry),    AT(arch),       AT(ca_file),     AT(ca_dir),
    AT(client_cert), AT(client_key), AT(netrc_file),  AT(proxy),
    AT(user_agent),  AT(store),      AT(mirror_base), AT(scratch),
    AT(hint_options)};
#define STRINGS (sizeof strings / sizeof strings[0])

static const char **string_at(struct spull_options *opts, size_t offset)
{
    return (const char **)(void *)((char *)opts + offset);
}

/* The public struct has const char *, which free() does not take. */
static void free_text(const char *text)
{
    free((void *)(uintptr_t)text);
}

bool sp_options_set(const char **string, const char *value)
{
    char *copy = strdup(value);

    if (copy == NULL)
        return false;
    free_text(*string);
    *string = copy;
    return true;
}

static bool own_headers(struct spull_options *opts)
{
    const char *const *theirs = opts->headers;
    const char **ours = NULL;
    size_t count = 0;

    if (theirs == NULL)
        return true;
    while (theirs[count] != NULL)
        count++;
    ours = calloc(count + 1, sizeof *ours);
    opts->headers = ours;
    if (ours == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        ours[i] = strdup(theirs[i]);
        if (ours[i] == NULL)
            return false;
    }
    return true;
}

/* Replaces the caller's strings by copies; what can't be copied is NULL. */
static bool own_strings(struct spull_options *opts)
{
    bool ok = own_headers(opts);

    for (size_t i = 0; i < STRINGS; i++) {
        const char **string = string_at(opts, strings[i]);
        if (*string == NULL)
            continue;
        *string = strdup(*string);
        ok = ok && *string != NULL;
    }
    return ok;
}

void sp_options_done(struct spull_options *opts)
{
    for (size_t i = 0; i < STRINGS; i++) {
        free_text(*string_at(opts, strings[i]));
        *string_at(opts, strings[i]) = NULL;
    }
    for (size_t i = 0; opts->headers != NULL && opts->headers[i] != NULL; i++)
        free_text(opts->headers[i]);
    free((void *)(uintptr_t)opts->headers);
    opts->headers = NULL;
}

/*
 * A caller that was built with an older header has a shorter struct: what it
 * does not know keeps its default. A longer one holds wishes that we would
 * ignore.
 */
static enum spull_code check_size(const struct spull_options *options,
                                  struct spull_error *err)
{
    if (options->size > sizeof *options)
        return sp_err_set(err, SPULL_USAGE,
                          "options of %zu bytes are from a newer libspull: "
                          "this one knows %zu",
                          options->size, sizeof *options);
    if (options->size < offsetof(struct spull_options, arch))
        return sp_err_set(err, SPULL_USAGE,
                          "options of %zu bytes: not set up with "
                          "spull_options_init()",
                          options->size);
    return SPULL_OK;
}

enum spull_code sp_options_copy(const struct spull_options *from,
                                struct spull_options *out,
                                struct spull_error *err)
{
    struct spull_options copy;
    enum spull_code code = check_size(from, err);

    if (code != SPULL_OK)
        return code;
    spull_options_init(&copy);
    memcpy(&copy, from, from->size);
    copy.size = sizeof copy;
    fill_in(&copy);
    if (!own_strings(&copy)) {
        sp_options_done(&copy);
        return sp_err_nomem(err);
    }
    *out = copy;
    return SPULL_OK;
}
