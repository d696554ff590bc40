/* SPDX-License-Identifier: MIT */
/*
 * pull_internal: what the files of the room pull share.
 *
 * pull.c has the steps in order, pull_present.c what lies at the destination
 * already, pull_wait.c how others are waited for who download the same,
 * pull_turn.c one turn at downloading, pull_store.c how a store spares
 * that, pull_local.c other files that do, pull_unpack.c what a blob that is an
 * archive takes beside, pull_verify.c the second look at a file. Nobody else
 * includes it.
 */
#ifndef SP_PULL_INTERNAL_H
#define SP_PULL_INTERNAL_H

#include <stdbool.h>
#include <sys/stat.h>

#include "digest.h"
#include "fetch.h"
#include "part.h"
#include "proof.h"
#include "pull.h"
#include "registry.h"
#include "sif.h"
#include "store.h"
#include "watch.h"

/* Is the blob itself the image, or has that to be unpacked? */
enum packing { PACKING_UNKNOWN, PLAIN, PACKED };

struct pull {
    struct sp_ctx *ctx;
    struct sp_http *http;
    struct sp_watch watch;

    /* The order. */
    const struct sp_url *registry;
    const struct sp_ref *ref;
    const struct sp_store *shared; /* path is an entry of it; NULL: it is not */
    const char *path;
    char *dir;        /* of path */
    const char *name; /* of the file in it; points into path */
    const int *file;  /* as in struct sp_order, like blob */
    bool blob;
    bool replace; /* what is there and differs */
    bool unpack;  /* the image out of an archive */

    /* What is wanted. */
    bool has_found;        /* found holds; else want is of a pin, and the store
                              has it */
    struct sp_found found; /* of the order, if that had one */
    struct sp_digest want; /* of the blob */
    enum packing packing;
    bool has_image; /* image holds, which takes a PACKED blob */
    struct sp_digest
        image; /* as config has it, or as it came out of the blob */

    /* What is at the destination, so that no file is read at every look. */
    struct stat other; /* a file that is not the blob; ino 0: none */
    bool other_is_image;
    struct stat summed;      /* a file whose sha256 was taken; ino 0: none */
    struct sp_digest sum;    /* that */
    struct sp_look sum_look; /* and what it looks like */

    /* How it is going. */
    struct sp_lead *lead;
    bool deposed;      /* we took the lead from somebody who may be alive */
    bool tried;        /* those who led before us have tried in vain */
    unsigned forgiven; /* failures for want of our part, or of room */
    bool copied;       /* a file that this session knows of was tried */

    /* What came of it. */
    struct sp_fetched fetched;
    const struct sp_url *served; /* points into found; NULL: not by us */
    const char *placed;  /* how, from a store; static; NULL: not from one */
    struct sp_look look; /* of the image, whoever has read it */
    uint64_t size;       /* of the image */
};

enum present {
    ABSENT,
    SAME,
    DIFFERENT,
    UNSURE /* an image, of which only unpacking the blob will tell */
};

/*
 * Looks at the destination. DIFFERENT is SPULL_EXISTS instead where it must not
 * be replaced.
 */
enum spull_code sp_pull_look(struct pull *pull, enum present *out,
                             struct spull_error *err);

/* Could a file of this size be what the registry promises? */
bool sp_pull_size_fits(const struct pull *pull, uint64_t size);

/* SPULL_EXISTS: what is there is not what is wanted. */
enum spull_code sp_pull_say_exists(const struct pull *pull,
                                   struct spull_error *err);

/*
 * Downloads, verifies, judges and installs, if the lead can be had. *done says
 * whether the image is in place; if not, and there is no error, somebody else
 * was quicker or has taken our place.
 */
enum spull_code sp_pull_turn(struct pull *pull, bool *done,
                             struct spull_error *err);

/* The loop of it all: a look, then a turn or a wait, until the image is there.
 */
enum spull_code sp_pull_obtain(struct pull *pull, enum spull_state *state,
                               struct spull_error *err);

/* How long we have waited, and for how long nothing has moved, or come. */
struct patience {
    uint64_t start_ms;
    uint64_t moved_ms;
    uint64_t came_ms;
    uint64_t bytes; /* that the leader has */
    uint64_t most;  /* that any leader had */
    bool met;       /* somebody leads, or led until it died */
};

struct patience sp_pull_patience(void);

/* Is it time to download ourselves? Sets pull->tried and pull->deposed. */
bool sp_pull_is_turn(struct pull *pull, struct patience *patience);

/* Waits a little for who downloads. SPULL_NETWORK: for too long by now; that,
 * NOT_FOUND, DENIED: there is nothing to wait for. SPULL_CANCELLED, INTERNAL.
 */
enum spull_code sp_pull_wait(struct pull *pull, struct patience *patience,
                             struct spull_error *err);

/* What comes of a turn. */
struct turn {
    struct sp_sealed *sealed; /* NULL: nothing */
    bool lost;                /* somebody else leads, or has finished */
    bool afresh;              /* without what earlier runs have left */
};

/* Takes the lead with a part of our own. turn->lost: somebody else leads, or
 * the image is in place by now. */
enum spull_code sp_pull_lead(struct pull *pull, struct sp_part *part,
                             struct turn *turn, struct spull_error *err);

/* Does the store of the options seem to have the blob? */
bool sp_pull_is_stored(const struct pull *pull);

/*
 * A turn that takes the image from that store, after downloading it into the
 * store if need be and the registry has been asked. SPULL_OK with a turn that
 * is neither sealed nor lost: no store can help, and the image is to be
 * downloaded to where it belongs.
 */
enum spull_code sp_pull_from_store(struct pull *pull, struct turn *turn,
                                   struct spull_error *err);

/* A file of this machine that has the bytes. */
struct source {
    int fd;
    uint64_t size;
    const struct sp_digest *digest; /* that it has to have */
    bool cloned;                    /* into the part, already */
};

/* Fills the part from a file that has so many bytes, and completes it.
 * SPULL_INTEGRITY: it is shorter. Also STORAGE, CANCELLED, INTERNAL. */
enum spull_code sp_pull_copy(struct pull *pull, struct sp_part *part, int fd,
                             uint64_t size, struct spull_error *err);

/* The same, and verifies and seals the part, which is gone on success.
 * SPULL_INTEGRITY: the bytes are others. */
enum spull_code sp_pull_take(struct pull *pull, struct sp_part *part,
                             const struct source *from, struct sp_sealed **out,
                             struct spull_error *err);

/* Copies what the part lacks from a file that this session knows to be the
 * blob; it is not proven again, so this is done once. *used is the path, to
 * free(), if bytes came from there; else it is left as it was. */
enum spull_code sp_pull_copy_known(struct pull *pull, struct sp_part *part,
                                   char **used, struct spull_error *err);

/* A turn that takes the image from a file that this session has unpacked from
 * the same blob. SPULL_OK with a turn that is neither sealed nor lost: there is
 * none. */
enum spull_code sp_pull_from_known(struct pull *pull, struct turn *turn,
                                   struct spull_error *err);

/*
 * Whether the blob has to be unpacked; asks a server for its first bytes if
 * nobody knows. What can't be found out counts as PLAIN. SPULL_CANCELLED.
 */
enum spull_code sp_pull_look_at_blob(struct pull *pull,
                                     struct spull_error *err);

/* The blob is an archive: what its image has to be, if config says so. */
void sp_pull_is_packed(struct pull *pull);

/* The whole proof of a file that is the blob, or was unpacked from it. */
struct sp_proof sp_pull_proof(const struct pull *pull,
                              const struct sp_digest *digest);

/* An empty part for what comes out of the blob. Its label is its own, and one
 * that anybody who has this blob finds: the blob's backwards. With the blob's,
 * the bytes of one would be taken for those of the other. */
enum spull_code sp_pull_new_unpacked(struct pull *pull, struct sp_part **out,
                                     struct spull_error *err);

/*
 * Unpacks the blob into a new file, which takes its place in *sealed. The old
 * one is in *archive then, to be ended with sp_pull_end_archive(); on failure
 * it is ended. A blob that is no archive stays as it is.
 */
enum spull_code sp_pull_unpack(struct pull *pull, struct sp_sealed **sealed,
                               struct sp_sealed **archive,
                               struct spull_error *err);

/* Removes the archive, or keeps it for a later run, as code and err ask for.
 * Takes NULL. */
void sp_pull_end_archive(struct sp_sealed *archive, enum spull_code code,
                         const struct spull_error *err);

/* Asks the registry; says what has to be proven. */
enum spull_code sp_pull_find(struct pull *pull, struct spull_error *err);

/* Reads the file at path and compares; ref may be NULL. */
enum spull_code sp_pull_verify(struct pull *pull, struct spull_error *err);

/* Whether the image suits the options; warns of what the user should know. */
enum spull_code sp_pull_judge(struct pull *pull, struct spull_error *err);

#endif
