/* SPDX-License-Identifier: MIT */
/*
 * left: a ring of directories, each with a list of labels, which is short: what
 * an earlier run was about when it ended. A miss costs a look.
 */
#include "left.h"

#include <stdlib.h>
#include <string.h>

static void drop(struct sp_left_folder *folder)
{
    free(folder->labels);
    memset(folder, 0, sizeof *folder);
}

void sp_left_init(struct sp_left *left)
{
    memset(left, 0, sizeof *left);
    pthread_mutex_init(&left->lock, NULL);
}

static void drop_all(struct sp_left *left)
{
    for (size_t i = 0; i < SP_LEFT_FOLDERS_MAX; i++)
        drop(&left->folders[i]);
}

void sp_left_done(struct sp_left *left)
{
    drop_all(left);
    pthread_mutex_destroy(&left->lock);
}

void sp_left_forget(struct sp_left *left)
{
    pthread_mutex_lock(&left->lock);
    drop_all(left);
    pthread_mutex_unlock(&left->lock);
}

static struct sp_left_folder *find(struct sp_left *left, dev_t device,
                                   ino_t inode)
{
    for (size_t i = 0; i < SP_LEFT_FOLDERS_MAX; i++)
        if (left->folders[i].at_ms > 0 && left->folders[i].inode == inode &&
            left->folders[i].device == device)
            return &left->folders[i];
    return NULL;
}

static bool has(const struct sp_left_folder *folder, const char *label)
{
    for (size_t i = 0; i < folder->count; i++)
        if (strncmp(folder->labels[i], label, SP_LEFT_LABEL - 1) == 0)
            return true;
    return folder->many;
}

bool sp_left_none(struct sp_left *left, const struct stat *folder,
                  const char *label, uint64_t now_ms)
{
    const struct sp_left_folder *last = NULL;
    bool none = false;

    pthread_mutex_lock(&left->lock);
    last = find(left, folder->st_dev, folder->st_ino);
    none =
        last != NULL && now_ms - last->at_ms < SP_LEFT_MS && !has(last, label);
    pthread_mutex_unlock(&left->lock);
    return none;
}

struct sp_left_folder sp_left_begin(const struct stat *folder, uint64_t now_ms)
{
    return (struct sp_left_folder){.device = folder->st_dev,
                                   .inode = folder->st_ino,
                                   .at_ms = now_ms > 0 ? now_ms : 1};
}

void sp_left_add(struct sp_left_folder *folder, const char *label)
{
    if (has(folder, label))
        return;
    if (folder->labels == NULL)
        folder->labels = calloc(SP_LEFT_LABELS_MAX, SP_LEFT_LABEL);
    if (folder->labels == NULL || folder->count == SP_LEFT_LABELS_MAX) {
        folder->many = true;
        return;
    }
    strncat(folder->labels[folder->count++], label, SP_LEFT_LABEL - 1);
}

void sp_left_end(struct sp_left *left, struct sp_left_folder *folder)
{
    struct sp_left_folder *place = NULL;

    pthread_mutex_lock(&left->lock);
    place = find(left, folder->device, folder->inode);
    if (place == NULL) {
        place = &left->folders[left->next];
        left->next = (left->next + 1) % SP_LEFT_FOLDERS_MAX;
    }
    drop(place);
    *place = *folder;
    memset(folder, 0, sizeof *folder);
    pthread_mutex_unlock(&left->lock);
}
