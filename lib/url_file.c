/* SPDX-License-Identifier: MIT */
/*
 * url_file: a directory to a file URL, and such a URL to a path. Both only
 * spell; the one is parsed, the other opened, by others.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "limits.h"
#include "url_internal.h"

/* Makes a path the rest of a file URL; see unreserved, RFC 3986 2.3. */
static bool encode_path(const char *path, struct sp_buf *out)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz"
                                "0123456789-._~/+,=@:";
    enum sp_buf_result result = SP_BUF_OK;

    for (; *path != '\0' && result == SP_BUF_OK; path++)
        result =
            strchr(plain, *path)
                ? sp_buf_add(out, path, 1)
                : sp_buf_print(out, "%%%02X", (unsigned)(unsigned char)*path);
    return result == SP_BUF_OK;
}

enum spull_code sp_url_print_directory(const char *dir, char **out,
                                       struct spull_error *err)
{
    bool relative = dir[0] != '/';
    char *cwd = relative ? getcwd(NULL, 0) : NULL;
    struct sp_buf text;

    if (relative && !cwd)
        return sp_err_sys(err, SPULL_USAGE, errno,
                          "registry \"%s\": find the working directory", dir);
    sp_buf_init(&text, SP_URL_MAX);
    bool ok = sp_buf_add_text(&text, "file://") == SP_BUF_OK;
    if (relative)
        ok = ok && encode_path(cwd[1] != '\0' ? cwd : "", &text) &&
             sp_buf_add(&text, "/", 1) == SP_BUF_OK;
    ok = ok && encode_path(dir, &text);
    free(cwd);
    if (ok)
        *out = sp_buf_take(&text);
    sp_buf_done(&text);
    return ok ? SPULL_OK
              : sp_err_set(err, SPULL_USAGE, "registry \"%s\": too long", dir);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void sp_url_decode(char *text)
{
    char *to = text;

    for (const char *c = text; *c != '\0'; c++, to++) {
        bool coded =
            c[0] == '%' && hex_value(c[1]) >= 0 && hex_value(c[2]) >= 0;
        *to = coded ? (char)(hex_value(c[1]) * 16 + hex_value(c[2])) : *c;
        c += coded ? 2 : 0;
    }
    *to = '\0';
}

char *sp_url_file_path(const struct sp_url *url)
{
    const char *from = url->text + strlen("file://");
    char *path = strdup(*from != '\0' ? from : "/");

    if (path)
        sp_url_decode(path);
    return path;
}
