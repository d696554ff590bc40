/* SPDX-License-Identifier: MIT */
/*
 * part_name: how the files are called that stand beside a destination.
 *
 * ".spull-LABEL-HOST-PID-RANDOM" with a suffix: ".part" for the bytes, ".spans"
 * for the journal, ".spans.new" for the next journal; and ".spull-LABEL.lead"
 * for the link that says who downloads. Names that are read may be anybody's.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "part_internal.h"

/* A host name in a file name: other tools must be able to print it. */
static void host_label(char *out, size_t cap)
{
    char *at = out;

    if (gethostname(out, cap) != 0)
        out[0] = '\0';
    out[cap - 1] = '\0';
    for (; *at != '\0' && *at != '.'; at++)
        if (!((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
              (*at >= '0' && *at <= '9')))
            *at = '_';
    *at = '\0';
}

/*
 * Host and pid make the name unique among processes that live, the random
 * number among those of other pid namespaces, boots and hosts of the same name.
 */
char *sp_part_fresh_name(const char *label)
{
    char host[HOST_NAME_MAX + 1];
    char *name = NULL;
    uint64_t noise = 0;

    host_label(host, sizeof host);
    if (getrandom(&noise, sizeof noise, GRND_NONBLOCK) != sizeof noise)
        noise = (uint64_t)(uintptr_t)&noise;
    if (asprintf(&name, SP_PART_PREFIX "%s-%s-%ld-%016" PRIx64 ".part", label,
                 host, (long)getpid(), noise) < 0)
        return NULL;
    return name;
}

char *sp_part_beside(const char *name, const char *suffix)
{
    const char *dot = strrchr(name, '.');
    size_t stem = dot == NULL ? strlen(name) : (size_t)(dot - name);
    char *other = NULL;

    return asprintf(&other, "%.*s%s", (int)stem, name, suffix) < 0 ? NULL
                                                                   : other;
}

bool sp_part_is_ours(const char *name)
{
    return strncmp(name, SP_PART_PREFIX, strlen(SP_PART_PREFIX)) == 0;
}

bool sp_part_ends_in(const char *name, const char *suffix)
{
    size_t len = strlen(name);

    return len > strlen(suffix) &&
           strcmp(name + len - strlen(suffix), suffix) == 0;
}

bool sp_part_label_of(const char *name, char label[SP_PART_LABEL + 1])
{
    size_t len = 0;

    if (!sp_part_is_ours(name))
        return false;
    name += strlen(SP_PART_PREFIX);
    len = strcspn(name, "-");
    if (len > SP_PART_LABEL || name[len] != '-')
        return false;
    memcpy(label, name, len);
    label[len] = '\0';
    return true;
}
