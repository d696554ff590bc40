/* SPDX-License-Identifier: MIT */
/*
 * part_lead: who gets the lead, also where a file system answers oddly. What
 * becomes of leaders that die or sleep takes processes: tests/e2e.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "part.h"
#include "part_lead.h"
#include "scratch.h"
#include "unit.h"

#define LABEL "0123456789abcdef0123456789abcdef"
#define LINK  ".spull-" LABEL ".lead"

/* The linker takes this for the C library's: it fails with this errno, after
 * its work if the reply is lost. */
static struct {
    int error;
    bool lost;
} fake;

/* While somebody leads, nobody may find the link missing. */
static bool held;

static int done(long result)
{
    char target[512];

    if (held && readlink(LINK, target, sizeof(target)) < 0)
        fail_msg("the lead is vacant");
    return (int)result;
}

int unlinkat(int dir, const char *name, int flags)
{
    return done(syscall(SYS_unlinkat, dir, name, flags));
}

int symlinkat(const char *target, int dir, const char *name)
{
    if (fake.error == 0 || fake.lost) {
        long result = syscall(SYS_symlinkat, target, dir, name);
        if (result != 0 || fake.error == 0)
            return done(result);
    }
    errno = fake.error;
    return -1;
}

static int enter(void **state)
{
    memset(&fake, 0, sizeof(fake));
    held = false;
    return scratch_enter(state);
}

static struct sp_part *part_new(void)
{
    struct sp_part *part = NULL;

    assert_int_equal(sp_part_new(".", LABEL, &part, NULL), SPULL_OK);
    return part;
}

static struct sp_lead *lead_new(void)
{
    struct sp_lead *lead = NULL;

    assert_int_equal(sp_lead_new(".", LABEL, &lead, NULL), SPULL_OK);
    return lead;
}

static enum sp_lead_state look(struct sp_lead *lead)
{
    uint64_t bytes = 0;

    return sp_lead_look(lead, &bytes);
}

static void one_leads(void **state)
{
    static const struct {
        int error;
        bool lost;
        bool second; /* another one may lead, too */
    } cases[] = {
        {0, false, false},
        /* Of its own link it is told that it was there. */
        {EEXIST, true, false},
        /* No such thing as a symbolic link here. */
        {EPERM, false, true},
        {EOPNOTSUPP, false, true},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_lead *first = lead_new();
        struct sp_lead *second = lead_new();
        struct sp_part *part = part_new();
        struct sp_part *other = part_new();

        fake.error = cases[i].error;
        fake.lost = cases[i].lost;
        assert_true(sp_lead_take(first, part));
        assert_int_equal(look(first), SP_LEAD_VACANT);
        assert_int_equal(sp_lead_take(second, other), cases[i].second);
        assert_int_equal(look(second),
                         cases[i].second ? SP_LEAD_VACANT : SP_LEAD_BEATS);
        sp_lead_free(first);
        assert_int_equal(access(LINK, F_OK), -1);
        assert_int_equal(look(second), SP_LEAD_VACANT);
        sp_lead_free(second);
        sp_part_discard(part);
        sp_part_discard(other);
    }
}

/* It leads with one part after another, and the link names the last. */
static void takes_it_anew(void **state)
{
    struct sp_lead *lead = lead_new();
    struct sp_lead *waiter = lead_new();
    struct sp_part *parts[2] = {part_new(), part_new()};

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(parts); i++) {
        assert_true(sp_lead_take(lead, parts[i]));
        held = true;
        assert_int_equal(look(waiter), SP_LEAD_BEATS);
        assert_int_equal(look(waiter), SP_LEAD_SILENT);
    }
    assert_true(sp_lead_is_here(waiter));
    held = false;
    sp_lead_free(lead);
    sp_lead_free(waiter);
    sp_part_discard(parts[0]);
    sp_part_discard(parts[1]);
}

/* What it no longer has, it does not take from another. */
static void does_not_take_it_back(void **state)
{
    struct sp_lead *slow = lead_new();
    struct sp_lead *quick = lead_new();
    struct sp_part *parts[3] = {part_new(), part_new(), part_new()};

    (void)state;
    assert_true(sp_lead_take(slow, parts[0]));
    assert_int_equal(look(quick), SP_LEAD_BEATS);
    sp_lead_depose(quick);
    assert_true(sp_lead_take(quick, parts[1]));
    assert_false(sp_lead_take(slow, parts[2]));
    assert_int_equal(look(slow), SP_LEAD_BEATS);
    sp_lead_free(slow);
    assert_int_equal(look(quick), SP_LEAD_VACANT);
    sp_lead_free(quick);
    for (size_t i = 0; i < UNIT_COUNT(parts); i++)
        sp_part_discard(parts[i]);
}

/* Only who was seen by the last look goes. */
static void deposes_whom_it_saw(void **state)
{
    struct sp_lead *lead = lead_new();
    struct sp_lead *waiter = lead_new();
    struct sp_part *part = part_new();

    (void)state;
    assert_true(sp_lead_take(lead, part));
    sp_lead_depose(waiter);
    assert_int_equal(look(waiter), SP_LEAD_BEATS);
    sp_lead_depose(waiter);
    assert_int_equal(look(waiter), SP_LEAD_VACANT);
    sp_lead_free(lead);
    sp_lead_free(waiter);
    sp_part_discard(part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_leads, enter, scratch_leave),
        cmocka_unit_test_setup_teardown(takes_it_anew, enter, scratch_leave),
        cmocka_unit_test_setup_teardown(does_not_take_it_back, enter,
                                        scratch_leave),
        cmocka_unit_test_setup_teardown(deposes_whom_it_saw, enter,
                                        scratch_leave),
    };

    return cmocka_run_group_tests_name("part_lead", tests, NULL, NULL);
}
