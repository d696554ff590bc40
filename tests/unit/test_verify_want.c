/* SPDX-License-Identifier: MIT */
/*
 * verify_want: what has to be proven, from pin and manifest.
 */
#include "unit.h"
#include "verify.h"

#define SHA_A "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA_A_UPPER                                                            \
    "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"
#define SHA_B "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define MD5_A "900150983cd24fb0d6963f7d28e17f72"

static const struct {
    const char *ref, *stated;
    bool allow_md5;
    enum spull_code code;
    const char *want; /* or what the error says */
    const char *hint;
} wants[] = {
    /* no pin: what is stated counts, if it is a proof */
    {"c/n:t", "sha256:" SHA_A, false, SPULL_OK, "sha256:" SHA_A, NULL},
    {"c/n:t", "sha256:" SHA_A_UPPER, true, SPULL_OK, "sha256:" SHA_A, NULL},
    {"c/n:t", "md5:" MD5_A, false, SPULL_INTEGRITY, "md5:" MD5_A,
     "--allow-md5"},
    {"c/n:t", "md5:" MD5_A, true, SPULL_OK, "md5:" MD5_A, NULL},
    {"c/n:t", "sha512:00", false, SPULL_INTEGRITY, "sha512:00",
     "c/n:t@sha256:HEX"},
    {"c/n:t", "sha512:00", true, SPULL_INTEGRITY, "sha512:00",
     "c/n:t@sha256:HEX"},
    /* a pin counts, whatever is stated */
    {"c/n:t@sha256:" SHA_A, "sha256:" SHA_A, false, SPULL_OK, "sha256:" SHA_A,
     NULL},
    {"c/n:t@sha256:" SHA_A, "sha256:" SHA_A_UPPER, false, SPULL_OK,
     "sha256:" SHA_A, NULL},
    {"c/n:t@sha256:" SHA_A, "md5:" MD5_A, false, SPULL_OK, "sha256:" SHA_A,
     NULL},
    {"c/n:t@sha256:" SHA_A, "md5:" MD5_A, true, SPULL_OK, "sha256:" SHA_A,
     NULL},
    {"c/n:t@sha256:" SHA_A, "sha512:00", false, SPULL_OK, "sha256:" SHA_A,
     NULL},
    /* unless that is as strong, and different */
    {"c/n:t@sha256:" SHA_A, "sha256:" SHA_B, false, SPULL_INTEGRITY,
     "the tag has moved: expected sha256:" SHA_A ", the registry now has "
     "sha256:" SHA_B,
     "c/n:t without the pin"},
    {"c/n:t@sha256:" SHA_A, "sha256:" SHA_B, true, SPULL_INTEGRITY,
     "the tag has moved", "c/n:t without the pin"},
};

static void what_is_wanted(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(wants); i++) {
        struct spull_error err;
        struct sp_digest stated;
        struct sp_digest want = {.text = "untouched"};
        struct sp_ref ref;
        assert_int_equal(sp_ref_parse(wants[i].ref, &ref, NULL), SPULL_OK);
        assert_int_equal(sp_digest_parse(wants[i].stated, &stated, NULL),
                         SPULL_OK);
        enum spull_code code =
            sp_verify_want(&ref, &stated, wants[i].allow_md5, &want, &err);
        assert_int_equal(code, wants[i].code);
        if (code == SPULL_OK) {
            assert_string_equal(want.text, wants[i].want);
        } else {
            unit_failed(&err, wants[i].code);
            unit_says(&err, wants[i].want);
            assert_non_null(strstr(err.hint, wants[i].hint));
            assert_string_equal(want.text, "untouched");
        }
        sp_ref_done(&ref);
    }
}

/* The pin alone: weakness is no matter here. */
static void what_a_pin_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(wants); i++) {
        struct spull_error err;
        struct sp_digest stated;
        struct sp_ref ref;
        bool moved = strstr(wants[i].want, "moved") != NULL;
        assert_int_equal(sp_ref_parse(wants[i].ref, &ref, NULL), SPULL_OK);
        assert_int_equal(sp_digest_parse(wants[i].stated, &stated, NULL),
                         SPULL_OK);
        assert_int_equal(sp_verify_pin(&ref, &stated, &err),
                         moved ? SPULL_INTEGRITY : SPULL_OK);
        if (moved)
            unit_failed(&err, SPULL_INTEGRITY);
        sp_ref_done(&ref);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wanted),
        cmocka_unit_test(what_a_pin_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
