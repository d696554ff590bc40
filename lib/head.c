/* SPDX-License-Identifier: MIT */
/*
 * head: one switch over field names, one small reader per field. A field that
 * does not parse counts as absent: what is missing is asked for again or
 * refused by those who need it, with a better message than could be given here.
 */
#include "head.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "limits.h"

void sp_head_done(struct sp_head *head)
{
    if (head == NULL)
        return;
    free(head->location);
    memset(head, 0, sizeof *head);
}

/* Digits to a number; NULL where there are none or too many. */
static const char *read_number(const char *text, uint64_t *out)
{
    uint64_t n = 0;
    const char *at = text;

    for (; *at >= '0' && *at <= '9'; at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (n > (UINT64_MAX - digit) / 10)
            return NULL;
        n = n * 10 + digit;
    }
    if (at == text)
        return NULL;
    *out = n;
    return at;
}

static void take_length(struct sp_head *head, const char *value)
{
    uint64_t n = 0;
    const char *end = read_number(value, &n);

    if (end == NULL || *end != '\0' || head->is_framed)
        return;
    head->has_length = true;
    head->length = n;
}

/* It overrides a length, before or behind it (RFC 9112, section 6.3): libcurl
 * goes by it, and so who trusts the length would wait for another body. */
static void take_framing(struct sp_head *head)
{
    head->is_framed = true;
    head->has_length = false;
}

/* "bytes 0-99/1000" or "bytes 0-99/" and "*" (RFC 9110, section 14.4). */
static void take_range(struct sp_head *head, const char *value)
{
    uint64_t from = 0;
    uint64_t last = 0;
    uint64_t total = 0;
    const char *at = value;

    if (strncasecmp(at, "bytes ", 6) != 0)
        return;
    at = read_number(at + 6, &from);
    if (at == NULL || *at != '-')
        return;
    at = read_number(at + 1, &last);
    if (at == NULL || *at != '/' || last < from || last == UINT64_MAX)
        return;
    at++;
    if (strcmp(at, "*") != 0) {
        at = read_number(at, &total);
        if (at == NULL || *at != '\0' || total <= last)
            return;
        head->has_total = true;
    }
    head->has_range = true;
    head->from = from;
    head->to = last + 1;
    head->total = total;
}

static void copy_value(char *dst, size_t cap, const char *value)
{
    size_t len = strlen(value);

    if (len < cap)
        memcpy(dst, value, len + 1);
}

/* A weak one must not be used with If-Range (RFC 9110, section 13.1.5). */
static void take_etag(struct sp_head *head, const char *value)
{
    if (value[0] == '"')
        copy_value(head->etag, sizeof head->etag, value);
}

static bool take_field(struct sp_head *head, const char *name,
                       const char *value)
{
    if (strcasecmp(name, "content-length") == 0)
        take_length(head, value);
    else if (strcasecmp(name, "transfer-encoding") == 0)
        take_framing(head);
    else if (strcasecmp(name, "content-range") == 0)
        take_range(head, value);
    else if (strcasecmp(name, "etag") == 0)
        take_etag(head, value);
    else if (strcasecmp(name, "last-modified") == 0)
        copy_value(head->last_modified, sizeof head->last_modified, value);
    else if (strcasecmp(name, "content-type") == 0)
        copy_value(head->type, sizeof head->type, value);
    else if (strcasecmp(name, "content-encoding") == 0)
        head->is_coded = value[0] != '\0' && strcasecmp(value, "identity") != 0;
    else if (strcasecmp(name, "accept-ranges") == 0)
        head->no_ranges = strcasecmp(value, "none") == 0;
    else if (strcasecmp(name, "location") == 0 && head->location == NULL) {
        head->location = strdup(value);
        return head->location != NULL;
    }
    return true;
}

/* "HTTP/1.1 200 OK", "HTTP/2 200": what a redirect's head said is over. */
static void start_again(struct sp_head *head, const char *line)
{
    size_t seen = head->seen;
    const char *space = strchr(line, ' ');
    uint64_t status = 0;

    sp_head_done(head);
    head->seen = seen;
    if (space != NULL && read_number(space + 1, &status) != NULL &&
        status <= 999)
        head->status = (int)status;
}

static bool take_line(struct sp_head *head, char *line)
{
    char *colon = NULL;
    char *value = NULL;

    if (strncmp(line, "HTTP/", 5) == 0) {
        start_again(head, line);
        return true;
    }
    colon = strchr(line, ':');
    if (colon == NULL)
        return true;
    *colon = '\0';
    value = colon + 1;
    while (*value == ' ' || *value == '\t')
        value++;
    return take_field(head, line, value);
}

bool sp_head_line(struct sp_head *head, const char *line, size_t len)
{
    char *copy = NULL;
    bool ok = false;

    if (len > SP_HEAD_MAX - head->seen)
        return false;
    head->seen += len;
    while (len > 0 && isspace((unsigned char)line[len - 1]))
        len--;
    if (memchr(line, '\0', len) != NULL)
        return true;
    copy = strndup(line, len);
    if (copy == NULL)
        return false;
    ok = take_line(head, copy);
    free(copy);
    return ok;
}
