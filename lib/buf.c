/* SPDX-License-Identifier: MIT */
/*
 * buf: growable bytes with a maximum that is fixed at the start.
 *
 * Owns one allocation that is doubled as needed and never larger than the
 * maximum and a NUL. It does not know what the bytes are, nor what a caller
 * says to the user when they are too many.
 */
#include "buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 256

void sp_buf_init(struct sp_buf *buf, size_t max)
{
    buf->data = NULL;
    buf->len = 0;
    buf->cap = 0;
    /* One byte is kept back for the NUL. */
    buf->max = max < SIZE_MAX ? max : SIZE_MAX - 1;
}

void sp_buf_done(struct sp_buf *buf)
{
    if (!buf)
        return;
    free(buf->data);
    sp_buf_init(buf, buf->max);
}

void sp_buf_clear(struct sp_buf *buf)
{
    buf->len = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

/* Makes room for len more bytes and the NUL. */
static enum sp_buf_result reserve(struct sp_buf *buf, size_t len)
{
    if (len > buf->max - buf->len)
        return SP_BUF_FULL;

    size_t need = buf->len + len + 1;
    if (need <= buf->cap)
        return SP_BUF_OK;
    size_t cap = buf->cap > 0 ? buf->cap : FIRST_CAP;
    while (cap < need)
        cap = cap <= SIZE_MAX / 2 ? cap * 2 : need;
    if (cap > buf->max + 1)
        cap = buf->max + 1;

    char *data = realloc(buf->data, cap);
    if (!data)
        return SP_BUF_NOMEM;
    buf->data = data;
    buf->cap = cap;
    return SP_BUF_OK;
}

enum sp_buf_result sp_buf_add(struct sp_buf *buf, const void *bytes, size_t len)
{
    enum sp_buf_result result = reserve(buf, len);

    if (result != SP_BUF_OK)
        return result;
    if (len > 0)
        memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return SP_BUF_OK;
}

enum sp_buf_result sp_buf_add_text(struct sp_buf *buf, const char *text)
{
    return sp_buf_add(buf, text, strlen(text));
}

enum sp_buf_result sp_buf_print(struct sp_buf *buf, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        return SP_BUF_NOMEM;

    enum sp_buf_result result = reserve(buf, (size_t)len);
    if (result != SP_BUF_OK)
        return result;
    va_start(args, format);
    vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
    return SP_BUF_OK;
}

char *sp_buf_take(struct sp_buf *buf)
{
    char *data = buf->data ? buf->data : calloc(1, 1);

    if (data)
        sp_buf_init(buf, buf->max);
    return data;
}
