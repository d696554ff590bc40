/* SPDX-License-Identifier: MIT */
/*
 * digest: every spelling that registries use, and the known answers of the
 * hashes.
 */
#include "digest.h"
#include "unit.h"

#define SHA_OF_ABC                                                             \
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA_OF_ABC_UPPER                                                       \
    "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"
#define MD5_OF_ABC "900150983cd24fb0d6963f7d28e17f72"

static void parses(void **state)
{
    static const struct {
        const char *text, *canonical;
        enum sp_algorithm algorithm;
    } cases[] = {
        {"sha256:" SHA_OF_ABC, "sha256:" SHA_OF_ABC, SP_SHA256},
        {"sha256:" SHA_OF_ABC_UPPER, "sha256:" SHA_OF_ABC, SP_SHA256},
        {"SHA256:" SHA_OF_ABC, "sha256:" SHA_OF_ABC, SP_SHA256},
        {"md5:" MD5_OF_ABC, "md5:" MD5_OF_ABC, SP_MD5},
        {"md5:900150983CD24FB0D6963F7D28E17F72", "md5:" MD5_OF_ABC, SP_MD5},
        {"md5:kAFQmDzST7DWlj99KOF/cg==", "md5:" MD5_OF_ABC, SP_MD5},
        {"md5:kAFQmDzST7DWlj99KOF/cg", "md5:" MD5_OF_ABC, SP_MD5},
        {"sha512:abc", "sha512:abc", SP_OTHER_ALGORITHM},
        {"crc32c:\x1b", "crc32c:\\x1b", SP_OTHER_ALGORITHM},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct spull_error err;
        struct sp_digest digest;
        if (sp_digest_parse(cases[i].text, &digest, &err) != SPULL_OK)
            fail_msg("%s", err.text);
        assert_int_equal(digest.algorithm, cases[i].algorithm);
        assert_string_equal(digest.text, cases[i].canonical);
    }
}

static void refuses(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "not of the form ALGORITHM:VALUE"},
        {":", "not of the form"},
        {"sha256", "not of the form"},
        {"sha256:", "not of the form"},
        {SHA_OF_ABC, "not of the form"},
        {":" SHA_OF_ABC, "not of the form"},
        {" sha256:" SHA_OF_ABC, "not of the form"},
        {"sha256: " SHA_OF_ABC, "sha256 is 64 hex digits"},
        {"sha256:" SHA_OF_ABC " ", "sha256 is 64 hex digits"},
        {"sha256:" SHA_OF_ABC "0", "sha256 is 64 hex digits"},
        {"sha256:" MD5_OF_ABC, "sha256 is 64 hex digits"},
        {"sha256:ga7816bf8f01cfea414140de5dae2223"
         "b00361a396177a9cb410ff61f20015ad",
         "sha256 is 64 hex digits"},
        {"sha256:sha256:" SHA_OF_ABC, "sha256 is 64 hex digits"},
        {"md5:" SHA_OF_ABC, "md5 is 32 hex digits or base64"},
        {"md5:kAFQmDzST7DWlj99KOF/ch==", "md5 is 32 hex digits or base64"},
        {"md5:kAFQmDzST7DWlj99KOF/cg=", "md5 is 32 hex digits or base64"},
        {"md5:kAFQmDzST7DWlj99KOF/c===", "md5 is 32 hex digits or base64"},
        {"md5:kAFQmDzST7DWlj99KOF_cg==", "md5 is 32 hex digits or base64"},
        {"md5:\x1b[0m", "\\x1b[0m"},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct spull_error err;
        struct sp_digest digest;
        enum spull_code code = sp_digest_parse(cases[i].text, &digest, &err);
        if (code != SPULL_INTEGRITY)
            fail_msg("\"%s\" gives %d", cases[i].text, code);
        unit_failed(&err, SPULL_INTEGRITY);
        unit_says(&err, cases[i].says);
    }
}

static void a_foreign_one_is_cut(void **state)
{
    struct sp_digest digest;
    char text[1000];

    (void)state;
    memset(text, 'f', sizeof(text) - 1);
    memcpy(text, "x:", 2);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(sp_digest_parse(text, &digest, NULL), SPULL_OK);
    assert_int_equal(strlen(digest.text), sizeof(digest.text) - 1);
    assert_string_equal(digest.text + sizeof(digest.text) - 4, "...");
}

static void compares(void **state)
{
    struct sp_digest hex, base64, upper, other, none;
    struct sp_digest pin = sp_digest_of_pin(SHA_OF_ABC);

    (void)state;
    sp_digest_parse("md5:" MD5_OF_ABC, &hex, NULL);
    sp_digest_parse("md5:kAFQmDzST7DWlj99KOF/cg==", &base64, NULL);
    sp_digest_parse("sha256:" SHA_OF_ABC_UPPER, &upper, NULL);
    sp_digest_parse("sha512:00", &other, NULL);
    memset(&none, 0, sizeof(none));
    assert_true(sp_digest_equal(&hex, &base64));
    assert_true(sp_digest_equal(&pin, &upper));
    assert_false(sp_digest_equal(&pin, &hex));
    assert_false(sp_digest_equal(&pin, &none));
    /* We can't know whether two values of an unknown algorithm are the same. */
    assert_false(sp_digest_equal(&other, &other));
    upper.bytes[31] ^= 1;
    assert_false(sp_digest_equal(&pin, &upper));
    assert_string_equal(sp_digest_hex(&pin), SHA_OF_ABC);
    assert_string_equal(pin.text, "sha256:" SHA_OF_ABC);
    assert_string_equal(sp_digest_hex(&none), "");
}

/* The digest of text, given in pieces of step bytes. */
static struct sp_digest hash_of(enum sp_algorithm algorithm, const char *text,
                                size_t step)
{
    struct sp_hash *hash = NULL;
    struct sp_digest digest;
    size_t len = strlen(text);

    assert_int_equal(sp_hash_new(algorithm, &hash, NULL), SPULL_OK);
    for (size_t at = 0; at < len; at += step) {
        size_t part = len - at < step ? len - at : step;
        assert_int_equal(sp_hash_add(hash, text + at, part, NULL), SPULL_OK);
    }
    assert_int_equal(sp_hash_add(hash, NULL, 0, NULL), SPULL_OK);
    assert_int_equal(sp_hash_end(hash, &digest, NULL), SPULL_OK);
    sp_hash_free(hash);
    return digest;
}

static void hashes(void **state)
{
    static const struct {
        enum sp_algorithm algorithm;
        const char *text, *digest;
    } cases[] = {
        /* FIPS 180-4 examples, RFC 1321 appendix A.5 */
        {SP_SHA256, "",
         "sha256:"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {SP_SHA256, "abc", "sha256:" SHA_OF_ABC},
        {SP_SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "sha256:"
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {SP_MD5, "", "md5:d41d8cd98f00b204e9800998ecf8427e"},
        {SP_MD5, "abc", "md5:" MD5_OF_ABC},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++)
        for (size_t step = 1; step < 60; step += 7) {
            struct sp_digest parsed;
            struct sp_digest digest =
                hash_of(cases[i].algorithm, cases[i].text, step);
            assert_string_equal(digest.text, cases[i].digest);
            sp_digest_parse(cases[i].digest, &parsed, NULL);
            assert_true(sp_digest_equal(&digest, &parsed));
        }
}

static void an_unknown_algorithm_has_no_hash(void **state)
{
    struct sp_hash *hash = NULL;
    struct spull_error err;

    (void)state;
    assert_int_equal(sp_hash_new(SP_OTHER_ALGORITHM, &hash, &err),
                     SPULL_INTERNAL);
    unit_failed(&err, SPULL_INTERNAL);
    assert_null(hash);
    sp_hash_free(NULL);
}

static void spoilt_digests(void **state)
{
    static const char *const seeds[] = {"sha256:" SHA_OF_ABC, "md5:" MD5_OF_ABC,
                                        "md5:kAFQmDzST7DWlj99KOF/cg=="};
    uint64_t random = 0x5eed;

    (void)state;
    for (int i = 0; i < UNIT_ROUNDS; i++) {
        const char *seed = seeds[unit_below(&random, UNIT_COUNT(seeds))];
        size_t len = 0;
        char *text = unit_spoil(seed, strlen(seed), &random, &len);
        struct spull_error err;
        struct sp_digest digest, again;
        enum spull_code code = sp_digest_parse(text, &digest, &err);
        if (code != SPULL_OK) {
            unit_failed(&err, SPULL_INTEGRITY);
        } else if (digest.algorithm != SP_OTHER_ALGORITHM) {
            assert_int_equal(sp_digest_parse(digest.text, &again, NULL),
                             SPULL_OK);
            assert_true(sp_digest_equal(&digest, &again));
            assert_string_equal(digest.text, again.text);
        } else {
            unit_printable(digest.text);
        }
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),
        cmocka_unit_test(refuses),
        cmocka_unit_test(a_foreign_one_is_cut),
        cmocka_unit_test(compares),
        cmocka_unit_test(hashes),
        cmocka_unit_test(an_unknown_algorithm_has_no_hash),
        cmocka_unit_test(spoilt_digests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
