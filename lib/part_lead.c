/* SPDX-License-Identifier: MIT */
/*
 * part_lead: who downloads a blob that many want in one directory.
 *
 * No lock of the file system is asked: on some cluster file systems they
 * succeed and do nothing. symlink(2) and rename(2) decide, and where even they
 * lie, two leaders download the same bytes and install the same image.
 */
#include "part_lead.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "limits.h"
#include "owner.h"
#include "part_internal.h"

struct sp_lead {
    int dir;
    char label[SP_PART_LABEL + 1];
    unsigned aside;            /* how many links stand in the way for good */
    char *link;                /* ".spull-LABEL.lead", or the one beside it */
    char mine[SP_LEAD_ROOM];   /* what our link says; "": we don't lead */
    char theirs[SP_LEAD_ROOM]; /* what the last look saw; "": nobody leads */
    char *pulse;               /* their journal at the last look, or NULL */
    int made;                  /* their partial file, open to be read, or -1 */
    bool other;                /* its label is not ours */
    bool stuck;                /* a link that can't be removed: do without */
};

static char *link_name(const char *label, unsigned aside)
{
    char *name = NULL;
    int len = aside == 0
                  ? asprintf(&name, SP_PART_PREFIX "%s.lead", label)
                  : asprintf(&name, SP_PART_PREFIX "%s-%u.lead", label, aside);

    return len < 0 ? NULL : name;
}

enum spull_code sp_lead_new_shared(int dir, const char *where,
                                   const char *label, struct sp_lead **out,
                                   struct spull_error *err)
{
    struct sp_lead *lead = calloc(1, sizeof *lead);
    enum spull_code code = SPULL_OK;

    if (lead == NULL)
        return sp_err_nomem(err);
    lead->made = -1;
    code = sp_part_open_dir(dir, where, &lead->dir, err);
    if (code != SPULL_OK) {
        free(lead);
        return code;
    }
    snprintf(lead->label, sizeof lead->label, "%s", label);
    lead->link = link_name(lead->label, 0);
    if (lead->link == NULL) {
        close(lead->dir);
        free(lead);
        return sp_err_nomem(err);
    }
    *out = lead;
    return SPULL_OK;
}

enum spull_code sp_lead_new(const char *dir, const char *label,
                            struct sp_lead **out, struct spull_error *err)
{
    return sp_lead_new_shared(AT_FDCWD, dir, label, out, err);
}

static void read_link(int dir, const char *name, char out[SP_LEAD_ROOM])
{
    ssize_t len = -1;

    do
        len = readlinkat(dir, name, out, SP_LEAD_ROOM - 1);
    while (len < 0 && errno == EINTR);
    out[len > 0 ? len : 0] = '\0';
    /* No link, but there: somebody's file in our place, which shows no life. */
    if (len < 0 && errno != ENOENT)
        snprintf(out, SP_LEAD_ROOM, "?");
}

void sp_lead_forget(struct sp_lead *lead)
{
    if (lead->made >= 0)
        close(lead->made);
    lead->made = -1;
}

void sp_lead_free(struct sp_lead *lead)
{
    char now[SP_LEAD_ROOM];

    if (lead == NULL)
        return;
    if (lead->mine[0] != '\0') {
        read_link(lead->dir, lead->link, now);
        if (strcmp(now, lead->mine) == 0)
            unlinkat(lead->dir, lead->link, 0);
    }
    sp_lead_forget(lead);
    close(lead->dir);
    free(lead->link);
    free(lead->pulse);
    free(lead);
}

bool sp_lead_split(const char *target, char name[SP_LEAD_ROOM],
                   struct sp_owner *owner)
{
    const char *bar = strchr(target, '|');

    if (bar == NULL || bar == target ||
        memchr(target, '/', (size_t)(bar - target)))
        return false;
    snprintf(name, SP_LEAD_ROOM, "%.*s", (int)(bar - target), target);
    return sp_owner_parse(bar + 1, owner);
}

/* Held open, its inode number can be no other file's, whatever becomes of it.
 */
static void see_part(struct sp_lead *lead, const char *name)
{
    char label[SP_PART_LABEL + 1];

    if (lead->made >= 0)
        return;
    lead->made =
        openat(lead->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    lead->other =
        !sp_part_label_of(name, label) || strcmp(label, lead->label) != 0;
}

static bool has_pulse(struct sp_lead *lead, const char *name, uint64_t *bytes)
{
    char *pulse = sp_part_pulse(lead->dir, name, bytes);
    bool changed = pulse != NULL &&
                   (lead->pulse == NULL || strcmp(pulse, lead->pulse) != 0);

    if (pulse != NULL) {
        free(lead->pulse);
        lead->pulse = pulse;
    }
    return changed;
}

static void meet(struct sp_lead *lead, const char *target)
{
    snprintf(lead->theirs, sizeof lead->theirs, "%s", target);
    free(lead->pulse);
    lead->pulse = NULL;
    /* A leader that is gone may have left the image; the next one may not. */
    if (target[0] != '\0')
        sp_lead_forget(lead);
}

/*
 * An NFS client may believe for a minute that a name is there, or is not, that
 * another one has removed or made (nfs(5), acdirmax). To open a directory has
 * it ask the server whether it has changed ("close-to-open"), and look up anew
 * what is in it: also the image, for which the caller waits.
 */
static void look_afresh(int dir)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0)
        close(fd);
}

enum sp_lead_state sp_lead_look(struct sp_lead *lead, uint64_t *bytes)
{
    char now[SP_LEAD_ROOM];
    char name[SP_LEAD_ROOM];
    struct sp_owner owner;
    bool known = false;
    bool beats = false;

    look_afresh(lead->dir);
    read_link(lead->dir, lead->link, now);
    known = strcmp(now, lead->theirs) == 0;
    if (!known)
        meet(lead, now);
    /* Ours, from a turn that came to nothing, keeps nobody waiting. */
    if (now[0] == '\0' || strcmp(now, lead->mine) == 0)
        return SP_LEAD_VACANT;
    if (!sp_lead_split(now, name, &owner))
        return SP_LEAD_SILENT;
    see_part(lead, name);
    beats = has_pulse(lead, name, bytes);
    if (sp_owner_life(&owner) == SP_GONE)
        return SP_LEAD_GONE;
    return beats || !known ? SP_LEAD_BEATS : SP_LEAD_SILENT;
}

/* A file server that repeats a request whose reply got lost says EEXIST to what
 * it has made itself (RFC 1813, section 4.5). */
static bool make_link(const struct sp_lead *lead, const char *target)
{
    char now[SP_LEAD_ROOM];

    if (symlinkat(target, lead->dir, lead->link) == 0)
        return true;
    /* A file system without symbolic links: everybody leads. */
    if (errno != EEXIST || lead->stuck)
        return true;
    read_link(lead->dir, lead->link, now);
    return strcmp(now, target) == 0;
}

/* Our own link, for another part of ours: who looks meanwhile must not find the
 * lead vacant. fresh is a name that nobody else has. */
static bool replace_link(const struct sp_lead *lead, const char *target,
                         const char *fresh)
{
    char now[SP_LEAD_ROOM];

    read_link(lead->dir, lead->link, now);
    if (strcmp(now, lead->mine) != 0) /* somebody took it away */
        return make_link(lead, target);
    if (symlinkat(target, lead->dir, fresh) == 0 &&
        renameat(lead->dir, fresh, lead->dir, lead->link) == 0)
        return true;
    unlinkat(lead->dir, fresh, 0);
    unlinkat(lead->dir, lead->link, 0);
    return make_link(lead, target);
}

static bool set_link(const struct sp_lead *lead, const char *target,
                     const char *part_name)
{
    char *fresh = NULL;
    bool ok = false;

    if (lead->mine[0] == '\0')
        return make_link(lead, target);
    fresh = sp_part_beside(part_name, ".lead");
    if (fresh == NULL)
        return false;
    ok = replace_link(lead, target, fresh);
    free(fresh);
    return ok;
}

bool sp_lead_take(struct sp_lead *lead, const struct sp_part *part)
{
    struct sp_owner self = sp_owner_self();
    struct sp_buf target;
    bool ok = false;

    sp_buf_init(&target, SP_LEAD_ROOM - 1);
    ok = sp_buf_print(&target, "%s|", part->file.name) == SP_BUF_OK &&
         sp_owner_print(&self, &target) == SP_BUF_OK;
    ok = ok && set_link(lead, target.data, part->file.name);
    if (ok)
        snprintf(lead->mine, sizeof lead->mine, "%s", target.data);
    sp_buf_done(&target);
    return ok;
}

/* The dead who had not yet written a journal left nothing of use. */
static void bury(const struct sp_lead *lead, const char *target)
{
    char name[SP_LEAD_ROOM];
    struct sp_owner owner;
    struct stat info;

    if (!sp_lead_split(target, name, &owner) || !sp_part_is_ours(name) ||
        sp_owner_life(&owner) != SP_GONE)
        return;
    if (lead->pulse == NULL) {
        unlinkat(lead->dir, name, 0);
        sp_journal_remove_next(lead->dir, name);
    }
    /* Its file has got the final name, and it died before it went on. */
    if (fstatat(lead->dir, name, &info, AT_SYMLINK_NOFOLLOW) != 0 &&
        errno == ENOENT)
        sp_journal_remove(lead->dir, name);
}

/*
 * In a sticky directory, only its owner can remove a link. Then the next one
 * counts, beside it, for all who find this one in the way: or each of five
 * hundred would lead.
 */
static void step_aside(struct sp_lead *lead)
{
    char *link = lead->aside < SP_LEADS_ASIDE
                     ? link_name(lead->label, lead->aside + 1)
                     : NULL;

    if (link == NULL) {
        lead->stuck = true;
        return;
    }
    free(lead->link);
    lead->link = link;
    lead->aside++;
    lead->mine[0] = '\0';
    meet(lead, "");
}

/*
 * Between the look and the removal another waiter may have deposed and taken
 * the lead; then it is a live leader's link that goes, and in the worst case
 * two download. To move it aside first would only narrow that gap, and leave
 * the moved link behind who is killed there.
 */
void sp_lead_depose(struct sp_lead *lead)
{
    char now[SP_LEAD_ROOM];

    read_link(lead->dir, lead->link, now);
    if (now[0] == '\0' || strcmp(now, lead->theirs) != 0)
        return;
    /* In this order: without the link, nothing says whose that part was. */
    bury(lead, now);
    if (unlinkat(lead->dir, lead->link, 0) != 0 && errno != ENOENT)
        step_aside(lead);
}

/* The date of a journal is that of its last beat. */
static bool is_silent_since(int dir, const char *part_name, time_t when)
{
    struct stat info;
    char *name = sp_part_beside(part_name, ".spans");
    bool silent =
        name != NULL && (fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
                         info.st_mtime < when);

    free(name);
    return silent;
}

bool sp_lead_is_over(int dir, const char *link, time_t when)
{
    char target[SP_LEAD_ROOM];
    char name[SP_LEAD_ROOM];
    struct sp_owner owner;

    read_link(dir, link, target);
    if (!sp_lead_split(target, name, &owner))
        return true;
    switch (sp_owner_life(&owner)) {
    case SP_GONE:
        return true;
    case SP_ELSEWHERE:
        return is_silent_since(dir, name, when);
    default:
        return false;
    }
}

bool sp_lead_made(const struct sp_lead *lead, int fd, bool *other)
{
    struct stat made;
    struct stat info;

    *other = lead->other;
    return lead->made >= 0 && fstat(lead->made, &made) == 0 &&
           fstat(fd, &info) == 0 && info.st_dev == made.st_dev &&
           info.st_ino == made.st_ino &&
           (info.st_uid == geteuid() || info.st_uid == 0);
}

bool sp_lead_is_here(const struct sp_lead *lead)
{
    char name[SP_LEAD_ROOM];
    struct sp_owner owner;

    return sp_lead_split(lead->theirs, name, &owner) &&
           sp_owner_is_self(&owner);
}

/* ".spull-LABEL-HOST-PID-RANDOM.part|...": host and pid are for people. */
void sp_lead_who(const struct sp_lead *lead, char *out, size_t cap)
{
    const char *host =
        lead->theirs + strlen(SP_PART_PREFIX) + SP_PART_LABEL + 1;
    const char *end = NULL;

    out[0] = '\0';
    if (strlen(lead->theirs) <= (size_t)(host - lead->theirs))
        return;
    end = strchr(host, '-');
    end = end == NULL ? NULL : strchr(end + 1, '-');
    if (end != NULL)
        snprintf(out, cap, "%.*s", (int)(end - host), host);
}
