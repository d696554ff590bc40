/* SPDX-License-Identifier: MIT */
/*
 * scratch.h: a folder for each test, below the one that the program was started
 * in, and what is in it. It has to be empty when the test is over.
 */
#ifndef SP_UNIT_SCRATCH_H
#define SP_UNIT_SCRATCH_H

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit.h"

#define SCRATCH_NAME 256 /* NAME_MAX and the NUL */

static char scratch_folder[32];

static inline int scratch_enter(void **state)
{
    (void)state;
    snprintf(scratch_folder, sizeof(scratch_folder), "spull-unit-XXXXXX");
    return mkdtemp(scratch_folder) == NULL ? -1 : chdir(scratch_folder);
}

/* Fails where something is left over, which then can be looked at. */
static inline int scratch_leave(void **state)
{
    (void)state;
    return chdir("..") != 0 ? -1 : rmdir(scratch_folder);
}

/* A test of cmocka's with a folder. */
#define SCRATCH_TEST(name)                                                     \
    cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)

/* How many names there are; the last one is copied to name, if not NULL. */
static inline unsigned scratch_names(char name[SCRATCH_NAME])
{
    DIR *dir = opendir(".");
    unsigned count = 0;

    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        count++;
        if (name != NULL)
            snprintf(name, SCRATCH_NAME, "%s", entry->d_name);
    }
    closedir(dir);
    return count;
}

static inline void scratch_write(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Is the file called name text, and nothing more? */
static inline void scratch_file(const char *name, const char *text)
{
    char bytes[64];
    FILE *file = fopen(name, "r");

    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(bytes, text, len);
}

#endif
