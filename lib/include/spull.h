/* SPDX-License-Identifier: MIT */
/*
 * spull.h: all of libspull's public interface.
 *
 * libspull pulls Singularity/Apptainer images from static registries: it reads
 * a manifest, downloads the one layer that it names, proves size and digest,
 * and only then gives the file its name. It never prints, exits, reads the
 * environment (libcurl's proxy variables aside) or handles signals.
 *
 * Conventions, which hold wherever nothing else is said:
 *
 * - Functions return an enum spull_code; 0 is success. On failure, *err (if
 *   err is not NULL) says what was attempted and why it failed; its content is
 *   undefined after a success. Output parameters are written only on success.
 * - Each function names the codes that it may fail with. SPULL_INTERNAL and
 *   SPULL_CANCELLED are not named: every function that takes an err may fail
 *   with the first, every one that takes a session with the second.
 * - What a function gives out through a pointer to pointer belongs to the
 *   caller, who frees it with the function named beside it. Every function
 *   that frees takes NULL.
 * - Strings are NUL-terminated. Those that come in are copied where they are
 *   kept. Sizes of files and counts of transferred bytes are in bytes.
 * - A session may be used by several threads at once. Results belong to one
 *   thread at a time.
 * - Callbacks, the log aside, are called in the thread that made the call they
 *   are about. None may call into the session, but for spull_cancel().
 */
#ifndef SPULL_H
#define SPULL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SPULL_API __attribute__((visibility("default")))
#else
#define SPULL_API
#endif

/* The registry that is used when no other is named. */
#define SPULL_DEFAULT_REGISTRY "https://singularityhub.github.io/registry"

/*
 * For people who find them: the names of the files that stand beside a
 * destination while it is downloaded, or are left when that is cut short. A
 * journal has ".spans" in place of ".part"; the link says who downloads.
 */
#define SPULL_PART_NAME ".spull-DIGEST-HOST-PID-RANDOM.part"
#define SPULL_LEAD_NAME ".spull-DIGEST.lead"

/*
 * What went wrong, as far as a caller would act on it differently. The values
 * are those of the command's exit status (spull(1), EXIT STATUS).
 */
enum spull_code {
    SPULL_OK = 0,
    SPULL_INTERNAL = 1,  /* out of memory, out of threads, a bug */
    SPULL_USAGE = 2,     /* a bad reference, option or registry address */
    SPULL_NOT_FOUND = 3, /* no such tag, container or blob */
    SPULL_NETWORK = 4,   /* could not reach, or lost, the server */
    SPULL_INTEGRITY = 5, /* size or digest wrong, malformed, or too weak */
    SPULL_DENIED = 6,    /* the server or the registry's files refuse access */
    SPULL_STORAGE = 7,   /* local disk: space, quota, permission, I/O */
    SPULL_EXISTS = 8,    /* the destination exists and differs */
    SPULL_CANCELLED = 9  /* spull_cancel(), or the progress callback said so */
};

/*
 * An error in full. text is one line in the form "WHAT: WHY" and holds no
 * control characters, whatever a server sent; hint is one more line, or empty.
 */
struct spull_error {
    enum spull_code code;
    int sys;  /* errno value behind it, or 0 */
    int http; /* HTTP status behind it, or 0 */
    char text[2048];
    char hint[512];
};

enum spull_level {
    SPULL_LOG_WARN,  /* the user should know: a weak digest, another arch */
    SPULL_LOG_DETAIL /* what was decided and why: addresses, ranges, reuse */
};

/*
 * Receives one line without a line break, safe to print on a terminal. May be
 * called from any thread of the session, but never by two at once.
 */
typedef void (*spull_log_fn)(void *payload, enum spull_level level,
                             const char *line);

enum spull_phase {
    SPULL_RESOLVING,   /* asking the registry */
    SPULL_DOWNLOADING, /* bytes and total count */
    SPULL_WAITING,     /* wait_seconds until the next try; note says why */
    SPULL_INSTALLING,  /* verified; flushing to disk and naming */
    SPULL_CHECKING,    /* reading a file that is there */
    SPULL_UNPACKING,   /* bytes and total count, of the archive */
    SPULL_COPYING      /* the same, of a file that is at hand */
};

/* How far a call is. Pointers live as long as the callback runs. */
struct spull_progress {
    const char *ref; /* the reference as it was given; the path, where the call
                        is about a file or a directory */
    enum spull_phase phase;
    uint64_t bytes;        /* of the blob, written to the partial file */
    uint64_t total;        /* size of the blob; 0: not known yet */
    uint64_t resumed;      /* how many of bytes an earlier run had left */
    unsigned connections;  /* transfers that are running */
    unsigned wait_seconds; /* with SPULL_WAITING; 0: it can't be said */
    const char *note;      /* "" or one printable line */
};

/*
 * Called about ten times a second and at each change of phase. Anything
 * but 0 cancels the call that it is about.
 */
typedef int (*spull_progress_fn)(void *payload,
                                 const struct spull_progress *now);

/* For the option wait: for as long as the other process shows life. */
#define SPULL_WAIT 0xffffffffU

/*
 * The policy of a session. Start with spull_options_init(), which sets size
 * and the defaults; NULL strings mean the default.
 */
struct spull_options {
    size_t size;          /* sizeof(struct spull_options), for later growth */
    const char *registry; /* http, https or file URL, or a directory */
    const char *arch;     /* an image must be a SIF for it: "amd64", ... */
    int strict_size;      /* a manifest's size counts bytes, never KiB */
    int allow_md5;        /* take md5 for a proof where there is no better */
    int force;            /* replace a destination that differs */
    int unpack;           /* the image out of a blob that is an archive or a
                             compressed file; default 1 */
    uint64_t unpack_max;  /* bytes that may come out of one; 0: as many as the
                             manifest or the archive's size makes credible;
                             default 64 GiB */

    const char *ca_file;     /* PEM bundle, instead of libcurl's default */
    const char *ca_dir;      /* directory hashed by openssl-rehash(1) */
    const char *client_cert; /* PEM; shown to the registry alone */
    const char *client_key;  /* PEM; NULL: it is in client_cert */
    const char *netrc_file;  /* credentials by host, as for ftp(1) */
    const char *proxy;       /* URL; "": none, whatever the environment says */
    const char *const *headers; /* "Name: value", ends with NULL; sent to the
                                   registry's scheme, host and port alone */
    const char *user_agent;     /* default "spull/VERSION" */

    unsigned ip_version;      /* 4 or 6: no other; default 0, any */
    unsigned connect_timeout; /* seconds for DNS, TCP and TLS; default 30 */
    unsigned stall_timeout;   /* seconds under 1 KiB/s; default 30 */
    unsigned max_time;        /* seconds for one call, which then fails with
                                 SPULL_NETWORK; default 0, no limit */
    unsigned retries;         /* tries in a row that bring nothing; default 5 */
    unsigned connections;     /* for one blob, 1 to 16, and shared by pulls that
                                 run at once; default 16 */
    unsigned jobs;       /* documents and blobs that a check asks for at once, 1
                            to 16; default 8 */
    unsigned wait;       /* seconds for another process that downloads the same
                            image; default SPULL_WAIT: while it shows life */
    unsigned keep_days;  /* after which partial files that nobody takes up are
                            removed; 0: never; default 7 */
    uint64_t limit_rate; /* bytes a second for one blob, over one connection;
                            default 0, no limit */
    const char *mirror_base; /* http or https URL at which a mirror will be
                                served, for absolute URLs in its manifests;
                                default: relative ones */

    const char *store;   /* a directory that many share: a pull downloads into
                            it, then links or copies from it; NULL: none */
    const char *scratch; /* a directory for an archive while a check looks into
                            it, as a file without a name; default "/tmp" */

    const char *hint_options; /* what a command that a hint names needs to get
                                 the same session, as words of a command line;
                                 default "" */

    spull_log_fn log;
    void *log_payload;
    spull_progress_fn progress;
    void *progress_payload;
};

/* A session: options, connections kept alive, the cancel flag. */
struct spull;

/* Version of the library that runs, "1.2.3". Static. */
SPULL_API const char *spull_version(void);

/* A stable word for a code, for scripts: "not-found", "network". Static. */
SPULL_API const char *spull_code_name(enum spull_code code);

/*
 * Does a terminal show the character of this Unicode code point, so that text
 * from elsewhere may be printed? 0: it is a control, hides, or turns the
 * direction of text. What errors and the log say is free of those. Any thread.
 */
SPULL_API int spull_is_shown(unsigned point);

/* Sets every default; the result is a valid policy. */
SPULL_API void spull_options_init(struct spull_options *options);

/*
 * Opens a session; the options are copied. Nothing is sent yet. SPULL_USAGE: an
 * option has a value that can't be, or names a file that can't be read.
 * Threads: the first call in a process must not run beside other code that
 * initialises libcurl (curl_global_init(3)).
 */
SPULL_API enum spull_code spull_new(const struct spull_options *options,
                                    struct spull **out,
                                    struct spull_error *err);

/*
 * Ends a session, its connections and threads. No other call on it may be
 * running.
 */
SPULL_API void spull_free(struct spull *session);

/*
 * Makes every running and later call of the session fail soon with
 * SPULL_CANCELLED. May be called from any thread and from signal handlers.
 */
SPULL_API void spull_cancel(struct spull *session);

/* The tags of a container, in the registry's order. */
struct spull_tags {
    char **names;
    size_t count;
    char **left_out; /* entries that can be no tag of it, made printable */
    size_t left_out_count;
};

/*
 * Asks for the tags of "[BASE-URL/]COLLECTION/NAME". A name with a tag or a
 * digest is SPULL_USAGE. Also NOT_FOUND, NETWORK, DENIED, STORAGE, INTEGRITY.
 */
SPULL_API enum spull_code spull_tags_get(struct spull *session,
                                         const char *container,
                                         struct spull_tags **out,
                                         struct spull_error *err);
SPULL_API void spull_tags_free(struct spull_tags *tags);

/* A manifest that was read and found sound. */
struct spull_manifest {
    char *json;    /* the whole document, found sound and printed again */
    char *url;     /* where it came from */
    char *ref;     /* COLLECTION/NAME:TAG */
    char *pinned;  /* the same with @sha256:HEX; NULL: it states no sha256 */
    char *digest;  /* of the layer, "sha256:..." or what it has instead */
    uint64_t size; /* of the layer as stated: bytes, or KiB of disk usage */
    char **urls;   /* of the blob, absolute */
    size_t url_count;
};

/*
 * Asks for the manifest that ref names. If ref is pinned, the manifest must
 * agree with the pin or be too weak to disagree; else SPULL_INTEGRITY: the tag
 * has moved. Also INTEGRITY for one that is not sound, USAGE, NOT_FOUND,
 * NETWORK, DENIED, STORAGE.
 */
SPULL_API enum spull_code spull_manifest_get(struct spull *session,
                                             const char *ref,
                                             struct spull_manifest **out,
                                             struct spull_error *err);
SPULL_API void spull_manifest_free(struct spull_manifest *manifest);

/*
 * The file name that a pull of ref gives by itself: NAME_TAG.sif, below dir if
 * dir is not NULL. The file system is not looked at. free() it. USAGE.
 */
SPULL_API enum spull_code spull_destination(const char *ref, const char *dir,
                                            char **out,
                                            struct spull_error *err);

enum spull_state {
    SPULL_INSTALLED, /* downloaded, verified, named */
    SPULL_UP_TO_DATE /* was there already, with the right digest */
};

/* An image that is in place and verified. */
struct spull_image {
    char *path;         /* as it was given */
    char *ref;          /* COLLECTION/NAME:TAG; "" where no ref was given */
    char *digest;       /* of the blob, "sha256:..." or, if weak, "md5:..." */
    char *image_digest; /* "sha256:...", of the file that was unpacked from the
                           blob; NULL: the file is the blob */
    char *url;          /* that served the blob; NULL: it was not downloaded */
    uint64_t size;      /* of the file at path */
    uint64_t transferred; /* bytes of the blob that came over the network */
    double seconds;       /* that the whole call took */
    enum spull_state state;
    int weak;           /* only an md5 vouches for it */
    const char *kind;   /* "SIF", "squashfs", "web page", ...; static */
    const char *arch;   /* "amd64", ...; "" where the image says none; static */
    const char *placed; /* how it came from the store: "reflink", "hard link",
                           "copy"; NULL: it did not; static */
};

/*
 * Makes the image that ref names appear as path, complete and verified, or
 * changes nothing there. Fails with any code; with SPULL_EXISTS if path is
 * there, differs, and the session's policy is not to replace it.
 */
SPULL_API enum spull_code spull_pull(struct spull *session, const char *ref,
                                     const char *path, struct spull_image **out,
                                     struct spull_error *err);

/*
 * Reads the file at path again and compares its digest with what the registry
 * has for ref or, where ref is NULL, with what was found when it was installed
 * (an extended attribute). Success means equal, and renews that note. Fails
 * with SPULL_INTEGRITY: damaged, or intact but the tag has moved on, as the
 * text says; NOT_FOUND: no such file, or nothing is known of it. Also USAGE,
 * NETWORK, DENIED, STORAGE.
 */
SPULL_API enum spull_code spull_verify(struct spull *session, const char *path,
                                       const char *ref,
                                       struct spull_image **out,
                                       struct spull_error *err);
SPULL_API void spull_image_free(struct spull_image *image);

/*
 * Puts the image that ref names into the static registry in directory dir,
 * which is made if it is not there: blob, manifest and tag, in this order, each
 * only if it has to be. The tree may be served meanwhile, and others may work
 * on it. file is the image itself, if it does not come from a registry; NULL:
 * it does. *out: path is the blob's, ref and digest are those in the tree;
 * SPULL_INSTALLED: something in there has changed. Any code but EXISTS.
 */
SPULL_API enum spull_code spull_mirror(struct spull *session, const char *dir,
                                       const char *ref, const char *file,
                                       struct spull_image **out,
                                       struct spull_error *err);

/*
 * Removes from the tree the blobs that no manifest in it names, partial files
 * older than the session's keep_days, and what processes that are gone have
 * left of documents; brings lists of tags in line with the manifests that are
 * there. *count and *bytes: what was removed, and what it took on disk. If a
 * document or a folder can't be read, no blob is removed. STORAGE, NOT_FOUND,
 * INTEGRITY; USAGE: it is an OCI image layout, or has blobs and no document,
 * and so is hardly ours.
 */
SPULL_API enum spull_code spull_mirror_prune(struct spull *session,
                                             const char *dir, uint64_t *count,
                                             uint64_t *bytes,
                                             struct spull_error *err);

enum spull_severity {
    SPULL_NOTE,    /* to know */
    SPULL_WARNING, /* works here; costs somebody something, or soon fails */
    SPULL_ERROR    /* an image that can't be pulled, or not as it is meant */
};

/* Something about a registry. All strings live as long as the callback runs,
 * and are printable. */
struct spull_finding {
    enum spull_severity severity;
    const char *code;  /* "E-json": spull(1), FINDINGS; never changes */
    const char *place; /* of the document: URL, or path of a file */
    const char *ref;   /* COLLECTION/NAME[:TAG]; "" where it is none's */
    const char *text;  /* one line */
};

typedef void (*spull_finding_fn)(void *payload,
                                 const struct spull_finding *finding);

/* How far a check goes; each does what those before it do. */
enum spull_depth {
    SPULL_DOCUMENTS, /* asks for nothing but documents of the registry */
    SPULL_BLOBS,     /* asks for the first bytes of each blob */
    SPULL_DIGESTS    /* reads all of each blob, unpacks archives if the options
                        do so, and keeps none of it */
};

/* What was looked at. */
struct spull_checked {
    uint64_t containers;
    uint64_t manifests; /* those of recipes included */
    uint64_t blobs;     /* each address once */
    uint64_t errors, warnings, notes;
};

/*
 * Looks at what the session's registry has of each of the count names, which
 * are "COLLECTION/NAME[:TAG]"; of all that it has, if count is 0 and it is a
 * directory (else SPULL_USAGE). Findings come in the registry's order, or
 * sorted by name where it has none. What was found is no failure: the call
 * fails where there is nothing to look at or it can't be reached, with
 * NOT_FOUND, NETWORK, DENIED or STORAGE of the first such container, after all
 * others were looked at. Unlike elsewhere, *out is written in any case.
 */
SPULL_API enum spull_code
spull_check(struct spull *session, const char *const *names, size_t count,
            enum spull_depth depth, spull_finding_fn found, void *payload,
            struct spull_checked *out, struct spull_error *err);

/* What was done to an entry of the store. Pointers live as long as the callback
 * runs. */
struct spull_entry {
    const char *path;
    const char *digest;              /* "sha256:...", that it should have */
    uint64_t size;                   /* in bytes */
    int removed;                     /* it is gone */
    const struct spull_error *error; /* NULL: nothing is wrong with it */
};

/* Anything but 0 ends the call with SPULL_CANCELLED. */
typedef int (*spull_entry_fn)(void *payload, const struct spull_entry *entry);

/*
 * Removes from the session's store the entries that nobody has used in the last
 * days (0: all of them) and that have no other name; and partial files older
 * than the session's keep_days. Tells of each entry that it removed or could
 * not remove. STORAGE: what the first of the latter failed with, after all were
 * tried; USAGE: the session has no store.
 */
SPULL_API enum spull_code spull_store_prune(struct spull *session,
                                            unsigned days, spull_entry_fn tell,
                                            void *payload,
                                            struct spull_error *err);

/*
 * Reads every entry of the session's store, and removes those that are damaged,
 * if it may. Tells of each entry. Fails with what the first one failed with,
 * after all were read: INTEGRITY, it is damaged; STORAGE, it can't be read.
 * USAGE: the session has no store.
 */
SPULL_API enum spull_code spull_store_verify(struct spull *session,
                                             spull_entry_fn tell, void *payload,
                                             struct spull_error *err);

#ifdef __cplusplus
}
#endif

#endif
