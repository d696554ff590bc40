/* SPDX-License-Identifier: MIT */
/*
 * ctx: log lines are printable, and a cancelled session wakes whoever waits.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "ctx.h"
#include "unit.h"

static struct sp_ctx *in_handler;

static void on_signal(int number)
{
    (void)number;
    sp_ctx_cancel(in_handler);
}

static void cancels_from_a_handler(void **state)
{
    struct spull_options opts;
    struct spull_error err;
    struct sp_ctx ctx;

    (void)state;
    spull_options_init(&opts);
    assert_int_equal(sp_ctx_init(&ctx, &opts, NULL), SPULL_OK);
    struct pollfd waiting = {.fd = ctx.wake[0], .events = POLLIN};
    assert_int_equal(poll(&waiting, 1, 0), 0);
    assert_false(sp_ctx_cancelled(&ctx));

    in_handler = &ctx;
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    signal(SIGUSR1, SIG_DFL);
    assert_true(sp_ctx_cancelled(&ctx));
    assert_int_equal(poll(&waiting, 1, 0), 1);
    assert_int_equal(sp_ctx_say_cancelled(&err), SPULL_CANCELLED);
    unit_failed(&err, SPULL_CANCELLED);
    sp_ctx_done(&ctx);
}

static void cancelling_for_ever_does_not_block(void **state)
{
    struct spull_options opts;
    struct sp_ctx ctx;

    (void)state;
    spull_options_init(&opts);
    assert_int_equal(sp_ctx_init(&ctx, &opts, NULL), SPULL_OK);
    for (int i = 0; i < 100000; i++) { /* more than a pipe holds */
        errno = 1234;
        sp_ctx_cancel(&ctx);
        assert_int_equal(errno, 1234);
    }
    sp_ctx_done(&ctx);
}

struct heard {
    enum spull_level level;
    char line[4096];
    int count;
};

static void hear(void *payload, enum spull_level level, const char *line)
{
    struct heard *heard = payload;

    heard->level = level;
    heard->count++;
    snprintf(heard->line, sizeof(heard->line), "%s", line);
}

static void log_lines_are_printable(void **state)
{
    struct heard heard = {.count = 0};
    struct spull_options opts;
    struct sp_ctx ctx;

    (void)state;
    spull_options_init(&opts);
    opts.log = hear;
    opts.log_payload = &heard;
    assert_int_equal(sp_ctx_init(&ctx, &opts, NULL), SPULL_OK);
    sp_ctx_warn(&ctx, "from %s", "\x1b[2J\n");
    assert_int_equal(heard.level, SPULL_LOG_WARN);
    assert_string_equal(heard.line, "from \\x1b[2J\\x0a");
    sp_ctx_detail(&ctx, "%5000s", "x");
    assert_int_equal(heard.level, SPULL_LOG_DETAIL);
    assert_string_equal(heard.line + strlen(heard.line) - 3, "...");
    assert_int_equal(heard.count, 2);
    sp_ctx_done(&ctx);
}

static void nobody_needs_to_listen(void **state)
{
    struct spull_options opts;
    struct sp_ctx ctx;

    (void)state;
    spull_options_init(&opts);
    opts.log = NULL;
    assert_int_equal(sp_ctx_init(&ctx, &opts, NULL), SPULL_OK);
    sp_ctx_warn(&ctx, "unheard");
    sp_ctx_detail(&ctx, "unheard");
    sp_ctx_done(&ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cancels_from_a_handler),
        cmocka_unit_test(cancelling_for_ever_does_not_block),
        cmocka_unit_test(log_lines_are_printable),
        cmocka_unit_test(nobody_needs_to_listen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
