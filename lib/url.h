/* SPDX-License-Identifier: MIT */
/*
 * url: joins and vets URLs with the parser that will fetch them.
 *
 * libcurl's own parser (curl_url(3)) decides what host and scheme a text has,
 * so that what was vetted is what is fetched. Where a document may lead is
 * decided in sp_url_follow(): https never leads to http, and a document from
 * http or https never leads to a file.
 */
#ifndef SP_URL_H
#define SP_URL_H

#include <stdbool.h>

#include <spull.h>

enum sp_scheme { SP_SCHEME_HTTP, SP_SCHEME_HTTPS, SP_SCHEME_FILE };

struct sp_url {
    char *text;   /* to fetch; any fragment is gone */
    char *plain;  /* the same without user and password, for results */
    char *shown;  /* to print: without user, password and query's content */
    char *origin; /* "https://host:port", "file://"; lower case */
    char *host;   /* "" for a file */
    enum sp_scheme scheme;
};

/*
 * An absolute http, https or file URL. Spaces and bytes outside ASCII are
 * percent-encoded, what is encoded already stays as it is, doubled slashes
 * too. Anything else, control characters, or a file URL with a host other
 * than "" and "localhost": SPULL_USAGE.
 */
enum spull_code sp_url_parse(const char *text, struct sp_url *out,
                             struct spull_error *err);

/*
 * What a document at base means by reference (RFC 3986 section 5), if it may
 * lead there; else SPULL_INTEGRITY: the one who wrote the document is wrong,
 * not the user. Also for redirects.
 */
enum spull_code sp_url_follow(const struct sp_url *base, const char *reference,
                              struct sp_url *out, struct spull_error *err);

/*
 * A registry's address: a URL without query, or a directory (relative ones
 * are taken from the working directory), which becomes a file URL. No final
 * slash. SPULL_USAGE.
 */
enum spull_code sp_url_registry(const char *text, struct sp_url *out,
                                struct spull_error *err);

/* base "/" path; path is made of reference components, "/" and no more. */
enum spull_code sp_url_below(const struct sp_url *base, const char *path,
                             struct sp_url *out, struct spull_error *err);

/* Can this be a proxy's address, with or without a scheme? SPULL_USAGE. */
enum spull_code sp_url_check_proxy(const char *text, struct spull_error *err);

bool sp_url_same_origin(const struct sp_url *a, const struct sp_url *b);

/* Decodes %XX in place, once; what is no such triple stays. */
void sp_url_decode(char *text);

/* The decoded path of a file URL, to free(); NULL: out of memory. */
char *sp_url_file_path(const struct sp_url *url);

enum spull_code sp_url_copy(const struct sp_url *from, struct sp_url *out,
                            struct spull_error *err);
void sp_url_done(struct sp_url *url);

#endif
