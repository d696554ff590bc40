/* SPDX-License-Identifier: MIT */
/*
 * fail: fills a struct spull_error with what went wrong on this side of
 * <spull.h>.
 *
 * The counterpart of the library's own room for errors, which is not public.
 */
#include "fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

#define RAW_MAX 2048

/* Words of the user, references among them, end on screens and in logs. */
static void show(char *dst, size_t cap, char raw[RAW_MAX])
{
    text_hide_refs(raw, RAW_MAX);
    text_printable(dst, cap, raw);
}

enum spull_code fail_set(struct spull_error *err, enum spull_code code,
                         const char *format, ...)
{
    char raw[RAW_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    memset(err, 0, sizeof *err);
    err->code = code;
    show(err->text, sizeof err->text, raw);
    return code;
}

enum spull_code fail_wrap(struct spull_error *err, const char *format, ...)
{
    char raw[RAW_MAX], why[sizeof err->text];
    struct text text;
    va_list args;

    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    memcpy(why, err->text, sizeof why);
    show(err->text, sizeof err->text, raw);
    text = (struct text){err->text, sizeof err->text, strlen(err->text)};
    text_add(&text, ": %s", why);
    return err->code;
}

void fail_hint(struct spull_error *err, const char *format, ...)
{
    char raw[RAW_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    show(err->hint, sizeof err->hint, raw);
}

enum spull_code fail_nomem(struct spull_error *err)
{
    return fail_set(err, SPULL_INTERNAL, "out of memory");
}
