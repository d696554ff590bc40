/* SPDX-License-Identifier: MIT */
/*
 * unpack_library: libarchive, loaded when the first archive turns up.
 *
 * Few layers are archives, and libarchive brings a dozen libraries along (an
 * XML parser, Unicode tables): linked as usual, it would lengthen the start of
 * every call by half. Whoever has it not can pull all images but packed ones.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "err.h"
#include "unpack_internal.h"

static struct {
    pthread_once_t once;
    struct libarchive lib;
    bool there;
    char why[256];
} library = {.once = PTHREAD_ONCE_INIT};

#define ROW(name) {#name, offsetof(struct libarchive, name)},
static const struct {
    const char *name;
    size_t offset; /* of its place in the table */
} symbols[] = {LIBARCHIVE(ROW)};
#undef ROW

/* ISO C casts no pointer to an object to one to a function; POSIX says that the
 * bytes are the same (dlsym). */
static bool find_all(void *handle)
{
    char *table = (char *)&library.lib;

    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        void *found = dlsym(handle, symbols[i].name);
        if (found == NULL)
            return false;
        memcpy(table + symbols[i].offset, &found, sizeof found);
    }
    return true;
}

/* Never closed: the table is for the life of the process. */
static void load(void)
{
    void *handle = dlopen(SPULL_LIBARCHIVE, RTLD_NOW | RTLD_LOCAL);
    const char *why = NULL;

    library.there = handle != NULL && find_all(handle);
    if (library.there)
        return;
    why = dlerror(); /* NOLINT(concurrency-mt-unsafe): one for each thread */
    if (why != NULL)
        sp_printable(library.why, sizeof library.why, why, strlen(why));
}

enum spull_code sp_unpack_library(const struct libarchive **out,
                                  struct spull_error *err)
{
    pthread_once(&library.once, load);
    if (library.there) {
        *out = &library.lib;
        return SPULL_OK;
    }
    sp_err_set(err, SPULL_INTERNAL, "libarchive can't be used: %s",
               library.why);
    sp_err_hint(err, "install libarchive, or keep the file as it is");
    return SPULL_INTERNAL;
}
