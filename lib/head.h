/* SPDX-License-Identifier: MIT */
/*
 * head: what a response says about its body, line by line.
 *
 * Reads the header fields that decide something here (RFC 9110) and forgets the
 * rest. Field values are a server's words: kept short, never trusted for more
 * than they say. It knows nothing of libcurl, and no policy.
 */
#ifndef SP_HEAD_H
#define SP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SP_HEAD_VALIDATOR 256
#define SP_HEAD_TYPE      96

struct sp_head {
    int status;        /* 200, ...; 0 before the status line */
    bool is_framed;    /* by Transfer-Encoding; a length means nothing then */
    bool has_length;   /* length is what the body will have */
    uint64_t length;   /* of this body: of the range, where there is one */
    bool has_range;    /* Content-Range says which bytes these are */
    uint64_t from, to; /* of the range, to is one past the last */
    bool has_total;
    uint64_t total;               /* of the whole blob */
    char etag[SP_HEAD_VALIDATOR]; /* strong ones only, quotes included */
    char last_modified[SP_HEAD_VALIDATOR];
    char type[SP_HEAD_TYPE];
    bool is_coded;  /* Content-Encoding says that the bytes are another form */
    bool no_ranges; /* "Accept-Ranges: none" */
    char *location; /* owned; NULL: none */
    size_t seen;    /* bytes of all heads of this response */
};

void sp_head_done(struct sp_head *head);

/*
 * Takes one line as it came, CRLF included. A status line starts afresh, since
 * a request may get several heads (1xx). false: this is more than a head may
 * have (SP_HEAD_MAX), or there is no memory; give the response up.
 */
bool sp_head_line(struct sp_head *head, const char *line, size_t len);

#endif
