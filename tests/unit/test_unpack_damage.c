/* SPDX-License-Identifier: MIT */
/*
 * unpack_damage: archives that are cut short, joined, followed by other data or
 * spoilt in every way. What comes out is the image, or an error.
 */
#include "packed.h"
#include "unit.h"

/* All lengths of all good archives: an error, or what was left off is nothing
 * but the end of a tar. */
static void cut_short(void **state)
{
    static struct packed packed;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(good_recipes); i++) {
        packed_make(&good_recipes[i], &packed);
        for (size_t len = 0; len < packed.len; len += 1 + len / 64) {
            struct got got = {0};
            struct spull_error err = {0};
            enum spull_code code =
                packed_unpack(packed.bytes, len, PACKED_IMAGE, &got, &err);
            if (code == SPULL_OK) {
                assert_int_equal(good_recipes[i].filter, NONE);
                assert_int_not_equal(good_recipes[i].format,
                                     ARCHIVE_FORMAT_ZIP);
                assert_int_equal(got.len, PACKED_IMAGE);
                assert_memory_equal(got.bytes, packed_image, PACKED_IMAGE);
            } else {
                unit_failed(&err, SPULL_INTEGRITY);
            }
            free(got.bytes);
        }
    }
}

static void followed_by_other_data(void **state)
{
    static struct packed packed;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(good_recipes); i++) {
        const struct recipe *recipe = &good_recipes[i];
        const char *says = "followed by other data";
        packed_make(recipe, &packed);
        memcpy(packed.bytes + packed.len, "garbage", 7);
        /* zstd's decoder takes what follows for a frame of its own. */
        packed_bad(packed.bytes, packed.len + 7,
                   recipe->filter == ARCHIVE_FILTER_ZSTD ? "damaged" : says);
        memcpy(packed.bytes + packed.len, packed.bytes, packed.len);
        /* The places in a zip archive's directory are those of the first. */
        if (recipe->format != ARCHIVE_FORMAT_RAW)
            packed_bad(packed.bytes, packed.len * 2,
                       recipe->format == ARCHIVE_FORMAT_ZIP ? "damaged" : says);
    }
}

/* Members and streams that are joined are one file (RFC 1952, 2.2). */
static void joined(void **state)
{
    static const int filters[] = {ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_XZ,
                                  ARCHIVE_FILTER_ZSTD, ARCHIVE_FILTER_BZIP2};
    static struct packed packed, whole;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(filters); i++) {
        struct recipe half = RAW(filters[i]);
        half.items[0].bytes = packed_image;
        half.items[0].len = 4000;
        packed_make(&half, &whole);
        half.items[0].bytes = packed_image + 4000;
        half.items[0].len = PACKED_IMAGE - 4000;
        packed_make(&half, &packed);
        memcpy(whole.bytes + whole.len, packed.bytes, packed.len);
        whole.len += packed.len;
        packed_good(&whole, "joined");
    }
}

/* Has the format a sum over the content? zstd and tar need not. */
static bool has_sum(const struct recipe *recipe)
{
    return recipe->filter == ARCHIVE_FILTER_GZIP ||
           recipe->filter == ARCHIVE_FILTER_XZ ||
           recipe->filter == ARCHIVE_FILTER_BZIP2 ||
           recipe->format == ARCHIVE_FORMAT_ZIP;
}

static void check_spoilt(const struct recipe *recipe, const void *bytes,
                         size_t len)
{
    struct got got = {0};
    struct spull_error err = {0};
    enum spull_code code = packed_unpack(bytes, len, PACKED_IMAGE, &got, &err);

    assert_true(got.len <= PACKED_IMAGE);
    if (code != SPULL_OK) {
        unit_failed(&err, SPULL_INTEGRITY);
    } else if (has_sum(recipe)) {
        assert_int_equal(got.len, PACKED_IMAGE);
        assert_memory_equal(got.bytes, packed_image, PACKED_IMAGE);
    }
    free(got.bytes);
}

static void spoilt(void **state)
{
    static struct packed packed;
    uint64_t random = 0x5eed;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(good_recipes); i++) {
        packed_make(&good_recipes[i], &packed);
        /* Each byte of head and tail, and some in between, */
        for (size_t at = 0; at < packed.len;
             at += at < 600 || at + 300 > packed.len ? 1 : 97) {
            unsigned char before = packed.bytes[at];
            packed.bytes[at] ^= (unsigned char)(1 + unit_below(&random, 255));
            check_spoilt(&good_recipes[i], packed.bytes, packed.len);
            packed.bytes[at] = before;
        }
        /* and several at once, also fewer or more than there were. */
        for (int round = 0; round < 300; round++) {
            size_t len = 0;
            char *bad = unit_spoil_bytes((const char *)packed.bytes, packed.len,
                                         &random, &len);
            check_spoilt(&good_recipes[i], bad, len);
            free(bad);
        }
    }
}

static void a_wrong_check_sum(void **state)
{
    static struct packed packed;
    static const struct recipe gz = RAW(ARCHIVE_FILTER_GZIP);

    (void)state;
    for (size_t i = 1; i <= 8; i++) {
        packed_make(&gz, &packed);
        packed.bytes[packed.len - i] ^= 1;
        packed_bad(packed.bytes, packed.len, "check sum is wrong");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_short),
        cmocka_unit_test(followed_by_other_data),
        cmocka_unit_test(joined),
        cmocka_unit_test(spoilt),
        cmocka_unit_test(a_wrong_check_sum),
    };

    return cmocka_run_group_tests(tests, packed_enter, NULL);
}
