/* SPDX-License-Identifier: MIT */
/*
 * buf: content and NUL, the maximum to the byte, and nothing lost by a call
 * that fails.
 */
#include "buf.h"
#include "unit.h"

static void grows_and_keeps_a_nul(void **state)
{
    struct sp_buf buf;

    (void)state;
    sp_buf_init(&buf, 100000);
    for (size_t i = 0; i < 10000; i++) {
        assert_int_equal(sp_buf_add(&buf, "0123456789", 10), SP_BUF_OK);
        assert_int_equal(buf.len, (i + 1) * 10);
        assert_int_equal(buf.data[buf.len], '\0');
        assert_true(buf.cap <= buf.max + 1);
    }
    assert_memory_equal(buf.data + 99990, "0123456789", 11);
    sp_buf_done(&buf);
}

static void the_maximum_is_exact(void **state)
{
    struct sp_buf buf;

    (void)state;
    sp_buf_init(&buf, 5);
    assert_int_equal(sp_buf_add(&buf, "abcdef", 6), SP_BUF_FULL);
    assert_null(buf.data);
    assert_int_equal(sp_buf_add_text(&buf, "abc"), SP_BUF_OK);
    assert_int_equal(sp_buf_add_text(&buf, "def"), SP_BUF_FULL);
    assert_int_equal(sp_buf_print(&buf, "%03d", 7), SP_BUF_FULL);
    assert_string_equal(buf.data, "abc");
    assert_int_equal(sp_buf_print(&buf, "%02d", 7), SP_BUF_OK);
    assert_string_equal(buf.data, "abc07");
    assert_int_equal(sp_buf_add(&buf, "", 0), SP_BUF_OK);
    assert_int_equal(sp_buf_add(&buf, "x", 1), SP_BUF_FULL);
    assert_int_equal(sp_buf_add(&buf, "x", SIZE_MAX), SP_BUF_FULL);
    sp_buf_done(&buf);

    sp_buf_init(&buf, 0);
    assert_int_equal(sp_buf_add(&buf, NULL, 0), SP_BUF_OK);
    assert_int_equal(sp_buf_add(&buf, "x", 1), SP_BUF_FULL);
    assert_string_equal(buf.data, "");
    sp_buf_done(&buf);
}

/* A sanitizer ends the program when asked for more memory than there is. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNIT_SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define UNIT_SANITIZED 1
#endif

static void no_memory_is_no_loss(void **state)
{
    struct sp_buf buf;

    (void)state;
    sp_buf_init(&buf, SIZE_MAX);
    assert_int_equal(sp_buf_add_text(&buf, "kept"), SP_BUF_OK);
#ifndef UNIT_SANITIZED
    assert_int_equal(sp_buf_add(&buf, buf.data, SIZE_MAX / 2), SP_BUF_NOMEM);
#endif
    assert_int_equal(sp_buf_add(&buf, "x", SIZE_MAX - 4), SP_BUF_FULL);
    assert_string_equal(buf.data, "kept");
    sp_buf_done(&buf);
}

static void prints_what_is_longer_than_the_first_room(void **state)
{
    struct sp_buf buf;

    (void)state;
    sp_buf_init(&buf, 10000);
    assert_int_equal(sp_buf_print(&buf, "%2000s", "x"), SP_BUF_OK);
    assert_int_equal(buf.len, 2000);
    assert_int_equal(buf.data[1999], 'x');
    assert_int_equal(buf.data[2000], '\0');
    sp_buf_done(&buf);
}

static void clears_and_keeps_the_memory(void **state)
{
    struct sp_buf buf;

    (void)state;
    sp_buf_init(&buf, 100);
    sp_buf_clear(&buf);
    sp_buf_add_text(&buf, "abc");
    char *data = buf.data;
    sp_buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    assert_string_equal(buf.data, "");
    sp_buf_add_text(&buf, "de");
    assert_ptr_equal(buf.data, data);
    assert_string_equal(buf.data, "de");
    sp_buf_done(&buf);
}

static void hands_over(void **state)
{
    struct sp_buf buf;

    (void)state;
    sp_buf_init(&buf, 3);
    char *nothing = sp_buf_take(&buf);
    assert_string_equal(nothing, "");
    sp_buf_add_text(&buf, "abc");
    char *text = sp_buf_take(&buf);
    assert_string_equal(text, "abc");
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
    /* The maximum is still there. */
    assert_int_equal(sp_buf_add_text(&buf, "abcd"), SP_BUF_FULL);
    free(nothing);
    free(text);
    sp_buf_done(&buf);
    sp_buf_done(&buf);
    sp_buf_done(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_keeps_a_nul),
        cmocka_unit_test(the_maximum_is_exact),
        cmocka_unit_test(no_memory_is_no_loss),
        cmocka_unit_test(prints_what_is_longer_than_the_first_room),
        cmocka_unit_test(clears_and_keeps_the_memory),
        cmocka_unit_test(hands_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
