/* SPDX-License-Identifier: MIT */
/* hosts: what is held against one, for how long, and how many there may be. */
#include "hosts.h"
#include "unit.h"

#define HOST "https://a.example:443"

static bool is_lost(struct sp_hosts *hosts, const char *origin, int second)
{
    uint64_t now_ms = (uint64_t)second * 1000;

    return sp_hosts_is_lost(hosts, origin, now_ms, now_ms);
}

static void shunned_for_a_while(void **state)
{
    struct sp_hosts hosts;

    (void)state;
    sp_hosts_init(&hosts);
    assert_false(sp_hosts_is_shunned(&hosts, HOST, 0));
    sp_hosts_shun(&hosts, HOST, 1000);
    assert_true(sp_hosts_is_shunned(&hosts, HOST, 1000));
    assert_true(sp_hosts_is_shunned(&hosts, HOST, 1000 + SP_HOSTS_MS - 1));
    assert_false(sp_hosts_is_shunned(&hosts, HOST, 1000 + SP_HOSTS_MS));
    assert_false(sp_hosts_is_shunned(&hosts, "https://a.example:44", 1000));
    assert_false(is_lost(&hosts, HOST, 1));
    sp_hosts_shun(&hosts, HOST, 2000);
    assert_true(sp_hosts_is_shunned(&hosts, HOST, 1000 + SP_HOSTS_MS));
    sp_hosts_done(&hosts);
}

/* Seconds at which it was missed, or -1; and at which it is lost, or not, to
 * one who begins then. */
static void lost_after_a_while(void **state)
{
    static const struct {
        int missed[4];
        int at;
        bool lost;
    } rows[] = {
        {{-1, -1, -1, -1}, 1000, false},
        {{0, -1, -1, -1}, 200, false}, /* once says nothing */
        {{0, 60, 119, -1}, 119, false},
        {{0, 60, 120, -1}, 120, true},
        {{0, 60, 120, -1}, 419, true}, /* and stays so */
        {{0, 60, 120, -1}, 420, false},
        {{0, 119, 238, 537}, 836, true}, /* when it is lost, less often */
        {{0, 119, 238, 538}, 538, false},
        {{0, 120, 200, -1}, 200, false}, /* two rows */
        {{0, 120, 239, 240}, 240, true},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct sp_hosts hosts;
        sp_hosts_init(&hosts);
        for (size_t m = 0; m < 4 && rows[i].missed[m] >= 0; m++)
            sp_hosts_missed(&hosts, HOST, (uint64_t)rows[i].missed[m] * 1000);
        assert_int_equal(is_lost(&hosts, HOST, rows[i].at), rows[i].lost);
        assert_false(is_lost(&hosts, "http://b:80", rows[i].at));
        assert_false(sp_hosts_is_shunned(&hosts, HOST, 0));
        sp_hosts_done(&hosts);
    }
}

/* What failed before is one's own affair as long as one is at it. */
static void not_to_who_began_before(void **state)
{
    struct sp_hosts hosts;

    (void)state;
    sp_hosts_init(&hosts);
    for (uint64_t now_ms = 0; now_ms <= 200000; now_ms += 50000)
        sp_hosts_missed(&hosts, HOST, now_ms);
    assert_true(sp_hosts_is_lost(&hosts, HOST, 150000, 200000));
    assert_false(sp_hosts_is_lost(&hosts, HOST, 149999, 200000));
    assert_false(sp_hosts_is_lost(&hosts, HOST, 0, 200000));
    sp_hosts_done(&hosts);
}

static void lose(struct sp_hosts *hosts, const char *origin)
{
    for (uint64_t now_ms = 0; now_ms <= SP_LOST_MS; now_ms += SP_LOST_MS / 2)
        sp_hosts_missed(hosts, origin, now_ms);
}

static void until_it_is_heard(void **state)
{
    struct sp_hosts hosts;

    (void)state;
    sp_hosts_init(&hosts);
    sp_hosts_heard(&hosts, HOST);
    lose(&hosts, "http://b");
    lose(&hosts, HOST);
    sp_hosts_shun(&hosts, HOST, 0);
    sp_hosts_heard(&hosts, HOST);
    assert_false(is_lost(&hosts, HOST, SP_LOST_MS / 1000));
    assert_false(sp_hosts_is_shunned(&hosts, HOST, 0));
    assert_true(is_lost(&hosts, "http://b", SP_LOST_MS / 1000));
    sp_hosts_missed(&hosts, HOST, SP_LOST_MS); /* a new row */
    assert_false(is_lost(&hosts, HOST, SP_LOST_MS / 1000));
    sp_hosts_done(&hosts);
}

static void forgets_the_oldest(void **state)
{
    struct sp_hosts hosts;
    char origin[32];

    (void)state;
    sp_hosts_init(&hosts);
    /* Who comes and goes takes nobody's place. */
    lose(&hosts, "http://0");
    for (unsigned i = 0; i < 2 * SP_HOSTS_MAX; i++) {
        lose(&hosts, HOST);
        sp_hosts_heard(&hosts, HOST);
    }
    assert_true(is_lost(&hosts, "http://0", SP_LOST_MS / 1000));
    for (unsigned i = 1; i <= SP_HOSTS_MAX; i++) {
        snprintf(origin, sizeof origin, "http://%u", i);
        lose(&hosts, origin);
    }
    assert_false(is_lost(&hosts, "http://0", SP_LOST_MS / 1000));
    assert_true(is_lost(&hosts, "http://1", SP_LOST_MS / 1000));
    assert_true(is_lost(&hosts, origin, SP_LOST_MS / 1000));
    sp_hosts_done(&hosts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shunned_for_a_while),
        cmocka_unit_test(lost_after_a_while),
        cmocka_unit_test(not_to_who_began_before),
        cmocka_unit_test(until_it_is_heard),
        cmocka_unit_test(forgets_the_oldest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
