/* SPDX-License-Identifier: MIT */
/*
 * sealed.h: sealed files, and their way to a name, for the programs that try
 * install.
 */
#ifndef SP_UNIT_SEALED_H
#define SP_UNIT_SEALED_H

#include "install.h"
#include "part.h"
#include "unit.h"

static inline struct sp_sealed *sealed_in(const char *dir, const char *text)
{
    struct sp_part *part = NULL;
    struct sp_sealed *sealed = NULL;
    struct sp_digest digest = {.text = "sha256:00"};
    struct sp_look look = {.kind = "text", .arch = ""};
    size_t len = strlen(text);

    assert_int_equal(sp_part_new(dir, "00", &part, NULL), SPULL_OK);
    assert_int_equal(sp_part_write(part, 0, text, len, NULL), SPULL_OK);
    assert_int_equal(sp_part_complete(part, len, NULL), SPULL_OK);
    assert_int_equal(sp_part_seal(part, &digest, &look, &sealed, NULL),
                     SPULL_OK);
    return sealed;
}

static inline struct sp_sealed *sealed_new(const char *text)
{
    return sealed_in(".", text);
}

/* Installs a new file as "final"; says if it worked, or fails as it should. */
static inline void sealed_install(bool replace, enum spull_code expected)
{
    struct sp_sealed *sealed = sealed_new("new");
    struct spull_error err;
    enum spull_code code =
        sp_install(sealed, "final", SP_MODE_IMAGE, replace, &err);

    if (code != expected)
        fail_msg("%d instead of %d", code, expected);
    if (code != SPULL_OK)
        unit_failed(&err, code);
}

#endif
