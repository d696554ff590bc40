/* SPDX-License-Identifier: MIT */
/*
 * sif: what the first bytes of a file say.
 *
 * A table of magic numbers, the one field of a SIF header that counts here,
 * and a look at text, which is what a server sends instead of an image. Files,
 * and what follows from the answer, are not known here.
 */
#include "sif.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "err.h"

#define SIF_MAGIC_AT 32
#define SIF_ARCH_AT  45
#define EXT_MAGIC_AT 1080
#define TAR_HEADER   512
#define TAR_SUM_AT   148

static const struct {
    const char *code; /* in the header */
    const char *name;
} archs[] = {
    {"01", "386"},     {"02", "amd64"},    {"03", "arm"},   {"04", "arm64"},
    {"05", "ppc64"},   {"06", "ppc64le"},  {"07", "mips"},  {"08", "mipsle"},
    {"09", "mips64"},  {"10", "mips64le"}, {"11", "s390x"}, {"12", "riscv64"},
    {"13", "loong64"},
};

#define MAGIC(kind, at, bytes)                                                 \
    {                                                                          \
        kind, at, bytes, sizeof(bytes) - 1                                     \
    }

/* The first that fits counts. */
static const struct {
    const char *kind;
    size_t at;
    const char *bytes;
    size_t len;
} magics[] = {
    MAGIC("SIF", SIF_MAGIC_AT, "SIF_MAGIC\0"),
    MAGIC("squashfs", 0, "hsqs"),
    MAGIC("gzip file", 0, "\x1f\x8b\x08"),
    MAGIC("xz file", 0, "\xfd\x37zXZ\0"),
    MAGIC("bzip2 file", 0, "BZh"),
    MAGIC("zip archive", 0, "PK\x03\x04"),
    MAGIC("zip archive", 0, "PK\x05\x06"),
    MAGIC("tar archive", 257, "ustar"),
};

/* What Singularity 2 puts before a file system, so that it can be run. */
#define LAUNCH "#!/usr/bin/env run-singularity\n"

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Does text[0..len) start with word, whatever the case? */
static bool starts(const char *text, size_t len, const char *word)
{
    return len >= strlen(word) && strncasecmp(text, word, strlen(word)) == 0;
}

/* How many bytes come before what counts: mark and white space. */
static size_t skip_blank(const char *text, size_t len)
{
    size_t at = starts(text, len, "\xef\xbb\xbf") ? 3 : 0;

    while (at < len && is_blank(text[at]))
        at++;
    return at;
}

/* Also skips what start and end enclose, over and over; unclosed: all. */
static size_t skip_enclosed(const char *text, size_t len, const char *start,
                            const char *end)
{
    size_t at = skip_blank(text, len);

    while (starts(text + at, len - at, start)) {
        const char *close = memmem(text + at, len - at, end, strlen(end));
        if (!close)
            return len;
        at = (size_t)(close - text) + strlen(end);
        at += skip_blank(text + at, len - at);
    }
    return at;
}

/* Is there an element of HTML at text[0..len)? */
static bool is_html(const char *text, size_t len)
{
    static const char *const names[] = {"!doctype html",
                                        "html",
                                        "head",
                                        "title",
                                        "meta",
                                        "link",
                                        "style",
                                        "script",
                                        "base",
                                        "body",
                                        "pre",
                                        "h1",
                                        "h2",
                                        "h3",
                                        "p",
                                        "a",
                                        "div",
                                        "table",
                                        "center"};

    if (len == 0 || text[0] != '<')
        return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t name = strlen(names[i]);
        if (!starts(text + 1, len - 1, names[i]))
            continue;
        if (len == name + 1 || is_blank(text[name + 1]) ||
            text[name + 1] == '>' || text[name + 1] == '/')
            return true;
    }
    return false;
}

enum sp_markup sp_sif_markup(const char *text, size_t len)
{
    /* Object stores' listings and errors, which may lack an XML declaration. */
    static const char *const roots[] = {"<ListBucketResult",
                                        "<ListAllMyBucketsResult",
                                        "<EnumerationResults", "<Error"};
    size_t at = skip_enclosed(text, len, "<!--", "-->");
    bool xml = starts(text + at, len - at, "<?xml");

    if (xml) {
        at += skip_enclosed(text + at, len - at, "<?", "?>");
        at += skip_enclosed(text + at, len - at, "<!--", "-->");
    }
    if (is_html(text + at, len - at))
        return SP_MARKUP_PAGE;
    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
        xml = xml || starts(text + at, len - at, roots[i]);
    return xml ? SP_MARKUP_XML : SP_MARKUP_NONE;
}

/* UTF-8 without control characters; the end may be in a character's midst. */
static bool is_text(const char *text, size_t len)
{
    size_t at = starts(text, len, "\xef\xbb\xbf") ? 3 : 0;

    while (at < len) {
        uint32_t point = 0;
        size_t count = sp_utf8_next(text + at, len - at, &point);
        if (count == 0)
            return len - at < 4 && ((unsigned char)text[at] & 0xc0) == 0xc0;
        if (point == 0x7f ||
            (point < ' ' && !is_blank((char)point) && point != 0x1b))
            return false;
        at += count;
    }
    return true;
}

static const char *kind_of_text(const char *text, size_t len)
{
    switch (sp_sif_markup(text, len)) {
    case SP_MARKUP_PAGE:
        return "web page";
    case SP_MARKUP_XML:
        return "XML document";
    case SP_MARKUP_NONE:
        break;
    }
    if (!is_text(text, len))
        return "unknown data";
    size_t at = skip_blank(text, len);
    if (at < len && (text[at] == '{' || text[at] == '['))
        return "JSON document";
    return "text";
}

/*
 * The super block of ext2 to ext4: its magic, and two fields of few values, as
 * two bytes prove little (fs/ext4/ext4.h of Linux: s_magic, s_state, s_errors).
 */
static bool is_ext(const char *bytes, size_t len)
{
    const unsigned char *at = (const unsigned char *)bytes + EXT_MAGIC_AT;

    return len >= EXT_MAGIC_AT + 6 && at[0] == 0x53 && at[1] == 0xef &&
           at[2] < 8 && at[3] == 0 && at[4] >= 1 && at[4] <= 3 && at[5] == 0;
}

static uint32_t little32(const char *bytes)
{
    const unsigned char *at = (const unsigned char *)bytes;

    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
           (uint32_t)at[3] << 24;
}

/* lz4 has such frames, too. */
bool sp_sif_zstd(const void *start, size_t len, size_t *skip)
{
    const char *bytes = start;
    size_t at = 0;

    while (len - at >= 8 &&
           (little32(bytes + at) & 0xfffffff0U) == 0x184d2a50U) {
        size_t size = little32(bytes + at + 4);
        if (size > len - at - 8)
            return false;
        at += 8 + size;
    }
    *skip = at;
    return len - at >= 4 && little32(bytes + at) == 0xfd2fb528U;
}

static const char *kind_of_system(const char *bytes, size_t len)
{
    const size_t launch = sizeof(LAUNCH) - 1;

    if (len >= launch && memcmp(bytes, LAUNCH, launch) == 0) {
        bytes += launch;
        len -= launch;
        if (len >= 4 && memcmp(bytes, "hsqs", 4) == 0)
            return "squashfs";
    }
    return is_ext(bytes, len) ? "ext3" : NULL;
}

/* A tar of before 1988 has no magic, but a sum of its header's bytes, as if the
 * sum were blanks; some then took bytes to be signed (tar(5)). */
static bool is_old_tar(const char *bytes, size_t len)
{
    char digits[9] = {0};
    long with_sign = 0;
    long without = 0;
    long said = 0;

    if (len < TAR_HEADER || bytes[0] == '\0')
        return false;
    for (size_t i = 0; i < TAR_HEADER; i++) {
        bool sum = i >= TAR_SUM_AT && i < TAR_SUM_AT + 8;
        with_sign += sum ? ' ' : (signed char)bytes[i];
        without += sum ? ' ' : (unsigned char)bytes[i];
    }
    memcpy(digits, bytes + TAR_SUM_AT, 8);
    said = strtol(digits, NULL, 8);
    return said == without || said == with_sign;
}

static const char *kind_of(const char *bytes, size_t len)
{
    const char *system = kind_of_system(bytes, len);
    size_t skip = 0;

    if (len == 0)
        return "empty file";
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
        if (len >= magics[i].at + magics[i].len &&
            memcmp(bytes + magics[i].at, magics[i].bytes, magics[i].len) == 0)
            return magics[i].kind;
    if (system != NULL)
        return system;
    if (sp_sif_zstd(bytes, len, &skip))
        return "zstd file";
    return is_old_tar(bytes, len) ? "tar archive" : kind_of_text(bytes, len);
}

static const char *arch_of(const char *bytes, size_t len)
{
    if (len < SIF_ARCH_AT + 3)
        return "";
    for (size_t i = 0; i < sizeof(archs) / sizeof(archs[0]); i++)
        if (memcmp(bytes + SIF_ARCH_AT, archs[i].code, 3) == 0)
            return archs[i].name;
    return "";
}

struct sp_look sp_sif_look(const void *bytes, size_t len)
{
    struct sp_look look = {kind_of(bytes, len), "", false};
    bool sif = strcmp(look.kind, "SIF") == 0;

    look.image = sif || strcmp(look.kind, "squashfs") == 0 ||
                 strcmp(look.kind, "ext3") == 0;
    if (sif)
        look.arch = arch_of(bytes, len);
    return look;
}

const char *sp_sif_host_arch(void)
{
#if defined(__x86_64__)
    return "amd64";
#elif defined(__i386__)
    return "386";
#elif defined(__aarch64__) && defined(__AARCH64EL__)
    return "arm64";
#elif defined(__arm__) && defined(__ARMEL__)
    return "arm";
#elif defined(__powerpc64__)
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? "ppc64le" : "ppc64";
#elif defined(__mips64)
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? "mips64le" : "mips64";
#elif defined(__mips__)
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? "mipsle" : "mips";
#elif defined(__s390x__)
    return "s390x";
#elif defined(__riscv) && __riscv_xlen == 64
    return "riscv64";
#elif defined(__loongarch64)
    return "loong64";
#else
    return "";
#endif
}

const char *sp_sif_arch_name(const char *text)
{
    static const struct {
        const char *uname;
        const char *name;
    } aliases[] = {
        {"x86_64", "amd64"},  {"x86-64", "amd64"}, {"i386", "386"},
        {"i486", "386"},      {"i586", "386"},     {"i686", "386"},
        {"aarch64", "arm64"}, {"armv6l", "arm"},   {"armv7l", "arm"},
        {"armv8l", "arm"},    {"armhf", "arm"},    {"loongarch64", "loong64"},
    };

    for (size_t i = 0; i < sizeof(archs) / sizeof(archs[0]); i++)
        if (strcasecmp(text, archs[i].name) == 0)
            return archs[i].name;
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
        if (strcasecmp(text, aliases[i].uname) == 0)
            return aliases[i].name;
    return NULL;
}
