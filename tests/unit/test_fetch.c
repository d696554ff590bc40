/* SPDX-License-Identifier: MIT */
/*
 * fetch: which connections count as bringing something. The rest of the room
 * needs servers, and is tested end to end.
 */
#include <stdlib.h>

#include "fetch_internal.h"
#include "unit.h"

#define NOW_MS     100000
#define SILENCE_MS 1000

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lasting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
