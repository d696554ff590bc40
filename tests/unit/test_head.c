/* SPDX-License-Identifier: MIT */
/*
 * head: what servers say about a body, well and badly, one head or several; and
 * how much of it is listened to.
 */
#include "head.h"
#include "limits.h"
#include "unit.h"

/* Gives text[0..len) line by line, as libcurl would. */
static bool take_bytes(struct sp_head *head, const char *text, size_t len)
{
    while (len > 0) {
        const char *feed = memchr(text, '\n', len);
        size_t line = feed == NULL ? len : (size_t)(feed - text) + 1;
        if (!sp_head_line(head, text, line))
            return false;
        text += line;
        len -= line;
    }
    return true;
}

static void take(struct sp_head *head, const char *text)
{
    assert_true(take_bytes(head, text, strlen(text)));
}

/* A head that has this one field. */
static struct sp_head head_of(const char *name, const char *value)
{
    struct sp_head head = {0};
    char line[1024];
    int len = snprintf(line, sizeof(line), "%s: %s\r\n", name, value);

    assert_in_range(len, 0, sizeof(line) - 1);
    assert_true(sp_head_line(&head, line, (size_t)len));
    return head;
}

static void status_lines(void **state)
{
    static const struct {
        const char *line;
        int status;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\n", 200},
        {"HTTP/1.0 404 Not Found\r\n", 404},
        {"HTTP/1.1 206\r\n", 206},
        {"HTTP/2 206 \r\n", 206},
        {"HTTP/3 301\n", 301},
        {"HTTP/1.1 999 odd", 999},
        {"HTTP/1.1 1000 odd\r\n", 0},
        {"HTTP/1.1 18446744073709551816 200 too many\r\n", 0},
        {"HTTP/1.1\r\n", 0},
        {"HTTP/1.1 \r\n", 0},
        {"HTTP/1.1 OK 200\r\n", 0},
        {"HTTP/1.1 -200 OK\r\n", 0},
        {"http/1.1 200 OK\r\n", 0},
        {"ICY 200 OK\r\n", 0},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_head head = {0};
        take(&head, cases[i].line);
        if (head.status != cases[i].status)
            fail_msg("%s gives %d", cases[i].line, head.status);
        assert_int_equal(head.seen, strlen(cases[i].line));
        sp_head_done(&head);
    }
}

static void lengths(void **state)
{
    static const struct {
        const char *value;
        bool has;
        uint64_t length;
    } cases[] = {
        {"0", true, 0},
        {"36864", true, 36864},
        {"007", true, 7},
        {" \t 7 \t ", true, 7},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"99999999999999999999", false, 0},
        {"", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {"1,1", false, 0},
        {"1 1", false, 0},
        {"0x10", false, 0},
        {"1e3", false, 0},
        {"1.0", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_head head = head_of("Content-Length", cases[i].value);
        if (head.has_length != cases[i].has || head.length != cases[i].length)
            fail_msg("\"%s\" is misread", cases[i].value);
        sp_head_done(&head);
    }
}

/* RFC 9112, section 6.3: a length beside a framing is none, in either order. */
static void framing_overrides_a_length(void **state)
{
    static const char *const heads[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n"
        "Transfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n"
        "Content-Length: 7\r\n\r\n",
    };
    struct sp_head head = {0};

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(heads); i++) {
        take(&head, heads[i]);
        assert_false(head.has_length);
    }
    take(&head, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
    assert_true(head.has_length);
    sp_head_done(&head);
}

static void encodings(void **state)
{
    static const struct {
        const char *value;
        bool coded;
    } cases[] = {
        {"gzip", true}, {"x-odd", true},     {"gzip, identity", true},
        {"", false},    {"identity", false}, {"Identity", false},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_head head = head_of("Content-Encoding", cases[i].value);
        if (head.is_coded != cases[i].coded)
            fail_msg("\"%s\" is misread", cases[i].value);
        sp_head_done(&head);
    }
}

static void ranges(void **state)
{
    static const struct {
        const char *value;
        uint64_t from, to;
        bool has_total;
        uint64_t total;
    } cases[] = {
        {"bytes 0-99/1000", 0, 100, true, 1000},
        {"bytes 900-999/1000", 900, 1000, true, 1000},
        {"bytes 0-0/1", 0, 1, true, 1},
        {"bytes 500-599/*", 500, 600, false, 0},
        {"Bytes 1-2/3", 1, 3, true, 3},
        {"bytes 4611686018427387904-4611686018427387905/4611686018427387906",
         (uint64_t)1 << 62, ((uint64_t)1 << 62) + 2, true,
         ((uint64_t)1 << 62) + 2},
        {"bytes 0-18446744073709551614/18446744073709551615", 0, UINT64_MAX,
         true, UINT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_head head = head_of("Content-Range", cases[i].value);
        if (!head.has_range || head.from != cases[i].from ||
            head.to != cases[i].to || head.has_total != cases[i].has_total ||
            head.total != cases[i].total)
            fail_msg("\"%s\" is misread", cases[i].value);
        sp_head_done(&head);
    }
}

static void bad_ranges(void **state)
{
    static const char *const cases[] = {
        "",
        "bytes",
        "bytes ",
        "bytes */1000", /* of a 416: says no range */
        "bytes 0-99",
        "bytes 0-99/",
        "bytes 0-/1000",
        "bytes -99/1000",
        "bytes 0/1000",
        "bytes 0-99/x",
        "bytes 0-99/-1",
        "bytes 0-99/**",
        "bytes 0-99 /1000",
        "bytes 99-0/1000",   /* backward */
        "bytes 0-99/99",     /* ends behind the end */
        "bytes 100-199/100", /* begins there */
        "bytes 0-99/0",
        "bytes=0-99/1000",
        "items 0-99/1000",
        "0-99/1000",
        "bytes 0-18446744073709551615/*", /* one past it is no number */
        "bytes 0-18446744073709551616/*",
        "bytes 18446744073709551616-18446744073709551617/*",
        "bytes 0-99/18446744073709551616",
        "bytes 0x0-0x9/10",
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_head head = head_of("Content-Range", cases[i]);
        if (head.has_range || head.has_total)
            fail_msg("\"%s\" passes for a range", cases[i]);
        sp_head_done(&head);
    }
}

static void nothing_follows_a_total(void **state)
{
    static const char *const cases[] = {
        "bytes 0-99/1000x",
        "bytes 0-99/1000 0",
        "bytes 0-99/1000, bytes 200-299/1000",
        "bytes 0-99/1000*",
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_head head = head_of("Content-Range", cases[i]);
        if (head.has_range || head.has_total)
            fail_msg("\"%s\" passes for a range", cases[i]);
        sp_head_done(&head);
    }
}

static void only_strong_etags(void **state)
{
    static const struct {
        const char *value, *etag;
    } cases[] = {
        {"\"67ab-62c\"", "\"67ab-62c\""},
        {"\"\"", "\"\""},
        {"\"W/\"", "\"W/\""},
        {"W/\"67ab-62c\"", ""},
        {"w/\"67ab-62c\"", ""},
        {"67ab-62c", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_head head = head_of("ETag", cases[i].value);
        assert_string_equal(head.etag, cases[i].etag);
        sp_head_done(&head);
    }
}

/* Half a validator is none: what does not fit is not there. */
static void long_values(void **state)
{
    static const struct {
        const char *name;
        size_t offset, cap;
    } cases[] = {
        {"ETag", offsetof(struct sp_head, etag), SP_HEAD_VALIDATOR},
        {"Last-Modified", offsetof(struct sp_head, last_modified),
         SP_HEAD_VALIDATOR},
        {"Content-Type", offsetof(struct sp_head, type), SP_HEAD_TYPE},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++)
        for (size_t over = 0; over < 2; over++) {
            char value[SP_HEAD_VALIDATOR + 1];
            size_t len = cases[i].cap - 1 + over;
            memset(value, 'v', len);
            value[0] = value[len - 1] = '"';
            value[len] = '\0';
            struct sp_head head = head_of(cases[i].name, value);
            assert_string_equal((char *)&head + cases[i].offset,
                                over ? "" : value);
            sp_head_done(&head);
        }
}

static void a_whole_head(void **state)
{
    struct sp_head head = {0};

    (void)state;
    take(&head, "HTTP/1.1 206 Partial Content\r\n"
                "SERVER: nginx\r\n"
                "content-type:application/octet-stream\r\n"
                "CONTENT-LENGTH: 100\r\n"
                "Last-Modified: \t Thu, 01 Jan 1970 00:00:00 GMT \r\n"
                "eTaG: \"e\"\r\n"
                "Accept-Ranges: bytes\r\n"
                "Content-Range: bytes 100-199/1000\r\n"
                "\r\n");
    assert_int_equal(head.status, 206);
    assert_string_equal(head.type, "application/octet-stream");
    assert_true(head.has_length);
    assert_int_equal(head.length, 100);
    assert_string_equal(head.last_modified, "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_string_equal(head.etag, "\"e\"");
    assert_false(head.no_ranges);
    assert_true(head.has_range);
    assert_null(head.location);
    sp_head_done(&head);
}

static void no_ranges(void **state)
{
    static const struct {
        const char *value;
        bool none;
    } cases[] = {
        {"none", true}, {"None", true},   {"bytes", false},
        {"", false},    {"nones", false}, {"non", false},
    };

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_head head = head_of("Accept-Ranges", cases[i].value);
        assert_int_equal(head.no_ranges, cases[i].none);
        sp_head_done(&head);
    }
}

static void the_first_location_counts(void **state)
{
    struct sp_head head = {0};

    (void)state;
    take(&head, "HTTP/1.1 302 Found\r\n"
                "Location: https://cdn.example/a:b?c=d\r\n"
                "Location: https://evil.example/\r\n");
    assert_string_equal(head.location, "https://cdn.example/a:b?c=d");
    sp_head_done(&head);
    assert_null(head.location);
    sp_head_done(&head);
    sp_head_done(NULL);
}

/* 1xx, then a redirect, then what counts: nothing of the former stays. */
static void the_last_head_counts(void **state)
{
    static const char early[] = "HTTP/1.1 103 Early Hints\r\n"
                                "Content-Length: 1\r\n"
                                "ETag: \"early\"\r\n"
                                "\r\n"
                                "HTTP/1.1 301 Moved Permanently\r\n"
                                "Location: /there\r\n"
                                "Content-Type: text/html\r\n"
                                "Content-Length: 162\r\n"
                                "Content-Range: bytes 0-9/10\r\n"
                                "Last-Modified: never\r\n"
                                "Accept-Ranges: none\r\n"
                                "\r\n";
    static const char last[] = "HTTP/2 200 \r\n\r\n";
    struct sp_head head = {0};

    (void)state;
    take(&head, early);
    assert_int_equal(head.status, 301);
    assert_string_equal(head.etag, "");
    assert_string_equal(head.location, "/there");
    assert_int_equal(head.length, 162);
    assert_true(head.no_ranges);
    take(&head, last);
    struct sp_head fresh = {.status = 200,
                            .seen = strlen(early) + strlen(last)};
    assert_memory_equal(&head, &fresh, sizeof(head));
    sp_head_done(&head);
}

static void lines_that_say_nothing(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {"", 0},
        {"\r\n", 2},
        {" \t\v\f\r\n", 6},
        {":", 1},
        {": 5\r\n", 5},
        {"Content-Length\r\n", 16},
        {"Content-Length 5\r\n", 18},
        {"Content-Length: 5\0\r\n", 20},
        {"Content-Length\0: 5\r\n", 20},
        {"\0Content-Length: 5\r\n", 20},
        {"HTTP/1.1 200\0\r\n", 15},
        {"X-Content-Length: 5\r\n", 21},
        {"Content-Length-X: 5\r\n", 21},
        {" Content-Length: 5\r\n", 20},
    };
    struct sp_head head = {0};

    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct sp_head nothing = {.seen = head.seen + cases[i].len};
        char *exact = malloc(cases[i].len > 0 ? cases[i].len : 1);
        assert_non_null(exact);
        memcpy(exact, cases[i].bytes, cases[i].len);
        assert_true(sp_head_line(&head, exact, cases[i].len));
        assert_memory_equal(&head, &nothing, sizeof(head));
        free(exact);
    }
}

static void the_maximum_is_exact(void **state)
{
    static const char status[] = "HTTP/1.1 200 OK\r\n";
    size_t left = SP_HEAD_MAX - strlen(status);
    char *line = malloc(SP_HEAD_MAX + 1);
    struct sp_head head = {0};

    (void)state;
    assert_non_null(line);
    memset(line, 'x', SP_HEAD_MAX + 1);
    assert_false(sp_head_line(&head, line, SP_HEAD_MAX + 1));
    assert_int_equal(head.seen, 0);
    assert_true(sp_head_line(&head, line, left));
    /* A status line starts the fields afresh, and not the count. */
    take(&head, status);
    assert_int_equal(head.seen, SP_HEAD_MAX);
    assert_false(sp_head_line(&head, "\n", 1));
    assert_true(sp_head_line(&head, "", 0));
    assert_int_equal(head.status, 200);
    sp_head_done(&head);
    free(line);
}

/* What the rooms above rely on without a look. */
static void check_sound(const struct sp_head *head)
{
    assert_in_range(head->status, 0, 999);
    assert_true(head->seen <= SP_HEAD_MAX);
    if (head->has_range)
        assert_true(head->from < head->to);
    if (head->has_range && head->has_total)
        assert_true(head->to <= head->total);
    assert_non_null(memchr(head->etag, '\0', sizeof(head->etag)));
    assert_non_null(memchr(head->type, '\0', sizeof(head->type)));
    assert_non_null(
        memchr(head->last_modified, '\0', sizeof(head->last_modified)));
    if (head->etag[0] != '\0')
        assert_int_equal(head->etag[0], '"');
}

static void spoilt_heads(void **state)
{
    static const char seed[] = "HTTP/1.1 302 Found\r\n"
                               "Location: /a?b\r\n"
                               "\r\n"
                               "HTTP/2 206 \r\n"
                               "etag: \"e\"\r\n"
                               "content-length: 10\r\n"
                               "content-range: bytes 10-19/20\r\n"
                               "content-type: text/plain\r\n"
                               "\r\n";
    uint64_t random = 0x5eed;

    (void)state;
    for (int i = 0; i < UNIT_ROUNDS; i++) {
        struct sp_head head = {0};
        size_t len = 0;
        char *bytes = unit_spoil_bytes(seed, strlen(seed), &random, &len);
        assert_true(take_bytes(&head, bytes, len));
        assert_int_equal(head.seen, len);
        check_sound(&head);
        sp_head_done(&head);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_lines),
        cmocka_unit_test(lengths),
        cmocka_unit_test(encodings),
        cmocka_unit_test(framing_overrides_a_length),
        cmocka_unit_test(ranges),
        cmocka_unit_test(bad_ranges),
        cmocka_unit_test(nothing_follows_a_total),
        cmocka_unit_test(only_strong_etags),
        cmocka_unit_test(long_values),
        cmocka_unit_test(a_whole_head),
        cmocka_unit_test(no_ranges),
        cmocka_unit_test(the_first_location_counts),
        cmocka_unit_test(the_last_head_counts),
        cmocka_unit_test(lines_that_say_nothing),
        cmocka_unit_test(the_maximum_is_exact),
        cmocka_unit_test(spoilt_heads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
