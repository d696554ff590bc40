/* SPDX-License-Identifier: MIT */
/*
 * spull_vet: can a session have these options? What is wrong shows when it is
 * opened, and not when a pull comes upon it.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "limits.h"
#include "mirror.h"
#include "options.h"
#include "sif.h"
#include "spull_internal.h"
#include "url.h"

/* It may be given as uname(1) says it; from here on it has SIF's name. */
static enum spull_code check_arch(struct spull_options *opts,
                                  struct spull_error *err)
{
    const char *name = NULL;

    if (opts->arch == NULL)
        return SPULL_OK;
    name = sp_sif_arch_name(opts->arch);
    if (name == NULL)
        return sp_err_set(err, SPULL_USAGE, "architecture \"%s\" is unknown",
                          opts->arch);
    return sp_options_set(&opts->arch, name) ? SPULL_OK : sp_err_nomem(err);
}

/* libcurl would find out with the first https connection, and call it one of
 * the network's failures. */
static enum spull_code check_files(const struct spull_options *opts,
                                   struct spull_error *err)
{
    const char *const files[] = {opts->ca_file, opts->ca_dir, opts->client_cert,
                                 opts->client_key, opts->netrc_file};

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (files[i] != NULL && access(files[i], R_OK) != 0)
            return sp_err_sys(err, SPULL_USAGE, errno, "cannot read %s",
                              files[i]);
    return SPULL_OK;
}

/* A line break would smuggle a header of its own into the request. */
static enum spull_code check_headers(const struct spull_options *opts,
                                     struct spull_error *err)
{
    for (size_t i = 0; opts->headers != NULL && opts->headers[i] != NULL; i++) {
        const char *header = opts->headers[i];
        size_t name = strspn(header, SP_HEADER_NAME_CHARACTERS);
        if (name == 0 || header[name] != ':' || strpbrk(header, "\r\n") != NULL)
            return sp_err_set(err, SPULL_USAGE,
                              "header \"%s\" is not NAME: VALUE", header);
    }
    return SPULL_OK;
}

static enum spull_code check_numbers(const struct spull_options *opts,
                                     struct spull_error *err)
{
    if (opts->connections < 1 || opts->connections > SP_CONNECTIONS_MAX)
        return sp_err_set(err, SPULL_USAGE,
                          "%u connections: only 1 to %d are possible",
                          opts->connections, SP_CONNECTIONS_MAX);
    if (opts->jobs < 1 || opts->jobs > SP_CHECK_JOBS_MAX)
        return sp_err_set(err, SPULL_USAGE,
                          "%u jobs: only 1 to %d are possible", opts->jobs,
                          SP_CHECK_JOBS_MAX);
    if (opts->ip_version != 0 && opts->ip_version != 4 && opts->ip_version != 6)
        return sp_err_set(err, SPULL_USAGE, "IP version %u: only 4 and 6 are",
                          opts->ip_version);
    return SPULL_OK;
}

enum spull_code sp_spull_vet(struct spull_options *opts,
                             struct spull_error *err)
{
    enum spull_code code = check_arch(opts, err);

    if (code == SPULL_OK)
        code = check_numbers(opts, err);
    if (code == SPULL_OK)
        code = check_headers(opts, err);
    if (code == SPULL_OK)
        code = check_files(opts, err);
    if (code == SPULL_OK && opts->proxy != NULL && opts->proxy[0] != '\0')
        code = sp_url_check_proxy(opts->proxy, err);
    if (code == SPULL_OK && opts->mirror_base != NULL)
        code = sp_mirror_check_base(opts->mirror_base, err);
    return code;
}
