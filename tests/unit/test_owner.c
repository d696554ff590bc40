/* SPDX-License-Identifier: MIT */
/* owner: who one is, also after a fork, and whether others live. */
#include <sys/wait.h>
#include <unistd.h>

#include "owner.h"
#include "unit.h"

static void knows_itself(void **state)
{
    struct sp_owner self = sp_owner_self();
    struct sp_owner again = sp_owner_self();

    (void)state;
    assert_int_equal(self.pid, getpid());
    assert_memory_equal(&self, &again, sizeof self);
    if (self.start != 0)
        assert_int_equal(sp_owner_life(&self), SP_RUNS);
}

/* A child is not its parent, though it has the parent's memory. */
static void knows_itself_after_a_fork(void **state)
{
    struct sp_owner parent = sp_owner_self();
    int status = 0;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        struct sp_owner self = sp_owner_self();
        bool ok = self.pid == (uint64_t)getpid() && self.pid != parent.pid &&
                  self.start >= parent.start &&
                  (parent.start == 0 || sp_owner_life(&parent) == SP_RUNS);
        _exit(ok ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void knows_the_dead(void **state)
{
    struct sp_owner owner = sp_owner_self();
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    owner.pid = (uint64_t)child;
    if (owner.start != 0)
        assert_int_equal(sp_owner_life(&owner), SP_GONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_itself),
        cmocka_unit_test(knows_itself_after_a_fork),
        cmocka_unit_test(knows_the_dead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
