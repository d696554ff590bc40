/* SPDX-License-Identifier: MIT */
/*
 * buf: growable bytes with a maximum that is fixed at the start.
 *
 * Whatever comes from outside is gathered in one of these, so that no server
 * decides how much memory is used. The content is always followed by a NUL that
 * is not counted. A failed call leaves the content as it was.
 */
#ifndef SP_BUF_H
#define SP_BUF_H

#include <stddef.h>

struct sp_buf {
    char *data; /* NULL while empty and never grown */
    size_t len;
    size_t cap;
    size_t max; /* of len */
};

enum sp_buf_result { SP_BUF_OK = 0, SP_BUF_FULL, SP_BUF_NOMEM };

void sp_buf_init(struct sp_buf *buf, size_t max);
void sp_buf_done(struct sp_buf *buf);

/* Empties it and keeps the memory. */
void sp_buf_clear(struct sp_buf *buf);

enum sp_buf_result sp_buf_add(struct sp_buf *buf, const void *bytes,
                              size_t len);
enum sp_buf_result sp_buf_add_text(struct sp_buf *buf, const char *text);
enum sp_buf_result sp_buf_print(struct sp_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Hands the content over as a string to free(), "" if nothing was added, and
 * leaves the buffer empty. NULL: out of memory.
 */
char *sp_buf_take(struct sp_buf *buf);

#endif
