/* SPDX-License-Identifier: MIT */
/*
 * part_yield: an earlier part gives back what ours has, and whoever is killed
 * at any moment of that leaves every finished byte where a journal says. Each
 * test works in a folder of its own, which has to be empty when it is over.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "part_internal.h"
#include "scratch.h"
#include "unit.h"

#define LABEL  "0123456789abcdef0123456789abcdef"
#define THEIRS ".spull-" LABEL "-there-1-0.part"
#define BLOCK  65536 /* no file system has larger ones */
#define BLOCKS 8
#define SPANS  4

struct blocks {
    unsigned from, to; /* 0, 0: no more of them */
};

/* --- what must hold at every moment --------------------------------------- */

static unsigned char byte_at(uint64_t at)
{
    return (unsigned char)(at / BLOCK + 1);
}

/* The bytes of this span, as they were written. */
static bool is_intact(const char *part, struct sp_span span)
{
    static unsigned char bytes[BLOCKS * BLOCK];
    int fd = open(part, O_RDONLY);
    ssize_t len = (ssize_t)(span.to - span.from);
    bool intact =
        fd >= 0 && pread(fd, bytes, (size_t)len, (off_t)span.from) == len;

    if (fd >= 0)
        close(fd);
    for (ssize_t i = 0; intact && i < len; i++)
        intact = bytes[i] == byte_at(span.from + (uint64_t)i);
    return intact;
}

/* Adds what this journal promises, if its part is there. */
static void read_promises(const char *journal_name, struct sp_spans *promised)
{
    struct journal journal = {0};
    char part[256];

    snprintf(part, sizeof(part), "%.*s.part",
             (int)(strlen(journal_name) - strlen(".spans")), journal_name);
    assert_true(sp_journal_read(AT_FDCWD, journal_name, &journal));
    for (size_t i = 0; i < journal.done.count && access(part, F_OK) == 0; i++) {
        assert_true(is_intact(part, journal.done.list[i]));
        assert_true(sp_spans_add(promised, journal.done.list[i]));
    }
    sp_journal_done(&journal);
}

static uint64_t finished; /* bytes that must not get lost; 0: none as yet */
static unsigned moments;

/* All that was finished is in a file, and its journal says so; and a file with
 * holes is not called what its maker called it. */
static void check_moment(void)
{
    struct sp_spans promised = {0};
    DIR *dir = opendir(".");

    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        if (strstr(entry->d_name, ".spans") != NULL &&
            strstr(entry->d_name, ".new") == NULL)
            read_promises(entry->d_name, &promised);
    closedir(dir);
    assert_int_equal(sp_spans_total(&promised), finished);
    sp_spans_done(&promised);
    moments++;
}

/* The linker takes these for the C library's. */
static int rename_errno; /* of a part's; 0: it works */
static int punch_errno;
static unsigned punched;

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    int done = -1;

    if (finished > 0)
        check_moment();
    if (rename_errno != 0 && strstr(from, ".spans") == NULL)
        errno = rename_errno;
    else
        done = (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
    if (finished > 0)
        check_moment();
    return done;
}

int fallocate(int fd, int mode, off_t from, off_t len)
{
    int done = -1;

    check_moment();
    assert_int_equal(access(THEIRS, F_OK), -1);
    punched++;
    errno = punch_errno;
    if (punch_errno == 0)
        done = (int)syscall(SYS_fallocate, fd, mode, from, len);
    check_moment();
    return done;
}

/* --- an earlier part and ours --------------------------------------------- */

static struct sp_span span_of(struct blocks blocks)
{
    return (struct sp_span){(uint64_t)blocks.from * BLOCK,
                            (uint64_t)blocks.to * BLOCK};
}

static void write_blocks(int fd, struct blocks blocks)
{
    unsigned char bytes[BLOCK];

    for (unsigned i = blocks.from; i < blocks.to; i++) {
        memset(bytes, byte_at((uint64_t)i * BLOCK), sizeof(bytes));
        assert_int_equal(
            pwrite(fd, bytes, sizeof(bytes), (off_t)(i * (size_t)BLOCK)),
            sizeof(bytes));
    }
}

static void make_theirs(struct legacy *legacy, const struct blocks done[SPANS])
{
    legacy->name = strdup(THEIRS);
    legacy->fd = open(THEIRS, O_CREAT | O_EXCL | O_RDWR, 0600);
    assert_true(legacy->fd >= 0);
    /* Beyond what was finished, there may be some that was not. */
    write_blocks(legacy->fd, (struct blocks){0, BLOCKS});
    for (size_t i = 0; i < SPANS; i++)
        assert_true(sp_spans_add(&legacy->journal.done, span_of(done[i])));
    assert_true(
        sp_journal_write(&legacy->part->file, THEIRS, &legacy->journal));
}

static void have(struct sp_part *part, struct blocks blocks)
{
    write_blocks(part->file.fd, blocks);
    assert_int_equal(sp_part_finish(part, span_of(blocks), NULL), SPULL_OK);
}

static void start(struct legacy *legacy, const struct blocks theirs[SPANS],
                  const struct blocks ours[SPANS])
{
    struct sp_spans all = {0};

    *legacy = (struct legacy){0};
    finished = 0;
    rename_errno = punch_errno = 0;
    assert_int_equal(sp_part_new(".", LABEL, &legacy->part, NULL), SPULL_OK);
    make_theirs(legacy, theirs);
    for (size_t i = 0; i < SPANS; i++) {
        have(legacy->part, ours[i]);
        assert_true(sp_spans_add(&all, span_of(theirs[i])) &&
                    sp_spans_add(&all, span_of(ours[i])));
    }
    assert_true(sp_part_save_at_once(legacy->part));
    finished = sp_spans_total(&all);
    sp_spans_done(&all);
    moments = punched = 0;
}

static void end(struct legacy *legacy)
{
    finished = 0;
    unlinkat(legacy->part->file.dir, legacy->name, 0);
    sp_journal_remove(legacy->part->file.dir, legacy->name);
    sp_journal_remove_next(legacy->part->file.dir, legacy->part->file.name);
    sp_part_discard(legacy->part);
    sp_journal_done(&legacy->journal);
    free(legacy->name);
    close(legacy->fd);
}

static uint64_t blocks_of(int fd)
{
    struct stat info;

    assert_int_equal(fstat(fd, &info), 0);
    return (uint64_t)info.st_blocks * 512 / BLOCK;
}

static bool has_holes(void)
{
    int fd = open("probe", O_CREAT | O_EXCL | O_RDWR, 0600);
    bool can = fd >= 0 &&
               syscall(SYS_fallocate, fd,
                       FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1) == 0;

    close(fd);
    unlink("probe");
    return can;
}

/* --- the tests ------------------------------------------------------------ */

static void gives_back(void **state)
{
    static const struct {
        struct blocks theirs[SPANS], ours[SPANS];
        unsigned left; /* blocks that it keeps */
    } cases[] = {
        {{{0, 6}}, {{0, 1}}, 5},
        {{{0, 6}}, {{0, 6}}, 0},
        {{{0, 6}}, {{5, 6}}, 5},
        {{{0, 6}}, {{2, 3}}, 5},
        {{{0, 2}, {4, 6}}, {{0, 1}}, 3},
        {{{0, 2}, {4, 6}}, {{1, 5}}, 2},
        {{{0, 2}, {4, 6}}, {{0, 2}, {4, 6}}, 0},
        {{{2, 3}, {5, 8}}, {{6, 7}}, 3},
        /* Only what was never finished goes. */
        {{{0, 6}}, {{0, 0}}, 6},
        {{{0, 2}}, {{4, 6}}, 2},
    };
    struct legacy legacy;

    (void)state;
    if (!has_holes())
        skip();
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        start(&legacy, cases[i].theirs, cases[i].ours);
        assert_true(sp_legacy_give_back(&legacy));
        assert_int_equal(blocks_of(legacy.fd), cases[i].left);
        assert_int_equal(sp_part_inherited(legacy.part),
                         sp_part_total(legacy.part));
        assert_true(punched > 1 && moments > 2 * punched);
        end(&legacy);
    }
}

/* Ours may have been written down a while ago: what it has since then is not
 * in its journal, and must not go before it is. */
static void writes_ours_down_first(void **state)
{
    struct legacy legacy;

    (void)state;
    if (!has_holes())
        skip();
    start(&legacy, (struct blocks[SPANS]){{0, 6}},
          (struct blocks[SPANS]){{0, 1}});
    have(legacy.part, (struct blocks){1, 3});
    assert_true(sp_legacy_give_back(&legacy));
    assert_int_equal(blocks_of(legacy.fd), 3);
    end(&legacy);
}

/* The same bytes again would bring nothing; a little more does. */
static void goes_on(void **state)
{
    struct legacy legacy;

    (void)state;
    if (!has_holes())
        skip();
    start(&legacy, (struct blocks[SPANS]){{0, 6}},
          (struct blocks[SPANS]){{0, 1}});
    for (unsigned i = 1; i < 6; i++) {
        assert_true(sp_legacy_give_back(&legacy));
        assert_int_equal(blocks_of(legacy.fd), 6 - i);
        assert_false(sp_legacy_give_back(&legacy));
        have(legacy.part, (struct blocks){i, i + 1});
    }
    end(&legacy);
}

static void refuse_rename(struct legacy *legacy)
{
    (void)legacy;
    rename_errno = EACCES; /* another user's, in a sticky directory */
}

static void refuse_holes(struct legacy *legacy)
{
    (void)legacy;
    punch_errno = EOPNOTSUPP;
}

/* It could be installed under that one. */
static void link_it(struct legacy *legacy)
{
    assert_int_equal(link(legacy->name, "second"), 0);
}

static void swap_it(struct legacy *legacy)
{
    (void)legacy;
    assert_int_equal(rename(THEIRS, "second"), 0);
    close(open(THEIRS, O_CREAT | O_EXCL | O_RDWR, 0600));
    /* What was finished is not under a name that a journal has. */
    finished = 0;
}

/* A file that is no part is not ours to take apart. */
static void take_name(struct legacy *legacy)
{
    free(legacy->name);
    legacy->name = NULL;
}

static void cannot_give_back(void **state)
{
    static void (*const spoil[])(struct legacy *) = {
        refuse_rename, refuse_holes, link_it, swap_it, take_name};
    struct legacy legacy;

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(spoil); i++) {
        start(&legacy, (struct blocks[SPANS]){{0, 6}},
              (struct blocks[SPANS]){{0, 3}});
        spoil[i](&legacy);
        for (unsigned times = 0; times < 2; times++)
            assert_false(sp_legacy_give_back(&legacy));
        if (finished > 0)
            check_moment();
        assert_int_equal(blocks_of(legacy.fd), BLOCKS);
        unlink("second");
        unlink(THEIRS);
        if (legacy.name == NULL)
            legacy.name = strdup(THEIRS);
        end(&legacy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gives_back, scratch_enter,
                                        scratch_leave),
        cmocka_unit_test_setup_teardown(writes_ours_down_first, scratch_enter,
                                        scratch_leave),
        cmocka_unit_test_setup_teardown(goes_on, scratch_enter, scratch_leave),
        cmocka_unit_test_setup_teardown(cannot_give_back, scratch_enter,
                                        scratch_leave),
    };

    return cmocka_run_group_tests_name("part_yield", tests, NULL, NULL);
}
