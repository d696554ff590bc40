/* SPDX-License-Identifier: MIT */
/*
 * json_odd: what cJSON takes, and RFC 8259 does not.
 *
 * The structure is known to be sound; what is left are strings, numbers and
 * what stands between them.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "err.h"
#include "json.h"

/* What is read, and how far. */
struct scan {
    const char *at;
    const char *end;
};

static bool is_digit(const struct scan *scan)
{
    return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

static bool take(struct scan *scan, const char *any)
{
    if (scan->at == scan->end || *scan->at == '\0' || !strchr(any, *scan->at))
        return false;
    scan->at++;
    return true;
}

static bool take_digits(struct scan *scan)
{
    const char *start = scan->at;

    while (is_digit(scan))
        scan->at++;
    return scan->at > start;
}

/* Section 6: -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][-+]?[0-9]+)? */
static const char *number(struct scan *scan)
{
    bool ok = true;

    take(scan, "-");
    if (!take(scan, "0"))
        ok = take_digits(scan);
    if (ok && take(scan, "."))
        ok = take_digits(scan);
    if (ok && take(scan, "eE")) {
        take(scan, "+-");
        ok = take_digits(scan);
    }
    return ok && !is_digit(scan) ? NULL : "a number that is written oddly";
}

/* Section 7, and 8.1 for the encoding. */
static const char *string(struct scan *scan)
{
    const char *why = NULL;

    scan->at++;
    while (why == NULL && scan->at < scan->end && *scan->at != '"') {
        uint32_t point = 0;
        size_t count =
            sp_utf8_next(scan->at, (size_t)(scan->end - scan->at), &point);

        if (*scan->at == '\\' && scan->end - scan->at >= 2)
            scan->at += 2; /* cJSON and json.c refuse what is no escape */
        else if (count == 0)
            why = "a string that is not UTF-8";
        else if (point < ' ')
            why = "a control character in a string";
        else
            scan->at += count;
    }
    if (why == NULL && scan->at < scan->end)
        scan->at++;
    return why;
}

static const char *next(struct scan *scan)
{
    if (*scan->at == '"')
        return string(scan);
    if (*scan->at == '-' || is_digit(scan))
        return number(scan);
    if ((unsigned char)*scan->at < ' ' && !strchr("\t\r\n", *scan->at))
        return "a control character between values";
    scan->at++;
    return NULL;
}

const char *sp_json_odd(const char *bytes, size_t len, size_t *line)
{
    struct scan scan = {bytes, bytes + len};
    const char *why = NULL;

    if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
        why = "a byte order mark at its start";
    while (why == NULL && scan.at < scan.end)
        why = next(&scan);
    *line = 1;
    for (const char *at = bytes; at < scan.at; at++)
        *line += *at == '\n';
    return why;
}
