/* SPDX-License-Identifier: MIT */
/*
 * url_parse: a text, and the URL that it is relative to, becomes a struct
 * sp_url.
 *
 * libcurl's parser does it. Our own part is small: encode what has no place in
 * a URL, and refuse what libcurl would mend by guessing (a missing slash, a
 * third one).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "buf.h"
#include "err.h"
#include "limits.h"
#include "url_internal.h"

static const struct {
    const char *name;
    enum sp_scheme scheme;
} schemes[] = {
    {"http", SP_SCHEME_HTTP},
    {"https", SP_SCHEME_HTTPS},
    {"file", SP_SCHEME_FILE},
};

/* Length of the scheme that text starts with (RFC 3986 section 3.1), or 0. */
static size_t scheme_len(const char *text)
{
    static const char alpha[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz";
    if (text[0] == '\0' || !strchr(alpha, text[0]))
        return 0;
    size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "abcdefghijklmnopqrstuvwxyz0123456789+.-");
    return text[len] == ':' ? len : 0;
}

static bool scheme_of(const char *name, size_t len, enum sp_scheme *out)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strlen(schemes[i].name) == len &&
            strncasecmp(schemes[i].name, name, len) == 0) {
            *out = schemes[i].scheme;
            return true;
        }
    return false;
}

bool sp_url_may_split(const char *host)
{
    size_t len = strcspn(host, "/?#");

    return host[0] != '[' && memchr(host, ':', len) && strchr(host + len, '@');
}

enum spull_code sp_url_refuse(struct spull_error *err, const char *text,
                              const char *why)
{
    size_t scheme = scheme_len(text);
    size_t len = strcspn(text, "?#");
    size_t host = scheme > 0 ? scheme + 1 : 0;

    host += strspn(text + host, "/");
    host = host < len ? host : len;
    sp_err_set(err, SPULL_USAGE, "%s", why);
    if (sp_url_may_split(text + host))
        return sp_err_wrap(err, SPULL_USAGE, "URL \"%.*s...\"", (int)host,
                           text);
    const char *at = memrchr(text + host, '@', strcspn(text + host, "/?#"));
    const char *rest = at ? at + 1 : text + host;

    return sp_err_wrap(err, SPULL_USAGE, "URL \"%.*s%.*s%s\"", (int)host, text,
                       (int)(text + len - rest), rest,
                       text[len] == '?' ? "?..." : "");
}

/*
 * Encodes spaces and what is not ASCII, and leaves the fragment out, which is
 * never sent. libcurl could do it (CURLU_URLENCODE), but makes a space in a
 * query a "+", which not every server takes back.
 */
static enum spull_code encode(const char *text, struct sp_buf *out,
                              struct spull_error *err)
{
    for (const char *c = text; *c != '\0' && *c != '#'; c++) {
        unsigned char byte = (unsigned char)*c;
        enum sp_buf_result result;
        if (byte < ' ' || byte == 0x7f)
            return sp_url_refuse(err, text,
                                 "control characters are not allowed");
        if (byte == ' ' || byte > 0x7f)
            result = sp_buf_print(out, "%%%02X", (unsigned)byte);
        else
            result = sp_buf_add(out, c, 1);
        if (result == SP_BUF_FULL)
            return sp_url_refuse(err, text, "too long");
        if (result != SP_BUF_OK)
            return sp_err_nomem(err);
    }
    return sp_buf_add(out, "", 0) == SP_BUF_OK ? SPULL_OK : sp_err_nomem(err);
}

/*
 * What libcurl would mend: "http:/x" and "http:///x" become "http://x/" there,
 * and "file://127.0.0.1/x" a local file. text is absolute, or a reference that
 * starts with a scheme or with "//".
 */
static enum spull_code vet_start(const char *text, enum sp_scheme scheme,
                                 struct spull_error *err)
{
    size_t len = scheme_len(text);
    const char *at = len > 0 ? text + len + 1 : text;

    if (strncmp(at, "//", 2) != 0)
        return sp_url_refuse(err, text, "no \"//\" after the scheme");
    at += 2;
    size_t authority = strcspn(at, "/?#");
    if (memchr(at, '\\', authority))
        return sp_url_refuse(err, text, "a backslash is not allowed in a host");
    if (scheme != SP_SCHEME_FILE)
        return authority > 0 ? SPULL_OK : sp_url_refuse(err, text, "no host");
    if (authority > 0 &&
        (authority != 9 || strncasecmp(at, "localhost", 9) != 0))
        return sp_url_refuse(err, text, "a file URL can't name another host");
    return SPULL_OK;
}

static const char *text_of(CURLUcode code)
{
#if LIBCURL_VERSION_NUM >= 0x075000
    return curl_url_strerror(code);
#else
    return code == CURLUE_BAD_PORT_NUMBER ? "bad port number"
                                          : "not understood by libcurl";
#endif
}

/* A part, to be given to curl_free(), or NULL if there is none. */
static char *part_of(CURLU *handle, CURLUPart part, unsigned flags)
{
    char *value = NULL;

    if (curl_url_get(handle, part, &value, flags) != CURLUE_OK)
        return NULL;
    return value;
}

static void lower(char *text)
{
    for (; *text != '\0'; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text | 0x20);
}

/* Fills host and origin. libcurl writes the scheme in lower case. */
static bool read_origin(CURLU *handle, const char *scheme, struct sp_url *url)
{
    char *host = part_of(handle, CURLUPART_HOST, 0);
    char *port = part_of(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    struct sp_buf origin;
    bool is_file = url->scheme == SP_SCHEME_FILE;

    sp_buf_init(&origin, (size_t)SP_URL_MAX * 2);
    url->host = strdup(host && !is_file ? host : "");
    sp_buf_print(&origin, "%s://", scheme);
    if (!is_file)
        sp_buf_print(&origin, "%s:%s", host ? host : "", port ? port : "");
    url->origin = sp_buf_take(&origin);
    if (url->host && url->origin) {
        lower(url->host);
        lower(url->origin);
    }
    curl_free(host);
    curl_free(port);
    return url->host && url->origin;
}

/*
 * The whole URL, to free(). A file's is put together here: libcurl 7.88 prints
 * "file://(nil)" for the root, and a file has no query.
 */
static char *whole_of(CURLU *handle, enum sp_scheme scheme)
{
    bool is_file = scheme == SP_SCHEME_FILE;
    char *part = part_of(handle, is_file ? CURLUPART_PATH : CURLUPART_URL, 0);
    struct sp_buf text;

    sp_buf_init(&text, (size_t)SP_URL_MAX * 2);
    if (!part || sp_buf_print(&text, "%s%s", is_file ? "file://" : "", part))
        sp_buf_done(&text);
    curl_free(part);
    return text.data;
}

/* Fills text, then shown; the handle's user, password and query are lost. */
static bool read_text(CURLU *handle, struct sp_url *url)
{
    char *query = part_of(handle, CURLUPART_QUERY, 0);
    bool hide = url->scheme != SP_SCHEME_FILE && query && *query != '\0';

    url->text = whole_of(handle, url->scheme);
    curl_url_set(handle, CURLUPART_USER, NULL, 0);
    curl_url_set(handle, CURLUPART_PASSWORD, NULL, 0);
    url->plain = whole_of(handle, url->scheme);
    curl_url_set(handle, CURLUPART_QUERY, NULL, 0);
    char *shown = whole_of(handle, url->scheme);
    if (shown && asprintf(&url->shown, "%s%s", shown, hide ? "?..." : "") < 0)
        url->shown = NULL;
    free(shown);
    curl_free(query);
    return url->text && url->plain && url->shown;
}

/* Rules that need the parsed form; as is what an error shows. */
static enum spull_code vet(const struct sp_url *url, const char *as,
                           struct spull_error *err)
{
    if (strlen(url->text) > SP_URL_MAX)
        return sp_url_refuse(err, as, "too long");
    for (const char *c = url->host; *c != '\0'; c++)
        if ((unsigned char)*c > 0x7f || *c == '%') /* 7.74 does not decode */
            return sp_url_refuse(err, as,
                                 "a host outside ASCII: use its xn-- form");
    if (url->scheme == SP_SCHEME_FILE && strstr(url->text, "%00"))
        return sp_url_refuse(err, as, "a file name can't hold a NUL");
    return SPULL_OK;
}

/* Reads what the handle holds. */
static enum spull_code read_url(CURLU *handle, const char *as,
                                struct sp_url *out, struct spull_error *err)
{
    struct sp_url url = {.scheme = SP_SCHEME_HTTP};
    char *scheme = part_of(handle, CURLUPART_SCHEME, 0);
    enum spull_code code = SPULL_OK;

    if (!scheme || !scheme_of(scheme, strlen(scheme), &url.scheme))
        code = sp_url_refuse(err, as, "only http, https and file can be used");
    else if (!read_origin(handle, scheme, &url) || !read_text(handle, &url))
        code = sp_err_nomem(err);
    else
        code = vet(&url, as, err);
    if (code == SPULL_OK)
        *out = url;
    else
        sp_url_done(&url);
    curl_free(scheme);
    return code;
}

/*
 * Parses an encoded text; a relative one needs base. Errors show as, which it
 * was before. Without CURLU_PATH_AS_IS, "." and ".." segments are resolved now,
 * as they would be when it is fetched.
 */
static enum spull_code parse_encoded(const struct sp_url *base,
                                     const char *text, const char *as,
                                     struct sp_url *out,
                                     struct spull_error *err)
{
    CURLU *handle = curl_url();
    enum spull_code code = SPULL_OK;

    if (!handle)
        return sp_err_nomem(err);
    CURLUcode result = CURLUE_OK;
    if (base)
        result = curl_url_set(handle, CURLUPART_URL, base->text, 0);
    /* An empty reference means the base itself (RFC 3986 section 5.2.2);
     * libcurl 7.88 would drop the last segment of its path. */
    if (result == CURLUE_OK && (text[0] != '\0' || !base))
        result =
            curl_url_set(handle, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME);
    if (result == CURLUE_OUT_OF_MEMORY)
        code = sp_err_nomem(err);
    else if (result != CURLUE_OK)
        code = sp_url_refuse(err, as, text_of(result));
    else
        code = read_url(handle, as, out, err);
    curl_url_cleanup(handle);
    return code;
}

enum spull_code sp_url_resolve(const struct sp_url *base, const char *text,
                               struct sp_url *out, struct spull_error *err)
{
    size_t len = scheme_len(text);
    enum sp_scheme scheme = base ? base->scheme : SP_SCHEME_HTTP;
    struct sp_buf encoded;

    if (len == 0 && !base)
        return sp_url_refuse(err, text, "no scheme: http, https or file");
    if (len > 0 && !scheme_of(text, len, &scheme))
        return sp_url_refuse(err, text,
                             "only http, https and file can be used");
    sp_buf_init(&encoded, SP_URL_MAX);
    enum spull_code code = encode(text, &encoded, err);
    if (code == SPULL_OK && (len > 0 || strncmp(text, "//", 2) == 0))
        code = vet_start(text, scheme, err);
    if (code == SPULL_OK)
        code = parse_encoded(base, encoded.data, text, out, err);
    sp_buf_done(&encoded);
    return code;
}
