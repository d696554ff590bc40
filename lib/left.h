/* SPDX-License-Identifier: MIT */
/*
 * left: of which blobs something was left in a directory when this session last
 * looked through it.
 *
 * So that a list of ten thousand images into one directory does not read it ten
 * thousand times. What it says was true a moment ago; who has reason to think
 * that it no longer is looks again. It looks at no directory itself.
 */
#ifndef SP_LEFT_H
#define SP_LEFT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "limits.h"

#define SP_LEFT_LABEL 33 /* with its NUL */

/* One directory. */
struct sp_left_folder {
    dev_t device;
    ino_t inode;
    uint64_t at_ms; /* when it was looked through; 0: this is none */
    char (*labels)[SP_LEFT_LABEL];
    size_t count;
    bool many; /* too many to keep in mind: any may be there */
};

struct sp_left {
    pthread_mutex_t lock; /* any thread may call */
    struct sp_left_folder folders[SP_LEFT_FOLDERS_MAX];
    size_t next; /* the place that is taken next */
};

void sp_left_init(struct sp_left *left);
void sp_left_done(struct sp_left *left);

/* Was this directory looked through not long before now, with nothing of that
 * label in it? */
bool sp_left_none(struct sp_left *left, const struct stat *folder,
                  const char *label, uint64_t now_ms);

/* Starts a look through a directory, at that time. */
struct sp_left_folder sp_left_begin(const struct stat *folder, uint64_t now_ms);

/* Takes note of a label that is there; only the first characters count. */
void sp_left_add(struct sp_left_folder *folder, const char *label);

/* The look is over: it replaces the last one, and *folder is gone. */
void sp_left_end(struct sp_left *left, struct sp_left_folder *folder);

/* Forgets all: something was left that no look has seen. */
void sp_left_forget(struct sp_left *left);

#endif
