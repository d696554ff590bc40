/* SPDX-License-Identifier: MIT */
/*
 * watch: what the callback hears and when, and all who can say stop. Nothing
 * here depends on how fast the machine is: it is the times that the room itself
 * notes which are compared.
 */
#include "limits.h"
#include "unit.h"
#include "watch.h"

/* What the callback heard last, and what it answers. */
struct ear {
    struct spull_progress last;
    char note[32]; /* last.note lives as long as the call */
    unsigned calls;
    unsigned stop_at; /* the call that is answered with stop; 0: none */
    int stop;
};

struct fixture {
    struct ear ear;
    struct sp_ctx ctx;
    struct sp_watch watch;
    struct spull_error err;
};

static int hear(void *payload, const struct spull_progress *now)
{
    struct ear *ear = payload;

    ear->last = *now;
    snprintf(ear->note, sizeof(ear->note), "%s", now->note);
    ear->calls++;
    return ear->calls == ear->stop_at ? ear->stop : 0;
}

static void begin(struct fixture *fixture, unsigned max_time)
{
    struct spull_options opts;

    memset(fixture, 0, sizeof(*fixture));
    spull_options_init(&opts);
    opts.progress = hear;
    opts.progress_payload = &fixture->ear;
    opts.max_time = max_time;
    assert_int_equal(sp_ctx_init(&fixture->ctx, &opts, NULL), SPULL_OK);
    sp_watch_init(&fixture->watch, &fixture->ctx, "a/b:c");
}

/* As if the last call had been long ago. */
static void let_a_tick_pass(struct sp_watch *watch)
{
    watch->told_ms = sp_watch_ms() - SP_TICK_MS;
}

static void a_phase_is_told_at_once(void **state)
{
    static const enum spull_phase phases[] = {
        SPULL_RESOLVING, SPULL_DOWNLOADING, SPULL_WAITING, SPULL_INSTALLING,
        SPULL_RESOLVING};
    struct fixture f;

    (void)state;
    begin(&f, 0);
    for (unsigned i = 0; i < UNIT_COUNT(phases); i++) {
        assert_int_equal(sp_watch_phase(&f.watch, phases[i], NULL), SPULL_OK);
        assert_int_equal(f.ear.calls, i + 1);
        assert_int_equal(f.ear.last.phase, phases[i]);
        assert_string_equal(f.ear.last.ref, "a/b:c");
        assert_string_equal(f.ear.note, "");
    }
    sp_ctx_done(&f.ctx);
}

static void a_tick_tells_what_now_holds(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 0);
    sp_watch_phase(&f.watch, SPULL_DOWNLOADING, NULL);
    f.watch.now.bytes = 5;
    f.watch.now.total = 10;
    f.watch.now.connections = 3;
    f.watch.now.note = "why";
    let_a_tick_pass(&f.watch);
    assert_int_equal(sp_watch_tick(&f.watch, NULL), SPULL_OK);
    assert_int_equal(f.ear.calls, 2);
    assert_int_equal(f.ear.last.phase, SPULL_DOWNLOADING);
    assert_int_equal(f.ear.last.bytes, 5);
    assert_int_equal(f.ear.last.total, 10);
    assert_int_equal(f.ear.last.connections, 3);
    assert_string_equal(f.ear.note, "why");
    sp_ctx_done(&f.ctx);
}

static void no_more_often_than_the_tick(void **state)
{
    struct fixture f;
    uint64_t before = 0;

    (void)state;
    begin(&f, 0);
    sp_watch_phase(&f.watch, SPULL_DOWNLOADING, NULL);
    while (f.ear.calls < 4) {
        unsigned calls = f.ear.calls;
        before = f.watch.told_ms;
        assert_int_equal(sp_watch_tick(&f.watch, NULL), SPULL_OK);
        if (f.ear.calls != calls)
            assert_true(f.watch.told_ms - before >= SP_TICK_MS);
        else
            assert_int_equal(f.watch.told_ms, before);
    }
    sp_ctx_done(&f.ctx);
}

static void nobody_needs_to_listen(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 0);
    f.ctx.opts.progress = NULL;
    assert_int_equal(sp_watch_phase(&f.watch, SPULL_RESOLVING, NULL), SPULL_OK);
    let_a_tick_pass(&f.watch);
    assert_int_equal(sp_watch_tick(&f.watch, NULL), SPULL_OK);
    assert_int_equal(sp_watch_rest(&f.watch, 1, "", NULL), SPULL_OK);
    sp_ctx_cancel(&f.ctx);
    assert_int_equal(sp_watch_tick(&f.watch, NULL), SPULL_CANCELLED);
    sp_ctx_done(&f.ctx);
}

/* --- stop ----------------------------------------------------------------- */

static enum spull_code by_phase(struct fixture *f)
{
    return sp_watch_phase(&f->watch, SPULL_DOWNLOADING, &f->err);
}

static enum spull_code by_late_tick(struct fixture *f)
{
    let_a_tick_pass(&f->watch);
    return sp_watch_tick(&f->watch, &f->err);
}

/* A tick that has nothing to tell notices all the same, but can't ask. */
static enum spull_code by_early_tick(struct fixture *f)
{
    f->watch.told_ms = sp_watch_ms();
    return sp_watch_tick(&f->watch, &f->err);
}

/* An hour: who does not notice is ended by ctest. */
static enum spull_code by_rest(struct fixture *f)
{
    return sp_watch_rest(&f->watch, 3600000, "", &f->err);
}

static const struct {
    enum spull_code (*call)(struct fixture *f);
    bool asks; /* calls back, whatever the time is */
} calls[] = {
    {by_phase, true},
    {by_late_tick, true},
    {by_early_tick, false},
    {by_rest, true},
};

static void the_callback_says_stop(void **state)
{
    static const int answers[] = {1, -1, INT32_MAX, INT32_MIN};

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(calls); i++)
        for (size_t k = 0; calls[i].asks && k < UNIT_COUNT(answers); k++) {
            struct fixture f;
            begin(&f, 0);
            f.ear.stop_at = 1;
            f.ear.stop = answers[k];
            assert_int_equal(calls[i].call(&f), SPULL_CANCELLED);
            unit_failed(&f.err, SPULL_CANCELLED);
            assert_int_equal(f.ear.calls, 1);
            sp_ctx_done(&f.ctx);
        }
}

static void the_session_says_stop(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(calls); i++) {
        struct fixture f;
        begin(&f, 0);
        sp_ctx_cancel(&f.ctx);
        assert_int_equal(calls[i].call(&f), SPULL_CANCELLED);
        unit_failed(&f.err, SPULL_CANCELLED);
        sp_ctx_done(&f.ctx);
    }
}

static void the_time_is_over(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(calls); i++) {
        struct fixture f;
        begin(&f, 7);
        f.watch.start_ms = sp_watch_ms() - 7000;
        assert_int_equal(sp_watch_left_ms(&f.watch), 0);
        assert_int_equal(calls[i].call(&f), SPULL_NETWORK);
        unit_failed(&f.err, SPULL_NETWORK);
        unit_says(&f.err, "7 seconds");
        sp_ctx_done(&f.ctx);
    }
}

static void time_that_is_left(void **state)
{
    struct fixture f;
    uint64_t full = (uint64_t)UINT32_MAX * 1000;

    (void)state;
    begin(&f, 0);
    assert_true(sp_watch_left_ms(&f.watch) == UINT64_MAX);
    sp_ctx_done(&f.ctx);
    begin(&f, UINT32_MAX);
    assert_in_range(sp_watch_left_ms(&f.watch), full - 3600000, full);
    f.watch.start_ms -= 3600000;
    assert_in_range(sp_watch_left_ms(&f.watch), full - 7200000, full - 3600000);
    sp_ctx_done(&f.ctx);
}

/* --- rest ----------------------------------------------------------------- */

static void a_rest_lasts_and_goes_back(void **state)
{
    struct fixture f;
    uint64_t start = 0;

    (void)state;
    begin(&f, 0);
    sp_watch_phase(&f.watch, SPULL_RESOLVING, NULL);
    start = sp_watch_ms();
    assert_int_equal(sp_watch_rest(&f.watch, 30, "why", NULL), SPULL_OK);
    assert_true(sp_watch_ms() - start >= 30);
    if (f.ear.calls > 1) /* else all of it passed before the first call */
        assert_int_equal(f.ear.last.wait_seconds,
                         0); /* not worth a countdown */
    assert_int_equal(f.watch.now.phase, SPULL_RESOLVING);
    assert_string_equal(f.watch.now.note, "");
    sp_ctx_done(&f.ctx);
}

static void no_rest_is_not_told(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 0);
    assert_int_equal(sp_watch_rest(&f.watch, 0, "", NULL), SPULL_OK);
    assert_int_equal(f.ear.calls, 0);
    sp_ctx_cancel(&f.ctx);
    assert_int_equal(sp_watch_rest(&f.watch, 0, "", NULL), SPULL_CANCELLED);
    sp_ctx_done(&f.ctx);
}

static void a_rest_says_why(void **state)
{
    const uint64_t ms = 3600500;
    struct fixture f;
    uint64_t end = sp_watch_ms() + ms; /* or somewhat later */

    (void)state;
    begin(&f, 0);
    sp_watch_phase(&f.watch, SPULL_DOWNLOADING, NULL);
    f.ear.stop_at = 3; /* the second call of the rest */
    f.ear.stop = 1;
    assert_int_equal(sp_watch_rest(&f.watch, ms, "503 from h", NULL),
                     SPULL_CANCELLED);
    assert_int_equal(f.ear.calls, 3);
    assert_int_equal(f.ear.last.phase, SPULL_WAITING);
    /* Rounded up: never less than what is left. */
    assert_in_range(f.ear.last.wait_seconds, 3000, 3601);
    assert_true(f.watch.told_ms + f.ear.last.wait_seconds * 1000 >= end);
    assert_string_equal(f.ear.note, "503 from h");
    /* A rest that was broken off goes back too. */
    assert_int_equal(f.watch.now.phase, SPULL_DOWNLOADING);
    assert_string_equal(f.watch.now.note, "");
    sp_ctx_done(&f.ctx);
}

static void the_clock_does_not_go_back(void **state)
{
    uint64_t before = sp_watch_ms();

    (void)state;
    for (int i = 0; i < 100000; i++) {
        uint64_t now = sp_watch_ms();
        assert_true(now >= before);
        before = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_phase_is_told_at_once),
        cmocka_unit_test(a_tick_tells_what_now_holds),
        cmocka_unit_test(no_more_often_than_the_tick),
        cmocka_unit_test(nobody_needs_to_listen),
        cmocka_unit_test(the_callback_says_stop),
        cmocka_unit_test(the_session_says_stop),
        cmocka_unit_test(the_time_is_over),
        cmocka_unit_test(time_that_is_left),
        cmocka_unit_test(a_rest_lasts_and_goes_back),
        cmocka_unit_test(no_rest_is_not_told),
        cmocka_unit_test(a_rest_says_why),
        cmocka_unit_test(the_clock_does_not_go_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
