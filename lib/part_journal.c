/* SPDX-License-Identifier: MIT */
/*
 * part_journal: which spans of a partial file are finished, in a small file
 * beside it that is replaced as a whole.
 *
 * It is not flushed before the data: after a power cut it may promise what is
 * not there, and the digest, which covers every byte, finds out. It holds no
 * URL: the name has the digest, and bytes of that digest may come from
 * anywhere. Its beat tells those who wait that somebody is alive.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "limits.h"
#include "owner.h"
#include "part_internal.h"

#define MAGIC "spull-part 1"

/* Behind the stem of a part's name: the journal, and the one to come. */
#define NOW  ".spans"
#define NEXT ".spans.new"

/* Who is gone wherever one looks from. */
static const struct sp_owner nobody = {.pid = 0};

bool sp_journal_is_name(const char *name, char label[SP_PART_LABEL + 1])
{
    return sp_part_ends_in(name, NOW) && sp_part_label_of(name, label);
}

/* --- writing -------------------------------------------------------------- */

static bool print(const struct journal *journal, struct sp_buf *text)
{
    const struct sp_spans *done = &journal->done;
    bool ok = sp_buf_add_text(text, MAGIC "\nowner ") == SP_BUF_OK &&
              sp_owner_print(&journal->owner, text) == SP_BUF_OK &&
              sp_buf_print(text, "\nbeat %" PRIu64 "\nsize %" PRIu64 "\n",
                           journal->beat, journal->size) == SP_BUF_OK;

    for (size_t i = 0; ok && i < done->count; i++)
        ok = sp_buf_print(text, "span %" PRIu64 " %" PRIu64 "\n",
                          done->list[i].from, done->list[i].to) == SP_BUF_OK;
    return ok && sp_buf_add_text(text, "end\n") == SP_BUF_OK;
}

/* The caller holds the lock. */
static bool print_part(const struct sp_part *part, struct sp_buf *text)
{
    struct journal journal = {.owner =
                                  part->released ? nobody : sp_owner_self(),
                              .beat = part->beat,
                              .size = part->size,
                              .done = part->done};

    return print(&journal, text);
}

/* O_NONBLOCK: the name could be a pipe's by now, which would wait for a reader.
 */
static bool write_file(const struct sp_sealed *file, const char *name,
                       const struct sp_buf *text)
{
    int fd = openat(file->dir, name,
                    O_CREAT | O_TRUNC | O_WRONLY | O_NOFOLLOW | O_NONBLOCK |
                        O_CLOEXEC,
                    0600);
    bool ok = false;

    if (fd < 0)
        return false;
    if (file->shared)
        sp_part_share(file->dir, fd, 0600, 0444);
    ok = write(fd, text->data, text->len) == (ssize_t)text->len;
    return close(fd) == 0 && ok;
}

/* With the rights of file. */
static bool replace(const struct sp_sealed *file, const char *part_name,
                    const struct sp_buf *text)
{
    int dir = file->dir;
    char *name = sp_part_beside(part_name, NOW);
    char *fresh = sp_part_beside(part_name, NEXT);
    bool ok = name != NULL && fresh != NULL && write_file(file, fresh, text) &&
              renameat(dir, fresh, dir, name) == 0;

    if (!ok && fresh != NULL)
        unlinkat(dir, fresh, 0);
    free(name);
    free(fresh);
    return ok;
}

bool sp_journal_write(const struct sp_sealed *file, const char *part_name,
                      const struct journal *journal)
{
    struct sp_buf text;
    bool ok = false;

    sp_buf_init(&text, SP_JOURNAL_MAX);
    ok = print(journal, &text) && replace(file, part_name, &text);
    sp_buf_done(&text);
    return ok;
}

/* The caller holds the lock. */
static bool has_news(const struct sp_part *part, uint64_t now_ms)
{
    uint64_t since = now_ms - part->saved_ms;

    if (since >= SP_BEAT_MS)
        return true;
    return since >= SP_JOURNAL_MS && sp_spans_total(&part->done) != part->saved;
}

static bool save(struct sp_part *part, bool at_once)
{
    uint64_t now_ms = sp_watch_ms();
    struct sp_buf text;
    bool ok = false;

    sp_buf_init(&text, SP_JOURNAL_MAX);
    pthread_mutex_lock(&part->lock);
    if (at_once || has_news(part, now_ms)) {
        part->beat++;
        ok = print_part(part, &text);
        part->saved = sp_spans_total(&part->done);
        part->saved_ms = now_ms;
    }
    pthread_mutex_unlock(&part->lock);
    ok = ok && replace(&part->file, part->file.name, &text);
    sp_buf_done(&text);
    return ok;
}

void sp_part_save(struct sp_part *part)
{
    save(part, false);
}

bool sp_part_save_at_once(struct sp_part *part)
{
    return save(part, true);
}

bool sp_sealed_has_journal(const struct sp_sealed *sealed)
{
    return sealed->size >= SP_KEEP_MIN && !sealed->linked;
}

static void save_sealed(struct sp_sealed *sealed, struct sp_owner owner)
{
    struct sp_span all = {0, sealed->size};
    struct journal journal = {
        .owner = owner, .beat = ++sealed->beat, .size = sealed->size};

    if (sp_sealed_has_journal(sealed) && sp_spans_add(&journal.done, all))
        sp_journal_write(sealed, sealed->name, &journal);
    sp_journal_done(&journal);
}

void sp_sealed_beat(struct sp_sealed *sealed)
{
    save_sealed(sealed, sp_owner_self());
}

void sp_sealed_release(struct sp_sealed *sealed)
{
    save_sealed(sealed, nobody);
}

void sp_part_keep(struct sp_part *part)
{
    if (part == NULL)
        return;
    part->released = true;
    save(part, true);
    sp_part_abandon(part);
}

static void remove_beside(int dir, const char *part_name, const char *suffix)
{
    char *name = sp_part_beside(part_name, suffix);

    if (name != NULL)
        unlinkat(dir, name, 0);
    free(name);
}

void sp_journal_remove(int dir, const char *part_name)
{
    remove_beside(dir, part_name, NOW);
}

/* Half of what there is, so that something can be copied all the same. */
static size_t room_to_hold(const struct sp_part *part)
{
    struct statvfs info;
    uint64_t left = 2 * SP_JOURNAL_ROOM;

    if (fstatvfs(part->file.fd, &info) == 0 && info.f_blocks > 0)
        left = (uint64_t)info.f_bavail * info.f_frsize;
    return (size_t)(left / 2 < SP_JOURNAL_ROOM ? left / 2 : SP_JOURNAL_ROOM);
}

/* Where the next journal will be written: its first step is to cut that. */
void sp_part_hold_room(const struct sp_part *part)
{
    char *name = sp_part_beside(part->file.name, NEXT);
    char *zeros = calloc(1, SP_JOURNAL_ROOM);
    size_t len = room_to_hold(part);
    struct sp_buf text = {zeros, len, SP_JOURNAL_ROOM, SP_JOURNAL_ROOM};

    /* Less than all is still something. */
    if (name != NULL && zeros != NULL)
        write_file(&part->file, name, &text);
    free(zeros);
    free(name);
}

void sp_journal_remove_next(int dir, const char *part_name)
{
    remove_beside(dir, part_name, NEXT);
}

/* --- reading -------------------------------------------------------------- */

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
    if (strncmp(line, "beat ", 5) == 0) /* for sp_part_pulse(): it differs */
        return true;
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

bool sp_journal_read(int dir, const char *name, struct journal *out)
{
    char *text = read_small(dir, name);
    bool sound = text != NULL && parse(text, out);

    free(text);
    return sound;
}

void sp_journal_done(struct journal *journal)
{
    sp_spans_done(&journal->done);
}

/* Another user's is closed to us; but each one is a new file. */
static char *see_from_outside(int dir, const char *name)
{
    struct stat info;
    char *text = NULL;

    if (fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        asprintf(&text, "%" PRIuMAX " %" PRIdMAX ".%09ld",
                 (uintmax_t)info.st_ino, (intmax_t)info.st_mtim.tv_sec,
                 info.st_mtim.tv_nsec) < 0)
        return NULL;
    return text;
}

char *sp_part_pulse(int dir, const char *part_name, uint64_t *bytes)
{
    struct journal journal = {0};
    char *name = sp_part_beside(part_name, NOW);
    char *text = name == NULL ? NULL : read_small(dir, name);
    char *copy = text == NULL ? NULL : strdup(text);

    if (text == NULL && name != NULL) {
        text = see_from_outside(dir, name);
        if (text != NULL)
            *bytes = UINT64_MAX;
    }
    if (copy != NULL && parse(copy, &journal))
        *bytes = sp_spans_total(&journal.done);
    sp_journal_done(&journal);
    free(copy);
    free(name);
    return text;
}
