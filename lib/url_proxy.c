/* SPDX-License-Identifier: MIT */
/*
 * url_proxy: can this be the address of a proxy? libcurl asks that when the
 * first connection is made, and calls it a failure of the network.
 */
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "err.h"
#include "url.h"

static bool is_known(const char *scheme)
{
    static const char *const names[] = {"http",   "https",   "socks",  "socks4",
                                        "socks5", "socks4a", "socks5h"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcasecmp(names[i], scheme) == 0)
            return true;
    return false;
}

/* Without the address itself, which may hold a password. */
static enum spull_code check(CURLU *url, const char *text,
                             struct spull_error *err)
{
    char *scheme = NULL;
    enum spull_code code = SPULL_OK;
    CURLUcode result =
        curl_url_set(url, CURLUPART_URL, text,
                     CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME);

    if (result == CURLUE_OUT_OF_MEMORY)
        return sp_err_nomem(err);
    if (result != CURLUE_OK ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
        return sp_err_set(err, SPULL_USAGE, "proxy: this is no address");
    /* One that was guessed comes from the first word of the host. */
    if (strstr(text, "://") != NULL && !is_known(scheme))
        code = sp_err_set(err, SPULL_USAGE,
                          "proxy: %s is not among the schemes that proxies "
                          "have",
                          scheme);
    curl_free(scheme);
    return code;
}

enum spull_code sp_url_check_proxy(const char *text, struct spull_error *err)
{
    CURLU *url = curl_url();
    enum spull_code code =
        url == NULL ? sp_err_nomem(err) : check(url, text, err);

    curl_url_cleanup(url);
    if (code == SPULL_USAGE)
        sp_err_hint(err, "as in http://proxy.example.org:3128");
    return code;
}
