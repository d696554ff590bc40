/* SPDX-License-Identifier: MIT */
/*
 * json_print: a document as text that a terminal may show as it is: in ASCII,
 * and laid out as cJSON does it.
 *
 * What was sent is copied, value by value, since cJSON's numbers are doubles:
 * of an integer above 2^53 it would print another one. That it is a document is
 * known; where cJSON takes more than RFC 8259 does, it is put right here.
 */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "err.h"
#include "json.h"
#include "limits.h"

#define NUMBER_MAX 512 /* longer ones are no number that anybody wrote */

struct printer {
    const char *at;
    const char *end;
    struct sp_buf out;
    enum sp_buf_result result; /* the first that was not OK */
    unsigned depth;
    bool in_object[SP_JSON_DEPTH_MAX + 1];
};

static void add(struct printer *printer, const char *bytes, size_t len)
{
    if (printer->result == SP_BUF_OK)
        printer->result = sp_buf_add(&printer->out, bytes, len);
}

static void add_line(struct printer *printer)
{
    add(printer, "\n", 1);
    for (unsigned i = 0; i < printer->depth; i++)
        add(printer, "\t", 1);
}

/* A character of a string. What is no UTF-8 is no JSON (section 8.1). */
static void add_character(struct printer *printer)
{
    uint32_t point = 0;
    size_t count =
        sp_utf8_next(printer->at, (size_t)(printer->end - printer->at), &point);

    if (count == 0)
        point = 0xfffd;
    if (point >= ' ' && point < 0x7f)
        add(printer, printer->at, 1);
    else if (printer->result == SP_BUF_OK && point < 0x10000)
        printer->result =
            sp_buf_print(&printer->out, "\\u%04x", (unsigned)point);
    else if (printer->result == SP_BUF_OK)
        printer->result = sp_buf_print(&printer->out, "\\u%04x\\u%04x",
                                       (unsigned)(0xd7c0 + (point >> 10)),
                                       (unsigned)(0xdc00 | (point & 0x3ff)));
    printer->at += count > 0 ? count : 1;
}

/* Of "\\/" and "\\u003c", what could have stood there as it is; else 0. */
static char plain_escape(const struct printer *printer, size_t *len)
{
    char digits[5] = "";
    unsigned long point = 0;

    *len = 2;
    if (printer->at[1] == '/')
        return '/';
    if (printer->at[1] != 'u' || printer->end - printer->at < 6)
        return 0;
    *len = 6;
    memcpy(digits, printer->at + 2, 4);
    point = strtoul(digits, NULL, 16);
    return point >= ' ' && point < 0x7f && point != '"' && point != '\\'
               ? (char)point
               : 0;
}

static void add_escape(struct printer *printer)
{
    size_t len = 0;
    char plain = plain_escape(printer, &len);

    if (plain != 0) {
        add(printer, &plain, 1);
        printer->at += len;
        return;
    }
    add_character(printer);
    add_character(printer);
}

static void add_string(struct printer *printer)
{
    add(printer, printer->at++, 1);
    while (printer->at < printer->end && *printer->at != '"') {
        if (*printer->at == '\\' && printer->at + 1 < printer->end)
            add_escape(printer);
        else
            add_character(printer);
    }
    add(printer, "\"", 1);
    if (printer->at < printer->end)
        printer->at++;
}

/* One that is written oddly, as "01", is written anew. */
static void add_number(struct printer *printer, size_t len)
{
    char text[NUMBER_MAX] = "";
    size_t line = 0;
    double value;

    if (sp_json_odd(printer->at, len, &line) == NULL) {
        add(printer, printer->at, len);
        return;
    }
    memcpy(text, printer->at, len < sizeof text ? len : sizeof text - 1);
    value = strtod(text, NULL);
    if (printer->result != SP_BUF_OK)
        return;
    printer->result = isfinite(value)
                          ? sp_buf_print(&printer->out, "%.17g", value)
                          : sp_buf_add_text(&printer->out, "null");
}

/* A number, or one of the three words. */
static void add_word(struct printer *printer)
{
    size_t len = 0;

    while (printer->at + len < printer->end && printer->at[len] > ' ' &&
           strchr(",:]}", printer->at[len]) == NULL)
        len++;
    if (strchr("-0123456789", *printer->at) != NULL)
        add_number(printer, len);
    else
        add(printer, printer->at, len);
    printer->at += len;
}

static void skip_blank(struct printer *printer)
{
    while (printer->at < printer->end && (unsigned char)*printer->at <= ' ')
        printer->at++;
}

static void open_level(struct printer *printer)
{
    bool is_object = *printer->at == '{';

    add(printer, printer->at++, 1);
    skip_blank(printer);
    if (printer->depth < SP_JSON_DEPTH_MAX)
        printer->in_object[++printer->depth] = is_object;
    if (is_object && printer->at < printer->end && *printer->at != '}')
        add_line(printer);
}

/* An empty one has no line of its own. */
static void close_level(struct printer *printer)
{
    const char *before = printer->out.data + printer->out.len - 1;
    bool empty = *before == '{';

    if (printer->depth > 0)
        printer->depth--;
    if (*printer->at == '}' && !empty)
        add_line(printer);
    add(printer, printer->at++, 1);
}

static void add_next(struct printer *printer)
{
    switch (*printer->at) {
    case '"':
        add_string(printer);
        break;
    case '{':
    case '[':
        open_level(printer);
        break;
    case '}':
    case ']':
        close_level(printer);
        break;
    case ':':
        add(printer, ":\t", 2);
        printer->at++;
        break;
    case ',':
        add(printer, ", ", printer->in_object[printer->depth] ? 1 : 2);
        printer->at++;
        if (printer->in_object[printer->depth])
            add_line(printer);
        break;
    default:
        add_word(printer);
    }
}

char *sp_json_print(const char *bytes, size_t len)
{
    struct printer printer = {.result = SP_BUF_OK};
    char *text = NULL;

    sp_json_strip(&bytes, &len);
    printer.at = bytes;
    printer.end = bytes + len;
    sp_buf_init(&printer.out, SIZE_MAX);
    for (skip_blank(&printer);
         printer.at < printer.end && printer.result == SP_BUF_OK;
         skip_blank(&printer))
        add_next(&printer);
    if (printer.result == SP_BUF_OK)
        text = sp_buf_take(&printer.out);
    sp_buf_done(&printer.out);
    return text;
}

char *sp_json_ascii(const cJSON *root)
{
    char *json = cJSON_Print(root);
    char *text = json == NULL ? NULL : sp_json_print(json, strlen(json));

    cJSON_free(json);
    return text;
}
