/* SPDX-License-Identifier: MIT */
/*
 * unpack_limit: never more than was allowed, of bytes or of memory; and whoever
 * takes them may stop it.
 */
#include <errno.h>

#include "limits.h"
#include "packed.h"
#include "unit.h"
#include "unpack.h"

/* --- more than there should be -------------------------------------------- */

static void limits(void **state)
{
    static struct packed packed;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(good_recipes); i++) {
        struct got got = {0};
        struct spull_error err = {0};
        packed_make(&good_recipes[i], &packed);
        assert_int_equal(packed_unpack(packed.bytes, packed.len,
                                       PACKED_IMAGE - 1, &got, &err),
                         SPULL_INTEGRITY);
        unit_says(&err, "more than 8999 bytes, which is all that there is");
        assert_true(got.len < PACKED_IMAGE);
        free(got.bytes);
    }
}

/* What is stated counts; else what is small is free, and what is not has a
 * ratio. */
static void how_large_it_may_be(void **state)
{
    static const struct {
        uint64_t archive, stated, most, bytes;
        const char *why;
    } cases[] = {
        {1000, 0, 0, SP_UNPACK_FREE, "any image"},
        {SP_MIB, 0, 0, SP_MIB * SP_UNPACK_RATIO, "any image"},
        {SP_IMAGE_MAX, 0, 0, SP_IMAGE_MAX, "any image"},
        {UINT64_MAX, 0, 0, SP_IMAGE_MAX, "any image"},
        {SP_MIB, 0, SP_GIB, SP_MIB * SP_UNPACK_RATIO, "any image"},
        {SP_MIB, 0, 1, 1, "the maximum set"},
        {1000, 5, 0, 5, "the manifest"},
        {1000, SP_TIB, 0, SP_TIB, "the manifest"},
        {1000, SP_TIB, SP_GIB, SP_GIB, "the maximum set"},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_unpack_limit limit = sp_unpack_limit_of(
            cases[i].archive, cases[i].stated, cases[i].most);
        assert_true(limit.bytes == cases[i].bytes);
        assert_non_null(strstr(limit.why, cases[i].why));
    }
}

static void zeros_beside(void **state)
{
    static unsigned char zeros[PACKED_ROOM - 4096];
    static struct packed packed;
    static unsigned char *bomb;
    struct item many = {"zeros", NULL, 0, 0, NULL, false, 0};
    struct recipe recipe = TAR(NULL, NONE, SIF("image.sif"));
    size_t len = 0;
    enum { TIMES = 24 };

    (void)state;
    /* Members of one file: 24 MiB of a tar's padding. */
    packed_make(&recipe, &packed);
    recipe.format = ARCHIVE_FORMAT_RAW;
    recipe.filter = ARCHIVE_FILTER_GZIP;
    bomb = malloc((size_t)TIMES * PACKED_ROOM);
    assert_non_null(bomb);
    recipe.items[0] =
        (struct item){"tar", packed.bytes, packed.len, 0, NULL, false, 0};
    for (int i = 0; i <= TIMES; i++) {
        static struct packed member;
        if (i > 0) {
            many.bytes = zeros;
            many.len = sizeof zeros;
            recipe.items[0] = many;
        }
        packed_make(&recipe, &member);
        memcpy(bomb + len, member.bytes, member.len);
        len += member.len;
    }
    packed_bad(bomb, len, "holds too much");
    free(bomb);
}

/* --- memory --------------------------------------------------------------- */

/* A dictionary of 1.5 GiB, as "xz --lzma2=dict=1536MiB" asks for it: the byte
 * in the header of the first block that says so is written over.
 */
static void a_dictionary_of_gigabytes(void **state)
{
    static struct packed packed;
    static const struct recipe xz = RAW(ARCHIVE_FILTER_XZ);
    unsigned char *header = packed.bytes + 12;

    (void)state;
    packed_make(&xz, &packed);
    assert_int_equal(header[0], 2); /* (2 + 1) * 4 bytes */
    assert_int_equal(header[2], 0x21);
    header[4] = 39;
    packed_bad(packed.bytes, packed.len, "wants more than 128 MiB of memory");
}

/* --- whoever takes it may stop it ----------------------------------------- */

static void stopped(void **state)
{
    static struct packed packed;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(good_recipes); i++) {
        struct got cancelled = {.stop_at = 1};
        struct got full = {.room = 100};
        struct spull_error err = {0};
        packed_make(&good_recipes[i], &packed);
        assert_int_equal(packed_unpack(packed.bytes, packed.len, PACKED_IMAGE,
                                       &cancelled, &err),
                         SPULL_CANCELLED);
        assert_string_equal(err.text, "cancelled");
        assert_int_equal(
            packed_unpack(packed.bytes, packed.len, PACKED_IMAGE, &full, &err),
            SPULL_STORAGE);
        assert_int_equal(err.sys, ENOSPC);
        assert_int_equal(full.len, 0);
        free(cancelled.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits),
        cmocka_unit_test(how_large_it_may_be),
        cmocka_unit_test(zeros_beside),
        cmocka_unit_test(a_dictionary_of_gigabytes),
        cmocka_unit_test(stopped),
    };

    return cmocka_run_group_tests(tests, packed_enter, NULL);
}
