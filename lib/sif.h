/* SPDX-License-Identifier: MIT */
/*
 * sif: what the first bytes of a file say: a SIF and its architecture, a bare
 * file system (squashfs, or ext3 as Singularity 2 made them), an archive, a web
 * page.
 *
 * Reads bytes in memory and decides nothing: a caller warns or refuses. A SIF,
 * version 01, begins with 32 bytes that launch it or are zero; "SIF_MAGIC\0"
 * and the version, "01\0", follow, and at 45 a code of two digits for the
 * machine.
 */
#ifndef SP_SIF_H
#define SP_SIF_H

#include <stdbool.h>
#include <stddef.h>

struct sp_look {
    const char *kind; /* "SIF", "squashfs", "gzip file", "web page", ... */
    const char *arch; /* of a SIF: "amd64", ...; "" unknown or not a SIF */
    bool image;       /* SIF, squashfs, ext3: something that can be run */
};

/* bytes is the start of the file, SP_LOOK_BYTES of it if it has as many. */
struct sp_look sp_sif_look(const void *bytes, size_t len);

/* What a text is, after a byte order mark, white space and comments. */
enum sp_markup {
    SP_MARKUP_NONE,
    SP_MARKUP_PAGE, /* HTML */
    SP_MARKUP_XML   /* other XML: an object store's listing or error */
};

enum sp_markup sp_sif_markup(const char *text, size_t len);

/*
 * Does a zstd file start like this? *skip: how many bytes of it are frames that
 * stand for nothing, as pzstd writes them (RFC 8878, section 3.1.2), before the
 * first that is a zstd's.
 */
bool sp_sif_zstd(const void *start, size_t len, size_t *skip);

/* What this machine runs: "amd64", ...; "" if SIF has no code for it. */
const char *sp_sif_host_arch(void);

/*
 * The name that SIF has for an architecture, also given as uname(1) says it
 * ("x86_64", "aarch64"); NULL: none such.
 */
const char *sp_sif_arch_name(const char *text);

#endif
