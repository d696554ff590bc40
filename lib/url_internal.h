/* SPDX-License-Identifier: MIT */
/*
 * url_internal: what the files of the room url share. url.c says who may lead
 * where, url_parse.c parses, vets and joins, url_file.c goes between paths and
 * file URLs, url_proxy.c looks at the address of a proxy. Nobody else includes
 * it.
 */
#ifndef SP_URL_INTERNAL_H
#define SP_URL_INTERNAL_H

#include "url.h"

/* What text means at base, wherever that leads; base may be NULL for one that
 * is absolute. SPULL_USAGE. */
enum spull_code sp_url_resolve(const struct sp_url *base, const char *text,
                               struct sp_url *out, struct spull_error *err);

/*
 * Is there an '@' behind a host with a port, or what looks like one? host is
 * behind the "//". In "u:8/w@h/x", where nobody encoded the slash of a
 * password, "u" would be asked for what is left of it.
 */
bool sp_url_may_split(const char *host);

/*
 * Sets SPULL_USAGE about a text that may not even be a URL. Its user, password
 * and query stay out: they may be secrets.
 */
enum spull_code sp_url_refuse(struct spull_error *err, const char *text,
                              const char *why);

/* The file URL of a directory, to be parsed and to free(). SPULL_USAGE. */
enum spull_code sp_url_print_directory(const char *dir, char **out,
                                       struct spull_error *err);

#endif
