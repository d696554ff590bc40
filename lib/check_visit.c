/* SPDX-License-Identifier: MIT */
/*
 * check_visit: one look at a list or a tag, in whatever thread; and what the
 * caller's callback gets to see of many of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_internal.h"

static void copy_shown(struct spull_progress *to, char *ref, char *note,
                       const struct spull_progress *now)
{
    *to = *now;
    snprintf(ref, SP_REF_MAX, "%s", now->ref);
    snprintf(note, SP_CHECK_NOTE, "%s", now->note);
    to->ref = ref;
    to->note = note;
}

void sp_visit_show(struct sp_visit *visit)
{
    struct sp_checking *check = visit->check;

    pthread_mutex_lock(&check->showing);
    copy_shown(&check->watch.now, check->ref, check->note, &visit->shown);
    pthread_mutex_unlock(&check->showing);
}

bool sp_visit_is_busy(struct sp_visit *visit)
{
    struct sp_checking *check = visit->check;
    enum spull_phase phase = SPULL_RESOLVING;

    pthread_mutex_lock(&check->showing);
    phase = visit->shown.phase;
    pthread_mutex_unlock(&check->showing);
    return phase == SPULL_CHECKING || phase == SPULL_UNPACKING;
}

/* What a visit's own watch tells. The callback is for the caller's thread. */
static int on_progress(void *payload, const struct spull_progress *now)
{
    struct sp_visit *visit = payload;
    struct sp_checking *check = visit->check;

    pthread_mutex_lock(&check->showing);
    copy_shown(&visit->shown, visit->ref, visit->note, now);
    pthread_mutex_unlock(&check->showing);
    if (pthread_equal(pthread_self(), check->caller)) {
        sp_visit_show(visit);
        if (sp_watch_tick(&check->watch, NULL) == SPULL_CANCELLED)
            return 1;
    }
    return atomic_load(&check->stopped) || atomic_load(&visit->container->over);
}

struct sp_visit *sp_visit_new(struct sp_checking *check,
                              struct sp_container *container, size_t number)
{
    struct sp_visit *visit = calloc(1, sizeof *visit);

    if (visit == NULL)
        return NULL;
    visit->check = check;
    visit->container = container;
    visit->number = number;
    sp_watch_init(&visit->watch, check->ctx, "");
    visit->watch.tell = on_progress;
    visit->watch.payload = visit;
    visit->watch.start_ms = check->watch.start_ms;
    copy_shown(&visit->shown, visit->ref, visit->note, &visit->watch.now);
    sp_notes_init(&visit->notes);
    return visit;
}

void sp_visit_free(struct sp_visit *visit)
{
    if (visit == NULL)
        return;
    sp_notes_done(&visit->notes);
    free(visit);
}

void sp_visit_work(struct sp_visit *visit)
{
    bool on_disk = visit->check->tree.root != NULL;
    struct spull_error *err = &visit->err;

    if (visit->number == 0)
        visit->code =
            on_disk ? sp_disk_open(visit, err) : sp_site_open(visit, err);
    else if (on_disk)
        visit->code = sp_disk_tag(visit, visit->number - 1, err);
    else
        visit->code = sp_site_tag(visit, visit->number - 1, err);
}

struct sp_container *sp_container_new(const char *name, const char *tag)
{
    struct sp_container *container = calloc(1, sizeof *container);

    if (container == NULL)
        return NULL;
    container->end = &container->first;
    sp_notes_init(&container->before);
    if (name != NULL)
        container->name = strdup(name);
    if (tag != NULL)
        container->tag = strdup(tag);
    if ((name == NULL || container->name != NULL) &&
        (tag == NULL || container->tag != NULL))
        return container;
    sp_container_free(container);
    return NULL;
}

void sp_container_free(struct sp_container *container)
{
    if (container == NULL)
        return;
    while (container->first != NULL) {
        struct sp_visit *visit = container->first;
        container->first = visit->next;
        sp_visit_free(visit);
    }
    sp_notes_done(&container->before);
    sp_tree_names_done(&container->names);
    sp_index_done(&container->listed);
    sp_tags_done(&container->tags);
    free(container->list_place);
    free(container->name);
    free(container->tag);
    free(container);
}
