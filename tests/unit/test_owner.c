/* SPDX-License-Identifier: MIT */
/* owner: who one is, also after a fork, and whether others live. */
#include <sched.h>
#include <signal.h>
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

/* It may go on at any time; so it is not gone. */
static void knows_who_stands_still(void **state)
{
    struct sp_owner owner = sp_owner_self();
    int pipes[2];
    int status = 0;
    pid_t child = 0;

    (void)state;
    if (owner.start == 0)
        skip();
    assert_int_equal(pipe(pipes), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        owner = sp_owner_self();
        if (write(pipes[1], &owner, sizeof owner) != (ssize_t)sizeof owner)
            _exit(1);
        pause();
        _exit(1);
    }
    assert_int_equal(read(pipes[0], &owner, sizeof owner), sizeof owner);
    assert_int_equal(sp_owner_life(&owner), SP_RUNS);
    kill(child, SIGSTOP);
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_int_equal(sp_owner_life(&owner), SP_STOPPED);
    kill(child, SIGCONT);
    assert_int_equal(waitpid(child, &status, WCONTINUED), child);
    assert_int_equal(sp_owner_life(&owner), SP_RUNS);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(sp_owner_life(&owner), SP_GONE);
    close(pipes[0]);
    close(pipes[1]);
}

/* /proc is that of the parent's namespace: of pids here, it tells nothing. */
static void knows_nobody_behind_another_proc(void **state)
{
    int status = 0;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        struct sp_owner self;
        pid_t inner = 0;
        if (unshare(CLONE_NEWPID) != 0)
            _exit(2);
        inner = fork();
        if (inner == 0) {
            self = sp_owner_self();
            _exit(sp_owner_life(&self) == SP_ELSEWHERE ? 0 : 1);
        }
        if (waitpid(inner, &status, 0) != inner || !WIFEXITED(status))
            _exit(1);
        _exit(WEXITSTATUS(status));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 2) /* that takes a right */
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_itself),
        cmocka_unit_test(knows_itself_after_a_fork),
        cmocka_unit_test(knows_the_dead),
        cmocka_unit_test(knows_who_stands_still),
        cmocka_unit_test(knows_nobody_behind_another_proc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
