/* SPDX-License-Identifier: MIT */
/*
 * again: how often is asked, what is told meanwhile, and what comes of it. Only
 * the shortest of waits are really waited.
 */
#include "again.h"
#include "err.h"
#include "limits.h"
#include "unit.h"

/* Who is asked: fails so often, with progress or without. */
struct server {
    unsigned failures;
    struct sp_outcome outcome;
    enum spull_code code;
    unsigned asked;
    unsigned waits; /* that the callback heard of */
    char note[64];
    bool stop; /* at the first wait */
};

static enum spull_code ask(void *payload, struct sp_outcome *out,
                           struct spull_error *err)
{
    struct server *server = payload;

    if (server->asked++ >= server->failures)
        return SPULL_OK;
    assert_false(out->transient);
    assert_int_equal(out->progress, 0);
    *out = server->outcome;
    return sp_err_set(err, server->code, "failure %u", server->asked);
}

static int hear(void *payload, const struct spull_progress *now)
{
    struct server *server = payload;

    if (now->phase != SPULL_WAITING)
        return 0;
    server->waits++;
    snprintf(server->note, sizeof(server->note), "%s", now->note);
    return server->stop;
}

static enum spull_code run(struct server *server, unsigned retries,
                           struct spull_error *err)
{
    struct spull_options opts;
    struct sp_ctx ctx;
    struct sp_watch watch;

    spull_options_init(&opts);
    opts.retries = retries;
    opts.progress = hear;
    opts.progress_payload = server;
    assert_int_equal(sp_ctx_init(&ctx, &opts, NULL), SPULL_OK);
    sp_watch_init(&watch, &ctx, "a/b:c");
    enum spull_code code = sp_again(&watch, ask, server, err);
    assert_int_equal(watch.now.phase, SPULL_RESOLVING);
    sp_ctx_done(&ctx);
    return code;
}

static void one_answer_is_enough(void **state)
{
    struct server server = {.failures = 0};

    (void)state;
    assert_int_equal(run(&server, 5, NULL), SPULL_OK);
    assert_int_equal(server.asked, 1);
    assert_int_equal(server.waits, 0);
}

/* Progress gives the budget back, and a good one costs no wait. */
static void asks_until_there_is_an_answer(void **state)
{
    struct server server = {
        .failures = 7,
        .code = SPULL_NETWORK,
        .outcome = {.transient = true, .progress = SP_PROGRESS_GOOD}};

    (void)state;
    assert_int_equal(run(&server, 0, NULL), SPULL_OK);
    assert_int_equal(server.asked, 8);
}

static void gives_up_what_no_try_can_mend(void **state)
{
    static const enum spull_code codes[] = {
        SPULL_INTERNAL, SPULL_NOT_FOUND, SPULL_NETWORK,  SPULL_INTEGRITY,
        SPULL_DENIED,   SPULL_STORAGE,   SPULL_CANCELLED};
    struct spull_error err;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(codes); i++) {
        struct server server = {.failures = 2, .code = codes[i]};
        assert_int_equal(run(&server, 5, &err), codes[i]);
        assert_int_equal(server.asked, 1);
        unit_failed(&err, codes[i]);
        unit_says(&err, "failure 1");
    }
}

static void the_last_failure_counts(void **state)
{
    struct server server = {
        .failures = 9, .code = SPULL_NETWORK, .outcome = {.transient = true}};
    struct spull_error err;

    (void)state;
    assert_int_equal(run(&server, 1, &err), SPULL_NETWORK);
    assert_int_equal(server.asked, 2);
    assert_true(server.waits > 0);
    assert_string_equal(server.note, "failure 1");
    unit_says(&err, "failure 2");
}

static void a_wait_can_be_stopped(void **state)
{
    struct server server = {.failures = 9,
                            .code = SPULL_NETWORK,
                            .outcome = {.transient = true, .retry_after = 300},
                            .stop = true};
    struct spull_error err;

    (void)state;
    assert_int_equal(run(&server, 5, &err), SPULL_CANCELLED);
    assert_int_equal(server.asked, 1);
    unit_failed(&err, SPULL_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_answer_is_enough),
        cmocka_unit_test(asks_until_there_is_an_answer),
        cmocka_unit_test(gives_up_what_no_try_can_mend),
        cmocka_unit_test(the_last_failure_counts),
        cmocka_unit_test(a_wait_can_be_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
