/* SPDX-License-Identifier: MIT */
/*
 * json_numbers: the numbers of a parsed document as they were sent.
 *
 * cJSON's are doubles, which an integer above 2^53 does not survive. Text and
 * tree have the same order, so the next number in the one is the next in the
 * other.
 */
#include <stdbool.h>
#include <string.h>

#include "json.h"
#include "limits.h"

/* The number that comes next in a text. */
struct scan {
    const char *at;
    const char *end;
    size_t len; /* of it */
};

static void skip_string(struct scan *scan)
{
    for (scan->at++; scan->at < scan->end && *scan->at != '"'; scan->at++)
        if (*scan->at == '\\')
            scan->at++;
    scan->at++;
}

static bool next_number(struct scan *scan)
{
    scan->at += scan->len;
    scan->len = 0;
    while (scan->at < scan->end && !strchr("-0123456789", *scan->at)) {
        if (*scan->at == '"')
            skip_string(scan);
        else
            scan->at++;
    }
    while (scan->at + scan->len < scan->end &&
           strchr("+-.0123456789eE", scan->at[scan->len]))
        scan->len++;
    return scan->len > 0;
}

/* The one that follows item, in the order of the text. */
static cJSON *next_item(cJSON *item, cJSON **above, size_t *depth)
{
    if (item->child != NULL && *depth <= SP_JSON_DEPTH_MAX) {
        above[(*depth)++] = item;
        return item->child;
    }
    while (*depth > 0 && item->next == NULL)
        item = above[--*depth];
    return *depth > 0 ? item->next : NULL;
}

static bool keep(cJSON *item, const struct scan *scan)
{
    char *text = cJSON_malloc(scan->len + 1);

    if (text == NULL)
        return false;
    memcpy(text, scan->at, scan->len);
    text[scan->len] = '\0';
    item->valuestring = text;
    item->type = cJSON_Raw;
    return true;
}

bool sp_json_keep_numbers(cJSON *root, const char *bytes, size_t len)
{
    cJSON *above[SP_JSON_DEPTH_MAX + 1];
    struct scan scan = {bytes, bytes + len, 0};
    size_t depth = 0;

    for (cJSON *item = root; item != NULL;
         item = next_item(item, above, &depth))
        if (cJSON_IsNumber(item) && (!next_number(&scan) || !keep(item, &scan)))
            return false;
    return true;
}
