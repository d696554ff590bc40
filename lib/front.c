/* SPDX-License-Identifier: MIT */
/*
 * front: line by line. A line is a key of the page, a key of a layer, or
 * something below a key that nobody needs. The generator's template puts values
 * into JSON as they are, so what would break it is refused; what is left needs
 * no unescaping, and a value is a slice of the page.
 */
#include "front.h"

#include <string.h>

#include "err.h"
#include "limits.h"

/* A size has no more digits than 2^53 - 1. */
#define SIZE_DIGITS_MAX 16

/* Bytes of the page. at is NULL where the key was not there. */
struct slice {
    const char *at;
    size_t len;
};

/* The keys that count: of the page itself, or of one layer. */
struct part {
    struct slice size;
    struct slice digest;
    struct slice url;
};

struct reader {
    struct slice rest; /* lines that are still to be read */
    unsigned number;   /* of the line that was read last */
    struct sp_buf *out;
    struct spull_error *err;
    struct part page;
    struct part layer;
    size_t layers;      /* that were begun */
    bool layers_known;  /* the key was there */
    bool in_layers;     /* the list has not ended */
    size_t dash_indent; /* of the list's items */
    size_t key_indent;  /* of the keys in the item */
    bool skipping;      /* what is below a key that nobody needs */
    size_t skip_indent; /* of that key */
};

static enum spull_code refuse(const struct reader *reader, const char *why)
{
    sp_err_set(reader->err, SPULL_INTEGRITY, "front matter, line %u: %s",
               reader->number, why);
    return SPULL_INTEGRITY;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct slice trim(struct slice text)
{
    while (text.len > 0 && is_blank(text.at[0])) {
        text.at++;
        text.len--;
    }
    while (text.len > 0 && is_blank(text.at[text.len - 1]))
        text.len--;
    return text;
}

static bool is(struct slice text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.at, word, text.len) == 0;
}

/* Takes a line, without what blanks are behind it. false: there is none. */
static bool next_line(struct reader *reader, struct slice *line)
{
    struct slice *rest = &reader->rest;

    if (rest->len == 0)
        return false;
    const char *end = memchr(rest->at, '\n', rest->len);
    size_t len = end != NULL ? (size_t)(end - rest->at) : rest->len;
    size_t used = end != NULL ? len + 1 : len;
    *line = (struct slice){rest->at, len};
    while (line->len > 0 && is_blank(line->at[line->len - 1]))
        line->len--;
    rest->at += used;
    rest->len -= used;
    reader->number++;
    return true;
}

static void skip_mark(struct slice *page)
{
    if (page->len >= 3 && memcmp(page->at, "\xef\xbb\xbf", 3) == 0) {
        page->at += 3;
        page->len -= 3;
    }
}

bool sp_front_look(const char *bytes, size_t len)
{
    struct reader reader = {.rest = {bytes, len}};
    struct slice line = {NULL, 0};

    skip_mark(&reader.rest);
    return next_line(&reader, &line) && is(line, "---");
}

/* "KEY: VALUE", or "KEY:" alone. */
static bool split(struct slice line, struct slice *key, struct slice *value)
{
    for (size_t i = 0; i < line.len; i++) {
        if (line.at[i] != ':')
            continue;
        if (i + 1 < line.len && !is_blank(line.at[i + 1]))
            continue;
        *key = trim((struct slice){line.at, i});
        *value = trim((struct slice){line.at + i + 1, line.len - i - 1});
        return key->len > 0;
    }
    return false;
}

/* Takes a comment off: what follows a blank and "#". */
static struct slice without_comment(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] == '#' && (i == 0 || is_blank(text.at[i - 1])))
            text.len = i;
    return trim(text);
}

static bool breaks_json(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] == '"' || text.at[i] == '\\' ||
            (unsigned char)text.at[i] < ' ')
            return true;
    return false;
}

/* A scalar that is plain, or quoted without any escape in it. */
static enum spull_code read_scalar(const struct reader *reader,
                                   struct slice text, struct slice *out)
{
    if (text.len > 0 && (text.at[0] == '"' || text.at[0] == '\'')) {
        const char *end = memchr(text.at + 1, text.at[0], text.len - 1);
        if (end == NULL)
            return refuse(reader, "a quote that does not end");
        struct slice rest = {end + 1, (size_t)(text.at + text.len - end - 1)};
        if (without_comment(rest).len > 0)
            return refuse(reader, "more text behind a quote");
        text = (struct slice){text.at + 1, (size_t)(end - text.at - 1)};
    } else {
        text = without_comment(text);
        if (text.len > 0 && strchr("&*!|>%@`{}[],?", text.at[0]) != NULL)
            return refuse(reader, "a value that is neither plain nor quoted");
    }
    if (breaks_json(text))
        return refuse(reader, "a value that would break the page's JSON");
    *out = text;
    return SPULL_OK;
}

static enum spull_code take_size(const struct reader *reader,
                                 struct slice value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] < '0' || value.at[i] > '9')
            return refuse(reader, "its size is no number");
    if (value.len == 0 || value.len > SIZE_DIGITS_MAX ||
        (value.len > 1 && value.at[0] == '0'))
        return refuse(reader, "its size is no number");
    return SPULL_OK;
}

/* A key of the page, or of a layer. */
static enum spull_code take_key(struct reader *reader, struct part *part,
                                struct slice key, struct slice value)
{
    bool in_layer = part == &reader->layer;
    struct slice *to = is(key, "size")              ? &part->size
                       : is(key, "digest")          ? &part->digest
                       : in_layer && is(key, "url") ? &part->url
                                                    : NULL;

    if (to == NULL) {
        reader->skipping = true;
        reader->skip_indent = in_layer ? reader->key_indent : 0;
        return SPULL_OK;
    }
    if (to->at != NULL)
        return refuse(reader, "a key for the second time");
    enum spull_code code = read_scalar(reader, value, to);
    if (code == SPULL_OK && to == &part->size)
        code = take_size(reader, *to);
    return code;
}

static enum spull_code take_layers(struct reader *reader, struct slice value)
{
    value = without_comment(value);
    if (reader->layers_known)
        return refuse(reader, "a key for the second time");
    if (value.len > 0 && !is(value, "[]"))
        return refuse(reader, "\"layers\" is not a list of lines");
    reader->layers_known = true;
    reader->in_layers = value.len == 0;
    return SPULL_OK;
}

static enum spull_code add(const struct reader *reader,
                           enum sp_buf_result result)
{
    if (result == SP_BUF_NOMEM)
        return sp_err_nomem(reader->err);
    return result == SP_BUF_OK ? SPULL_OK : refuse(reader, "too long");
}

/* The layer that was read, as the template writes it. */
static enum spull_code end_layer(struct reader *reader)
{
    const struct part *layer = &reader->layer;

    if (reader->layers == 0)
        return SPULL_OK;
    if (layer->size.at == NULL)
        return refuse(reader, "a layer without size ends here");
    enum spull_code code =
        add(reader,
            sp_buf_print(reader->out,
                         "%s{\"size\": %.*s, \"digest\": \"%.*s\", "
                         "\"urls\": [\"%.*s\"]}",
                         reader->layers > 1 ? ", " : "", (int)layer->size.len,
                         layer->size.at, (int)layer->digest.len,
                         layer->digest.at != NULL ? layer->digest.at : "",
                         (int)layer->url.len,
                         layer->url.at != NULL ? layer->url.at : ""));
    memset(&reader->layer, 0, sizeof reader->layer);
    return code;
}

/* line starts with the hyphen of a list's item. */
static enum spull_code take_item(struct reader *reader, struct slice line,
                                 size_t indent)
{
    struct slice inner = trim((struct slice){line.at + 1, line.len - 1});
    struct slice key;
    struct slice value;

    if (reader->layers > 0 && indent != reader->dash_indent)
        return refuse(reader, "a list with two indentations");
    enum spull_code code = end_layer(reader);
    if (code != SPULL_OK)
        return code;
    reader->layers++;
    reader->dash_indent = indent;
    reader->key_indent = indent + (size_t)(inner.at - line.at);
    if (!split(inner, &key, &value))
        return refuse(reader, "not of the form KEY: VALUE");
    return take_key(reader, &reader->layer, key, value);
}

static enum spull_code take_pair(struct reader *reader, struct slice line,
                                 size_t indent)
{
    bool in_layer =
        reader->in_layers && reader->layers > 0 && indent == reader->key_indent;
    struct slice key;
    struct slice value;

    if (!split(line, &key, &value))
        return refuse(reader, "not of the form KEY: VALUE");
    if (in_layer)
        return take_key(reader, &reader->layer, key, value);
    if (indent > 0)
        return refuse(reader, "an indentation that belongs to no key");
    reader->in_layers = false;
    if (is(key, "layers"))
        return take_layers(reader, value);
    return take_key(reader, &reader->page, key, value);
}

static enum spull_code take_line(struct reader *reader, struct slice line)
{
    size_t indent = 0;

    while (indent < line.len && line.at[indent] == ' ')
        indent++;
    line.at += indent;
    line.len -= indent;
    if (line.len == 0 || line.at[0] == '#')
        return SPULL_OK;
    bool item = line.at[0] == '-' && (line.len == 1 || is_blank(line.at[1]));
    if (reader->skipping && (indent > reader->skip_indent ||
                             (item && indent == reader->skip_indent)))
        return SPULL_OK;
    reader->skipping = false;
    if (line.at[0] == '\t')
        return refuse(reader, "a tab as indentation");
    if (item && reader->in_layers)
        return take_item(reader, line, indent);
    return take_pair(reader, line, indent);
}

static enum spull_code begin(struct reader *reader)
{
    struct slice line = {NULL, 0};

    skip_mark(&reader->rest);
    if (!next_line(reader, &line) || !is(line, "---"))
        return sp_err_set(reader->err, SPULL_INTEGRITY,
                          "there is no front matter: no line \"---\" at its "
                          "start");
    return add(reader, sp_buf_add_text(reader->out,
                                       "{\"schemaVersion\": 2, \"layers\": ["));
}

static enum spull_code finish(struct reader *reader)
{
    const struct part *page = &reader->page;
    enum spull_code code = end_layer(reader);

    if (code != SPULL_OK)
        return code;
    if (page->size.at == NULL)
        return sp_err_set(
            reader->err, SPULL_INTEGRITY,
            "front matter: it has no \"size\", and the page would "
            "be no JSON");
    return add(reader,
               sp_buf_print(reader->out,
                            "], \"config\": {\"size\": %.*s, "
                            "\"digest\": \"%.*s\"}}",
                            (int)page->size.len, page->size.at,
                            (int)page->digest.len,
                            page->digest.at != NULL ? page->digest.at : ""));
}

enum spull_code sp_front_render(const char *bytes, size_t len,
                                struct sp_buf *out, struct spull_error *err)
{
    struct reader reader = {.rest = {bytes, len}, .out = out, .err = err};
    struct slice line = {NULL, 0};
    enum spull_code code = begin(&reader);

    while (code == SPULL_OK) {
        if (!next_line(&reader, &line))
            return refuse(&reader, "it ends without a line \"---\"");
        if (is(line, "---") || is(line, "..."))
            return finish(&reader);
        code = take_line(&reader, line);
    }
    return code;
}
