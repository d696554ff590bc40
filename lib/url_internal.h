/* SPDX-License-Identifier: MIT */
/*
 * url_internal: what the files of the room url share. url.c parses, vets and
 * joins, url_file.c goes between paths and file URLs, url_proxy.c looks at the
 * address of a proxy. Nobody else includes it.
 */
#ifndef SP_URL_INTERNAL_H
#define SP_URL_INTERNAL_H

#include "url.h"

/* The file URL of a directory, to be parsed and to free(). SPULL_USAGE. */
enum spull_code sp_url_print_directory(const char *dir, char **out,
                                       struct spull_error *err);

#endif
