/* SPDX-License-Identifier: MIT */
/*
 * parts.h: a part that is made, filled and sealed, for the programs that try
 * one.
 */
#ifndef SP_UNIT_PARTS_H
#define SP_UNIT_PARTS_H

#include "part.h"
#include "unit.h"

static inline struct sp_part *parts_new(void)
{
    struct sp_part *part = NULL;

    assert_int_equal(sp_part_new(".", "0123abcd", &part, NULL), SPULL_OK);
    return part;
}

static inline void parts_put(struct sp_part *part, uint64_t at,
                             const char *text)
{
    assert_int_equal(sp_part_write(part, at, text, strlen(text), NULL),
                     SPULL_OK);
}

/* Seals it as verify would: with what was found of it. */
static inline enum spull_code parts_seal(struct sp_part *part,
                                         struct sp_sealed **out,
                                         struct spull_error *err)
{
    struct sp_digest digest = {.text = "sha256:00"};
    struct sp_look look = {.kind = "SIF", .arch = "amd64", .image = true};

    return sp_part_seal(part, &digest, &look, out, err);
}

#endif
