/* SPDX-License-Identifier: MIT */
/*
 * spelling: the default tag is said, and a pin's digits have one case. Two
 * addresses of one registry stay two.
 */
#include "spelling.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_TAG ":latest"

/* Behind the registry and all levels but the last. */
static const char *last_level(const char *ref)
{
    const char *slash = strrchr(ref, '/');

    return slash != NULL ? slash + 1 : ref;
}

bool spelling_is_bare(const char *ref)
{
    return strpbrk(last_level(ref), ":@") == NULL;
}

char *spelling_whole(const char *ref)
{
    const char *last = last_level(ref);
    size_t len = (size_t)(last - ref) + strcspn(last, "@");
    bool tagged = memchr(last, ':', strcspn(last, "@")) != NULL;
    size_t room = strlen(ref) + sizeof DEFAULT_TAG;
    char *text = malloc(room);

    if (text == NULL)
        return NULL;
    snprintf(text, room, "%.*s%s%s", (int)len, ref, tagged ? "" : DEFAULT_TAG,
             ref + len);
    for (char *c = strchr(text + (last - ref), '@'); c && *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c | 0x20);
    return text;
}

bool spelling_is_same(const char *ref, const char *other)
{
    char *one = spelling_whole(ref);
    char *two = spelling_whole(other);
    bool same = one != NULL && two != NULL && strcmp(one, two) == 0;

    free(one);
    free(two);
    return same;
}
