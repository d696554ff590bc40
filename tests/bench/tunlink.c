/* SPDX-License-Identifier: MIT */
/*
 * tunlink: a long wire between two TUN devices, for kernels without netem.
 * Each direction has a bottleneck with a finite buffer, then a delay, then
 * random loss from a fixed seed.
 *
 * Packets are moved in batches, a few thousand times a second, so that the
 * wire and not this program is what limits. On SIGTERM it says what it did.
 * It knows nothing of namespaces, addresses or TCP.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PACKET_MAX 2048
#define BATCH_NS   250000
#define IDLE_MS    100

/* A packet that comes out so much too late was delayed by us, not the wire. */
#define LATE_NS 5000000

struct packet {
    int64_t due;
    size_t len;
    unsigned char bytes[PACKET_MAX];
};

struct wire {
    int64_t delay_ns;
    uint64_t loss_ppm;
    uint64_t bytes_a_second;
    uint64_t buffer;
};

struct lane {
    int in;
    int out;
    struct packet *slots;
    size_t count; /* of slots */
    uint64_t put; /* packets ever put in and taken out */
    uint64_t taken;
    int64_t free_at; /* when the bottleneck has sent all it has */
    uint64_t random;
    uint64_t lost;
    uint64_t dropped;
    uint64_t late;
};

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
    (void)signal_number;
    stopped = 1;
}

static int64_t now_ns(void)
{
    struct timespec t = {0};

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* xorshift64*: the upper half is good enough for dice. */
static bool is_lost(struct lane *lane, uint64_t ppm)
{
    uint64_t x = lane->random;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    lane->random = x;
    return ((x * 2685821657736338717U) >> 32) * 1000000 >> 32 < ppm;
}

/* True if the bottleneck took the packet; *leaves is when it is through. */
static bool pass_bottleneck(struct lane *lane, const struct wire *wire,
                            size_t len, int64_t now, int64_t *leaves)
{
    int64_t start = lane->free_at > now ? lane->free_at : now;
    uint64_t backlog =
        (uint64_t)(start - now) * wire->bytes_a_second / 1000000000;

    if (backlog + len > wire->buffer)
        return false;
    lane->free_at = start + (int64_t)(len * 1000000000 / wire->bytes_a_second);
    *leaves = lane->free_at;
    return true;
}

/* Takes what the device has; false when the device is gone. */
static bool take_in(struct lane *lane, const struct wire *wire, int64_t now)
{
    while (lane->put - lane->taken < lane->count) {
        struct packet *p = &lane->slots[lane->put % lane->count];
        ssize_t n = read(lane->in, p->bytes, sizeof(p->bytes));
        int64_t leaves = 0;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        p->len = (size_t)n;
        if (!pass_bottleneck(lane, wire, p->len, now, &leaves)) {
            lane->dropped++;
        } else if (is_lost(lane, wire->loss_ppm)) {
            lane->lost++;
        } else {
            p->due = leaves + wire->delay_ns;
            lane->put++;
        }
    }
    return true;
}

static void give_out(struct lane *lane, int64_t now)
{
    while (lane->taken < lane->put) {
        const struct packet *p = &lane->slots[lane->taken % lane->count];

        if (p->due > now)
            return;
        if (write(lane->out, p->bytes, p->len) != (ssize_t)p->len)
            lane->dropped++;
        if (now - p->due > LATE_NS)
            lane->late++;
        lane->taken++;
    }
}

/* Sleeps until there is work. While packets are on the wire that is the next
 * batch; who waits for each single one does nothing but wake up. */
static void wait_for_work(const struct lane *lanes)
{
    struct pollfd fds[2] = {{.fd = lanes[0].in, .events = POLLIN},
                            {.fd = lanes[1].in, .events = POLLIN}};
    struct timespec batch = {.tv_nsec = BATCH_NS};

    if (lanes[0].put == lanes[0].taken && lanes[1].put == lanes[1].taken)
        poll(fds, 2, IDLE_MS);
    else
        nanosleep(&batch, NULL);
}

static bool relay(struct lane *lanes, const struct wire *wire)
{
    while (!stopped) {
        int64_t now = now_ns();

        for (int i = 0; i < 2; i++) {
            give_out(&lanes[i], now);
            if (!take_in(&lanes[i], wire, now))
                return false;
        }
        wait_for_work(lanes);
    }
    return true;
}

/* Room for all that can be on the wire and in the buffer; acknowledgements
 * are small, but there are no more of them than of data. */
static size_t slots_for(const struct wire *wire)
{
    uint64_t bytes = wire->buffer + (uint64_t)(wire->delay_ns / 1000000 + 1) *
                                        (wire->bytes_a_second / 1000);

    return (size_t)(bytes / 1000 + 4096);
}

static bool lane_init(struct lane *lane, int in, int out,
                      const struct wire *wire, uint64_t seed)
{
    *lane = (struct lane){.in = in, .out = out, .random = seed};
    lane->count = slots_for(wire);
    lane->slots = calloc(lane->count, sizeof(*lane->slots));
    return lane->slots != NULL;
}

/* A wire doesn't wait for a processor; without the privilege it has to. */
static void come_first(void)
{
    struct sched_param first = {.sched_priority = 1};

    sched_setscheduler(0, SCHED_FIFO, &first);
}

static void report(const char *name, const struct lane *lane)
{
    printf("%s packets %" PRIu64 " lost %" PRIu64 " dropped %" PRIu64
           " late %" PRIu64 "\n",
           name, lane->taken, lane->lost, lane->dropped, lane->late);
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = stop};
    struct lane lanes[2];
    struct wire wire;
    uint64_t seed = 0;
    int fds[2];
    bool sound = false;

    if (argc != 8) {
        fputs("usage: tunlink TUN-FD TUN-FD DELAY-US LOSS-PPM BYTES-A-SECOND "
              "BUFFER-BYTES SEED\n",
              stderr);
        return 2;
    }
    fds[0] = (int)strtol(argv[1], NULL, 10);
    fds[1] = (int)strtol(argv[2], NULL, 10);
    wire = (struct wire){.delay_ns = strtoll(argv[3], NULL, 10) * 1000,
                         .loss_ppm = strtoull(argv[4], NULL, 10),
                         .bytes_a_second = strtoull(argv[5], NULL, 10),
                         .buffer = strtoull(argv[6], NULL, 10)};
    seed = strtoull(argv[7], NULL, 10);
    if (wire.bytes_a_second == 0 || seed == 0 ||
        !lane_init(&lanes[0], fds[0], fds[1], &wire, seed) ||
        !lane_init(&lanes[1], fds[1], fds[0], &wire, seed + 1)) {
        fputs("tunlink: a rate, a seed, or memory is missing\n", stderr);
        return 2;
    }
    sigaction(SIGTERM, &action, NULL);
    come_first();
    sound = relay(lanes, &wire);
    if (!sound)
        perror("tunlink");
    report("out", &lanes[0]);
    report("back", &lanes[1]);
    return sound ? 0 : 1;
}
