/* SPDX-License-Identifier: MIT */
/*
 * mirror_draft: how a document of the tree is written.
 *
 * It is replaced by a rename, after its bytes are flushed, so that a web server
 * sends the old one or the new one, also after a crash. One that would not
 * change is not touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "err.h"
#include "limits.h"
#include "mirror_internal.h"
#include "owner.h"

#define TEMPORARY ".spull-index-"

/* The name of a temporary document says whose it is:
 * ".spull-index-OWNER-N.new", with "_" for the spaces of an owner. */
static bool print_name(char *name, size_t cap)
{
    struct sp_owner self = sp_owner_self();
    struct sp_buf text;
    bool ok = false;

    sp_buf_init(&text, cap - 1);
    ok = sp_buf_add_text(&text, TEMPORARY) == SP_BUF_OK &&
         sp_owner_print(&self, &text) == SP_BUF_OK &&
         sp_buf_print(&text, "-%08x.new", (unsigned)sp_ctx_dice()) == SP_BUF_OK;
    for (size_t i = 0; ok && i < text.len; i++)
        if (text.data[i] == ' ')
            text.data[i] = '_';
    snprintf(name, cap, "%s", ok ? text.data : "");
    sp_buf_done(&text);
    return ok;
}

static bool read_owner(const char *name, struct sp_owner *out)
{
    const char *end = strrchr(name, '-');
    char text[NAME_MAX + 1];

    if (end == NULL || end <= name + strlen(TEMPORARY))
        return false;
    snprintf(text, sizeof text, "%.*s",
             (int)(end - name - (ptrdiff_t)strlen(TEMPORARY)),
             name + strlen(TEMPORARY));
    for (char *at = text; *at != '\0'; at++)
        if (*at == '_')
            *at = ' ';
    return sp_owner_parse(text, out);
}

static bool is_draft(const char *name)
{
    size_t len = strlen(name);

    return strncmp(name, TEMPORARY, strlen(TEMPORARY)) == 0 && len >= 4 &&
           strcmp(name + len - 4, ".new") == 0;
}

bool sp_mirror_is_litter(const char *path, const char *name)
{
    struct sp_owner owner;
    struct stat info;

    if (!is_draft(name))
        return false;
    if (read_owner(name, &owner) && sp_owner_life(&owner) != SP_ELSEWHERE)
        return sp_owner_life(&owner) == SP_GONE;
    return lstat(path, &info) == 0 &&
           info.st_mtime < time(NULL) - SP_MIRROR_DOCUMENT_SECONDS;
}

/* --- writing -------------------------------------------------------------- */

static enum spull_code write_all(int fd, const char *text, const char *shown,
                                 struct spull_error *err)
{
    size_t left = strlen(text);

    while (left > 0) {
        ssize_t n = write(fd, text, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return sp_err_sys(err, SPULL_STORAGE, n == 0 ? ENOSPC : errno,
                              "cannot write to %s", shown);
        text += n;
        left -= (size_t)n;
    }
    if (fsync(fd) != 0)
        return sp_err_sys(err, SPULL_STORAGE, errno, "cannot flush to %s",
                          shown);
    return SPULL_OK;
}

static enum spull_code open_draft(struct sp_mirror_draft *draft,
                                  struct spull_error *err)
{
    draft->dir = open(draft->shown, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (draft->dir < 0)
        return sp_err_sys(err, SPULL_STORAGE, errno, "directory %s",
                          draft->shown);
    if (!print_name(draft->name, sizeof draft->name))
        return sp_err_nomem(err);
    draft->file = openat(draft->dir, draft->name,
                         O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    if (draft->file < 0)
        return sp_err_sys(err, SPULL_STORAGE, errno,
                          "cannot create a file in %s", draft->shown);
    return SPULL_OK;
}

enum spull_code sp_mirror_draft_begin(const char *dir, const char *folder,
                                      struct sp_mirror_draft *draft,
                                      struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    draft->dir = draft->file = -1;
    draft->shown = sp_mirror_path(dir, folder);
    if (draft->shown == NULL)
        return sp_err_nomem(err);
    code = sp_mirror_folder(dir, folder, err);
    return code == SPULL_OK ? open_draft(draft, err) : code;
}

enum spull_code sp_mirror_draft_publish(struct sp_mirror_draft *draft,
                                        const char *text, bool *removed,
                                        struct spull_error *err)
{
    enum spull_code code = write_all(draft->file, text, draft->shown, err);

    *removed = false;
    if (code != SPULL_OK)
        return code;
    if (renameat(draft->dir, draft->name, draft->dir, SP_MIRROR_INDEX) != 0) {
        *removed = errno == ENOENT;
        return sp_err_sys(err, SPULL_STORAGE, errno,
                          "cannot replace %s/" SP_MIRROR_INDEX, draft->shown);
    }
    draft->name[0] = '\0';
    return sp_mirror_flush(draft->dir, draft->shown, err);
}

void sp_mirror_draft_end(struct sp_mirror_draft *draft)
{
    if (draft->file >= 0) {
        if (draft->name[0] != '\0')
            unlinkat(draft->dir, draft->name, 0);
        close(draft->file);
    }
    if (draft->dir >= 0)
        close(draft->dir);
    free(draft->shown);
}

static bool drop_draft(void *payload, int dir, const char *name)
{
    (void)payload;
    if (is_draft(name))
        unlinkat(dir, name, 0);
    return true;
}

void sp_mirror_drop_drafts(const char *dir, const char *folder)
{
    (void)sp_mirror_each(dir, folder, drop_draft, NULL, NULL);
}

enum spull_code sp_mirror_write(const char *dir, const char *folder,
                                const char *text, bool *changed,
                                struct spull_error *err)
{
    struct sp_mirror_draft draft = {.shown = NULL};
    bool removed = false;
    enum spull_code code = SPULL_OK;

    if (sp_mirror_says(dir, folder, text))
        return SPULL_OK;
    code = sp_mirror_draft_begin(dir, folder, &draft, err);
    if (code == SPULL_OK)
        code = sp_mirror_draft_publish(&draft, text, &removed, err);
    sp_mirror_draft_end(&draft);
    if (code == SPULL_OK)
        *changed = true;
    return code;
}
