/* SPDX-License-Identifier: MIT */
/*
 * ctx: the session as data: options, callbacks, the cancel flag.
 *
 * Owns the copies of the options, the order of log lines, and a pipe that
 * wakes whoever waits in poll(2) when the session is cancelled. What an option
 * means, and whether its value makes sense, is known where it is used.
 */
#include "ctx.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "err.h"

/* signal-safety(7) allows atomics in a handler only if they are lock-free. */
_Static_assert(ATOMIC_BOOL_LOCK_FREE == 2, "atomic_bool takes a lock");

/* A line longer than an error's text helps nobody. */
#define LINE_ROOM 2048

/* Where the options that are strings are. */
#define AT(field) offsetof(struct spull_options, field)
static const size_t strings[] = {
    AT(registry),    AT(arch),       AT(ca_file),     AT(ca_dir),
    AT(client_cert), AT(client_key), AT(netrc_file),  AT(proxy),
    AT(user_agent),  AT(store),      AT(mirror_base), AT(scratch)};
#define STRINGS (sizeof strings / sizeof strings[0])

static const char **string_at(struct spull_options *opts, size_t offset)
{
    return (const char **)(void *)((char *)opts + offset);
}

/* The public struct has const char *, which free() does not take. */
static void free_text(const char *text)
{
    free((void *)(uintptr_t)text);
}

static bool own_headers(struct spull_options *opts)
{
    const char *const *theirs = opts->headers;
    const char **ours = NULL;
    size_t count = 0;

    if (theirs == NULL)
        return true;
    while (theirs[count] != NULL)
        count++;
    ours = calloc(count + 1, sizeof *ours);
    opts->headers = ours;
    if (ours == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        ours[i] = strdup(theirs[i]);
        if (ours[i] == NULL)
            return false;
    }
    return true;
}

/* Replaces the caller's strings by copies; what can't be copied is NULL. */
static bool own_strings(struct spull_options *opts)
{
    bool ok = own_headers(opts);

    for (size_t i = 0; i < STRINGS; i++) {
        const char **string = string_at(opts, strings[i]);
        if (*string == NULL)
            continue;
        *string = strdup(*string);
        ok = ok && *string != NULL;
    }
    return ok;
}

static void free_strings(struct spull_options *opts)
{
    for (size_t i = 0; i < STRINGS; i++) {
        free_text(*string_at(opts, strings[i]));
        *string_at(opts, strings[i]) = NULL;
    }
    for (size_t i = 0; opts->headers != NULL && opts->headers[i] != NULL; i++)
        free_text(opts->headers[i]);
    free((void *)(uintptr_t)opts->headers);
    opts->headers = NULL;
}

/*
 * A caller that was built with an older header has a shorter struct: what it
 * does not know keeps its default. A longer one holds wishes that we would
 * ignore.
 */
static enum spull_code check_size(const struct spull_options *options,
                                  struct spull_error *err)
{
    if (options->size > sizeof(*options))
        return sp_err_set(err, SPULL_USAGE,
                          "options of %zu bytes are from a newer libspull: "
                          "this one knows %zu",
                          options->size, sizeof(*options));
    if (options->size < offsetof(struct spull_options, arch))
        return sp_err_set(err, SPULL_USAGE,
                          "options of %zu bytes: not set up with "
                          "spull_options_init()",
                          options->size);
    return SPULL_OK;
}

enum spull_code sp_ctx_init(struct sp_ctx *ctx,
                            const struct spull_options *options,
                            struct spull_error *err)
{
    memset(ctx, 0, sizeof(*ctx));
    ctx->wake[0] = ctx->wake[1] = -1;
    pthread_mutex_init(&ctx->log_lock, NULL);
    sp_known_init(&ctx->known);
    sp_left_init(&ctx->left);
    atomic_init(&ctx->fetches, 0);
    atomic_init(&ctx->cancelled, false);

    enum spull_code code = check_size(options, err);
    if (code != SPULL_OK)
        goto out;
    spull_options_init(&ctx->opts);
    memcpy(&ctx->opts, options, options->size);
    ctx->opts.size = sizeof(ctx->opts);
    if (ctx->opts.registry == NULL)
        ctx->opts.registry = SPULL_DEFAULT_REGISTRY;
    if (ctx->opts.scratch == NULL)
        ctx->opts.scratch = "/tmp";
    if (ctx->opts.user_agent == NULL)
        ctx->opts.user_agent = "spull/" SPULL_VERSION;
    if (!own_strings(&ctx->opts)) {
        code = sp_err_nomem(err);
        goto out;
    }
    /* Non-blocking, or a signal handler could hang on a full pipe. */
    if (pipe2(ctx->wake, O_CLOEXEC | O_NONBLOCK) != 0)
        code = sp_err_sys(err, SPULL_INTERNAL, errno, "create a pipe");
out:
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
    free_strings(&ctx->opts);
    sp_known_done(&ctx->known);
    sp_left_done(&ctx->left);
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
