/* SPDX-License-Identifier: MIT */
/*
 * spull resolve: references to their pinned form,
 * COLLECTION/NAME:TAG@sha256:HEX, and lists of them to lists that are pinned.
 *
 * A pin is worth as much as its digest, so a manifest that states no sha256
 * has no pinned form here, whatever --allow-md5 says elsewhere. What is printed
 * has the order of the list, and its comments.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "fail.h"
#include "list.h"
#include "out.h"
#include "pool.h"
#include "result.h"
#include "say.h"
#include "settings.h"
#include "spelling.h"
#include "text.h"

/* A line of the list. */
struct item {
    struct result result; /* of the first with a reference; for all of them */
    enum spull_code code;
    size_t first; /* line with the same reference */
    size_t last;  /* of them, where this is the first */
};

struct batch {
    const struct cmd_call *call;
    struct spull *session;
    struct list list;
    struct item *items;
};

static enum spull_code print_json(const char *ref,
                                  const struct spull_manifest *manifest,
                                  struct spull_error *err)
{
    struct out_object *object = out_object_new();

    out_ref(object, "reference", ref);
    out_text(object, "state", "resolved");
    out_ref(object, "pinned", manifest->pinned);
    out_digest(object, manifest->digest);
    out_count(object, "size", manifest->size);
    out_text(object, "url", manifest->url);
    out_list(object, "urls", manifest->urls, manifest->url_count);
    return out_object_end(object, err);
}

static enum spull_code no_pin(const struct spull_manifest *manifest,
                              struct spull_error *err)
{
    fail_set(err, SPULL_INTEGRITY,
             "%s: can't be pinned: its manifest states no sha256 but %s",
             manifest->url, manifest->digest);
    fail_hint(err, "the registry's owner can state one");
    return SPULL_INTEGRITY;
}

static enum spull_code resolve(void *payload, unsigned slot, size_t item)
{
    struct batch *batch = payload;
    const char *ref = batch->list.lines[item].ref;
    struct result *result = &batch->items[item].result;
    struct spull_error err;
    enum spull_code code = SPULL_OK;

    (void)slot;
    if (ref == NULL || batch->items[item].first != item)
        return SPULL_OK;
    code = spull_manifest_get(batch->session, ref, &result->manifest, &err);
    if (code == SPULL_OK && result->manifest->pinned == NULL)
        code = no_pin(result->manifest, &err);
    batch->items[item].code = code;
    return result_keep(result, code, &err);
}

/* A line of the list, with what stands for its reference now. Such lists are
 * shared, so no password goes into them. */
static enum spull_code print_line(const struct list_line *line,
                                  const char *before, const char *ref,
                                  struct spull_error *err)
{
    const char *comment = line->comment != NULL ? line->comment : "";
    const char *gap = ref[0] != '\0' && comment[0] != '\0' ? " " : "";
    size_t room = strlen(before) + strlen(ref) + strlen(comment) + 2;
    char *text = malloc(room), *shown = text_public(ref);
    enum spull_code code;

    if (text != NULL && shown != NULL) {
        snprintf(text, room, "%s%s%s%s", before, shown, gap, comment);
        code = out_line(text, err);
    } else {
        code = fail_nomem(err);
    }
    free(shown);
    free(text);
    return code;
}

/*
 * A line of a list that failed must not be missed in what was made of it: it
 * stays as a comment. An operand's place is known to nobody.
 */
static enum spull_code print_failure(const struct list_line *line, bool json,
                                     struct spull_error *err)
{
    if (json || line->file == NULL)
        return SPULL_OK;
    return print_line(line, "# not resolved: ", line->ref, err);
}

static enum spull_code print_result(const struct list_line *line, bool json,
                                    const struct spull_manifest *manifest,
                                    struct spull_error *err)
{
    if (json)
        return manifest != NULL ? print_json(line->ref, manifest, err)
                                : SPULL_OK;
    return print_line(line, "", manifest != NULL ? manifest->pinned : "", err);
}

/* In the order of the list: what is there again has its result by then. */
static enum spull_code tell_result(void *payload, size_t item,
                                   enum spull_code code)
{
    const struct batch *batch = payload;
    const struct list_line *line = &batch->list.lines[item];
    struct item *first = &batch->items[batch->items[item].first];
    struct result *result = &first->result;
    bool json = batch->call->common->json;
    struct spull_error err = {0};
    enum spull_code lost;

    if (code == SPULL_OK)
        code = first->code;
    if (code != SPULL_OK) {
        result_report(batch->call, line, NULL, result);
        lost = print_failure(line, json, &err);
    } else {
        lost = print_result(line, json, result->manifest, &err);
    }
    result_printed(batch->session, lost, &err);
    if (first->last == item)
        result_done(result);
    return lost != SPULL_OK && (code == SPULL_OK || lost == SPULL_CANCELLED)
               ? lost
               : code;
}

/* --- what is there twice -------------------------------------------------- */

struct place {
    char *ref; /* spelled out */
    size_t number;
};

static int by_reference(const void *a, const void *b)
{
    const struct place *one = a, *other = b;
    int order = strcmp(one->ref, other->ref);

    if (order == 0)
        order = one->number < other->number ? -1 : 1;
    return order;
}

/* Those with one reference are side by side. */
static void join(struct item *items, const struct place *places, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct item *item = &items[places[i].number];
        const struct place *before = &places[i - 1];

        if (strcmp(before->ref, places[i].ref) != 0)
            continue;
        item->first = items[before->number].first;
        items[item->first].last = places[i].number;
    }
}

/* Each reference is asked for once, however often it is there. */
static enum spull_code find_twice(struct batch *batch, struct spull_error *err)
{
    const struct list *list = &batch->list;
    struct place *places = calloc(list->count + 1, sizeof *places);
    bool whole = places != NULL;
    size_t count = 0;

    for (size_t i = 0; whole && i < list->count; i++) {
        batch->items[i].first = batch->items[i].last = i;
        if (list->lines[i].ref == NULL)
            continue;
        places[count] = (struct place){spelling_whole(list->lines[i].ref), i};
        whole = places[count++].ref != NULL;
    }
    if (whole) {
        qsort(places, count, sizeof *places, by_reference);
        join(batch->items, places, count);
    }
    while (count > 0)
        free(places[--count].ref);
    free(places);
    return whole ? SPULL_OK : fail_nomem(err);
}

/* --- all of them ---------------------------------------------------------- */

static enum spull_code resolve_all(struct batch *batch, struct spull_error *err)
{
    struct pool pool = {.count = batch->list.count,
                        .jobs = batch->call->rc->set.jobs,
                        .payload = batch,
                        .work = resolve,
                        .settle = tell_result};
    enum spull_code code = SPULL_OK;

    batch->items = calloc(batch->list.count + 1, sizeof *batch->items);
    code = batch->items == NULL ? fail_nomem(err) : find_twice(batch, err);
    if (code == SPULL_OK)
        return pool_run(&pool);
    say_error(err, NULL);
    return code;
}

static enum spull_code run(const struct cmd_call *call)
{
    struct batch batch = {.call = call};
    struct spull_error err;
    enum spull_code code = cmd_list(call, 0, &batch.list, &err);

    if (code == SPULL_OK)
        code = cmd_open(call, NULL, &batch.session, &err);
    if (code == SPULL_OK)
        code = resolve_all(&batch, &err);
    else if (code != SPULL_CANCELLED)
        say_error(&err, NULL);
    cmd_close(batch.session);
    for (size_t i = 0; batch.items != NULL && i < batch.list.count; i++)
        result_done(&batch.items[i].result);
    free(batch.items);
    list_done(&batch.list);
    return code;
}

const struct cmd cmd_resolve = {
    .name = "resolve",
    .operands = "REF...",
    .summary = "print references pinned: COLLECTION/NAME:TAG@sha256:HEX",
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .lists = true,
    .settings = true,
    .tables = {&cmd_list_table, &settings_list, &settings_session,
               &cmd_json_table, &cmd_common_table},
    .run = run,
};
