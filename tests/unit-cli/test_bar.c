/* SPDX-License-Identifier: MIT */
/*
 * bar: what a line says at each width and phase; that it never is wider than
 * the terminal, and never holds anything but printable ASCII.
 */
#include "bar.h"
#include "unit.h"

#define MIB      1048576.0
#define GREETING "vanessa/greeting:asciiart"

static const struct bar_view half = {
    .name = GREETING,
    .phase = SPULL_DOWNLOADING,
    .bytes = 600 * 1048576ull,
    .total = 1200 * 1048576ull,
    .rate = 30 * MIB,
    .note = "",
};

static void a_line_fits_its_width(void **state)
{
    static const struct {
        unsigned width;
        const char *line;
    } cases[] = {
        {0, ""},
        {4, ""},
        {5, " 50%"},
        {12, "...rt   50%"},
        {40, "greeting:asciiart   50%     0:20"},
        {60, "greeting:asciiart  [====>      ]   50%  30.0 MiB/s     0:20"},
        {80, "greeting:asciiart  [======>       ]   50%    0.6 / 1.2 GiB"
             "  30.0 MiB/s     0:20"},
        {200,
         GREETING "  [=======================>                        ]   50%"
                  "    0.6 / 1.2 GiB  30.0 MiB/s     0:20"},
    };
    char line[600];

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        bar_line(line, sizeof line, &half, cases[i].width, false);
        assert_string_equal(line, cases[i].line);
    }
}

static void a_line_says_what_is_known(void **state)
{
    static const struct {
        struct bar_view view;
        const char *line, *words;
    } cases[] = {
        {{.name = "a/b:c", .phase = SPULL_RESOLVING, .note = ""},
         "a/b:c  asking the registry",
         "asking the registry"},
        {{.name = "a/b:c", .phase = SPULL_INSTALLING, .note = ""},
         "a/b:c  installing",
         "installing"},
        {{.name = "a/b:c",
          .phase = SPULL_UNPACKING,
          .bytes = 512,
          .total = 2048,
          .note = ""},
         "a/b:c  unpacking 25 %",
         "unpacking 25 %"},
        {{.name = "a/b:c",
          .phase = SPULL_COPYING,
          .bytes = 512,
          .total = 2048,
          .note = ""},
         "a/b:c  copying 25 %",
         "copying 25 %"},
        {{.name = "a/b:c",
          .phase = SPULL_WAITING,
          .wait = 12,
          .note = "HTTP 503"},
         "a/b:c  waiting 12 s: HTTP 503",
         "waiting 12 s: HTTP 503"},
        {{.name = "a/b:c", .phase = SPULL_DOWNLOADING, .bytes = 512},
         "a/b:c                  512 B",
         "512 B"},
        {{.name = "a/b:c",
          .phase = SPULL_DOWNLOADING,
          .bytes = 1,
          .total = 3,
          .rate = 0.5},
         "a/b:c  [=============>                              ]   33%"
         "          1 / 3 B",
         "33 % of 3 B"},
        {{.name = "a/b:c",
          .phase = SPULL_DOWNLOADING,
          .bytes = 2048,
          .total = 2048,
          .rate = 1024},
         "a/b:c  [============================================]  100%"
         "    2.0 / 2.0 KiB   1.0 KiB/s     0:00",
         "100 % of 2.0 KiB, 1.0 KiB/s, 0.0 s left"},
        /* more than was announced */
        {{.name = "a/b:c",
          .phase = SPULL_DOWNLOADING,
          .bytes = 3,
          .total = 2,
          .rate = 1},
         "a/b:c  [============================================]  100%"
         "          3 / 2 B       1 B/s     0:00",
         "100 % of 2 B, 1 B/s, 0.0 s left"},
    };
    char line[600];

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        bar_line(line, sizeof line, &cases[i].view, 98, false);
        assert_string_equal(line, cases[i].line);
        bar_words(line, sizeof line, &cases[i].view);
        assert_string_equal(line, cases[i].words);
    }
}

/* Times left as a clock and in words, for 30 MiB/s. */
static void times_are_readable(void **state)
{
    static const struct {
        unsigned seconds;
        const char *clock, *words;
    } cases[] = {
        {1, "   0:01", "1 s left"},
        {59, "   0:59", "59 s left"},
        {90, "   1:30", "90 s left"},
        {600, "  10:00", "10 min left"},
        {3661, "1:01:01", "61 min left"},
        {7320, "2:02:00", "2 h 2 min left"},
        {356400, "99:00:00", "99 h 0 min left"},
        {360000, "MiB/s", "MiB/s"}, /* that is no forecast */
    };
    char line[600];

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct bar_view view = half;
        size_t len;

        view.bytes = 0;
        view.total = cases[i].seconds * UINT64_C(31457280);
        bar_line(line, sizeof line, &view, 70, false);
        len = strlen(line) - strlen(cases[i].clock);
        assert_string_equal(line + len, cases[i].clock);
        bar_words(line, sizeof line, &view);
        len = strlen(line) - strlen(cases[i].words);
        assert_string_equal(line + len, cases[i].words);
    }
}

static void sizes_have_three_digits(void **state)
{
    static const struct {
        double bytes;
        const char *size;
    } cases[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1.0 KiB"},
        {99.94 * 1024, "99.9 KiB"},
        {99.96 * 1024, "100 KiB"},
        {1023.4 * 1024, "1023 KiB"},
        {1023.6 * 1024, "1.0 MiB"},
        {54372.0 * 1024, "53.1 MiB"},
        {16384.0 * 1024 * MIB, "16.0 TiB"},
    };
    char size[BAR_SIZE_TEXT];

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        bar_size(size, cases[i].bytes);
        assert_string_equal(size, cases[i].size);
    }
}

static void names_are_short(void **state)
{
    static const struct {
        const char *ref, *name;
    } cases[] = {
        {"a/b", "a/b"},
        {"a/b:c", "a/b:c"},
        {"a/b/c:d", "a/b/c:d"},
        {"a/b:c@sha256:00ff", "a/b:c"},
        {"https://host/base/a/b:c@sha256:00ff", "a/b:c"},
        {"https://me@host:8080/a/b", "a/b"},
        {"file:///reg/a/b:c", "a/b:c"},
        {"https://x", "x"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        size_t len;
        const char *name = bar_name(cases[i].ref, &len);

        assert_int_equal(len, strlen(cases[i].name));
        assert_memory_equal(name, cases[i].name, len);
    }
}

static void check_line(const struct bar_view *view, unsigned width)
{
    char line[1200];
    size_t columns = 0;

    bar_line(line, sizeof line, view, width, false);
    for (const char *at = line; *at != '\0'; at++, columns++)
        if (*at < ' ' || *at > '~')
            fail_msg("byte %d in \"%s\"", *at, line);
    if (columns > 0 && columns > width - 1)
        fail_msg("%zu columns of %u: \"%s\"", columns, width, line);
}

static void no_line_is_too_wide(void **state)
{
    static const char long_name[] =
        "a-very-long-collection-name/and-a-longer-one/"
        "with-a-name-that-never-seems-to-end:and-a-tag-to-match";
    static const char *const names[] = {
        "a/b", GREETING, "na\xc3\xafve/\x1b[31m:\xe2\x82\xac", long_name};
    static const uint64_t totals[] = {0, 1, 1023, 1047527, UINT64_MAX};

    (void)state;
    for (unsigned width = 0; width < 700; width++) {
        for (size_t i = 0; i < 80; i++) {
            struct bar_view view = {
                .name = names[i % 4],
                .phase = (enum spull_phase)(i / 4 % 4),
                .total = totals[i / 16],
                .bytes = totals[i / 16] / (i % 3 + 1),
                .rate = i % 2 ? 1023.4 * MIB : 0,
                .wait = i % 5 ? 7 : 4294967295u,
                .note = i % 7 ? "" : "host.example: \xc3\xaf said 503, and why",
            };

            check_line(&view, width);
        }
    }
}

static void colour_takes_no_columns(void **state)
{
    char plain[600], colour[600], stripped[600];

    (void)state;
    for (unsigned width = 0; width < 250; width++) {
        size_t len = 0;

        bar_line(plain, sizeof plain, &half, width, false);
        bar_line(colour, sizeof colour, &half, width, true);
        for (const char *at = colour; *at != '\0'; at++) {
            if (*at == '\033')
                at = strchr(at, 'm');
            else
                stripped[len++] = *at;
        }
        stripped[len] = '\0';
        assert_string_equal(stripped, plain);
    }
}

/* Feeds tenths of seconds [from, to) at a rate in bytes a second. */
static void run_meter(struct bar_meter *meter, unsigned from, unsigned to,
                      uint64_t rate)
{
    uint64_t bytes = meter->bytes;

    for (unsigned tenth = from; tenth < to; tenth++) {
        bytes += rate / 10;
        bar_meter_add(meter, tenth / 10.0, bytes);
    }
}

static void the_rate_is_calm(void **state)
{
    struct bar_meter m = {0};

    (void)state;
    /* What an earlier run had left is no speed. */
    bar_meter_add(&m, 0.9, 1000000000);
    assert_true(m.rate < 1);
    m = (struct bar_meter){0};
    run_meter(&m, 10, 50, 1000000);
    assert_in_range((uintmax_t)m.rate, 990000, 1010000);
    run_meter(&m, 50, 51, 9000000);
    assert_in_range((uintmax_t)m.rate, 1100000, 1400000);
    run_meter(&m, 51, 250, 3000000);
    assert_in_range((uintmax_t)m.rate, 2900000, 3100000);
    run_meter(&m, 250, 850, 0);
    assert_true(m.rate < 1000);
    /* Another server starts over. */
    bar_meter_add(&m, 90, 5);
    assert_true(m.rate < 1);
    bar_meter_add(&m, 91, 1005);
    assert_in_range((uintmax_t)m.rate, 999, 1001);
}

static void results_are_short(void **state)
{
    static char digest[] = "sha256:00";
    static char url[] = "https://example.org/image.sif";
    static const struct spull_image here = {.size = 40960, .seconds = 2};
    static const struct {
        struct spull_image image;
        const char *result;
    } cases[] = {
        {{.state = SPULL_UP_TO_DATE, .size = 5}, "up to date"},
        {{.size = 54630810, .transferred = 54630810, .seconds = 3},
         "52.1 MiB in 3 s (17.4 MiB/s)"},
        {{.size = 40960, .transferred = 40960, .seconds = 0.04},
         "40.0 KiB in 0.0 s"},
        {{.size = 2097152, .transferred = 1048576, .seconds = 2},
         "2.0 MiB, 1.0 MiB of it downloaded, in 2 s (512 KiB/s)"},
        {{.size = 2097152,
          .transferred = 1048576,
          .seconds = 2,
          .image_digest = digest},
         "2.0 MiB unpacked, 1.0 MiB downloaded, in 2 s"},
        {{.size = 40960, .seconds = 2},
         "40.0 KiB, all of it here already, in 2 s"},
        {{.size = 40960, .seconds = 2, .url = url},
         "40.0 KiB, all of it here already, in 2 s"},
        {{.size = 1048576, .transferred = 1048576, .seconds = 9000},
         "1.0 MiB in 2 h 30 min (117 B/s)"},
    };
    char result[128];

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        bar_result(result, sizeof result, &cases[i].image, false);
        assert_string_equal(result, cases[i].result);
    }
    bar_result(result, sizeof result, &here, true);
    assert_string_equal(result, "40.0 KiB copied in 2 s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_fits_its_width),
        cmocka_unit_test(a_line_says_what_is_known),
        cmocka_unit_test(times_are_readable),
        cmocka_unit_test(sizes_have_three_digits),
        cmocka_unit_test(names_are_short),
        cmocka_unit_test(no_line_is_too_wide),
        cmocka_unit_test(colour_takes_no_columns),
        cmocka_unit_test(the_rate_is_calm),
        cmocka_unit_test(results_are_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
