/* SPDX-License-Identifier: MIT */
/*
 * orders: the images that a mirror is asked for.
 *
 * What a reference may look like, the library says; how it is cut, spelling.
 */
#include "orders.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bar.h"
#include "fail.h"
#include "spelling.h"

static void order_done(struct order *order)
{
    free((void *)(uintptr_t)order->line.ref);
    free(order->file);
    free(order->name);
}

void orders_done(struct orders *orders)
{
    for (size_t i = 0; i < orders->count; i++)
        order_done(&orders->list[i]);
    free(orders->list);
}

static char *with_tag(const char *ref, size_t len, const char *tag)
{
    size_t room = len + strlen(tag) + 2;
    char *text = malloc(room);

    if (text != NULL)
        snprintf(text, room, "%.*s:%s", (int)len, ref, tag);
    return text;
}

/* Without registry and pin, and with a tag. */
static char *name_of(const char *ref)
{
    size_t len;
    const char *start = bar_name(ref, &len);
    char *name = strndup(start, len);
    char *whole = name != NULL ? spelling_whole(name) : NULL;

    free(name);
    return whole;
}

static bool make_room(struct orders *orders)
{
    size_t room = orders->room > 0 ? 2 * orders->room : 64;
    struct order *list;

    if (orders->count < orders->room)
        return true;
    list = realloc(orders->list, room * sizeof *list);
    if (list == NULL)
        return false;
    orders->list = list;
    orders->room = room;
    return true;
}

/* The library knows the grammar; what it would call a file is not needed. */
static enum spull_code check(const char *ref, struct spull_error *err)
{
    char *path = NULL;
    enum spull_code code = spull_destination(ref, NULL, &path, err);

    free(path);
    return code;
}

/* Takes line's ref and file, in any case. */
static enum spull_code append(struct orders *orders,
                              const struct list_line *line, char *file,
                              struct spull_error *err)
{
    struct order order = {.line = *line};
    enum spull_code code = SPULL_OK;

    order.file = file;
    if (line->ref == NULL || !make_room(orders))
        code = fail_nomem(err);
    else
        code = check(line->ref, err);
    if (code == SPULL_OK) {
        order.name = name_of(line->ref);
        order.number = orders->count;
        if (order.name == NULL)
            code = fail_nomem(err);
    }
    if (code == SPULL_OK)
        orders->list[orders->count++] = order;
    else
        order_done(&order);
    return code;
}

enum spull_code orders_add(struct orders *orders, const struct list_line *line,
                           const char *tag, struct spull_error *err)
{
    struct list_line copy = *line;

    copy.ref = tag == NULL ? strdup(line->ref)
                           : with_tag(line->ref, strlen(line->ref), tag);
    return append(orders, &copy, NULL, err);
}

/* No reference has a "=". */
enum spull_code orders_add_file(struct orders *orders, const char *text,
                                struct spull_error *err)
{
    const char *equals = strchr(text, '=');
    struct list_line line = {.ref = NULL};
    char *file;

    if (equals == NULL || equals == text || equals[1] == '\0') {
        fail_set(err, SPULL_USAGE, "--add: '%s' is not REF=FILE", text);
        fail_hint(err, "as in --add lab/solver:2.1=solver.sif");
        return SPULL_USAGE;
    }
    file = strdup(equals + 1);
    if (file == NULL)
        return fail_nomem(err);
    line.ref = strndup(text, (size_t)(equals - text));
    return append(orders, &line, file, err);
}

/* --- what is there twice -------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const struct order *one = a, *other = b;
    int order = strcmp(one->name, other->name);

    if (order == 0)
        order = one->number < other->number ? -1 : 1;
    return order;
}

static int by_number(const void *a, const void *b)
{
    const struct order *one = a, *other = b;

    return one->number < other->number ? -1 : 1;
}

static bool is_same(const struct order *a, const struct order *b)
{
    const char *one = a->file != NULL ? a->file : "";
    const char *other = b->file != NULL ? b->file : "";

    return strcmp(one, other) == 0 &&
           spelling_is_same(a->line.ref, b->line.ref);
}

static enum spull_code collide(const struct order *one,
                               const struct order *other,
                               struct spull_error *err)
{
    fail_set(err, SPULL_USAGE, "%s%s%s and %s%s%s: both would be %s",
             one->line.ref, one->file != NULL ? "=" : "",
             one->file != NULL ? one->file : "", other->line.ref,
             other->file != NULL ? "=" : "",
             other->file != NULL ? other->file : "", one->name);
    if (other->line.file != NULL)
        fail_wrap(err, "%s:%u", other->line.file, other->line.number);
    fail_hint(err,
              "leave one of them out, or mirror them into two directories");
    return SPULL_USAGE;
}

enum spull_code orders_settle(struct orders *orders, struct spull_error *err)
{
    struct order *last = orders->list;

    if (orders->count == 0)
        return SPULL_OK;
    qsort(orders->list, orders->count, sizeof *orders->list, by_name);
    for (size_t i = 1; i < orders->count; i++) {
        struct order *order = &orders->list[i];
        struct order moved = *order;

        if (strcmp(last->name, order->name) != 0) {
            *order = (struct order){0};
            *++last = moved;
            continue;
        }
        if (!is_same(last, order))
            return collide(last, order, err);
        order_done(order);
        *order = (struct order){0};
        orders->twice++;
    }
    orders->count -= orders->twice;
    qsort(orders->list, orders->count, sizeof *orders->list, by_number);
    return SPULL_OK;
}
