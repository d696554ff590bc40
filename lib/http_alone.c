/* SPDX-License-Identifier: MIT */
/*
 * http_alone: servers that speak HTTP/2 and nothing else. They are rare, so a
 * list that is searched from its start will do; where it is full, one is asked
 * in vain once more.
 */
#include <stdlib.h>
#include <string.h>

#include "http_internal.h"

bool sp_alone_has(const struct sp_alone *alone, const char *origin)
{
    for (size_t i = 0; i < alone->count; i++)
        if (strcmp(alone->origins[i], origin) == 0)
            return true;
    return false;
}

void sp_alone_add(struct sp_alone *alone, const char *origin)
{
    char *copy = NULL;

    if (alone->count == SP_HTTP2_ALONE_MAX || sp_alone_has(alone, origin))
        return;
    copy = strdup(origin);
    if (copy != NULL)
        alone->origins[alone->count++] = copy;
}

void sp_alone_done(struct sp_alone *alone)
{
    for (size_t i = 0; i < alone->count; i++)
        free(alone->origins[i]);
    alone->count = 0;
}
