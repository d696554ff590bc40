/* SPDX-License-Identifier: MIT */
/*
 * unit.h: what the programs of this folder share: cmocka with the headers that
 * it wants, checks of a struct spull_error, and a source of spoilt input.
 *
 * Spoilt input is the same in every run: a seed is fixed, no clock is read.
 * Every function is inline, so that a program takes what it needs.
 */
#ifndef SP_UNIT_H
#define SP_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off: cmocka.h uses what the headers above define */
#include <cmocka.h>
/* clang-format on */

#include <spull.h>

#define UNIT_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* How often spoilt input is tried per room: together well under a second. */
#define UNIT_ROUNDS 4000

/* No byte that could move a cursor: what every text for people promises. */
static inline void unit_printable(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            fail_msg("control character in \"%s\"", text);
}

/* A failure is whole: a code, a cause, and both lines printable. */
static inline void unit_failed(const struct spull_error *err,
                               enum spull_code code)
{
    if (code == SPULL_OK)
        fail_msg("succeeded");
    assert_int_equal(err->code, code);
    assert_true(err->text[0] != '\0');
    unit_printable(err->text);
    unit_printable(err->hint);
}

/* Of all rounds, neither all nor next to none came to something. */
static inline void unit_some(int rounds)
{
    assert_in_range(rounds, UNIT_ROUNDS / 50, UNIT_ROUNDS - 1);
}

static inline void unit_hides(const struct spull_error *err, const char *secret)
{
    assert_null(strstr(err->text, secret));
    assert_null(strstr(err->hint, secret));
}

static inline void unit_says(const struct spull_error *err, const char *part)
{
    if (!strstr(err->text, part))
        fail_msg("\"%s\" does not say \"%s\"", err->text, part);
}

/* xorshift64: good enough to spoil bytes, and the same everywhere. */
static inline uint64_t unit_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline size_t unit_below(uint64_t *state, size_t limit)
{
    return (size_t)(unit_random(state) % limit);
}

/* One change of bytes[0..len), which has room for one byte more. */
static inline size_t unit_spoil_once(char *bytes, size_t len, uint64_t *state)
{
    static const char odd[] = "\0\"\\/@:?#%{}[],.-~ \n\t\x7f\xc3\xa9\xff<>0e";
    size_t at = unit_below(state, len + 1);
    size_t rest = len - at;

    switch (unit_below(state, 5)) {
    case 0: /* one byte more */
        memmove(bytes + at + 1, bytes + at, rest);
        bytes[at] = odd[unit_below(state, sizeof(odd) - 1)];
        return len + 1;
    case 1: /* one less */
        if (rest > 0)
            memmove(bytes + at, bytes + at + 1, rest - 1);
        return rest > 0 ? len - 1 : len;
    case 2: /* another one */
        if (rest > 0)
            bytes[at] = (char)unit_random(state);
        return len;
    case 3: /* an odd one */
        if (rest > 0)
            bytes[at] = odd[unit_below(state, sizeof(odd) - 1)];
        return len;
    default: /* the end is missing, now and then */
        return unit_below(state, 8) == 0 ? at : len;
    }
}

/*
 * A spoilt copy of seed in memory of exactly its size and a NUL, so that a
 * sanitizer sees who reads on. To free().
 */
static inline char *unit_spoil(const char *seed, size_t seed_len,
                               uint64_t *state, size_t *len)
{
    size_t changes = 1 + unit_below(state, 4);
    char *room = malloc(seed_len + changes + 1);

    assert_non_null(room);
    memcpy(room, seed, seed_len);
    *len = seed_len;
    for (size_t i = 0; i < changes; i++)
        *len = unit_spoil_once(room, *len, state);
    char *exact = malloc(*len + 1);
    assert_non_null(exact);
    memcpy(exact, room, *len);
    exact[*len] = '\0';
    free(room);
    return exact;
}

/* The same without the NUL. */
static inline char *unit_spoil_bytes(const char *seed, size_t seed_len,
                                     uint64_t *state, size_t *len)
{
    char *text = unit_spoil(seed, seed_len, state, len);
    char *bytes = malloc(*len > 0 ? *len : 1);

    assert_non_null(bytes);
    memcpy(bytes, text, *len);
    free(text);
    return bytes;
}

#ifdef UNIT_DATA
/* A file of data/, in memory of exactly its size; to free(). */
static inline char *unit_read(const char *name, size_t *len)
{
    char path[1024];
    static char whole[1 << 16];

    snprintf(path, sizeof(path), "%s/%s", UNIT_DATA, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("can't open %s", path);
    *len = fread(whole, 1, sizeof(whole), file);
    fclose(file);
    assert_true(*len < sizeof(whole));
    char *bytes = malloc(*len > 0 ? *len : 1);
    assert_non_null(bytes);
    memcpy(bytes, whole, *len);
    return bytes;
}
#endif

#endif
