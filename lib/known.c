/* SPDX-License-Identifier: MIT */
/*
 * known: a ring of digests and paths. Twins in a list mostly stand close to
 * each other, and a miss costs no more than a download.
 */
#include "known.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void forget(struct sp_known_file *file)
{
    free(file->digest);
    free(file->image);
    free(file->path);
}

void sp_known_init(struct sp_known *known)
{
    memset(known, 0, sizeof *known);
    pthread_mutex_init(&known->lock, NULL);
}

void sp_known_done(struct sp_known *known)
{
    for (size_t i = 0; i < SP_KNOWN_MAX; i++)
        forget(&known->files[i]);
    pthread_mutex_destroy(&known->lock);
}

void sp_known_add(struct sp_known *known, const char *digest, const char *image,
                  const char *path)
{
    struct sp_known_file file = {
        .digest = strdup(digest),
        .image = image == NULL ? NULL : strdup(image),
        .path = strdup(path),
    };

    if (file.digest == NULL || file.path == NULL ||
        (image != NULL && file.image == NULL)) {
        forget(&file);
        return;
    }
    pthread_mutex_lock(&known->lock);
    forget(&known->files[known->next]);
    known->files[known->next] = file;
    known->next = (known->next + 1) % SP_KNOWN_MAX;
    pthread_mutex_unlock(&known->lock);
}

static const struct sp_known_file *find(const struct sp_known *known,
                                        const char *digest, bool unpacked)
{
    for (size_t i = 0; i < SP_KNOWN_MAX; i++)
        if (known->files[i].digest != NULL &&
            strcmp(known->files[i].digest, digest) == 0 &&
            (known->files[i].image != NULL) == unpacked)
            return &known->files[i];
    return NULL;
}

char *sp_known_find(struct sp_known *known, const char *digest, char **image)
{
    const struct sp_known_file *file = NULL;
    char *own = NULL;
    char *path = NULL;

    pthread_mutex_lock(&known->lock);
    file = find(known, digest, image != NULL);
    if (file != NULL && image != NULL)
        own = strdup(file->image);
    if (file != NULL && (image == NULL || own != NULL))
        path = strdup(file->path);
    pthread_mutex_unlock(&known->lock);
    if (path == NULL)
        free(own);
    else if (image != NULL)
        *image = own;
    return path;
}
