/* SPDX-License-Identifier: MIT */
/*
 * part_journal: which spans of a partial file are finished, in a file beside
 * it, and how a later process takes them up.
 *
 * What is taken up is copied into a file of our own, never adopted as it lies:
 * the process that wrote it may only be asleep on a node that lost its network,
 * and would wake up to write on. The journal is not flushed before the data:
 * after a power cut it may promise what is not there, and the digest, which
 * covers every byte, finds out.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "limits.h"
#include "owner.h"
#include "part_internal.h"

#define MAGIC  "spull-part 1"
#define SUFFIX ".part"

/* "NAME.part" to "NAME.spans". To free(). */
static char *journal_name(const char *part_name, const char *more)
{
    char *name = NULL;
    int stem = (int)(strlen(part_name) - strlen(SUFFIX));

    if (asprintf(&name, "%.*s.spans%s", stem, part_name, more) < 0)
        return NULL;
    return name;
}

/* --- writing ------------------------------------------------------------- */

/* The caller holds the lock. */
static bool print(const struct sp_part *part, struct sp_buf *text)
{
    struct sp_owner self = sp_owner_self();
    bool ok =
        sp_buf_add_text(text, MAGIC "\nowner ") == SP_BUF_OK &&
        sp_owner_print(&self, text) == SP_BUF_OK &&
        sp_buf_print(text, "\nsize %" PRIu64 "\n", part->size) == SP_BUF_OK;

    for (size_t i = 0; ok && i < part->done.count; i++)
        ok = sp_buf_print(text, "span %" PRIu64 " %" PRIu64 "\n",
                          part->done.list[i].from,
                          part->done.list[i].to) == SP_BUF_OK;
    return ok && sp_buf_add_text(text, "end\n") == SP_BUF_OK;
}

static bool write_file(int dir, const char *name, const struct sp_buf *text)
{
    int fd = openat(
        dir, name, O_CREAT | O_TRUNC | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool ok = false;

    if (fd < 0)
        return false;
    ok = write(fd, text->data, text->len) == (ssize_t)text->len;
    return close(fd) == 0 && ok;
}

static void replace_journal(const struct sp_sealed *file,
                            const struct sp_buf *text)
{
    char *name = journal_name(file->name, "");
    char *fresh = journal_name(file->name, ".new");

    if (name != NULL && fresh != NULL &&
        (!write_file(file->dir, fresh, text) ||
         renameat(file->dir, fresh, file->dir, name) != 0))
        unlinkat(file->dir, fresh, 0);
    free(name);
    free(fresh);
}

void sp_part_save(struct sp_part *part)
{
    struct sp_buf text;
    bool ok = false;

    sp_buf_init(&text, SP_JOURNAL_MAX);
    pthread_mutex_lock(&part->lock);
    if (sp_spans_total(&part->done) != part->saved) {
        ok = print(part, &text);
        part->saved = sp_spans_total(&part->done);
    }
    pthread_mutex_unlock(&part->lock);
    if (ok)
        replace_journal(&part->file, &text);
    sp_buf_done(&text);
}

void sp_part_journal_remove(const struct sp_sealed *file)
{
    char *name = journal_name(file->name, "");

    if (name != NULL)
        unlinkat(file->dir, name, 0);
    free(name);
}

/* --- reading ---------------------------------------------------------------
 */

/* What a journal says. */
struct journal {
    struct sp_owner owner;
    uint64_t size;
    struct sp_spans done;
};

/* Reads a small regular file whole; NULL: it is none. To free(). */
static char *read_small(int dir, const char *name)
{
    char *text = NULL;
    ssize_t n = -1;
    struct stat info;
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return NULL;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
        info.st_size < (off_t)SP_JOURNAL_MAX)
        text = malloc((size_t)info.st_size + 1);
    if (text != NULL)
        n = read(fd, text, (size_t)info.st_size);
    close(fd);
    if (n < 0) {
        free(text);
        return NULL;
    }
    text[n] = '\0';
    return text;
}

static bool take_line(struct journal *journal, const char *line)
{
    struct sp_span span;

    if (strncmp(line, "owner ", 6) == 0)
        return sp_owner_parse(line + 6, &journal->owner);
    if (strncmp(line, "size ", 5) == 0)
        return sscanf(line + 5, "%" SCNu64, &journal->size) == 1;
    if (sscanf(line, "span %" SCNu64 " %" SCNu64, &span.from, &span.to) == 2)
        return span.from < span.to && sp_spans_add(&journal->done, span);
    return false;
}

/* A journal without its last line was cut: worthless. */
static bool parse(char *text, struct journal *journal)
{
    char *rest = NULL;
    char *line = strtok_r(text, "\n", &rest);

    if (line == NULL || strcmp(line, MAGIC) != 0)
        return false;
    for (line = strtok_r(NULL, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (strcmp(line, "end") == 0)
            return true;
        if (!take_line(journal, line))
            return false;
    }
    return false;
}

/* --- taking up ---------------------------------------------------------------
 */

/* An earlier part and ours, while bytes go from one to the other. */
struct legacy {
    struct sp_part *part;
    int fd;
    unsigned char *chunk; /* NULL while the kernel copies */
};

/* In the kernel where it can: a reflink on XFS and btrfs, a copy on the server
 * on NFS 4.2. 0: it can't. */
static ssize_t copy_in_kernel(struct legacy *legacy, uint64_t at, size_t len)
{
    off_t in = (off_t)at;
    off_t out = (off_t)at;

    if (legacy->chunk != NULL)
        return 0;
    return copy_file_range(legacy->fd, &in, legacy->part->file.fd, &out, len,
                           0);
}

static enum spull_code copy_by_hand(struct legacy *legacy, uint64_t at,
                                    size_t len, ssize_t *copied,
                                    struct spull_error *err)
{
    if (legacy->chunk == NULL)
        legacy->chunk = malloc(SP_CHUNK);
    if (legacy->chunk == NULL)
        return sp_err_nomem(err);
    *copied = pread(legacy->fd, legacy->chunk, len < SP_CHUNK ? len : SP_CHUNK,
                    (off_t)at);
    if (*copied <= 0) /* shorter than its journal says: that is all, then */
        return SPULL_OK;
    return sp_part_write_all(&legacy->part->file, at, (char *)legacy->chunk,
                             (size_t)*copied, err);
}

static enum spull_code copy_span(struct legacy *legacy, struct sp_span span,
                                 struct sp_watch *watch,
                                 struct spull_error *err)
{
    enum spull_code code = SPULL_OK;

    while (span.from < span.to && code == SPULL_OK) {
        uint64_t left = span.to - span.from;
        size_t len = left < SP_SPAN_MIN * 4 ? (size_t)left : SP_SPAN_MIN * 4;
        ssize_t n = copy_in_kernel(legacy, span.from, len);
        if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
            return sp_err_sys(err, SPULL_STORAGE, errno, "cannot write to %s",
                              legacy->part->file.where);
        if (n <= 0)
            code = copy_by_hand(legacy, span.from, len, &n, err);
        if (code != SPULL_OK || n <= 0)
            return code;
        code = sp_part_finish(
            legacy->part, (struct sp_span){span.from, span.from + (uint64_t)n},
            err);
        span.from += (uint64_t)n;
        if (code == SPULL_OK)
            code = sp_watch_tick(watch, err);
    }
    return code;
}

/* Only what we lack: there may be several parts of one blob. */
static enum spull_code copy_missing(struct legacy *legacy, struct sp_span span,
                                    struct sp_watch *watch,
                                    struct spull_error *err)
{
    enum spull_code code = SPULL_OK;
    struct sp_span gap = {0, 0};

    while (code == SPULL_OK &&
           sp_part_gap(legacy->part, span.from, span.to, &gap)) {
        code = copy_span(legacy, gap, watch, err);
        span.from = gap.to;
    }
    return code;
}

static enum spull_code take_part(struct sp_part *part,
                                 const struct journal *journal,
                                 const char *name, struct sp_watch *watch,
                                 struct spull_error *err)
{
    struct legacy legacy = {.part = part};
    struct stat info;
    enum spull_code code = SPULL_OK;

    legacy.fd = openat(part->file.dir, name,
                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (legacy.fd < 0)
        return SPULL_OK;
    if (fstat(legacy.fd, &info) == 0 && S_ISREG(info.st_mode))
        for (size_t i = 0; i < journal->done.count && code == SPULL_OK; i++)
            code = copy_missing(&legacy, journal->done.list[i], watch, err);
    if (code == SPULL_OK && journal->size > 0)
        sp_part_set_size(part, journal->size);
    close(legacy.fd);
    free(legacy.chunk);
    return code;
}

/* One earlier part, by the name of its journal. */
static enum spull_code take_up(struct sp_part *part, const char *name,
                               struct sp_watch *watch, struct spull_error *err)
{
    struct journal journal = {0};
    enum spull_code code = SPULL_OK;
    int stem = (int)(strlen(name) - strlen(".spans"));
    char *part_name = NULL;
    char *text = read_small(part->file.dir, name);
    bool sound = text != NULL && parse(text, &journal);

    if (asprintf(&part_name, "%.*s" SUFFIX, stem, name) < 0) {
        part_name = NULL;
        code = sp_err_nomem(err);
    }
    if (code == SPULL_OK && sound && sp_owner_life(&journal.owner) == SP_GONE) {
        code = take_part(part, &journal, part_name, watch, err);
        if (code == SPULL_OK) {
            unlinkat(part->file.dir, part_name, 0);
            unlinkat(part->file.dir, name, 0);
        }
    }
    free(part_name);
    free(text);
    sp_spans_done(&journal.done);
    return code;
}

static bool is_journal_of(const struct sp_part *part, const char *name)
{
    size_t len = strlen(name);
    size_t label = strlen(part->label);

    return len > 7 + label + 6 && strncmp(name, ".spull-", 7) == 0 &&
           strncmp(name + 7, part->label, label) == 0 &&
           name[7 + label] == '-' && strcmp(name + len - 6, ".spans") == 0;
}

enum spull_code sp_part_inherit(struct sp_part *part, struct sp_watch *watch,
                                struct spull_error *err)
{
    enum spull_code code = SPULL_OK;
    struct dirent *entry = NULL;
    int fd = openat(part->file.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);

    if (list == NULL) {
        if (fd >= 0)
            close(fd);
        return SPULL_OK;
    }
    for (entry = readdir(list); entry != NULL && code == SPULL_OK;
         entry = readdir(list))
        if (is_journal_of(part, entry->d_name))
            code = take_up(part, entry->d_name, watch, err);
    closedir(list);
    return code;
}
