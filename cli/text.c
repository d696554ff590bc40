/* SPDX-License-Identifier: MIT */
/*
 * text: bounded strings, and what may be shown of foreign ones.
 *
 * Knows UTF-8 as far as RFC 3629 section 4 goes; what characters look like or
 * how wide they are is not its business.
 */
#include "text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <spull.h>

struct text text_on(char *data, size_t cap)
{
    struct text text = {data, cap, 0};

    data[0] = '\0';
    return text;
}

void text_add(struct text *text, const char *format, ...)
{
    va_list args;
    int written;

    va_start(args, format);
    written =
        vsnprintf(text->data + text->len, text->cap - text->len, format, args);
    va_end(args);
    if (written > 0)
        text->len += (size_t)written;
    if (text->len >= text->cap)
        text->len = text->cap - 1;
}

/* How many bytes follow the first one, and what the second may be: the table
 * of RFC 3629 section 4, which excludes surrogates and long forms. */
static size_t utf8_head(unsigned char head, unsigned char *low,
                        unsigned char *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (head >= 0xc2 && head <= 0xdf)
        return 1;
    if (head >= 0xe0 && head <= 0xef) {
        if (head == 0xe0)
            *low = 0xa0;
        if (head == 0xed)
            *high = 0x9f;
        return 2;
    }
    if (head >= 0xf0 && head <= 0xf4) {
        if (head == 0xf0)
            *low = 0x90;
        if (head == 0xf4)
            *high = 0x8f;
        return 3;
    }
    return 0;
}

size_t text_utf8(const char *source)
{
    const unsigned char *at = (const unsigned char *)source;
    unsigned char low, high;
    size_t tail;

    if (at[0] < 0x80)
        return 1;
    tail = utf8_head(at[0], &low, &high);
    if (tail == 0 || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i <= tail; i++)
        if (at[i] < 0x80 || at[i] > 0xbf)
            return 0;
    return tail + 1;
}

unsigned text_point(const char *source, size_t len)
{
    static const unsigned char head[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    unsigned point = (unsigned char)source[0] & head[len];

    for (size_t i = 1; i < len; i++)
        point = point << 6 | ((unsigned char)source[i] & 0x3f);
    return point;
}

/* C0, DEL, and C1, which some terminals obey. */
static bool is_control(unsigned point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

bool text_is_shown(const char *source, size_t len)
{
    return len > 0 && spull_is_shown(text_point(source, len)) != 0;
}

void text_printable(char *dst, size_t cap, const char *source)
{
    struct text text = text_on(dst, cap);

    while (*source != '\0') {
        size_t len = text_utf8(source);

        if (!text_is_shown(source, len)) {
            if (cap - text.len <= 4)
                return;
            text_add(&text, "\\x%02x", (unsigned char)*source);
            source++;
            continue;
        }
        if (cap - text.len <= len)
            return;
        memcpy(dst + text.len, source, len);
        text.len += len;
        dst[text.len] = '\0';
        source += len;
    }
}

/* Is what follows the first colon, of what should be HOST:PORT, neither a port
 * nor the end of an address in a sentence? */
static bool is_no_port(const char *host)
{
    const char *colon = host + (host[0] == '[' ? strcspn(host, "]") : 0);
    size_t digits;

    colon += strcspn(colon, ":/@ ");
    if (*colon != ':')
        return false;
    digits = strspn(colon + 1, "0123456789");
    return digits > 5 || (digits == 0 && colon[1] == '/') ||
           strchr("/?#@ :,;)'\"", colon[1 + digits]) == NULL;
}

/* Behind the last '@' before end that no pin begins with; else user itself. */
static char *host_before(const char *user, char *end)
{
    while (end > user && (end[-1] != '@' || strncmp(end, "sha256:", 7) == 0))
        end--;
    return end;
}

/*
 * A host ends at a slash, and a path may have an '@'. But if there is none
 * before that slash, and no port either, the slash is one of a password that
 * nobody encoded, and there was no host yet. *end: how far was looked.
 */
static char *find_host(char *user, char **end)
{
    char *host = host_before(user, *end);

    if (host > user || !is_no_port(user))
        return host;
    *end = strstr(user, "://");
    if (*end == NULL)
        *end = strchr(user, '\0');
    return host_before(user, *end);
}

/*
 * What was found may be a piece of such a password: "u:8/w@h", "u:p@w/d@h". No
 * path of a registry has an '@' behind a port or password (url.c in lib), and
 * a pin's is behind the last slash.
 */
static char *find_last_host(char *user, char *host, char **end)
{
    char *path = user + strcspn(user, "/");
    char *stop = path + strcspn(path, " '\"");
    char *name = memrchr(path, '/', (size_t)(stop - path));
    char *last = NULL;

    if (user[0] == '[' || memchr(user, ':', (size_t)(path - user)) == NULL)
        return host;
    if (*end < stop)
        *end = stop;
    last = name != NULL ? host_before(path, name) : path;
    return last > path && last > host ? last : host;
}

static void hide(char *text, size_t cap, bool refs)
{
    bool full = strlen(text) + 1 >= cap;
    char *at = strstr(text, "://");

    for (; at != NULL; at = strstr(at, "://")) {
        char *user = at + 3;
        char *end = user + strcspn(user, "/");
        char *host = find_host(user, &end);

        if (refs)
            host = find_last_host(user, host, &end);
        if (host > user)
            memmove(user, host, strlen(host) + 1);
        else if (full && *end == '\0')
            *user = '\0';
        at = user;
    }
}

void text_hide_users(char *text, size_t cap)
{
    hide(text, cap, false);
}

void text_hide_refs(char *text, size_t cap)
{
    hide(text, cap, true);
}

char *text_public(const char *ref)
{
    char *copy = strdup(ref);

    if (copy != NULL)
        text_hide_refs(copy, SIZE_MAX);
    return copy;
}

bool text_has_control(const char *source)
{
    while (*source != '\0') {
        size_t len = text_utf8(source);

        if (len > 0 && is_control(text_point(source, len)))
            return true;
        /* Bytes of other encodings are the user's affair: file names. */
        source += len > 0 ? len : 1;
    }
    return false;
}
