/* SPDX-License-Identifier: MIT */
/*
 * optvalue: the value of an option, from text into its place and back.
 *
 * One function for each way in which text can be wrong. Where a value comes
 * from, a command line, a variable or a file, is not known here.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fail.h"
#include "opt.h"
#include "pool.h"
#include "text.h"

#define SECONDS_MAX 86400
#define COUNT_MAX   1000000000
#define LANES_MAX   16 /* spull.h, connections */
/* With its escapes, such a value still is a line of a configuration file. */
#define VALUE_MAX 4096

const char *opt_kind_name(enum opt_kind kind)
{
    switch (kind) {
    case OPT_FLAG:
        return "flag";
    case OPT_TEXT:
    case OPT_ARCH:
        return "text";
    case OPT_PATH:
        return "path";
    case OPT_REGISTRY:
        return "registry";
    case OPT_SECONDS:
        return "seconds";
    case OPT_COUNT:
    case OPT_JOBS:
    case OPT_LANES:
    case OPT_IP:
        return "number";
    case OPT_RATE:
        return "rate";
    case OPT_SIZE:
        return "size";
    case OPT_PATIENCE:
        return "patience";
    case OPT_LIST:
        return "list";
    }
    return "";
}

static enum spull_code set_flag(bool *place, const char *value,
                                struct spull_error *err)
{
    static const char *const words[] = {"no",  "yes", "false", "true",
                                        "off", "on",  "0",     "1"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(value, words[i]) == 0) {
            *place = i % 2 == 1;
            return SPULL_OK;
        }
    }
    return fail_set(err, SPULL_USAGE, "'%s' is neither yes nor no", value);
}

/* Digits only: strtoul(3) would take signs and white space too. */
static bool read_number(const char *value, uint64_t *out, const char **end)
{
    char *stop = NULL;

    if (value[0] < '0' || value[0] > '9')
        return false;
    errno = 0;
    *out = strtoull(value, &stop, 10);
    *end = stop;
    return errno == 0;
}

static enum spull_code set_count(unsigned *place, const char *value,
                                 const char *what, unsigned least,
                                 unsigned most, struct spull_error *err)
{
    uint64_t number = 0;
    const char *end = NULL;

    if (!read_number(value, &number, &end) || *end != '\0' || number < least ||
        number > most)
        return fail_set(err, SPULL_USAGE,
                        "'%s' is not a number%s from %u to "
                        "%u",
                        value, what, least, most);
    *place = (unsigned)number;
    return SPULL_OK;
}

static enum spull_code set_ip(unsigned *place, const char *value,
                              struct spull_error *err)
{
    static const char digits[] = "046";

    if (strlen(value) != 1 || strchr(digits, value[0]) == NULL)
        return fail_set(err, SPULL_USAGE, "'%s' is neither 4 nor 6, nor 0, any",
                        value);
    *place = (unsigned)(value[0] - '0');
    return SPULL_OK;
}

static enum spull_code set_patience(unsigned *place, const char *value,
                                    struct spull_error *err)
{
    if (strcasecmp(value, "forever") != 0)
        return set_count(place, value, " of seconds, or 'forever',", 0,
                         COUNT_MAX, err);
    *place = SPULL_WAIT;
    return SPULL_OK;
}

/* The power of 1024 that a unit stands for; false: it is none. */
static bool read_unit(const char *unit, unsigned *power)
{
    static const char units[] = "KMG";
    const char *found = NULL;

    *power = 0;
    if (unit[0] == '\0')
        return true;
    found = strchr(units, toupper((unsigned char)unit[0]));
    if (found == NULL || unit[1] != '\0')
        return false;
    *power = (unsigned)(found - units) + 1;
    return true;
}

/* "500K", as curl(1) takes it; what: a rate, a size. */
static enum spull_code set_bytes(uint64_t *place, const char *value,
                                 const char *what, struct spull_error *err)
{
    uint64_t number = 0;
    const char *end = NULL;
    unsigned power = 0;

    if (!read_number(value, &number, &end) || !read_unit(end, &power) ||
        number > UINT64_MAX >> (10 * power))
        return fail_set(err, SPULL_USAGE,
                        "'%s' is not a %s like 500K, 20M or 1G", value, what);
    *place = number << (10 * power);
    return SPULL_OK;
}

static enum spull_code set_text(const char **place, const char *value,
                                struct spull_error *err)
{
    if (value[0] == '\0')
        return fail_set(err, SPULL_USAGE, "the value is empty");
    if (strlen(value) > VALUE_MAX)
        return fail_set(err, SPULL_USAGE,
                        "the value has more than %d characters", VALUE_MAX);
    /* A line break would add a header to a request, a line to stdout. */
    if (text_has_control(value))
        return fail_set(err, SPULL_USAGE, "'%s' contains a control character",
                        value);
    *place = value;
    return SPULL_OK;
}

/* Which architectures there are, only a session says, when it is opened. */
static enum spull_code set_arch(const char **place, const char *value,
                                struct spull_error *err)
{
    struct spull_options options;
    struct spull *session = NULL;
    enum spull_code code = set_text(&value, value, err);

    if (code != SPULL_OK)
        return code;
    spull_options_init(&options);
    options.arch = value;
    code = spull_new(&options, &session, err);
    spull_free(session);
    if (code == SPULL_OK)
        *place = value;
    return code;
}

enum spull_code opt_set(void *base, const struct opt_row *row,
                        const char *value, struct spull_error *err)
{
    static const unsigned most[] = {
        [OPT_JOBS] = POOL_JOBS_MAX, [OPT_LANES] = LANES_MAX};
    void *place = (char *)base + row->offset;

    switch (row->kind) {
    case OPT_FLAG:
        return set_flag(place, value, err);
    case OPT_SECONDS:
        return set_count(place, value, " of seconds", 1, SECONDS_MAX, err);
    case OPT_COUNT:
        return set_count(place, value, "", 0, COUNT_MAX, err);
    case OPT_JOBS:
    case OPT_LANES:
        return set_count(place, value, "", 1, most[row->kind], err);
    case OPT_IP:
        return set_ip(place, value, err);
    case OPT_ARCH:
        return set_arch(place, value, err);
    case OPT_RATE:
        return set_bytes(place, value, "rate", err);
    case OPT_SIZE:
        return set_bytes(place, value, "size", err);
    case OPT_PATIENCE:
        return set_patience(place, value, err);
    case OPT_LIST:
    case OPT_TEXT:
    case OPT_PATH:
    case OPT_REGISTRY:
        return set_text(place, value, err);
    }
    return fail_set(err, SPULL_INTERNAL, "an option of no kind");
}

const char *opt_get(const void *base, const struct opt_row *row,
                    char number[OPT_NUMBER_TEXT])
{
    const void *place = (const char *)base + row->offset;

    switch (row->kind) {
    case OPT_FLAG:
        return *(const bool *)place ? "yes" : "no";
    case OPT_COUNT:
    case OPT_JOBS:
    case OPT_LANES:
    case OPT_IP:
    case OPT_SECONDS:
        snprintf(number, OPT_NUMBER_TEXT, "%u", *(const unsigned *)place);
        return number;
    case OPT_PATIENCE:
        if (*(const unsigned *)place == SPULL_WAIT)
            return "forever";
        snprintf(number, OPT_NUMBER_TEXT, "%u", *(const unsigned *)place);
        return number;
    case OPT_RATE:
    case OPT_SIZE:
        snprintf(number, OPT_NUMBER_TEXT, "%" PRIu64, *(const uint64_t *)place);
        return number;
    case OPT_LIST:
    case OPT_TEXT:
    case OPT_ARCH:
    case OPT_PATH:
    case OPT_REGISTRY:
        return *(const char *const *)place;
    }
    return NULL;
}
