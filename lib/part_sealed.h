/* SPDX-License-Identifier: MIT */
/*
 * part_sealed: a partial file whose bytes were verified in this inode, on its
 * way to its name.
 *
 * Only verify makes one, with sp_part_seal(), and only install takes one. How
 * it was filled, and what name it will get, is not known here.
 */
#ifndef SP_PART_SEALED_H
#define SP_PART_SEALED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <spull.h>

#include "digest.h"
#include "sif.h"

struct sp_sealed {
    int dir;     /* descriptor of the directory that holds it */
    int fd;      /* of the file, read and write */
    char *name;  /* its name there, for now */
    char *where; /* the directory as the user named it, for messages */
    bool shared; /* who may read the directory may read the file */
    bool linked; /* the inode has another name, elsewhere: it stays as it is */
    uint64_t size;
    uint64_t beat; /* how often its journal was written */
    struct sp_digest digest;
    struct sp_look look;
    bool unpacked;           /* it came out of an archive that was verified */
    struct sp_digest origin; /* of that archive, where there was one */
};

/*
 * Sets the mode of fd to own and, of the bits in others, those that its
 * directory grants; gives fd to the directory's group, or no group access.
 * false: errno says why not.
 */
bool sp_part_share(int dir, int fd, mode_t own, mode_t others);

/* SPULL_STORAGE: there is no room for it after all, and how much it takes. */
enum spull_code sp_sealed_say_full(const struct sp_sealed *sealed, int why,
                                   struct spull_error *err);

/* Is it written down what there is of it? Too little is not worth it, and a
 * link is nobody's to take up. */
bool sp_sealed_has_journal(const struct sp_sealed *sealed);

/* Shows those who wait that we live, while the file is flushed; by the journal,
 * where there is one. */
void sp_sealed_beat(struct sp_sealed *sealed);

/* Three ways to free it: with the file; leaving that, which could not be named
 * now, to a later process; and once it has got its final name. */
void sp_sealed_discard(struct sp_sealed *sealed);
void sp_sealed_keep(struct sp_sealed *sealed);
void sp_sealed_free(struct sp_sealed *sealed);

#endif
