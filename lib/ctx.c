/* SPDX-License-Identifier: MIT */
/*
 * ctx: the session as data. Log lines go out one after the other, and a pipe
 * wakes whoever waits in poll(2) when the session is cancelled.
 */
#include "ctx.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "err.h"
#include "options.h"

/* signal-safety(7) allows atomics in a handler only if they are lock-free. */
_Static_assert(ATOMIC_BOOL_LOCK_FREE == 2, "atomic_bool takes a lock");

/* A line longer than an error's text helps nobody. */
#define LINE_ROOM 2048

enum spull_code sp_ctx_init(struct sp_ctx *ctx,
                            const struct spull_options *options,
                            struct spull_error *err)
{
    memset(ctx, 0, sizeof(*ctx));
    ctx->wake[0] = ctx->wake[1] = -1;
    pthread_mutex_init(&ctx->log_lock, NULL);
    sp_known_init(&ctx->known);
    sp_left_init(&ctx->left);
    sp_hosts_init(&ctx->hosts);
    atomic_init(&ctx->fetches, 0);
    atomic_init(&ctx->cancelled, false);

    enum spull_code code = sp_options_copy(options, &ctx->opts, err);
    /* Non-blocking, or a signal handler could hang on a full pipe. */
    if (code == SPULL_OK && pipe2(ctx->wake, O_CLOEXEC | O_NONBLOCK) != 0)
        code = sp_err_sys(err, SPULL_INTERNAL, errno, "create a pipe");
    if (code != SPULL_OK)
        sp_ctx_done(ctx);
    return code;
}

void sp_ctx_done(struct sp_ctx *ctx)
{
    if (!ctx)
        return;
    for (int i = 0; i < 2; i++) {
        if (ctx->wake[i] >= 0)
            close(ctx->wake[i]);
        ctx->wake[i] = -1;
    }
    sp_options_done(&ctx->opts);
    sp_known_done(&ctx->known);
    sp_left_done(&ctx->left);
    sp_hosts_done(&ctx->hosts);
    pthread_mutex_destroy(&ctx->log_lock);
}

void sp_ctx_cancel(struct sp_ctx *ctx)
{
    int saved = errno;

    /* The flag first: who is woken by the pipe must find it set. */
    atomic_store(&ctx->cancelled, true);
    ssize_t ignored = write(ctx->wake[1], "", 1);
    (void)ignored; /* a full pipe is readable already */
    errno = saved;
}

bool sp_ctx_cancelled(const struct sp_ctx *ctx)
{
    return atomic_load(&ctx->cancelled);
}

enum spull_code sp_ctx_say_cancelled(struct spull_error *err)
{
    return sp_err_set(err, SPULL_CANCELLED, "cancelled");
}

void sp_ctx_doze(const struct sp_ctx *ctx, uint64_t ms)
{
    struct pollfd wake = {.fd = ctx->wake[0], .events = POLLIN};

    poll(&wake, 1, ms < INT_MAX ? (int)ms : INT_MAX);
}

uint32_t sp_ctx_dice(void)
{
    struct timespec now;
    uint32_t dice = 0;

    if (getrandom(&dice, sizeof dice, GRND_NONBLOCK) == sizeof dice)
        return dice;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)now.tv_nsec ^ (uint32_t)getpid();
}

__attribute__((format(printf, 3, 0))) static void say(struct sp_ctx *ctx,
                                                      enum spull_level level,
                                                      const char *format,
                                                      va_list args)
{
    char raw[LINE_ROOM + 1]; /* one more, so that a cut is seen */
    char line[LINE_ROOM];

    if (!ctx->opts.log)
        return;
    int len = vsnprintf(raw, sizeof(raw), format, args);
    if (len < 0)
        return;
    sp_printable(line, sizeof(line), raw, strlen(raw));
    pthread_mutex_lock(&ctx->log_lock);
    ctx->opts.log(ctx->opts.log_payload, level, line);
    pthread_mutex_unlock(&ctx->log_lock);
}

void sp_ctx_warn(struct sp_ctx *ctx, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(ctx, SPULL_LOG_WARN, format, args);
    va_end(args);
}

void sp_ctx_detail(struct sp_ctx *ctx, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(ctx, SPULL_LOG_DETAIL, format, args);
    va_end(args);
}
