/* SPDX-License-Identifier: MIT */
/*
 * err: fills and wraps a struct spull_error, and makes foreign text printable.
 *
 * A cause outlives what is wrapped around it: words in front of it get half of
 * the room at most, so that no URL, however long, pushes it out. What is done
 * with an error, and by whom, is not known here.
 */
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_ROOM   sizeof(((struct spull_error *)0)->text)
#define HINT_ROOM   sizeof(((struct spull_error *)0)->hint)
#define PREFIX_ROOM (TEXT_ROOM / 2)

/* The bits and the least code point of a sequence of 2, 3 or 4 bytes. */
static size_t sequence(unsigned char lead, uint32_t *bits, uint32_t *least)
{
    if (lead >= 0xc2 && lead <= 0xdf) {
        *bits = lead & 0x1fu;
        *least = 0x80;
        return 2;
    }
    if ((lead & 0xf0) == 0xe0) {
        *bits = lead & 0x0fu;
        *least = 0x800;
        return 3;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        *bits = lead & 0x07u;
        *least = 0x10000;
        return 4;
    }
    return 0;
}

size_t sp_utf8_next(const char *text, size_t len, uint32_t *point)
{
    const unsigned char *bytes = (const unsigned char *)text;
    uint32_t found = 0;
    uint32_t least = 0;

    if (len == 0)
        return 0;
    if (bytes[0] < 0x80) {
        *point = bytes[0];
        return 1;
    }
    size_t count = sequence(bytes[0], &found, &least);
    if (count == 0 || count > len)
        return 0;
    for (size_t i = 1; i < count; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        found = (found << 6) | (bytes[i] & 0x3fu);
    }
    /* RFC 3629 section 3: no overlong forms, no surrogates, 17 planes. */
    if (found < least || found > 0x10ffff ||
        (found >= 0xd800 && found <= 0xdfff))
        return 0;
    *point = found;
    return count;
}

/* Unicode ranges that move, hide or reorder text instead of showing it. */
bool sp_shows(uint32_t point)
{
    static const struct {
        uint32_t first, last;
    } hidden[] = {
        {0x0000, 0x001f},   {0x007f, 0x009f}, /* C0, DEL, C1 */
        {0x00ad, 0x00ad},                     /* soft hyphen */
        {0x061c, 0x061c},                     /* Arabic letter mark */
        {0x180e, 0x180e},                     /* Mongolian vowel separator */
        {0x200b, 0x200f},                     /* zero width, LRM, RLM */
        {0x2028, 0x202e},                     /* separators, embeddings */
        {0x2060, 0x206f},                     /* joiners, isolates */
        {0xfeff, 0xfeff},                     /* byte order mark */
        {0xfff9, 0xfffb},                     /* annotations */
        {0xe0000, 0xe007f},                   /* tags */
    };

    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
        if (point >= hidden[i].first && point <= hidden[i].last)
            return false;
    return true;
}

/*
 * Writes the printable form of the character at text and its length to *made;
 * returns how many bytes of text it stands for.
 */
static size_t show(const char *text, size_t len, char unit[17], size_t *made)
{
    uint32_t point = 0;
    size_t count = sp_utf8_next(text, len, &point);

    *made = 0;
    if (count > 0 && sp_shows(point)) {
        memcpy(unit, text, count);
        *made = count;
        return count;
    }
    if (count == 0)
        count = 1;
    for (size_t i = 0; i < count; i++)
        *made += (size_t)snprintf(unit + *made, 5, "\\x%02x",
                                  (unsigned)(unsigned char)text[i]);
    return count;
}

size_t sp_printable(char *dst, size_t cap, const char *text, size_t len)
{
    size_t used = 0;
    size_t cut = 0; /* the last end of a character that leaves room for "..." */
    size_t at = 0;

    while (at < len) {
        char unit[17];
        size_t made = 0;
        at += show(text + at, len - at, unit, &made);
        if (used + made >= cap) {
            memcpy(dst + cut, "...", 4);
            return cut + 3;
        }
        memcpy(dst + used, unit, made);
        used += made;
        if (used + 4 <= cap)
            cut = used;
    }
    dst[used] = '\0';
    return used;
}

/*
 * One byte more than dst holds is formatted, so that sp_printable() sees that
 * something is missing and says so.
 */
__attribute__((format(printf, 3, 0))) static size_t
print(char *dst, size_t cap, const char *format, va_list args)
{
    char raw[TEXT_ROOM + 1];
    int len = vsnprintf(raw, cap + 1, format, args);

    if (len < 0)
        raw[0] = '\0';
    return sp_printable(dst, cap, raw, strlen(raw));
}

/* text becomes "FORMAT: CAUSE"; cause may be text itself. */
__attribute__((format(printf, 2, 0))) static void
print_before(char *text, const char *format, va_list args, const char *cause)
{
    char prefix[PREFIX_ROOM];
    char whole[PREFIX_ROOM + 2 + TEXT_ROOM];

    print(prefix, sizeof(prefix), format, args);
    int len = snprintf(whole, sizeof(whole), "%s: %s", prefix, cause);
    sp_printable(text, TEXT_ROOM, whole, len < 0 ? 0 : (size_t)len);
}

static void clear(struct spull_error *err, enum spull_code code, int sys)
{
    err->code = code;
    err->sys = sys;
    err->http = 0;
    err->hint[0] = '\0';
}

enum spull_code sp_err_set(struct spull_error *err, enum spull_code code,
                           const char *format, ...)
{
    va_list args;

    if (!err)
        return code;
    clear(err, code, 0);
    va_start(args, format);
    print(err->text, TEXT_ROOM, format, args);
    va_end(args);
    return code;
}

enum spull_code sp_err_sys(struct spull_error *err, enum spull_code code,
                           int sys, const char *format, ...)
{
    char space[128];
    va_list args;

    if (!err)
        return code;
    clear(err, code, sys);
    va_start(args, format);
    print_before(err->text, format, args,
                 strerror_r(sys, space, sizeof(space)));
    va_end(args);
    return code;
}

enum spull_code sp_err_wrap(struct spull_error *err, enum spull_code code,
                            const char *format, ...)
{
    va_list args;

    if (code == SPULL_OK) {
        /* Nobody has filled err: its text can't be read. */
        code = SPULL_INTERNAL;
        sp_err_set(err, code, "a success was taken for an error");
    }
    if (!err)
        return code;
    err->code = code;
    va_start(args, format);
    print_before(err->text, format, args, err->text);
    va_end(args);
    return code;
}

bool sp_err_is_full(int sys)
{
    return sys == ENOSPC || sys == EDQUOT || sys == EFBIG;
}

void sp_err_hint(struct spull_error *err, const char *format, ...)
{
    va_list args;

    if (!err)
        return;
    va_start(args, format);
    print(err->hint, HINT_ROOM, format, args);
    va_end(args);
}
