/* SPDX-License-Identifier: MIT */
/*
 * install_calls: the same on file systems that know no renameat2(2) or no hard
 * links, or that fail, and with several at once: the calls that name a file
 * answer as others would. Each test works in a folder of its own, in which
 * nothing may be left over.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "install.h"
#include "part.h"
#include "scratch.h"
#include "sealed.h"
#include "unit.h"

/* --- the calls that name a file ------------------------------------------- */

/*
 * The linker takes these for the C library's. Each fails with the errno that is
 * set here, or passes through; and writes down that it was made.
 */
static struct {
    int renameat2, renameat, linkat, fchmod, fsync_file, fsync_dir;
    const char *lost; /* this one fails after it has done its work */
    bool deaf;        /* nothing is written down: several threads call */
    char log[128];
} fake;

static void note(const char *what)
{
    size_t len = strlen(fake.log);

    if (!fake.deaf)
        snprintf(fake.log + len, sizeof(fake.log) - len, "%s ", what);
}

/* Is it to be done? */
static bool is_done(const char *what, int failure)
{
    return failure == 0 || (fake.lost != NULL && strcmp(fake.lost, what) == 0);
}

static int answer(int failure)
{
    errno = failure;
    return failure == 0 ? 0 : -1;
}

int renameat2(int old_dir, const char *old_name, int new_dir,
              const char *new_name, unsigned flags)
{
    note("rename2");
    if (is_done("rename2", fake.renameat2)) {
        long result =
            syscall(SYS_renameat2, old_dir, old_name, new_dir, new_name, flags);
        if (result != 0 || fake.renameat2 == 0)
            return (int)result;
    }
    return answer(fake.renameat2);
}

int renameat(int old_dir, const char *old_name, int new_dir,
             const char *new_name)
{
    note("rename");
    if (is_done("rename", fake.renameat)) {
        long result =
            syscall(SYS_renameat2, old_dir, old_name, new_dir, new_name, 0);
        if (result != 0 || fake.renameat == 0)
            return (int)result;
    }
    return answer(fake.renameat);
}

int linkat(int old_dir, const char *old_name, int new_dir, const char *new_name,
           int flags)
{
    note("link");
    if (is_done("link", fake.linkat)) {
        long result =
            syscall(SYS_linkat, old_dir, old_name, new_dir, new_name, flags);
        if (result != 0 || fake.linkat == 0)
            return (int)result;
    }
    return answer(fake.linkat);
}

int fchmod(int fd, mode_t mode)
{
    note("chmod");
    if (fake.fchmod != 0)
        return answer(fake.fchmod);
    return (int)syscall(SYS_fchmod, fd, mode);
}

/* EINTR comes once, as after a signal; the rest comes for good. */
int fsync(int fd)
{
    struct stat info;
    int failure = 0;

    if (fstat(fd, &info) != 0)
        return -1;
    note(S_ISDIR(info.st_mode) ? "sync-dir" : "sync");
    failure = S_ISDIR(info.st_mode) ? fake.fsync_dir : fake.fsync_file;
    if (failure == EINTR)
        fake.fsync_file = 0;
    return failure != 0 ? answer(failure) : (int)syscall(SYS_fsync, fd);
}

static int enter(void **state)
{
    memset(&fake, 0, sizeof(fake));
    return scratch_enter(state);
}

/* --- file systems that can do less, or fail ------------------------------- */

/* The ways in which a file system may refuse the better call. */
static const struct {
    int renameat2, linkat;
    const char *log;
} poorer[] = {
    {0, 0, "chmod sync rename2 sync-dir "},
    {EINVAL, 0, "chmod sync rename2 link sync-dir "},
    {ENOSYS, 0, "chmod sync rename2 link sync-dir "},
    {ENOTSUP, 0, "chmod sync rename2 link sync-dir "},
    {EINVAL, EPERM, "chmod sync rename2 link rename sync-dir "},
    {EINVAL, ENOTSUP, "chmod sync rename2 link rename sync-dir "},
    {ENOSYS, ENOSYS, "chmod sync rename2 link rename sync-dir "},
    {EINVAL, EMLINK, "chmod sync rename2 link rename sync-dir "},
};

/* The bytes are on the disk before the name, and the name before the end. */
static void everywhere_in_this_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(poorer); i++) {
        memset(&fake, 0, sizeof(fake));
        fake.renameat2 = poorer[i].renameat2;
        fake.linkat = poorer[i].linkat;
        sealed_install(false, SPULL_OK);
        assert_string_equal(fake.log, poorer[i].log);
        assert_int_equal(scratch_names(NULL), 1);
        scratch_file("final", "new");
        assert_int_equal(unlink("final"), 0);
    }
    memset(&fake, 0, sizeof(fake));
    sealed_install(true, SPULL_OK);
    assert_string_equal(fake.log, "chmod sync rename sync-dir ");
    assert_int_equal(unlink("final"), 0);
}

static void what_exists_stays_everywhere(void **state)
{
    (void)state;
    scratch_write("final", "old");
    for (size_t i = 0; i < UNIT_COUNT(poorer); i++) {
        memset(&fake, 0, sizeof(fake));
        fake.renameat2 = poorer[i].renameat2;
        fake.linkat = poorer[i].linkat;
        sealed_install(false, SPULL_EXISTS);
        assert_int_equal(scratch_names(NULL), 1);
        scratch_file("final", "old");
    }
    assert_int_equal(unlink("final"), 0);
}

/* NFS: it was done, its reply lost, and the repetition says EEXIST, or ENOENT
 * for what has moved; or the mount is soft, and gave up. */
static void a_lost_reply_is_no_loss(void **state)
{
    static const struct {
        const char *lost;
        int renameat2, linkat, renameat;
        bool replace;
    } cases[] = {
        {"link", EINVAL, EEXIST, 0, false},
        {"link", EINVAL, EIO, 0, false},
        {"rename2", EEXIST, 0, 0, false},
        {"rename2", ENOENT, 0, 0, false},
        {"rename", EINVAL, EPERM, ENOENT, false},
        {"rename", 0, 0, ENOENT, true},
        {"rename", 0, 0, ETIMEDOUT, true},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        memset(&fake, 0, sizeof(fake));
        fake.renameat2 = cases[i].renameat2;
        fake.linkat = cases[i].linkat;
        fake.renameat = cases[i].renameat;
        fake.lost = cases[i].lost;
        if (cases[i].replace)
            scratch_write("final", "old");
        sealed_install(cases[i].replace, SPULL_OK);
        assert_int_equal(scratch_names(NULL), 1);
        scratch_file("final", "new");
        assert_int_equal(unlink("final"), 0);
    }
}

static void a_disk_that_fails(void **state)
{
    static const struct {
        int renameat2, linkat, fchmod, fsync_file, sys;
    } cases[] = {
        {.fsync_file = EIO, .sys = EIO},
        {.fsync_file = ENOSPC, .sys = ENOSPC},
        {.fsync_file = EDQUOT, .sys = EDQUOT},
        {.fchmod = EPERM, .sys = EPERM},
        {.renameat2 = EROFS, .sys = EROFS},
        {.renameat2 = ENOSPC, .sys = ENOSPC},
        {.renameat2 = EINVAL, .linkat = ENOSPC, .sys = ENOSPC},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_sealed *sealed = sealed_new("new");
        struct spull_error err;
        memset(&fake, 0, sizeof(fake));
        fake.renameat2 = cases[i].renameat2;
        fake.linkat = cases[i].linkat;
        fake.fchmod = cases[i].fchmod;
        fake.fsync_file = cases[i].fsync_file;
        assert_int_equal(
            sp_install(sealed, "final", SP_MODE_IMAGE, false, &err),
            SPULL_STORAGE);
        unit_failed(&err, SPULL_STORAGE);
        assert_int_equal(err.sys, cases[i].sys);
        assert_int_equal(scratch_names(NULL), 0);
    }
}

static void a_signal_does_not_skip_the_flush(void **state)
{
    (void)state;
    fake.fsync_file = EINTR;
    sealed_install(false, SPULL_OK);
    assert_string_equal(fake.log, "chmod sync sync rename2 sync-dir ");
    assert_int_equal(unlink("final"), 0);
}

/* Some file systems have nothing to flush for a directory (fsync(2)). For those
 * that have, a failure is told, though the file has its name by then. */
static void the_flush_of_the_directory(void **state)
{
    static const struct {
        int fsync_dir;
        enum spull_code code;
    } cases[] = {{EINVAL, SPULL_OK}, {EROFS, SPULL_OK}, {EIO, SPULL_STORAGE}};

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        fake.fsync_dir = cases[i].fsync_dir;
        sealed_install(false, cases[i].code);
        scratch_file("final", "new");
        assert_int_equal(scratch_names(NULL), 1);
        assert_int_equal(unlink("final"), 0);
    }
}

/* --- several at once ------------------------------------------------------ */

#define RACERS 8

struct racer {
    pthread_barrier_t *start;
    struct sp_sealed *sealed;
    enum spull_code code;
};

static void *race(void *arg)
{
    struct racer *racer = arg;

    pthread_barrier_wait(racer->start);
    racer->code =
        sp_install(racer->sealed, "final", SP_MODE_IMAGE, false, NULL);
    return NULL;
}

/* Of those that come at once one wins, and the others know that they lost. */
static void one_race(void)
{
    struct racer racers[RACERS];
    pthread_t threads[RACERS];
    pthread_barrier_t start;
    char text[2] = "A";
    char winner = '\0';

    pthread_barrier_init(&start, NULL, RACERS);
    for (size_t i = 0; i < RACERS; i++) {
        text[0] = (char)('A' + i);
        racers[i] = (struct racer){&start, sealed_new(text), SPULL_OK};
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]),
                         0);
    }
    for (size_t i = 0; i < RACERS; i++) {
        pthread_join(threads[i], NULL);
        if (racers[i].code != SPULL_OK) {
            assert_int_equal(racers[i].code, SPULL_EXISTS);
            continue;
        }
        assert_int_equal(winner, '\0');
        winner = (char)('A' + i);
    }
    pthread_barrier_destroy(&start);
    text[0] = winner;
    scratch_file("final", text);
    assert_int_equal(scratch_names(NULL), 1);
    assert_int_equal(unlink("final"), 0);
}

static void one_of_many_wins(void **state)
{
    (void)state;
    fake.deaf = true;
    for (int round = 0; round < 50; round++) {
        fake.renameat2 = round % 2 == 0 ? 0 : EINVAL; /* link(2) is as good */
        one_race();
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, scratch_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everywhere_in_this_order),
        TEST(what_exists_stays_everywhere),
        TEST(a_lost_reply_is_no_loss),
        TEST(a_disk_that_fails),
        TEST(a_signal_does_not_skip_the_flush),
        TEST(the_flush_of_the_directory),
        TEST(one_of_many_wins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
