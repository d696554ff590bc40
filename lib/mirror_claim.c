/* SPDX-License-Identifier: MIT */
/*
 * mirror_claim: who needs a blob that no manifest names yet.
 *
 * Between a blob and the manifest that names it lies a moment in which another
 * process that prunes would find the blob to be nobody's. A symbolic link
 * beside the blobs says for whom it is: name and owner appear in one step, and
 * a link takes no space on a disk that is full.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "limits.h"
#include "mirror_internal.h"
#include "owner.h"

#define FOLDER     "blobs"
#define BEGINNING  ".spull-"
#define END        ".claim"
#define OWNER_ROOM 256

char *sp_mirror_claim(const char *dir, const char *hex)
{
    struct sp_owner self = sp_owner_self();
    struct sp_buf owner;
    char *path = NULL;
    bool ok = false;

    sp_buf_init(&owner, OWNER_ROOM - 1);
    ok = sp_owner_print(&self, &owner) == SP_BUF_OK &&
         asprintf(&path, "%s/" FOLDER "/" BEGINNING "%s-%ld-%08x" END, dir, hex,
                  (long)getpid(), (unsigned)sp_ctx_dice()) >= 0;
    if (ok && symlink(owner.data, path) != 0) {
        free(path);
        path = NULL;
    }
    sp_buf_done(&owner);
    return ok ? path : NULL;
}

void sp_mirror_unclaim(char *claim)
{
    if (claim == NULL)
        return;
    unlink(claim);
    free(claim);
}

/* Its owner alone may do this; where another one mirrors, a claim that lives
 * until the manifest is there has to do. */
void sp_mirror_touch(const char *path)
{
    struct stat info;

    if (stat(path, &info) == 0)
        (void)chmod(path, info.st_mode & 07777);
}

static bool is_claim(const char *name)
{
    size_t len = strlen(name);

    return len > strlen(END) &&
           strncmp(name, BEGINNING, strlen(BEGINNING)) == 0 &&
           strcmp(name + len - strlen(END), END) == 0;
}

/* One that can't be seen from here lives on while its claim is young. */
static bool is_alive(int dir, const char *name, unsigned keep_days)
{
    time_t keep = (time_t)keep_days * SP_DAY_SECONDS;
    char text[OWNER_ROOM];
    struct sp_owner owner;
    struct stat info;
    ssize_t len = readlinkat(dir, name, text, sizeof text - 1);

    text[len > 0 ? len : 0] = '\0';
    if (!sp_owner_parse(text, &owner))
        return false;
    switch (sp_owner_life(&owner)) {
    case SP_RUNS:
    case SP_STOPPED:
        return true;
    case SP_GONE:
        return false;
    case SP_ELSEWHERE:
        break;
    }
    return keep == 0 || (fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
                         info.st_mtime >= time(NULL) - keep);
}

/* Who hears of claims. */
struct seer {
    unsigned keep_days;
    void (*see)(void *payload, const char *hex);
    void *payload;
};

/* ".spull-HEX-PID-N.claim" */
static bool see_one(void *payload, int dir, const char *name)
{
    const struct seer *seer = payload;
    const char *hex = name + strlen(BEGINNING);
    char text[NAME_MAX + 1];

    if (!is_claim(name))
        return true;
    if (!is_alive(dir, name, seer->keep_days)) {
        unlinkat(dir, name, 0);
        return true;
    }
    snprintf(text, sizeof text, "%.*s", (int)strcspn(hex, "-"), hex);
    seer->see(seer->payload, text);
    return true;
}

enum spull_code sp_mirror_claims(const char *dir, unsigned keep_days,
                                 void (*see)(void *payload, const char *hex),
                                 void *payload, struct spull_error *err)
{
    struct seer seer = {keep_days, see, payload};

    return sp_mirror_each(dir, FOLDER, see_one, &seer, err);
}
