/* SPDX-License-Identifier: MIT */
/*
 * settings: every key of the configuration: its row, its place, its default,
 * and how it reaches the library.
 *
 * A new setting is a field here, a row in settings.c and a line in
 * settings_to_options(). Where values come from is the business of rc.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include <spull.h>

#include "opt.h"

/* Strings are borrowed; NULL: not set. */
struct settings {
    const char *registry; /* as given; rc_registry() says what it means */
    const char *ca_file;
    const char *ca_dir;
    const char *client_cert;
    const char *client_key;
    bool netrc;
    const char *netrc_file;
    const char *proxy; /* "none": not even the environment's */
    const char *user_agent;
    unsigned ip_version;
    unsigned connect_timeout;
    unsigned stall_timeout;
    unsigned max_time;
    unsigned retries;
    const char *header; /* the last one; rc has them all */
    const char *dir;
    const char *arch;
    bool strict_size;
    bool allow_md5;
    bool unpack;
    uint64_t unpack_max;
    unsigned connections;
    unsigned jobs;
    unsigned wait;
    unsigned keep_days;
    uint64_t limit_rate;
    const char *store;
};

extern const struct opt_table settings_session; /* who asks a registry */
extern const struct opt_table settings_place;   /* who installs */
extern const struct opt_table settings_image;   /* who downloads images */
extern const struct opt_table settings_weak;    /* who compares digests */
extern const struct opt_table settings_list;    /* who takes lists */
extern const struct opt_table settings_store;   /* who has to do with a store */
extern const struct opt_table settings_keep;    /* who finds partial files */

/* All of these; ends with NULL. */
extern const struct opt_table *const settings_all[];

/* The rows of all keys, numbered. NULL: no more. */
#define SETTINGS_MAX 27
const struct opt_row *settings_row(size_t number);

/* The row of this key, and its number. NULL: there is none. */
const struct opt_row *settings_find(const char *key, size_t *number);

void settings_init(struct settings *settings);

/* registry is what settings->registry means. Callbacks are left alone. */
void settings_to_options(const struct settings *settings, const char *registry,
                         struct spull_options *options);

#endif
