/* SPDX-License-Identifier: MIT */
/*
 * capserve: a file server over HTTP/1.1 that caps the rate of each connection,
 * as object stores and CDNs do: GET, HEAD, one range, If-Range, keep-alive.
 *
 * The kernel paces (SO_MAX_PACING_RATE), which is smooth to the packet; where
 * it doesn't, a token bucket here does. It knows no TLS, no redirects, no
 * escapes in paths, and trusts its clients: for benchmarks only.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX   8192
#define TARGET_MAX 1024

/* A bucket is filled so many times a second: often enough to be smooth. */
#define TICKS 200

/* The bucket's memory in ticks: who was idle may not catch up for longer. */
#define CREDIT 4

static struct {
    int root;
    uint64_t rate; /* bytes a second for each connection; 0: no cap */
    bool bucket;
} the_server;

struct conn {
    int fd;
    char in[HEAD_MAX + 1];
    size_t len;
    int64_t due; /* of the bucket, in nanoseconds */
};

struct request {
    bool head_only;
    bool close;
    char path[TARGET_MAX];
    char range[64];
    char if_range[64];
};

struct answer {
    int status;
    int file;
    char etag[64];
    uint64_t size;
    uint64_t from;
    uint64_t to; /* one past the last byte to send */
};

static int64_t now_ns(void)
{
    struct timespec t = {0};

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void sleep_until(int64_t when)
{
    struct timespec t = {.tv_sec = when / 1000000000,
                         .tv_nsec = when % 1000000000};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        continue;
}

/* Reads one request's head; returns its length, 0 when there is none. */
static size_t read_head(struct conn *c)
{
    for (;;) {
        const char *end = NULL;
        ssize_t n = 0;

        c->in[c->len] = '\0';
        end = strstr(c->in, "\r\n\r\n");
        if (end != NULL)
            return (size_t)(end - c->in) + 4;
        if (c->len == HEAD_MAX)
            return 0;
        n = recv(c->fd, c->in + c->len, HEAD_MAX - c->len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return 0;
        c->len += (size_t)n;
    }
}

static void take_field(struct request *r, const char *line)
{
    if (strncasecmp(line, "Range: ", 7) == 0)
        snprintf(r->range, sizeof(r->range), "%s", line + 7);
    else if (strncasecmp(line, "If-Range: ", 10) == 0)
        snprintf(r->if_range, sizeof(r->if_range), "%s", line + 10);
    else if (strncasecmp(line, "Connection: close", 17) == 0)
        r->close = true;
}

/* Cuts the head up in place. */
static bool parse_head(char *head, struct request *r)
{
    char *save = NULL;
    char *line = strtok_r(head, "\r\n", &save);
    char method[8] = "";

    *r = (struct request){0};
    if (line == NULL || sscanf(line, "%7s %1023s", method, r->path) != 2)
        return false;
    r->head_only = strcmp(method, "HEAD") == 0;
    if (!r->head_only && strcmp(method, "GET") != 0)
        return false;
    r->path[strcspn(r->path, "?")] = '\0';
    for (line = strtok_r(NULL, "\r\n", &save); line != NULL;
         line = strtok_r(NULL, "\r\n", &save))
        take_field(r, line);
    return r->path[0] == '/';
}

static int open_target(const char *path)
{
    char name[2 * TARGET_MAX];
    const char *rest = path[strlen(path) - 1] == '/' ? "index.html" : "";
    int len = snprintf(name, sizeof(name), "%s%s", path + 1, rest);

    if (len < 0 || (size_t)len >= sizeof(name) || strstr(path, "..") != NULL)
        return -1;
    return openat(the_server.root, name, O_RDONLY | O_CLOEXEC);
}

/* RFC 9110 section 14.2: what is no single range of bytes is ignored. */
static void apply_range(const char *range, struct answer *a)
{
    uint64_t from = 0;
    uint64_t to = 0;
    int used = 0;

    if (sscanf(range, "bytes=%" SCNu64 "-%n", &from, &used) == 1 && used > 0) {
        if (range[used] == '\0')
            to = UINT64_MAX;
        else if (sscanf(range + used, "%" SCNu64 "%n", &to, &used) != 1 ||
                 to < from)
            return;
        to = to < a->size ? to + 1 : a->size;
    } else if (sscanf(range, "bytes=-%" SCNu64, &from) == 1) {
        from = from < a->size ? a->size - from : 0;
        to = a->size;
    } else {
        return;
    }
    a->status = from < to ? 206 : 416;
    a->from = a->status == 206 ? from : 0;
    a->to = a->status == 206 ? to : 0;
}

static void decide(const struct request *r, struct answer *a)
{
    struct stat st = {0};

    *a = (struct answer){.status = 404, .file = open_target(r->path)};
    if (a->file < 0 || fstat(a->file, &st) < 0 || !S_ISREG(st.st_mode))
        return;
    a->status = 200;
    a->size = (uint64_t)st.st_size;
    a->to = a->size;
    snprintf(a->etag, sizeof(a->etag), "\"%jx-%jx-%jx\"", (uintmax_t)st.st_ino,
             (uintmax_t)st.st_mtime, (uintmax_t)st.st_size);
    if (r->range[0] != '\0' &&
        (r->if_range[0] == '\0' || strcmp(r->if_range, a->etag) == 0))
        apply_range(r->range, a);
}

static const char *reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 206:
        return "Partial Content";
    case 416:
        return "Range Not Satisfiable";
    default:
        return "Not Found";
    }
}

static bool send_all(int fd, const char *bytes, size_t len, int flags)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL | flags);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static bool send_head(int fd, const struct answer *a, bool body)
{
    char extent[96] = "";
    char head[512];
    int len = 0;

    if (a->status == 206)
        snprintf(extent, sizeof(extent),
                 "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n",
                 a->from, a->to - 1, a->size);
    else if (a->status == 416)
        snprintf(extent, sizeof(extent),
                 "Content-Range: bytes */%" PRIu64 "\r\n", a->size);
    len = snprintf(head, sizeof(head),
                   "HTTP/1.1 %d %s\r\nContent-Length: %" PRIu64
                   "\r\nContent-Type: application/octet-stream\r\n"
                   "Accept-Ranges: bytes\r\n%s%s%s%s\r\n",
                   a->status, reason(a->status), a->to - a->from, extent,
                   a->etag[0] != '\0' ? "ETag: " : "", a->etag,
                   a->etag[0] != '\0' ? "\r\n" : "");
    return send_all(fd, head, (size_t)len, body ? MSG_MORE : 0);
}

/* Waits until the connection may send again, and says how much. */
static size_t allowance(struct conn *c, uint64_t left)
{
    uint64_t portion = the_server.rate / TICKS;
    int64_t tick = 1000000000 / TICKS;
    int64_t now = now_ns();

    if (!the_server.bucket || the_server.rate == 0)
        return left < (1 << 30) ? (size_t)left : (size_t)1 << 30;
    if (c->due < now - CREDIT * tick)
        c->due = now - CREDIT * tick;
    if (c->due > now)
        sleep_until(c->due);
    portion = portion < left ? portion : left;
    c->due += (int64_t)(portion * 1000000000 / the_server.rate);
    return (size_t)portion;
}

static bool send_body(struct conn *c, const struct answer *a)
{
    off_t at = (off_t)a->from;

    while ((uint64_t)at < a->to) {
        size_t portion = allowance(c, a->to - (uint64_t)at);

        while (portion > 0) {
            ssize_t n = sendfile(c->fd, a->file, &at, portion);

            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0)
                return false;
            portion -= (size_t)n;
        }
    }
    return true;
}

static bool serve_one(struct conn *c)
{
    struct request r;
    struct answer a;
    size_t head = read_head(c);
    bool body = false;
    bool go_on = false;

    if (head == 0)
        return false;
    c->in[head - 2] = '\0';
    if (!parse_head(c->in, &r))
        return false;
    memmove(c->in, c->in + head, c->len - head);
    c->len -= head;
    decide(&r, &a);
    body = !r.head_only && a.to > a.from;
    go_on = send_head(c->fd, &a, body) && (!body || send_body(c, &a));
    if (a.file >= 0)
        close(a.file);
    return go_on && !r.close;
}

static void *serve(void *argument)
{
    struct conn *c = argument;

    while (serve_one(c))
        continue;
    close(c->fd);
    free(c);
    return NULL;
}

static void prepare(int fd)
{
    int one = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (the_server.rate > 0 && !the_server.bucket)
        setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &the_server.rate,
                   sizeof(the_server.rate));
}

static void welcome(int fd, const pthread_attr_t *detached)
{
    struct conn *c = calloc(1, sizeof(*c));
    pthread_t thread;

    if (c == NULL) {
        close(fd);
        return;
    }
    prepare(fd);
    c->fd = fd;
    if (pthread_create(&thread, detached, serve, c) != 0) {
        close(fd);
        free(c);
    }
}

static bool parse_arguments(int argc, char **argv, int *listener)
{
    if (argc < 4 || argc > 5 || (argc == 5 && strcmp(argv[4], "bucket") != 0))
        return false;
    *listener = (int)strtol(argv[1], NULL, 10);
    the_server.root = open(argv[2], O_PATH | O_DIRECTORY | O_CLOEXEC);
    the_server.rate = strtoull(argv[3], NULL, 10);
    the_server.bucket = argc == 5;
    return the_server.root >= 0;
}

int main(int argc, char **argv)
{
    pthread_attr_t detached;
    int listener = -1;

    if (!parse_arguments(argc, argv, &listener)) {
        fputs("usage: capserve LISTENING-FD ROOT BYTES-A-SECOND [bucket]\n",
              stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd >= 0)
            welcome(fd, &detached);
        else if (errno != EINTR && errno != ECONNABORTED)
            break;
    }
    perror("capserve");
    return 1;
}
