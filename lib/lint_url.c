/* SPDX-License-Identifier: MIT */
/*
 * lint_url: what is wrong with the address of a blob, before anybody asks
 * there: whether it may be followed, what it gives away, and when it ends to
 * work.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lint.h"

/* A date or a number of seconds in a query is shorter than this. */
#define VALUE_ROOM 64

/* When a signed URL ends; none has another sense of these parameters together
 * with a signature. What headers say of a cache is no end of the blob, and a
 * signed URL that a server redirects to is made anew for each request. */
enum expiry {
    EXPIRES_NEVER,
    EXPIRES_SOME_TIME, /* it says so, but not when */
    EXPIRES_AT
};

/* The value of a parameter, decoded; false: it is not there, or too long. */
static bool parameter(const char *query, const char *name,
                      char value[VALUE_ROOM])
{
    size_t len = strlen(name);

    for (const char *at = query; at != NULL; at = strchr(at, '&')) {
        at += *at == '&' || *at == '?';
        if (strncasecmp(at, name, len) != 0 || at[len] != '=')
            continue;
        at += len + 1;
        size_t size = strcspn(at, "&#");
        if (size >= VALUE_ROOM)
            return false;
        memcpy(value, at, size);
        value[size] = '\0';
        sp_url_decode(value);
        return true;
    }
    return false;
}

/* "2026-11-24T06:00:00Z", or that without its punctuation; a date alone means
 * its first moment. */
static bool read_date(const char *text, time_t *out)
{
    char digits[VALUE_ROOM] = "";
    size_t count = 0;
    struct tm when = {0};

    for (; *text != '\0' && strchr("0123456789-:TZ", *text) != NULL; text++)
        if (*text >= '0' && *text <= '9')
            digits[count++] = *text;
    if (sscanf(digits, "%4d%2d%2d%2d%2d%2d", &when.tm_year, &when.tm_mon,
               &when.tm_mday, &when.tm_hour, &when.tm_min, &when.tm_sec) < 3 ||
        when.tm_year < 1970)
        return false;
    when.tm_year -= 1900;
    when.tm_mon -= 1;
    *out = timegm(&when);
    return *out != (time_t)-1;
}

/* Seconds, of the epoch or from some moment; more than any date has is none. */
static bool read_seconds(const char *text, time_t *out)
{
    size_t len = strspn(text, "0123456789");

    if (len == 0 || len > 11 || text[len] != '\0')
        return false;
    *out = (time_t)strtoll(text, NULL, 10);
    return true;
}

static enum expiry of_kind(const char *query, const char *date_name,
                           const char *seconds_name, time_t *out)
{
    char value[VALUE_ROOM];
    time_t start = 0;
    time_t seconds = 0;

    if (!parameter(query, seconds_name, value))
        return EXPIRES_NEVER;
    if (!read_seconds(value, &seconds) || !parameter(query, date_name, value) ||
        !read_date(value, &start))
        return EXPIRES_SOME_TIME;
    *out = start + seconds;
    return EXPIRES_AT;
}

/* The signed URLs of the three large object stores, and what imitates them. */
static enum expiry expiry_of(const char *query, time_t *out)
{
    char value[VALUE_ROOM];
    enum expiry found = of_kind(query, "X-Amz-Date", "X-Amz-Expires", out);

    if (found == EXPIRES_NEVER)
        found = of_kind(query, "X-Goog-Date", "X-Goog-Expires", out);
    if (found != EXPIRES_NEVER)
        return found;
    if (parameter(query, "Expires", value))
        return read_seconds(value, out) ? EXPIRES_AT : EXPIRES_SOME_TIME;
    if (parameter(query, "se", value) && strstr(query, "sig=") != NULL)
        return read_date(value, out) ? EXPIRES_AT : EXPIRES_SOME_TIME;
    return EXPIRES_NEVER;
}

static void lint_expiry(const struct sp_url *url, time_t now,
                        struct sp_findings *to)
{
    const char *query = strchr(url->text, '?');
    char date[VALUE_ROOM] = "";
    struct tm parts = {0};
    time_t end = 0;

    if (query == NULL)
        return;
    enum expiry expiry = expiry_of(query, &end);
    if (expiry == EXPIRES_AT && gmtime_r(&end, &parts) != NULL)
        strftime(date, sizeof date, "%Y-%m-%d", &parts);
    if (expiry == EXPIRES_AT && end <= now)
        sp_finding_tell(to, SP_FINDING_URL_EXPIRED,
                        "%s: it is signed, and expired on %s", url->shown,
                        date);
    else if (expiry == EXPIRES_AT)
        sp_finding_tell(to, SP_FINDING_URL_EXPIRES,
                        "%s: it is signed, and expires on %s", url->shown,
                        date);
    else if (expiry == EXPIRES_SOME_TIME)
        sp_finding_tell(to, SP_FINDING_URL_EXPIRES,
                        "%s: it is signed, and expires one day", url->shown);
}

static void lint_secret(const struct sp_url *base, const struct sp_url *url,
                        struct sp_findings *to)
{
    /* A relative one has those of the registry's address, which are ours. */
    bool inherited =
        strcmp(base->text, base->plain) != 0 && sp_url_same_origin(base, url);

    if (strcmp(url->text, url->plain) != 0 && !inherited)
        sp_finding_tell(to, SP_FINDING_URL_SECRET,
                        "%s: a user and a password are in it, for all to read",
                        url->shown);
}

enum spull_code sp_lint_url(const struct sp_url *base, const char *text,
                            time_t now, struct sp_findings *to, bool *usable,
                            struct sp_url *out, struct spull_error *err)
{
    struct spull_error why;
    struct sp_url url = {0};
    enum spull_code code = sp_url_follow(base, text, &url, &why);

    *usable = false;
    if (code == SPULL_INTEGRITY) {
        sp_finding_tell(to, SP_FINDING_URL, "%s", why.text);
        return SPULL_OK;
    }
    if (code != SPULL_OK) {
        if (err != NULL)
            *err = why;
        return code;
    }
    if (strncasecmp(text, "file:", 5) == 0) {
        sp_finding_tell(to, SP_FINDING_URL_OUTSIDE,
                        "%s: a file URL means nothing on another machine",
                        url.shown);
        sp_url_done(&url);
        return SPULL_OK;
    }
    lint_secret(base, &url, to);
    lint_expiry(&url, now, to);
    *out = url;
    *usable = true;
    return SPULL_OK;
}
