/* SPDX-License-Identifier: MIT */
/*
 * part_sealed: the file of a part, from its exclusive creation to its end,
 * whether it was sealed or not.
 */
#include "part_sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "err.h"
#include "part_internal.h"

bool sp_part_create_file(struct sp_sealed *file)
{
    /* 0600: that no other process can write is what the seal promises. */
    file->fd = openat(file->dir, file->name,
                      O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file->fd >= 0 && file->shared)
        sp_part_share(file->dir, file->fd, 0600, 0444);
    return file->fd >= 0;
}

enum spull_code sp_part_open_dir(int dir, const char *where, int *out,
                                 struct spull_error *err)
{
    int fd = openat(dir, dir == AT_FDCWD ? where : ".",
                    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int why = errno;

    if (fd >= 0) {
        *out = fd;
        return SPULL_OK;
    }
    sp_err_sys(err, SPULL_STORAGE, why, "directory %s", where);
    if (why == ENOENT)
        sp_err_hint(err, "mkdir -p makes it; no directory is made unasked");
    return SPULL_STORAGE;
}

void sp_sealed_close(struct sp_sealed *file)
{
    if (file->fd >= 0)
        close(file->fd);
    if (file->dir >= 0)
        close(file->dir);
    free(file->name);
    free(file->where);
}

/* The name is ours alone, so what it names is what we made. */
void sp_sealed_remove(struct sp_sealed *file)
{
    if (file->fd >= 0) {
        unlinkat(file->dir, file->name, 0);
        sp_journal_remove(file->dir, file->name);
    }
    sp_sealed_close(file);
}

void sp_sealed_discard(struct sp_sealed *sealed)
{
    if (sealed == NULL)
        return;
    sp_sealed_remove(sealed);
    free(sealed);
}

void sp_sealed_keep(struct sp_sealed *sealed)
{
    if (sealed == NULL)
        return;
    if (sealed->linked) { /* there are other names for these bytes */
        sp_sealed_discard(sealed);
        return;
    }
    sp_sealed_release(sealed);
    sp_sealed_close(sealed);
    free(sealed);
}

void sp_sealed_free(struct sp_sealed *sealed)
{
    if (sealed == NULL)
        return;
    sp_journal_remove(sealed->dir, sealed->name);
    sp_sealed_close(sealed);
    free(sealed);
}
