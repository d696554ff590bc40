/* SPDX-License-Identifier: MIT */
/*
 * known: a ring of digests and paths. Twins in a list mostly stand close to
 * each other, and a miss costs no more than a download.
 */
#include "known.h"

#include <stdlib.h>
#include <string.h>

void sp_known_init(struct sp_known *known)
{
    memset(known, 0, sizeof *known);
    pthread_mutex_init(&known->lock, NULL);
}

void sp_known_done(struct sp_known *known)
{
    for (size_t i = 0; i < SP_KNOWN_MAX; i++) {
        free(known->files[i].digest);
        free(known->files[i].path);
    }
    pthread_mutex_destroy(&known->lock);
}

void sp_known_add(struct sp_known *known, const char *digest, const char *path)
{
    char *new_digest = strdup(digest);
    char *new_path = strdup(path);

    if (new_digest == NULL || new_path == NULL) {
        free(new_digest);
        free(new_path);
        return;
    }
    pthread_mutex_lock(&known->lock);
    free(known->files[known->next].digest);
    free(known->files[known->next].path);
    known->files[known->next].digest = new_digest;
    known->files[known->next].path = new_path;
    known->next = (known->next + 1) % SP_KNOWN_MAX;
    pthread_mutex_unlock(&known->lock);
}

char *sp_known_find(struct sp_known *known, const char *digest)
{
    char *path = NULL;

    pthread_mutex_lock(&known->lock);
    for (size_t i = 0; i < SP_KNOWN_MAX && path == NULL; i++)
        if (known->files[i].digest != NULL &&
            strcmp(known->files[i].digest, digest) == 0)
            path = strdup(known->files[i].path);
    pthread_mutex_unlock(&known->lock);
    return path;
}
