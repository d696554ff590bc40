/* SPDX-License-Identifier: MIT */
/*
 * tally: what a list's line shows at every width, and what is said at its end.
 */
#include "tally.h"
#include "unit.h"

static const struct tally busy = {.count = 200,
                                  .installed = 10,
                                  .up_to_date = 2,
                                  .failed = 3,
                                  .hidden = 4,
                                  .bytes = 47185920,
                                  .rate = 12897484};

static void shows_a_line(void **state)
{
    static const struct {
        struct tally tally;
        unsigned width;
        const char *line;
    } cases[] = {
        {{.count = 3},
         80,
         "0/3 images  [                                                ]"},
        {{.count = 3}, 26, "0/3 images  [           ]"},
        {{.count = 3}, 20, "0/3 images"},
        {{.count = 3}, 10, ""},
        {{.count = 3}, 0, ""},
        {{.count = 2, .installed = 1, .bytes = 512, .rate = 100},
         60,
         "1/2 images  [=============>               ]  512 B  100 B/s"},
        {{.count = 2, .installed = 2}, 30, "2/2 images  [===============]"},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        char line[600];

        tally_line(line, sizeof line, &cases[i].tally, cases[i].width, false);
        assert_true(strlen(line) < cases[i].width || cases[i].width == 0);
        assert_string_equal(line, cases[i].line);
    }
}

/* Bad news stay longest; what is there is whole. */
static void fits_every_width(void **state)
{
    static const char *const fields[] = {"15/200 images", "3 failed", "+4 more",
                                         "12.3 MiB/s", "45.0 MiB"};
    size_t before = 0;

    (void)state;
    for (unsigned width = 0; width <= 200; width++) {
        char line[600];
        size_t there = 0;

        tally_line(line, sizeof line, &busy, width, false);
        assert_true(strlen(line) < (width > 0 ? width : 1));
        while (there < UNIT_COUNT(fields) &&
               strstr(line, fields[there]) != NULL)
            there++;
        for (size_t i = there; i < UNIT_COUNT(fields); i++)
            assert_true(i == there || strstr(line, fields[i]) == NULL ||
                        strlen(fields[i]) < strlen(fields[there]));
        assert_true(there >= before);
        before = there;
    }
    assert_int_equal(before, UNIT_COUNT(fields));
}

static void says_the_end(void **state)
{
    static const struct {
        struct tally tally;
        const char *words;
    } cases[] = {
        {{.count = 3, .installed = 3, .bytes = 3145728, .seconds = 3},
         "3 images: 3 installed; 3.0 MiB in 3 s (1.0 MiB/s)"},
        {{.count = 9,
          .installed = 2,
          .up_to_date = 6,
          .failed = 1,
          .bytes = 10,
          .seconds = 0.04},
         "9 images: 2 installed, 6 up to date, 1 failed; 10 B in 0.0 s"},
        {{.count = 2, .up_to_date = 2, .seconds = 1},
         "2 images: 2 up to date; 0 B in 1 s"},
        {{.count = 2, .failed = 2, .seconds = 200},
         "2 images: 2 failed; 0 B in 3 min"},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        char words[600];

        tally_words(words, sizeof words, &cases[i].tally);
        assert_string_equal(words, cases[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_a_line),
        cmocka_unit_test(fits_every_width),
        cmocka_unit_test(says_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
