/* SPDX-License-Identifier: MIT */
/*
 * retry: which failure is whose, how patience is spent and comes back, and how
 * long the waits are at the extremes of the dice.
 */
#include "limits.h"
#include "retry.h"
#include "unit.h"

/* Every result of dice % n for small n, and what overflows most easily. */
static const uint32_t dice[] = {0,   1,   99,    100,    499,       500,
                                501, 999, 12345, 300000, INT32_MAX, UINT32_MAX};

static struct sp_outcome lost(uint64_t progress)
{
    return (struct sp_outcome){
        .code = SPULL_NETWORK, .transient = true, .progress = progress};
}

static void every_code(void **state)
{
    static const struct {
        enum spull_code code;
        enum sp_action lasting, transient;
    } cases[] = {
        {SPULL_INTERNAL, SP_GIVE_UP, SP_GIVE_UP},
        {SPULL_USAGE, SP_GIVE_UP, SP_GIVE_UP},
        {SPULL_NOT_FOUND, SP_NEXT_URL, SP_TRY_AGAIN},
        {SPULL_NETWORK, SP_NEXT_URL, SP_TRY_AGAIN},
        {SPULL_INTEGRITY, SP_NEXT_URL, SP_TRY_AGAIN},
        {SPULL_DENIED, SP_NEXT_URL, SP_TRY_AGAIN},
        {SPULL_STORAGE, SP_GIVE_UP, SP_GIVE_UP},
        {SPULL_CANCELLED, SP_GIVE_UP, SP_GIVE_UP},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++)
        for (uint64_t progress = 0; progress <= SP_PROGRESS_GOOD;
             progress += SP_PROGRESS_GOOD)
            for (unsigned transient = 0; transient < 2; transient++) {
                struct sp_outcome outcome = {.code = cases[i].code,
                                             .transient = transient == 1,
                                             .progress = progress};
                struct sp_retry so_far = {0};
                struct sp_verdict verdict =
                    sp_retry_judge(&so_far, &outcome, SP_RETRIES, 0);
                assert_int_equal(verdict.action, transient ? cases[i].transient
                                                           : cases[i].lasting);
                if (verdict.action != SP_TRY_AGAIN)
                    assert_int_equal(verdict.wait_ms, 0);
            }
}

/* A budget of n is n more tries, and then the next URL's turn. */
static void the_budget(void **state)
{
    (void)state;
    for (unsigned retries = 0; retries < 20; retries++) {
        struct sp_retry so_far = {0};
        struct sp_outcome outcome = lost(0);
        for (unsigned i = 0; i < retries; i++)
            assert_int_equal(
                sp_retry_judge(&so_far, &outcome, retries, 0).action,
                SP_TRY_AGAIN);
        assert_int_equal(sp_retry_judge(&so_far, &outcome, retries, 0).action,
                         SP_NEXT_URL);
    }
}

/* Of 1, 2, 4 ... seconds, the half that is not the dice's. */
static void patience_is_the_least_that_tries_take(void **state)
{
    static const struct {
        unsigned retries;
        uint64_t ms;
    } cases[] = {{0, 0},     {1, 500},   {2, 1500},  {3, 3500},     {5, 15500},
                 {6, 31500}, {7, 61500}, {8, 91500}, {100, 2851500}};

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_retry so_far = {0};
        struct sp_outcome outcome = lost(0);
        uint64_t waited = 0;
        assert_int_equal(sp_retry_patience_ms(cases[i].retries), cases[i].ms);
        assert_in_range(sp_retry_patience_ms(UINT32_MAX), UINT32_MAX * 29999ULL,
                        UINT32_MAX * 30000ULL);
        for (unsigned n = 0; n < cases[i].retries; n++)
            waited +=
                sp_retry_judge(&so_far, &outcome, cases[i].retries, 0).wait_ms;
        assert_int_equal(waited, cases[i].ms);
    }
}

/* Whatever others brought meanwhile. */
static void who_is_lost_has_no_budget(void **state)
{
    static const uint64_t progress[] = {0, SP_PROGRESS_SOME, SP_PROGRESS_GOOD};

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(progress); i++) {
        struct sp_retry so_far = {0};
        struct sp_outcome outcome = lost(progress[i]);
        outcome.lost = true;
        assert_int_equal(
            sp_retry_judge(&so_far, &outcome, SP_RETRIES, 0).action,
            SP_NEXT_URL);
    }
}

static void progress_refills_the_budget(void **state)
{
    static const struct {
        uint64_t progress;
        bool refills;
    } cases[] = {
        {0, false},
        {1, false},
        {SP_PROGRESS_SOME - 1, false},
        {SP_PROGRESS_SOME, true},
        {SP_PROGRESS_GOOD, true},
        {UINT64_MAX, true},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_retry so_far = {.tries = SP_RETRIES};
        struct sp_outcome outcome = lost(cases[i].progress);
        struct sp_verdict verdict =
            sp_retry_judge(&so_far, &outcome, SP_RETRIES, 0);
        assert_int_equal(verdict.action,
                         cases[i].refills ? SP_TRY_AGAIN : SP_NEXT_URL);
        assert_int_equal(so_far.tries, cases[i].refills ? 0 : SP_RETRIES + 1);
    }
}

/* A line that breaks every megabyte is followed to the end of the image. */
static void progress_never_runs_out(void **state)
{
    struct sp_retry so_far = {0};
    struct sp_outcome outcome = lost(SP_PROGRESS_SOME);

    (void)state;
    for (uint32_t i = 0; i < 100000; i++)
        assert_int_equal(sp_retry_judge(&so_far, &outcome, 0, i).action,
                         SP_TRY_AGAIN);
}

static void waits_grow(void **state)
{
    struct sp_retry so_far = {0};
    uint64_t full = SP_RETRY_FIRST_MS;

    (void)state;
    for (unsigned tries = 0; tries < 70; tries++) {
        for (size_t i = 0; i < UNIT_COUNT(dice); i++) {
            struct sp_retry copy = so_far;
            struct sp_outcome outcome = lost(0);
            struct sp_verdict verdict =
                sp_retry_judge(&copy, &outcome, UINT32_MAX, dice[i]);
            assert_int_equal(verdict.action, SP_TRY_AGAIN);
            assert_in_range(verdict.wait_ms, full / 2, full);
        }
        so_far.tries++;
        full = full * 2 < SP_RETRY_MAX_MS ? full * 2 : SP_RETRY_MAX_MS;
    }
    assert_int_equal(full, SP_RETRY_MAX_MS);
}

/* Those that failed together come back at every time that the bounds allow. */
static void waits_are_spread(void **state)
{
    bool seen[SP_RETRY_FIRST_MS + 1] = {false};

    (void)state;
    for (uint32_t i = 0; i < SP_RETRY_FIRST_MS; i++) {
        struct sp_retry so_far = {0};
        struct sp_outcome outcome = lost(0);
        uint64_t wait = sp_retry_judge(&so_far, &outcome, 1, i).wait_ms;
        assert_in_range(wait, 0, SP_RETRY_FIRST_MS);
        seen[wait] = true;
    }
    for (size_t i = SP_RETRY_FIRST_MS / 2; i <= SP_RETRY_FIRST_MS; i++)
        assert_true(seen[i]);
}

static void progress_shortens_the_wait(void **state)
{
    static const struct {
        uint64_t progress, least, most;
    } cases[] = {
        {SP_PROGRESS_SOME - 1, SP_RETRY_FIRST_MS / 2, SP_RETRY_FIRST_MS},
        {SP_PROGRESS_SOME, 0, SP_RETRY_SOON_MS},
        {SP_PROGRESS_GOOD - 1, 0, SP_RETRY_SOON_MS},
        {SP_PROGRESS_GOOD, 0, 0},
        {UINT64_MAX, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++)
        for (size_t k = 0; k < UNIT_COUNT(dice); k++) {
            struct sp_retry so_far = {0};
            struct sp_outcome outcome = lost(cases[i].progress);
            assert_in_range(
                sp_retry_judge(&so_far, &outcome, 1, dice[k]).wait_ms,
                cases[i].least, cases[i].most);
        }
}

static void the_server_may_ask_for_more(void **state)
{
    static const struct {
        unsigned seconds;
        uint64_t progress, least;
    } cases[] = {
        {1, 0, 1000},
        {1, SP_PROGRESS_GOOD, 1000},
        {120, 0, 120000},
        {SP_RETRY_AFTER_MAX_MS / 1000, 0, SP_RETRY_AFTER_MAX_MS},
        {SP_RETRY_AFTER_MAX_MS / 1000 + 1, 0, SP_RETRY_AFTER_MAX_MS},
        {86400, 0, SP_RETRY_AFTER_MAX_MS},
        {4294968, 0, SP_RETRY_AFTER_MAX_MS}, /* 704 ms in 32 bits */
        {UINT32_MAX, 0, SP_RETRY_AFTER_MAX_MS},
        {UINT32_MAX, UINT64_MAX, SP_RETRY_AFTER_MAX_MS},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++)
        for (size_t k = 0; k < UNIT_COUNT(dice); k++) {
            struct sp_retry so_far = {0};
            struct sp_outcome outcome = lost(cases[i].progress);
            outcome.retry_after = cases[i].seconds;
            /* Never sooner than asked, and a tenth later at the most. */
            assert_in_range(
                sp_retry_judge(&so_far, &outcome, 1, dice[k]).wait_ms,
                cases[i].least, cases[i].least + cases[i].least / 10);
        }
}

/* Retry-After says when, not how often. */
static void asking_does_not_refill(void **state)
{
    struct sp_retry so_far = {0};
    struct sp_outcome outcome = lost(0);

    (void)state;
    outcome.retry_after = 1;
    assert_int_equal(sp_retry_judge(&so_far, &outcome, 1, 0).action,
                     SP_TRY_AGAIN);
    assert_int_equal(sp_retry_judge(&so_far, &outcome, 1, 0).action,
                     SP_NEXT_URL);
}

/* At the extremes of the dice, and never outside of them. */
static void the_next_look(void **state)
{
    static const struct {
        uint64_t waited, least, most;
    } cases[] = {
        {0, SP_POLL_FIRST_MS / 2, SP_POLL_FIRST_MS},
        {SP_POLL_FIRST_MS * SP_POLL_SHARE, SP_POLL_FIRST_MS / 2,
         SP_POLL_FIRST_MS},
        {1000, 100, 200},
        {5000, 500, 1000},
        {SP_POLL_MAX_MS * SP_POLL_SHARE, SP_POLL_MAX_MS / 2, SP_POLL_MAX_MS},
        {86400000, SP_POLL_MAX_MS / 2, SP_POLL_MAX_MS},
        {UINT64_MAX, SP_POLL_MAX_MS / 2, SP_POLL_MAX_MS},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        uint64_t half = cases[i].most / 2;
        assert_int_equal(sp_retry_poll_ms(cases[i].waited, 0), cases[i].least);
        assert_int_equal(sp_retry_poll_ms(cases[i].waited, (uint32_t)half),
                         cases[i].most);
        for (size_t d = 0; d < UNIT_COUNT(dice); d++) {
            uint64_t poll = sp_retry_poll_ms(cases[i].waited, dice[d]);
            assert_in_range(poll, cases[i].least, cases[i].most);
        }
    }
}

/* Who leads for T is found to be done by T and 1/5 of it and a second. */
static void nobody_is_late(void **state)
{
    (void)state;
    for (uint64_t length = 1; length < 600000; length += 1 + length / 7) {
        uint64_t now = 0;
        unsigned looks = 0;
        for (; now < length; looks++)
            now += sp_retry_poll_ms(now, UINT32_MAX);
        assert_true(now <= length + length / 5 + 1000);
        assert_true(looks <= 40 + length / (SP_POLL_MAX_MS / 2));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code),
        cmocka_unit_test(the_budget),
        cmocka_unit_test(patience_is_the_least_that_tries_take),
        cmocka_unit_test(who_is_lost_has_no_budget),
        cmocka_unit_test(progress_refills_the_budget),
        cmocka_unit_test(progress_never_runs_out),
        cmocka_unit_test(waits_grow),
        cmocka_unit_test(waits_are_spread),
        cmocka_unit_test(progress_shortens_the_wait),
        cmocka_unit_test(the_server_may_ask_for_more),
        cmocka_unit_test(asking_does_not_refill),
        cmocka_unit_test(the_next_look),
        cmocka_unit_test(nobody_is_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
