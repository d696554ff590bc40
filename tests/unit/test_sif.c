/* SPDX-License-Identifier: MIT */
/*
 * sif: images, archives and what a server sends instead of them, told apart by
 * their first bytes.
 */
#include "sif.h"
#include "unit.h"

#define LAUNCH "#!/usr/bin/env run-singularity\n\0"
#define ZEROS4 "\0\0\0\0"
#define ZEROS  ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4

/* The first 96 bytes of an image that Apptainer 1.4 built. */
static const char apptainer[] =
    LAUNCH "SIF_MAGIC\0\x30\x31\0\x30\x32\0"
           "\xc3\x8a\xb5\x1b\x69\x44\x4e\x83\x9d\x1a\xf9\xef\x08\x97\xbc\xa1"
           "\x45\x81\x04\x6b\0\0\0\0\x45\x81\x04\x6b\0\0\0\0"
           "\x2d\0\0\0\0\0\0\0\x30\0\0\0\0\0\0\0";

static void an_image_of_apptainer(void **state)
{
    struct sp_look look = sp_sif_look(apptainer, sizeof(apptainer) - 1);

    (void)state;
    assert_string_equal(look.kind, "SIF");
    assert_string_equal(look.arch, "amd64");
    assert_true(look.image);
}

static void every_architecture(void **state)
{
    static const struct {
        const char *code, *arch;
    } cases[] = {
        {"00", ""},        {"01", "386"},      {"02", "amd64"},
        {"03", "arm"},     {"04", "arm64"},    {"05", "ppc64"},
        {"06", "ppc64le"}, {"07", "mips"},     {"08", "mipsle"},
        {"09", "mips64"},  {"10", "mips64le"}, {"11", "s390x"},
        {"12", "riscv64"}, {"13", "loong64"},  {"14", ""},
        {"99", ""},        {"\x1b[", ""},
    };
    char head[64] = ZEROS "SIF_MAGIC\0\x30\x31\0";

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        memcpy(head + 45, cases[i].code, 3);
        struct sp_look look = sp_sif_look(head, sizeof(head));
        assert_string_equal(look.kind, "SIF");
        assert_string_equal(look.arch, cases[i].arch);
        assert_true(look.image);
    }
}

static void a_short_head(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 48; len++) {
        char *head = malloc(len > 0 ? len : 1);
        assert_non_null(head);
        memcpy(head, apptainer, len);
        struct sp_look look = sp_sif_look(head, len);
        assert_int_equal(look.image, len >= 42);
        assert_string_equal(look.arch, len >= 48 ? "amd64" : "");
        free(head);
    }
}

#define CASE(kind, bytes)                                                      \
    {                                                                          \
        kind, bytes, sizeof(bytes) - 1                                         \
    }

static void kinds(void **state)
{
    static const struct {
        const char *kind, *bytes;
        size_t len;
    } cases[] = {
        CASE("empty file", ""),
        CASE("squashfs", "hsqs\x07\0\0\0"),
        CASE("squashfs", "#!/usr/bin/env run-singularity\nhsqs\x07\0\0\0"),
        CASE("text", "#!/usr/bin/env run-singularitx\nhsqs"),
        CASE("gzip file", "\x1f\x8b\x08\0"),
        CASE("xz file", "\xfd\x37zXZ\0\0"),
        CASE("zstd file", "\x28\xb5\x2f\xfd\x24"),
        CASE("zstd file", "\x50\x2a\x4d\x18\4\0\0\0abcd\x28\xb5\x2f\xfd"),
        CASE("zstd file", "\x5f\x2a\x4d\x18\0\0\0\0\x50\x2a\x4d\x18\1\0\0"
                          "\0a\x28\xb5\x2f\xfd"),
        CASE("unknown data", "\x50\x2a\x4d\x18\4\0\0\0abcd\x28\xb5\x2f"),
        CASE("unknown data", "\x50\x2a\x4d\x18\4\0\0\xff"
                             "abcd\x28\xb5\x2f\xfd"),
        CASE("unknown data", "\x50\x2a\x4d\x18\4\0\0\0abcd\4\x22\x4d\x18"),
        CASE("bzip2 file", "BZh91AY&SY"),
        CASE("zip archive", "PK\x03\x04\x14"),
        CASE("zip archive", "PK\x05\x06"),
        CASE("web page", "<!DOCTYPE html><html>"),
        CASE("web page", "\xef\xbb\xbf\n <HTML lang=en>"),
        CASE("web page", "<!-- 404 -->\n<!-- > --> <head>"),
        CASE("web page", "<pre>"),
        CASE("web page", "<?xml version=\"1.0\"?>\n<!-- x --><html>"),
        CASE("XML document", "<?xml version=\"1.0\"?><rss/>"),
        CASE("XML document", "<?xml version=\"1.0\"?><Error>"),
        CASE("XML document", "<ListBucketResult xmlns=\"\">"),
        CASE("XML document", "<EnumerationResults>"),
        CASE("XML document", "<?xml never ends"),
        CASE("JSON document", "{\"size\": 1}"),
        CASE("JSON document", "\xef\xbb\xbf\n\n[1]"),
        CASE("text", "Not found\n"),
        CASE("text", "<preface>"),
        CASE("text", "<!-- never ends"),
        CASE("text", "n\xc3\xa4me"),
        CASE("text", "cut in a character \xe2\x82"),
        CASE("unknown data", "{\0"),
        CASE("unknown data", "a\x01"),
        CASE("unknown data", "caf\xe9 au lait"),
        CASE("unknown data", "\x7f"
                             "ELF"),
        CASE("unknown data", ZEROS),
        CASE("unknown data", LAUNCH "SIF_MAGIX"),
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_look look = sp_sif_look(cases[i].bytes, cases[i].len);
        if (strcmp(look.kind, cases[i].kind) != 0)
            fail_msg("case %zu: %s, not %s", i, look.kind, cases[i].kind);
        assert_string_equal(look.arch, "");
        assert_int_equal(look.image, strcmp(look.kind, "squashfs") == 0);
    }
}

static void a_tar_has_its_magic_late(void **state)
{
    char head[512] = "greeting.sif";

    (void)state;
    memcpy(head + 257, "ustar", 5);
    assert_string_equal(sp_sif_look(head, sizeof(head)).kind, "tar archive");
    assert_string_equal(sp_sif_look(head, 261).kind, "unknown data");
}

/* Made by "tar --format=v7": no magic, but a sum. */
static void an_old_tar_has_a_sum(void **state)
{
    char head[512] = "greeting.sif";

    (void)state;
    memcpy(head + 100,
           "0000644\0000000000\0000000000\00000000120000\0"
           "00000000000\0",
           48);
    memcpy(head + 148, "006746\0 ", 8);
    assert_string_equal(sp_sif_look(head, sizeof(head)).kind, "tar archive");
    assert_string_equal(sp_sif_look(head, 511).kind, "unknown data");
    head[0]++;
    assert_string_equal(sp_sif_look(head, sizeof(head)).kind, "unknown data");
}

/* As Singularity 2 made them, with and without the line that runs them. */
static void an_ext3_has_its_magic_later(void **state)
{
    static const char line[] = "#!/usr/bin/env run-singularity\n";
    static const char block[] = "\x53\xef\x01\0\x01";
    char head[1200] = {0};

    (void)state;
    for (size_t at = 0; at <= strlen(line); at += strlen(line)) {
        memset(head, 0, sizeof(head));
        memcpy(head, line, at);
        memcpy(head + at + 1080, block, sizeof(block));
        struct sp_look look = sp_sif_look(head, sizeof(head));
        assert_string_equal(look.kind, "ext3");
        assert_true(look.image);
        look = sp_sif_look(head, at + 1085);
        assert_string_equal(look.kind, "unknown data");
        head[at + 1084] = 4; /* what to do with an error: 1 to 3 */
        assert_false(sp_sif_look(head, sizeof(head)).image);
    }
}

static void names_of_architectures(void **state)
{
    static const struct {
        const char *text, *name;
    } cases[] = {
        {"amd64", "amd64"}, {"x86_64", "amd64"},
        {"AMD64", "amd64"}, {"aarch64", "arm64"},
        {"arm64", "arm64"}, {"i686", "386"},
        {"armv7l", "arm"},  {"ppc64le", "ppc64le"},
        {"s390x", "s390x"}, {"loongarch64", "loong64"},
        {"", NULL},         {"x86", NULL},
        {"amd64 ", NULL},   {"vax", NULL},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        const char *name = sp_sif_arch_name(cases[i].text);
        if (cases[i].name)
            assert_string_equal(name, cases[i].name);
        else
            assert_null(name);
    }
}

static void this_machine_has_a_name(void **state)
{
    const char *host = sp_sif_host_arch();

    (void)state;
    if (host[0] != '\0')
        assert_string_equal(sp_sif_arch_name(host), host);
#if defined(__x86_64__)
    assert_string_equal(host, "amd64");
#elif defined(__aarch64__)
    assert_string_equal(host, "arm64");
#endif
}

static void spoilt_heads(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } seeds[] = {
        {apptainer, sizeof(apptainer) - 1},
        {"<?xml version=\"1.0\"?><!-- a --><html>", 37},
        {"\xef\xbb\xbf <!-- -- --> <!DOCTYPE html>", 31},
        {"{\"a\": [1, \"\xc3\xa9\"]}", 17},
    };
    uint64_t random = 0x5eed;

    (void)state;
    for (int i = 0; i < UNIT_ROUNDS; i++) {
        size_t seed = unit_below(&random, UNIT_COUNT(seeds));
        size_t len = 0;
        char *bytes =
            unit_spoil_bytes(seeds[seed].bytes, seeds[seed].len, &random, &len);
        struct sp_look look = sp_sif_look(bytes, len);
        assert_true(look.kind[0] != '\0');
        assert_true(look.arch[0] == '\0' || look.image);
        assert_true(look.arch[0] == '\0' || sp_sif_arch_name(look.arch));
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_of_apptainer),
        cmocka_unit_test(every_architecture),
        cmocka_unit_test(a_short_head),
        cmocka_unit_test(kinds),
        cmocka_unit_test(a_tar_has_its_magic_late),
        cmocka_unit_test(an_old_tar_has_a_sum),
        cmocka_unit_test(an_ext3_has_its_magic_later),
        cmocka_unit_test(names_of_architectures),
        cmocka_unit_test(this_machine_has_a_name),
        cmocka_unit_test(spoilt_heads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
