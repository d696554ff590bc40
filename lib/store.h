/* SPDX-License-Identifier: MIT */
/*
 * store: blobs by digest, in a directory that users and projects share.
 *
 * Owns the layout, DIR/sha256/HEX with 64 lower-case hex digits, all in one
 * folder since there are some thousand, and says of an entry who could change
 * it. It trusts nobody: from DIR on, everything is reached by descriptors and
 * no symbolic link is followed, since whoever may write there may plant one.
 * What an entry's bytes are worth, and how it came there, is for others.
 */
#ifndef SP_STORE_H
#define SP_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include <spull.h>

struct sp_store {
    int dir;       /* descriptor of DIR/sha256 */
    char *where;   /* its name, for messages */
    bool writable; /* by us */
};

/*
 * Opens the store in dir, which must exist. With make, its folder is made where
 * that is possible, with the mode and the group of dir. SPULL_NOT_FOUND: there
 * is none. Also SPULL_STORAGE, INTERNAL. To end with sp_store_done(), which
 * takes one of zeros, too.
 */
enum spull_code sp_store_open(const char *dir, bool make, struct sp_store *out,
                              struct spull_error *err);
void sp_store_done(struct sp_store *store);

enum sp_stored {
    SP_STORED,     /* a regular file, open to us */
    SP_NOT_STORED, /* no such name */
    SP_UNREADABLE, /* it is there, and closed to us */
    SP_MISPLACED   /* something that is no file */
};

struct sp_entry {
    int fd; /* to be read; -1: none */
    struct stat info;
    bool fixed; /* nobody but this user and root can ever change it */
};

/* *out is set in any case; to close with sp_entry_done(). */
enum sp_stored sp_store_find(const struct sp_store *store, const char *hex,
                             struct sp_entry *out);
void sp_entry_done(struct sp_entry *entry);

/* Notes that the entry was of use just now, if it is ours. */
void sp_entry_touch(const struct sp_entry *entry);

/* When it was last of use: the later of its two dates. */
int64_t sp_entry_used(const struct stat *info);

/*
 * Takes the name away, if it still is this entry's (NULL: whatever is there,
 * but for a folder). false: it is there as before, and errno says why.
 */
bool sp_store_remove(const struct sp_store *store, const char *hex,
                     const struct sp_entry *entry);

/* Is it the name of an entry? */
bool sp_store_is_name(const char *name);

/* Calls visit with each name of an entry until it returns false. SPULL_STORAGE:
 * the folder can't be read. */
enum spull_code sp_store_each(const struct sp_store *store,
                              bool (*visit)(void *payload, const char *hex),
                              void *payload, struct spull_error *err);

#endif
