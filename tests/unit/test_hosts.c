/* SPDX-License-Identifier: MIT */
/* hosts: a fault counts for a while, until there is an answer, or there are too
 * many hosts. */
#include "hosts.h"
#include "unit.h"

#define HOST "https://a.example:443"

static void for_a_while(void **state)
{
    struct sp_hosts hosts;

    (void)state;
    for (enum sp_host_fault fault = 0; fault < SP_HOST_FAULTS; fault++) {
        sp_hosts_init(&hosts);
        assert_false(sp_hosts_has(&hosts, HOST, fault, 0));
        sp_hosts_note(&hosts, HOST, fault, 1000);
        assert_true(sp_hosts_has(&hosts, HOST, fault, 1000));
        assert_true(sp_hosts_has(&hosts, HOST, fault, 1000 + SP_HOSTS_MS - 1));
        assert_false(sp_hosts_has(&hosts, HOST, fault, 1000 + SP_HOSTS_MS));
        assert_false(sp_hosts_has(&hosts, "https://a.example:44", fault, 1000));
        sp_hosts_note(&hosts, HOST, fault, 2000);
        assert_true(sp_hosts_has(&hosts, HOST, fault, 1000 + SP_HOSTS_MS));
        sp_hosts_done(&hosts);
    }
}

static void each_fault_alone(void **state)
{
    struct sp_hosts hosts;

    (void)state;
    sp_hosts_init(&hosts);
    sp_hosts_note(&hosts, HOST, SP_HOST_SILENT, 0);
    assert_false(sp_hosts_has(&hosts, HOST, SP_HOST_LOST, 0));
    sp_hosts_note(&hosts, HOST, SP_HOST_LOST, 1000);
    assert_true(sp_hosts_has(&hosts, HOST, SP_HOST_LOST, SP_HOSTS_MS));
    assert_false(sp_hosts_has(&hosts, HOST, SP_HOST_SILENT, SP_HOSTS_MS));
    sp_hosts_done(&hosts);
}

static void until_there_is_an_answer(void **state)
{
    struct sp_hosts hosts;

    (void)state;
    sp_hosts_init(&hosts);
    sp_hosts_forget(&hosts, HOST);
    sp_hosts_note(&hosts, "http://b", SP_HOST_LOST, 0);
    for (enum sp_host_fault fault = 0; fault < SP_HOST_FAULTS; fault++)
        sp_hosts_note(&hosts, HOST, fault, 0);
    sp_hosts_forget(&hosts, HOST);
    for (enum sp_host_fault fault = 0; fault < SP_HOST_FAULTS; fault++)
        assert_false(sp_hosts_has(&hosts, HOST, fault, 0));
    assert_true(sp_hosts_has(&hosts, "http://b", SP_HOST_LOST, 0));
    sp_hosts_done(&hosts);
}

static void forgets_the_oldest(void **state)
{
    struct sp_hosts hosts;
    char origin[32];

    (void)state;
    sp_hosts_init(&hosts);
    for (unsigned i = 0; i <= SP_HOSTS_MAX; i++) {
        snprintf(origin, sizeof origin, "http://%u", i);
        sp_hosts_note(&hosts, origin, SP_HOST_LOST, 0);
        /* Who is known already takes nobody's place. */
        sp_hosts_note(&hosts, origin, SP_HOST_LOST, 0);
    }
    assert_false(sp_hosts_has(&hosts, "http://0", SP_HOST_LOST, 0));
    assert_true(sp_hosts_has(&hosts, "http://1", SP_HOST_LOST, 0));
    assert_true(sp_hosts_has(&hosts, origin, SP_HOST_LOST, 0));
    /* And nothing of who was there before. */
    assert_false(sp_hosts_has(&hosts, origin, SP_HOST_SILENT, 0));
    sp_hosts_done(&hosts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(for_a_while),
        cmocka_unit_test(each_fault_alone),
        cmocka_unit_test(until_there_is_an_answer),
        cmocka_unit_test(forgets_the_oldest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
