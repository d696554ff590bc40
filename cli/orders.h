/* SPDX-License-Identifier: MIT */
/*
 * orders: the images that a mirror is asked for.
 *
 * Settled before anything is downloaded: what each reference is called in the
 * tree, and that no two of them are called the same. Who knows the tags of a
 * container, and who mirrors, is not known here.
 */
#ifndef ORDERS_H
#define ORDERS_H

#include <stddef.h>

#include <spull.h>

#include "list.h"

/* One image. */
struct order {
    struct list_line line; /* where it was asked for; its ref is ours */
    char *file;            /* that is the image; NULL: from a registry */
    char *name;            /* COLLECTION/NAME:TAG, as in the tree */
    size_t number;         /* in the order of the call */
};

/* Starts as zeros. */
struct orders {
    struct order *list;
    size_t count;
    size_t room;
    size_t twice; /* left out, since they are there before */
};

/* Appends the reference of a line, or one of its tags. SPULL_USAGE: it is no
 * reference; INTERNAL. */
enum spull_code orders_add(struct orders *orders, const struct list_line *line,
                           const char *tag, struct spull_error *err);

/* Appends text, REF=FILE. SPULL_USAGE: it is none; INTERNAL. */
enum spull_code orders_add_file(struct orders *orders, const char *text,
                                struct spull_error *err);

/* Drops what is there twice. SPULL_USAGE: two images would have one name. */
enum spull_code orders_settle(struct orders *orders, struct spull_error *err);

void orders_done(struct orders *orders);

#endif
