/* SPDX-License-Identifier: MIT */
/*
 * pace: how many connections it settles for on links of every kind, which are
 * numbers here: no clock, no network, the same in every run.
 */
#include "limits.h"
#include "pace.h"
#include "unit.h"

#define PLENTY UINT64_MAX

/* --- simulated links ------------------------------------------------------ */

struct link {
    double each;  /* bytes a millisecond that one connection gets at most */
    double whole; /* that all of them get together */
};

/* What passes between two readings, in steps that fit no window exactly; and
 * before a new connection brings bytes. */
#define STEP_MS      7
#define HANDSHAKE_MS 40

struct drive {
    struct sp_pace pace;
    struct sp_reading reading;
    double bytes;
    uint64_t warm_ms;     /* when the youngest connection brings bytes */
    unsigned peak, least; /* of the target, since they were set */
    uint64_t steps[SP_CONNECTIONS_MAX + 1]; /* spent with each target */
    uint64_t ups[64];                       /* when the target rose */
    size_t up_count;
};

static struct drive drive_new(unsigned most)
{
    struct drive drive = {.reading = {.missing = PLENTY, .round_trip_ms = 20},
                          .peak = 1,
                          .least = 1};

    sp_pace_init(&drive.pace, most, 0, 0);
    return drive;
}

static void note(struct drive *drive, unsigned before, unsigned now)
{
    drive->steps[now]++;
    if (now > drive->peak)
        drive->peak = now;
    if (now < drive->least)
        drive->least = now;
    if (now <= before)
        return;
    drive->warm_ms = drive->reading.now_ms + HANDSHAKE_MS;
    assert_true(drive->up_count < UNIT_COUNT(drive->ups));
    drive->ups[drive->up_count++] = drive->reading.now_ms;
}

static void drive_for(struct drive *drive, const struct link *link, uint64_t ms)
{
    uint64_t end = drive->reading.now_ms + ms;

    while (drive->reading.now_ms < end) {
        unsigned before = drive->pace.target;
        double rate = link->each * before;
        drive->reading.now_ms += STEP_MS;
        drive->bytes += (rate < link->whole ? rate : link->whole) * STEP_MS;
        drive->reading.bytes = (uint64_t)drive->bytes;
        drive->reading.warm = drive->reading.now_ms >= drive->warm_ms;
        unsigned now = sp_pace_read(&drive->pace, &drive->reading);
        assert_int_equal(now, drive->pace.target);
        assert_in_range(now, 1, drive->pace.most);
        note(drive, before, now);
    }
}

/* The target that held for nine tenths of the time; 0: none did. */
static unsigned usual(const struct drive *drive)
{
    uint64_t all = 0;

    for (size_t i = 0; i < UNIT_COUNT(drive->steps); i++)
        all += drive->steps[i];
    for (unsigned i = 0; i < UNIT_COUNT(drive->steps); i++)
        if (drive->steps[i] * 10 >= all * 9)
            return i;
    return 0;
}

static const struct link wide = {1000, 1e9};
static const struct link narrow = {1000, 1000};

static void links(void **state)
{
    static const struct {
        const char *what;
        struct link link;
        unsigned most, usual, peak;
    } cases[] = {
        {"each is capped", {1000, 1e9}, 16, 16, 16},
        {"each is capped", {1000, 1e9}, 8, 8, 8},
        {"each is capped", {1000, 1e9}, 6, 6, 6},
        {"each is capped", {1000, 1e9}, 3, 3, 3},
        {"each is capped", {1000, 1e9}, 2, 2, 2},
        {"one is allowed", {1000, 1e9}, 1, 1, 1},
        {"each is slow", {1, 1e9}, 8, 8, 8},
        {"one is enough", {1000, 1000}, 8, 1, 4},
        {"one is enough", {1e6, 1000}, 16, 1, 4},
        {"one is all but enough", {1000, 1200}, 8, 1, 4},
        {"one is not enough", {1000, 1300}, 8, 4, 8},
        {"two are enough", {500, 1000}, 8, 4, 8},
        {"two are all but enough", {1000, 2400}, 8, 4, 8},
        {"three are enough", {1000, 3000}, 8, 4, 8},
        {"four are enough", {250, 1000}, 16, 4, 16},
        {"eight are enough", {125, 1000}, 16, 16, 16},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct drive drive = drive_new(cases[i].most);
        drive_for(&drive, &cases[i].link, 60000);
        if (usual(&drive) != cases[i].usual || drive.peak != cases[i].peak)
            fail_msg("case %zu, %s: mostly %u, at most %u", i, cases[i].what,
                     usual(&drive), drive.peak);
    }
}

/* A stalled link brings as much over eight connections: as little. */
static void nothing_is_not_more(void **state)
{
    static const struct link dead = {0, 0};
    struct drive drive = drive_new(8);

    (void)state;
    drive_for(&drive, &dead, 60000);
    assert_int_equal(usual(&drive), 1);
}

/* The step to the most was worth it; what comes later is not its doing. */
static void a_step_is_judged_once(void **state)
{
    static const struct link worse = {500, 1e9};
    struct drive drive = drive_new(8);

    (void)state;
    drive_for(&drive, &wide, 5000);
    assert_int_equal(drive.pace.target, 8);
    drive.least = 8;
    drive_for(&drive, &worse, 5000);
    assert_int_equal(drive.least, 8);
}

static void looks_again_after_a_pause(void **state)
{
    struct drive drive = drive_new(8);

    (void)state;
    drive_for(&drive, &narrow, SP_PACE_PAUSE_MS / 2);
    assert_int_equal(drive.up_count, 1);
    assert_int_equal(drive.pace.target, 1);
    /* A wider link is not noticed at once, but in the end. */
    drive_for(&drive, &wide, SP_PACE_PAUSE_MS / 2);
    assert_int_equal(drive.pace.target, 1);
    drive_for(&drive, &wide, 10 * SP_PACE_PAUSE_MS);
    assert_int_equal(drive.pace.target, 8);
}

static void pauses_grow(void **state)
{
    struct drive drive = drive_new(8);

    (void)state;
    drive_for(&drive, &narrow, 20 * SP_PACE_PAUSE_MS);
    assert_in_range(drive.up_count, 3, 10);
    for (size_t i = 1; i < drive.up_count; i++) {
        uint64_t pause = drive.ups[i] - drive.ups[i - 1];
        assert_true(pause >= SP_PACE_PAUSE_MS);
        if (i > 1)
            assert_true(pause > drive.ups[i - 1] - drive.ups[i - 2]);
    }
}

static void backs_off(void **state)
{
    static const struct {
        unsigned most, times, target;
    } cases[] = {
        {8, 1, 7}, {8, 3, 5}, {8, 7, 1}, {8, 20, 1}, {2, 1, 1}, {1, 1, 1},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct drive drive = drive_new(cases[i].most);
        drive_for(&drive, &wide, 5000);
        assert_int_equal(drive.pace.target, cases[i].most);
        for (unsigned k = 0; k < cases[i].times; k++)
            sp_pace_back_off(&drive.pace, drive.reading.now_ms, 0);
        assert_int_equal(drive.pace.target, cases[i].target);
        /* A server that refused is not asked for more a moment later. */
        drive.peak = drive.least = cases[i].target;
        drive_for(&drive, &wide, SP_PACE_PAUSE_MS - STEP_MS);
        assert_int_equal(drive.peak, cases[i].target);
        assert_int_equal(drive.least, cases[i].target);
    }
}

static void comes_back_after_a_pause(void **state)
{
    struct drive drive = drive_new(8);

    (void)state;
    drive_for(&drive, &wide, 5000);
    while (drive.pace.target > 4)
        sp_pace_back_off(&drive.pace, drive.reading.now_ms, 0);
    drive_for(&drive, &wide, 100 * SP_PACE_PAUSE_MS);
    assert_int_equal(drive.pace.target, 8);
}

/* A server that said how long is believed, if that is longer. */
static void pauses_as_asked(void **state)
{
    static const uint64_t rests[] = {1, 10 * SP_PACE_PAUSE_MS};

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(rests); i++) {
        struct drive drive = drive_new(8);
        uint64_t pause =
            rests[i] > SP_PACE_PAUSE_MS ? rests[i] : SP_PACE_PAUSE_MS;
        drive_for(&drive, &wide, 5000);
        sp_pace_back_off(&drive.pace, drive.reading.now_ms, rests[i]);
        drive.peak = 7;
        drive_for(&drive, &wide, pause - STEP_MS);
        assert_int_equal(drive.peak, 7);
        drive_for(&drive, &wide, 5000);
        assert_int_equal(drive.peak, 8);
    }
}

/* However many connections have failed: there is a pause, and it has an end. */
static void pauses_do_not_overflow(void **state)
{
    struct drive drive = drive_new(8);

    (void)state;
    for (int i = 0; i < 200; i++) {
        sp_pace_back_off(&drive.pace, drive.reading.now_ms, 0);
        drive_for(&drive, &wide, SP_PACE_PAUSE_MS - STEP_MS);
        assert_int_equal(drive.peak, 1);
    }
    drive_for(&drive, &wide, 3600000);
    assert_int_equal(drive.pace.target, 8);
}

/* --- single readings ------------------------------------------------------ */

static unsigned read_at(struct sp_pace *pace, uint64_t now_ms, uint64_t bytes,
                        bool warm)
{
    struct sp_reading reading = {
        .now_ms = now_ms, .bytes = bytes, .missing = PLENTY, .warm = warm};

    return sp_pace_read(pace, &reading);
}

static void begins_with_one(void **state)
{
    struct sp_pace pace;

    (void)state;
    memset(&pace, 0x5a, sizeof(pace));
    sp_pace_init(&pace, 8, 12345, 0);
    assert_int_equal(pace.target, 1);
    assert_int_equal(read_at(&pace, 12345, 0, false), 1);
    assert_int_equal(read_at(&pace, 12345, 0, true), 1);
}

static void windows(void **state)
{
    static const struct {
        unsigned round_trip_ms;
        uint64_t window_ms;
    } cases[] = {
        {0, SP_PACE_WINDOW_MS},
        {1, SP_PACE_WINDOW_MS},
        {SP_PACE_LONG_MS - 1, SP_PACE_WINDOW_MS},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_reading reading = {.bytes = SP_GIB,
                                     .missing = PLENTY,
                                     .round_trip_ms = cases[i].round_trip_ms,
                                     .warm = true};
        struct sp_pace pace;
        sp_pace_init(&pace, 8, 1000, 0);
        reading.now_ms = 1000 + cases[i].window_ms - 1;
        assert_int_equal(sp_pace_read(&pace, &reading), 1);
        reading.now_ms++;
        assert_int_equal(sp_pace_read(&pace, &reading), 4);
    }
}

/* On a long way the first step is not judged, and the second one after a round
 * trip; from then on rates are compared, over two. */
static void long_ways(void **state)
{
    static const unsigned trips[] = {SP_PACE_LONG_MS, SP_PACE_WINDOW_MS,
                                     SP_PACE_WINDOW_MS + 1, 30000, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(trips); i++) {
        uint64_t trip = trips[i];
        uint64_t once = trip > SP_PACE_WINDOW_MS ? trip : SP_PACE_WINDOW_MS;
        uint64_t twice =
            2 * trip > SP_PACE_WINDOW_MS ? 2 * trip : SP_PACE_WINDOW_MS;
        struct sp_reading reading = {.now_ms = 1000,
                                     .missing = PLENTY,
                                     .round_trip_ms = trips[i],
                                     .warm = true};
        struct sp_pace pace;
        sp_pace_init(&pace, 16, 1000, 0);
        assert_int_equal(sp_pace_read(&pace, &reading), 4);
        reading.bytes = SP_MIB;
        reading.now_ms += once - 1;
        assert_int_equal(sp_pace_read(&pace, &reading), 4);
        reading.now_ms++;
        assert_int_equal(sp_pace_read(&pace, &reading), 16);
        /* Sixteen bring no more than four did. */
        reading.now_ms += twice - 1;
        assert_int_equal(sp_pace_read(&pace, &reading), 16);
        reading.now_ms++;
        assert_int_equal(sp_pace_read(&pace, &reading), 4);
    }
}

/* The processor is what there is no more of. */
static void a_busy_thread_is_not_given_more(void **state)
{
    static const struct {
        uint64_t busy_ms; /* of 1000 */
        unsigned target;
    } cases[] = {{0, 4}, {500, 4}, {600, 4}, {610, 1}, {1000, 1}};

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_reading reading = {.now_ms = 999,
                                     .bytes = SP_GIB,
                                     .missing = PLENTY,
                                     .busy_ms = cases[i].busy_ms,
                                     .warm = true};
        struct sp_pace pace;
        sp_pace_init(&pace, 8, 0, 0);
        assert_int_equal(sp_pace_read(&pace, &reading), cases[i].target);
        /* What it did before is not this blob's doing. */
        sp_pace_init(&pace, 8, 0, cases[i].busy_ms);
        assert_int_equal(sp_pace_read(&pace, &reading), 4);
        sp_pace_init(&pace, 8, 0, 0);
        sp_pace_read(&pace, &reading);
        /* It has another look: what was busy then may be idle now. */
        reading.now_ms += SP_PACE_PAUSE_MS;
        reading.bytes *= 4;
        assert_int_not_equal(sp_pace_read(&pace, &reading), 1);
    }
}

static void short_blobs_on_long_ways(void **state)
{
    struct sp_reading reading = {
        .now_ms = 0, .missing = SP_SPLIT_MIN - 1, .round_trip_ms = 80};
    struct sp_pace pace;

    (void)state;
    sp_pace_init(&pace, 16, 0, 0);
    assert_int_equal(sp_pace_read(&pace, &reading), 1);
}

static void cold_connections_are_not_judged(void **state)
{
    struct sp_pace pace;
    uint64_t now = 100;
    uint64_t bytes = 100000;

    (void)state;
    sp_pace_init(&pace, 8, 0, 0);
    assert_int_equal(read_at(&pace, now, bytes, true), 4);
    /* A second of handshake, while the first goes on as before. */
    for (int i = 0; i < 105; i++)
        assert_int_equal(read_at(&pace, now += 10, bytes += 10000, false), 4);
    /* The window begins where the handshake ended. */
    assert_int_equal(read_at(&pace, now + 99, bytes + 198000, true), 4);
    assert_int_equal(read_at(&pace, now + 100, bytes + 200000, true), 8);
}

static void what_is_nearly_over_gets_no_more(void **state)
{
    /* 1000 bytes a millisecond, as the room counts them. */
    const uint64_t passed = 199;
    const uint64_t two_windows = 2 * (uint64_t)SP_PACE_WINDOW_MS * 1000;
    const struct {
        uint64_t missing;
        unsigned target;
    } cases[] = {
        {0, 1}, {1, 1}, {two_windows, 1}, {two_windows + 1, 4}, {PLENTY, 4},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_reading reading = {.now_ms = passed,
                                     .bytes = (passed + 1) * 1000,
                                     .missing = cases[i].missing,
                                     .warm = true};
        struct sp_pace pace;
        sp_pace_init(&pace, 8, 0, 0);
        assert_int_equal(sp_pace_read(&pace, &reading), cases[i].target);
    }
}

/* A restart makes the count of bytes small again, which is no rate at all. */
static void a_restart_is_no_reason(void **state)
{
    struct sp_pace pace;

    (void)state;
    sp_pace_init(&pace, 8, 0, 0);
    assert_int_equal(read_at(&pace, 100, 100000, true), 4);
    assert_int_equal(read_at(&pace, 200, 0, true), 4);
    assert_int_equal(read_at(&pace, 300, 200000, true), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links),
        cmocka_unit_test(nothing_is_not_more),
        cmocka_unit_test(a_step_is_judged_once),
        cmocka_unit_test(looks_again_after_a_pause),
        cmocka_unit_test(pauses_grow),
        cmocka_unit_test(backs_off),
        cmocka_unit_test(comes_back_after_a_pause),
        cmocka_unit_test(pauses_as_asked),
        cmocka_unit_test(pauses_do_not_overflow),
        cmocka_unit_test(begins_with_one),
        cmocka_unit_test(windows),
        cmocka_unit_test(long_ways),
        cmocka_unit_test(a_busy_thread_is_not_given_more),
        cmocka_unit_test(short_blobs_on_long_ways),
        cmocka_unit_test(cold_connections_are_not_judged),
        cmocka_unit_test(what_is_nearly_over_gets_no_more),
        cmocka_unit_test(a_restart_is_no_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
