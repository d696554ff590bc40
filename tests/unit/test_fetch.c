/* SPDX-License-Identifier: MIT */
/*
 * fetch: which connections count as bringing something, and which URL is worth
 * to be waited for. The rest of the room needs servers, and is tested end to
 * end.
 */
#include <stdlib.h>

#include "fetch_internal.h"
#include "unit.h"

#define NOW_MS     100000
#define SILENCE_MS 1000
#define PIECE      SP_COME_AGAIN_RATE /* bytes that come again in a second */
#define PIECE_MS   1000

struct row {
    const char *label;
    uint64_t heard_ms;  /* when it last brought bytes */
    uint64_t looked_ms; /* when somebody last listened */
    bool busy;
    bool ranged;
    unsigned lasting;
};

static const struct row rows[] = {
    {"brings bytes", NOW_MS, NOW_MS, true, true, 1},
    {"has paused", NOW_MS - SILENCE_MS + 1, NOW_MS, true, true, 1},
    {"is silent: another may have its work", NOW_MS - SILENCE_MS, NOW_MS, true,
     true, 0},
    {"seems silent, but nobody has listened", NOW_MS - 2 * SILENCE_MS,
     NOW_MS - SILENCE_MS - 1, true, true, 1},
    {"is silent, but nobody can go on for it", NOW_MS - SILENCE_MS, NOW_MS,
     true, false, 1},
    {"is free", NOW_MS, NOW_MS, false, true, 0},
};

static void test_lasting(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct fetch *fetch = calloc(1, sizeof *fetch);
        assert_non_null(fetch);
        fetch->silence_ms = SILENCE_MS;
        fetch->looked_ms = rows[i].looked_ms;
        fetch->lanes[3].busy = rows[i].busy;
        fetch->lanes[3].ranged = rows[i].ranged;
        atomic_store(&fetch->lanes[3].to, 1000);
        atomic_store(&fetch->lanes[3].heard_ms, rows[i].heard_ms);
        if (sp_plan_lasting(fetch, NOW_MS, 0) != rows[i].lasting)
            fail_msg("%s", rows[i].label);
        free(fetch);
    }
}

/* Of two URLs, the first is down, and the second sends only the whole. */
static const struct {
    const char *label;
    uint64_t there;   /* bytes on disk */
    uint64_t down_ms; /* for how long, 0: it is not */
    bool bringing;    /* and yet it has begun to */
    bool out;
    bool passed; /* the second one */
} waits[] = {
    {"it may bring the rest", PIECE, 0, false, false, true},
    {"it has just failed", PIECE, 1, false, false, true},
    {"what is there is worth it", PIECE, PIECE_MS - 1, false, false, true},
    {"and now no more", PIECE, PIECE_MS, false, false, false},
    {"more is worth more", 3 * PIECE, PIECE_MS, false, false, true},
    {"but not for ever", 3 * PIECE, 3 * PIECE_MS, false, false, false},
    {"it is up again", PIECE, PIECE_MS, true, false, true},
    {"it is given up", 3 * PIECE, 1, false, true, false},
    {"nothing is there", 0, 1, false, false, false},
    {"nothing is there yet", 0, 0, true, false, true},
};

static struct sp_part *part_of(uint64_t size)
{
    static const unsigned char zeros[PIECE];
    struct sp_part *part = NULL;

    assert_int_equal(sp_part_new(".", "00", &part, NULL), SPULL_OK);
    for (uint64_t at = 0; at < size; at += PIECE)
        assert_int_equal(sp_part_write(part, at, zeros, PIECE, NULL), SPULL_OK);
    return part;
}

static void test_waiting(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(waits); i++) {
        static const struct sp_blob blob = {.url_count = 2};
        struct fetch *fetch = calloc(1, sizeof *fetch);
        bool passed = false;
        assert_non_null(fetch);
        fetch->blob = &blob;
        fetch->part = part_of(waits[i].there);
        if (waits[i].down_ms > 0)
            fetch->sources[0].down_ms = NOW_MS - waits[i].down_ms;
        fetch->sources[0].out = waits[i].out;
        fetch->sources[1].no_ranges = true;
        fetch->lanes[3].busy = waits[i].bringing;
        fetch->lanes[3].source = &fetch->sources[0];
        atomic_store(&fetch->lanes[3].at, 1);
        passed = sp_source_can_pass(fetch, &fetch->sources[1], NOW_MS);
        sp_part_discard(fetch->part);
        free(fetch);
        if (passed != waits[i].passed)
            fail_msg("%s", waits[i].label);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lasting),
        cmocka_unit_test(test_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
