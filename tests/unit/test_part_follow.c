/* SPDX-License-Identifier: MIT */
/*
 * part_follow: one writer and one reader at once: what the reader is told, and
 * when. Each test works in a folder of its own, which has to be empty when it
 * is over.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "part.h"
#include "parts.h"
#include "scratch.h"
#include "unit.h"

static void what_the_reader_is_told(void **state)
{
    struct sp_part *part = parts_new();
    unsigned round = 0;
    uint64_t frontier = 0;

    (void)state;
    parts_put(part, 3, "def");
    parts_put(part, 0, "abc");
    assert_int_equal(sp_part_follow(part, 0, &round, &frontier),
                     SP_FOLLOW_MORE);
    assert_int_equal(frontier, 6);
    parts_put(part, 6, "g");
    assert_int_equal(sp_part_follow(part, 6, &round, &frontier),
                     SP_FOLLOW_MORE);
    assert_int_equal(frontier, 7);
    assert_int_equal(round, 0);
    sp_part_restart(part);
    sp_part_restart(part);
    parts_put(part, 0, "ABC");
    /* Two restarts missed are one. */
    assert_int_equal(sp_part_follow(part, 7, &round, &frontier),
                     SP_FOLLOW_RESTARTED);
    assert_int_equal(sp_part_follow(part, 0, &round, &frontier),
                     SP_FOLLOW_MORE);
    assert_int_equal(frontier, 3);
    parts_put(part, 3, "D");
    assert_int_equal(sp_part_complete(part, 4, NULL), SPULL_OK);
    /* First all that there is, then the end; and that again and again. */
    assert_int_equal(sp_part_follow(part, 3, &round, &frontier),
                     SP_FOLLOW_MORE);
    assert_int_equal(frontier, 4);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sp_part_follow(part, 4, &round, &frontier),
                         SP_FOLLOW_COMPLETE);
    sp_part_discard(part);
}

static void an_empty_one_can_be_complete(void **state)
{
    struct sp_part *part = parts_new();
    unsigned round = 0;
    uint64_t frontier = 1;

    (void)state;
    assert_int_equal(sp_part_complete(part, 0, NULL), SPULL_OK);
    assert_int_equal(sp_part_follow(part, 0, &round, &frontier),
                     SP_FOLLOW_COMPLETE);
    assert_int_equal(frontier, 0);
    sp_part_discard(part);
}

static void giving_up_comes_before_all_else(void **state)
{
    struct sp_part *part = parts_new();
    unsigned round = 0;
    uint64_t frontier = 0;

    (void)state;
    parts_put(part, 0, "abc");
    sp_part_restart(part);
    parts_put(part, 0, "abc");
    sp_part_give_up(part);
    assert_int_equal(sp_part_follow(part, 0, &round, &frontier),
                     SP_FOLLOW_GIVEN_UP);
    sp_part_discard(part);
}

static void a_restart_forgets_every_byte(void **state)
{
    struct sp_part *part = parts_new();
    struct sp_sealed *sealed = NULL;
    struct sp_span gap = {0, 0};

    (void)state;
    parts_put(part, 0, "a much longer answer");
    sp_part_restart(part);
    assert_int_equal(sp_part_total(part), 0);
    assert_true(sp_part_gap(part, 0, 5, &gap));
    assert_int_equal(gap.from, 0);
    assert_int_equal(gap.to, 5);
    parts_put(part, 0, "short");
    assert_int_equal(sp_part_complete(part, 5, NULL), SPULL_OK);
    assert_int_equal(parts_seal(part, &sealed, NULL), SPULL_OK);
    scratch_file(sealed->name, "short");
    sp_sealed_discard(sealed);
}

static void a_reader_breaks_it(void **state)
{
    static const struct spull_error why = {
        .code = SPULL_STORAGE, .sys = EIO, .text = "read: bad disk"};
    struct sp_part *part = parts_new();
    struct spull_error err;

    (void)state;
    parts_put(part, 0, "abc");
    sp_part_break(part, &why);
    for (int i = 0; i < 3; i++) {
        memset(&err, 0, sizeof(err));
        assert_int_equal(sp_part_write(part, 3, "d", 1, &err), SPULL_STORAGE);
        assert_int_equal(err.code, SPULL_STORAGE);
        assert_int_equal(err.sys, EIO);
        assert_string_equal(err.text, "read: bad disk");
        assert_int_equal(sp_part_write(part, 3, "d", 1, NULL), SPULL_STORAGE);
    }
    assert_int_equal(sp_part_total(part), 3);
    sp_part_discard(part);
}

/* What a reader in a thread of its own has seen. */
struct reader {
    struct sp_part *part;
    unsigned char *seen; /* SEEN bytes */
    uint64_t at;
    unsigned restarts;
    enum sp_follow ending;
    const char *wrong; /* NULL: all well */
};

#define SEEN ((size_t)3 << 20)

static void read_on(struct reader *reader, uint64_t frontier)
{
    uint64_t at = reader->at;

    if (frontier <= at || frontier > SEEN)
        reader->wrong = "no news";
    else if (sp_part_read(reader->part, at, reader->seen + at,
                          (size_t)(frontier - at), NULL) != SPULL_OK)
        reader->wrong = "can't read";
    else
        reader->at = frontier;
}

static void *follow(void *arg)
{
    struct reader *reader = arg;
    unsigned round = 0;
    uint64_t frontier = 0;

    while (reader->wrong == NULL) {
        reader->ending =
            sp_part_follow(reader->part, reader->at, &round, &frontier);
        if (reader->ending == SP_FOLLOW_COMPLETE ||
            reader->ending == SP_FOLLOW_GIVEN_UP)
            break;
        if (reader->ending == SP_FOLLOW_RESTARTED) {
            reader->at = 0;
            reader->restarts++;
        } else {
            read_on(reader, frontier);
        }
    }
    return NULL;
}

static unsigned char *random_bytes(uint64_t *random)
{
    unsigned char *bytes = malloc(SEEN);

    assert_non_null(bytes);
    for (size_t i = 0; i < SEEN; i++)
        bytes[i] = (unsigned char)unit_random(random);
    return bytes;
}

/* Writes bytes[0..SEEN) in pieces of any size and any order, some twice. */
static void write_in_disorder(struct sp_part *part, const unsigned char *bytes,
                              uint64_t *random)
{
    enum { PIECES = 200 };
    size_t cuts[PIECES + 1] = {0}; /* the first stays, the last is SEEN */
    size_t order[PIECES] = {0};

    for (size_t i = 0; i < PIECES; i++) {
        size_t other = unit_below(random, i + 1);
        cuts[i + 1] = i + 1 < PIECES ? SEEN / PIECES * (i + 1) +
                                           unit_below(random, SEEN / PIECES)
                                     : SEEN;
        order[i] = order[other];
        order[other] = i;
    }
    for (size_t i = 0; i < PIECES; i++) {
        size_t from = cuts[order[i]];
        size_t to = cuts[order[i] + 1];
        if (unit_below(random, 4) == 0) /* some of its neighbour too */
            to += (SEEN - to) / PIECES;
        assert_int_equal(
            sp_part_write(part, from, bytes + from, to - from, NULL), SPULL_OK);
        if (unit_below(random, 4) == 0)
            sched_yield();
    }
}

static void a_reader_follows(void **state)
{
    uint64_t random = 0x5eed;
    struct reader reader = {.part = parts_new(), .seen = malloc(SEEN)};
    unsigned char *bytes = random_bytes(&random);
    struct sp_sealed *sealed = NULL;
    pthread_t thread;

    (void)state;
    assert_non_null(reader.seen);
    assert_int_equal(pthread_create(&thread, NULL, follow, &reader), 0);
    write_in_disorder(reader.part, bytes, &random);
    assert_int_equal(sp_part_complete(reader.part, SEEN, NULL), SPULL_OK);
    pthread_join(thread, NULL);
    if (reader.wrong != NULL)
        fail_msg("%s", reader.wrong);
    assert_int_equal(reader.ending, SP_FOLLOW_COMPLETE);
    assert_int_equal(reader.at, SEEN);
    assert_int_equal(reader.restarts, 0);
    assert_memory_equal(reader.seen, bytes, SEEN);
    assert_int_equal(parts_seal(reader.part, &sealed, NULL), SPULL_OK);
    sp_sealed_discard(sealed);
    free(reader.seen);
    free(bytes);
}

/* A reader that has nothing to read sleeps until it is told the end. */
static void the_end_wakes_the_reader(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        struct reader reader = {.part = parts_new(), .seen = malloc(SEEN)};
        pthread_t thread;
        assert_non_null(reader.seen);
        assert_int_equal(pthread_create(&thread, NULL, follow, &reader), 0);
        if (i % 4 < 2)
            parts_put(reader.part, 0, "abc");
        if (i % 8 < 4)
            sched_yield();
        if (i % 2 == 0)
            sp_part_give_up(reader.part);
        else
            sp_part_complete(reader.part, sp_part_total(reader.part), NULL);
        pthread_join(thread, NULL);
        assert_null(reader.wrong);
        assert_int_equal(reader.ending,
                         i % 2 == 0 ? SP_FOLLOW_GIVEN_UP : SP_FOLLOW_COMPLETE);
        sp_part_discard(reader.part);
        free(reader.seen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(what_the_reader_is_told),
        SCRATCH_TEST(an_empty_one_can_be_complete),
        SCRATCH_TEST(giving_up_comes_before_all_else),
        SCRATCH_TEST(a_restart_forgets_every_byte),
        SCRATCH_TEST(a_reader_breaks_it),
        SCRATCH_TEST(a_reader_follows),
        SCRATCH_TEST(the_end_wakes_the_reader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
