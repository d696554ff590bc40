/* SPDX-License-Identifier: MIT */
/*
 * proof: one line of text in user.spull.proof (xattr(7)). The time of the last
 * write is kept to the nanosecond; ctime would be stricter, but it changes with
 * every chmod and hard link.
 */
#include "proof.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define NAME      "user.spull.proof"
#define TEXT_ROOM 320

/* What binds a proof to its file. */
struct binding {
    uint64_t size, inode;
    int64_t seconds, nanoseconds;
};

static struct binding bind_to(const struct stat *info)
{
    return (struct binding){(uint64_t)info->st_size, (uint64_t)info->st_ino,
                            (int64_t)info->st_mtim.tv_sec,
                            (int64_t)info->st_mtim.tv_nsec};
}

static bool is_same(const struct binding *a, const struct binding *b)
{
    return a->size == b->size && a->inode == b->inode &&
           a->seconds == b->seconds && a->nanoseconds == b->nanoseconds;
}

/*
 * To a file that its owner may not write to, no attribute can be written either
 * (xattr(7)). So the owner's right is lent for a moment. Of many who do that at
 * once, none takes another's loan for the mode that the file had.
 */
static void write_note(int fd, const struct stat *info, const char *text,
                       size_t len)
{
    mode_t mode = info->st_mode & 07777;

    if (fsetxattr(fd, NAME, text, len, 0) == 0 || errno != EACCES ||
        (mode & S_IWUSR) != 0 || fchmod(fd, mode | S_IWUSR) != 0)
        return;
    (void)fsetxattr(fd, NAME, text, len, 0);
    (void)fchmod(fd, mode);
}

void sp_proof_write(int fd, const struct sp_proof *proof)
{
    const struct sp_look *look = &proof->look;
    struct stat info;
    struct binding at;
    char text[TEXT_ROOM];
    int len = 0;

    if (!look->image || fstat(fd, &info) != 0)
        return;
    at = bind_to(&info);
    len = snprintf(
        text, sizeof text,
        "1 %s %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %s %s %s",
        proof->digest.text, at.size, at.inode, at.seconds, at.nanoseconds,
        look->kind, look->arch[0] == '\0' ? "-" : look->arch,
        proof->unpacked ? proof->origin.text : "-");
    if (len > 0 && len < (int)sizeof text)
        write_note(fd, &info, text, (size_t)len);
}

/* What a proof says, in words that can't be longer than their rooms. */
struct words {
    char digest[SP_DIGEST_TEXT];
    struct binding at;
    char kind[16];
    char arch[16];
    char origin[SP_DIGEST_TEXT]; /* "-": none; "": of an older spull */
};

static bool read_words(int fd, struct words *out)
{
    char text[TEXT_ROOM];
    ssize_t len = fgetxattr(fd, NAME, text, sizeof text - 1);

    if (len <= 0)
        return false;
    text[len] = '\0';
    out->origin[0] = '\0';
    return sscanf(text,
                  "1 %159s %" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNd64
                  " %15s %15s %159s",
                  out->digest, &out->at.size, &out->at.inode, &out->at.seconds,
                  &out->at.nanoseconds, out->kind, out->arch, out->origin) >= 7;
}

/* Words to the static strings of sif. */
static struct sp_look look_of(const struct words *words)
{
    struct sp_look look = {.kind = "squashfs", .arch = "", .image = true};
    const char *arch = sp_sif_arch_name(words->arch);

    if (strcmp(words->kind, "SIF") == 0)
        look.kind = "SIF";
    if (strcmp(words->kind, "ext3") == 0)
        look.kind = "ext3";
    if (arch != NULL)
        look.arch = arch;
    return look;
}

/* Who owns the file can write what they like on it. */
static bool is_trusted(const struct stat *info)
{
    return info->st_uid == geteuid() || info->st_uid == 0;
}

static bool understand(const struct words *words, struct sp_proof *out)
{
    struct sp_proof proof = {.look = look_of(words)};

    proof.unpacked =
        words->origin[0] != '\0' && strcmp(words->origin, "-") != 0;
    if (sp_digest_parse(words->digest, &proof.digest, NULL) != SPULL_OK ||
        (proof.unpacked &&
         sp_digest_parse(words->origin, &proof.origin, NULL) != SPULL_OK))
        return false;
    *out = proof;
    return true;
}

bool sp_proof_read(int fd, struct sp_proof *out)
{
    struct stat info;
    struct words words;
    struct binding now;

    if (fstat(fd, &info) != 0 || !is_trusted(&info) || !read_words(fd, &words))
        return false;
    now = bind_to(&info);
    return is_same(&now, &words.at) && understand(&words, out);
}

bool sp_proof_remember(int fd, struct sp_proof *out)
{
    struct stat info;
    struct words words;

    return fstat(fd, &info) == 0 && is_trusted(&info) &&
           read_words(fd, &words) && understand(&words, out);
}
