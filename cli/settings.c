/* SPDX-License-Identifier: MIT */
/*
 * settings: every key of the configuration: its row, its place, its default,
 * and how it reaches the library.
 *
 * The defaults are the library's own, so that both say the same.
 */
#include "settings.h"

#include <string.h>

#define AT(field)   offsetof(struct settings, field)
#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

static const struct opt_row session_rows[] = {
    {"registry", 'r', "URL|DIR|NAME", OPT_REGISTRY, AT(registry), "registry",
     "the registry: an address, a directory, or the NAME of a "
     "[registry NAME] section in spullrc"},
    {"ca-file", 0, "FILE", OPT_PATH, AT(ca_file), "ca-file",
     "trust the certificate authorities in FILE (PEM)"},
    {"ca-dir", 0, "DIR", OPT_PATH, AT(ca_dir), "ca-dir",
     "trust those in DIR, prepared by openssl-rehash(1)"},
    {"client-cert", 0, "FILE", OPT_PATH, AT(client_cert), "client-cert",
     "show the certificate in FILE (PEM) to the registry"},
    {"client-key", 0, "FILE", OPT_PATH, AT(client_key), "client-key",
     "its private key, if that is not in the same file"},
    {"netrc", 0, NULL, OPT_FLAG, AT(netrc), "netrc",
     "look credentials up in ~/.netrc"},
    {"netrc-file", 0, "FILE", OPT_PATH, AT(netrc_file), "netrc-file",
     "look credentials up in FILE"},
    {"header", 0, "LINE", OPT_LIST, AT(header), "header",
     "send LINE (NAME: VALUE) to the registry's host, and to no other; may be "
     "repeated"},
    {"proxy", 0, "URL|none", OPT_TEXT, AT(proxy), "proxy",
     "the proxy, instead of what the environment says"},
    {"ip-version", 0, "4|6", OPT_IP, AT(ip_version), "ip-version",
     "use addresses of this kind only (0: any)"},
    {"user-agent", 0, "TEXT", OPT_TEXT, AT(user_agent), "user-agent",
     "what servers are told about the client"},
    {"connect-timeout", 0, "SECONDS", OPT_SECONDS, AT(connect_timeout),
     "connect-timeout", "give up reaching a server after SECONDS"},
    {"stall-timeout", 0, "SECONDS", OPT_SECONDS, AT(stall_timeout),
     "stall-timeout",
     "give up a transfer that stays under 1 KiB/s for SECONDS"},
    {"max-time", 0, "SECONDS", OPT_COUNT, AT(max_time), "max-time",
     "give up a pull that is not done after SECONDS (0: never)"},
    {"retries", 0, "N", OPT_COUNT, AT(retries), "retries",
     "give up after N more tries in a row that brought nothing"},
};

static const struct opt_row place_rows[] = {
    {"dir", 'd', "DIR", OPT_PATH, AT(dir), "dir",
     "install in DIR, not in the current directory"},
    {"unpack", 0, NULL, OPT_FLAG, AT(unpack), "unpack",
     "unpack the image out of an archive or a compressed file (the default), "
     "or keep that as it is"},
    {"unpack-max", 0, "SIZE", OPT_SIZE, AT(unpack_max), "unpack-max",
     "refuse an archive with an image of more than SIZE bytes (64G; 0: no "
     "limit of its own)"},
};

static const struct opt_row image_rows[] = {
    {"arch", 0, "ARCH", OPT_ARCH, AT(arch), "arch",
     "refuse images for other machines than ARCH (amd64, arm64, ...)"},
    {"strict-size", 0, NULL, OPT_FLAG, AT(strict_size), "strict-size",
     "sizes in manifests count bytes, never KiB of disk usage"},
    {"connections", 0, "N", OPT_LANES, AT(connections), "connections",
     "use up to N connections for an image (1 to 16)"},
    {"wait", 0, "SECONDS|forever", OPT_PATIENCE, AT(wait), "wait",
     "wait so long for another process that downloads the same image (forever: "
     "as long as it shows life)"},
    {"limit-rate", 0, "RATE", OPT_RATE, AT(limit_rate), "limit-rate",
     "download no faster than RATE bytes a second (500K, 20M; 0: no limit)"},
};

static const struct opt_row weak_rows[] = {
    {"allow-md5", 0, NULL, OPT_FLAG, AT(allow_md5), "allow-md5",
     "take an md5 for a proof where a manifest states nothing better"},
};

static const struct opt_row list_rows[] = {
    {"jobs", 'j', "N", OPT_JOBS, AT(jobs), "jobs",
     "work on up to N references, or documents of a check, at once (1 to 16)"},
};

static const struct opt_row store_rows[] = {
    {"store", 0, "DIR", OPT_PATH, AT(store), "store",
     "keep one copy of each image in DIR, for all who share it"},
};

static const struct opt_row keep_rows[] = {
    {"keep-days", 0, "DAYS", OPT_COUNT, AT(keep_days), "keep-days",
     "remove partial files that are older and nobody's (0: never)"},
};

const struct opt_table settings_session = {session_rows, COUNT(session_rows)};
const struct opt_table settings_place = {place_rows, COUNT(place_rows)};
const struct opt_table settings_image = {image_rows, COUNT(image_rows)};
const struct opt_table settings_weak = {weak_rows, COUNT(weak_rows)};
const struct opt_table settings_list = {list_rows, COUNT(list_rows)};
const struct opt_table settings_store = {store_rows, COUNT(store_rows)};
const struct opt_table settings_keep = {keep_rows, COUNT(keep_rows)};

const struct opt_table *const settings_all[] = {
    &settings_session, &settings_place, &settings_image, &settings_weak,
    &settings_list,    &settings_store, &settings_keep,  NULL,
};

_Static_assert(COUNT(session_rows) + COUNT(place_rows) + COUNT(image_rows) +
                       COUNT(weak_rows) + COUNT(list_rows) + COUNT(store_rows) +
                       COUNT(keep_rows) ==
                   SETTINGS_MAX,
               "SETTINGS_MAX counts the rows");

const struct opt_row *settings_row(size_t number)
{
    for (size_t i = 0; settings_all[i] != NULL; i++) {
        if (number < settings_all[i]->count)
            return &settings_all[i]->rows[number];
        number -= settings_all[i]->count;
    }
    return NULL;
}

const struct opt_row *settings_find(const char *key, size_t *number)
{
    const struct opt_row *row = settings_row(0);

    for (*number = 0; row != NULL; row = settings_row(*number)) {
        if (strcmp(row->key, key) == 0)
            return row;
        (*number)++;
    }
    return NULL;
}

void settings_init(struct settings *settings)
{
    struct spull_options options;

    spull_options_init(&options);
    memset(settings, 0, sizeof *settings);
    settings->registry = SPULL_DEFAULT_REGISTRY;
    settings->ip_version = options.ip_version;
    settings->connect_timeout = options.connect_timeout;
    settings->stall_timeout = options.stall_timeout;
    settings->max_time = options.max_time;
    settings->retries = options.retries;
    settings->connections = options.connections;
    settings->jobs = options.jobs;
    settings->wait = options.wait;
    settings->keep_days = options.keep_days;
    settings->limit_rate = options.limit_rate;
    settings->strict_size = options.strict_size != 0;
    settings->allow_md5 = options.allow_md5 != 0;
    settings->unpack = options.unpack != 0;
    settings->unpack_max = options.unpack_max;
}

/* The library's word for "none" is the empty one, which no file can say. */
static const char *proxy(const char *value)
{
    return value != NULL && strcmp(value, "none") == 0 ? "" : value;
}

void settings_to_options(const struct settings *settings, const char *registry,
                         struct spull_options *options)
{
    options->registry = registry;
    options->ca_file = settings->ca_file;
    options->ca_dir = settings->ca_dir;
    options->client_cert = settings->client_cert;
    options->client_key = settings->client_key;
    options->netrc_file = settings->netrc_file;
    options->proxy = proxy(settings->proxy);
    options->user_agent = settings->user_agent;
    options->ip_version = settings->ip_version;
    options->connect_timeout = settings->connect_timeout;
    options->stall_timeout = settings->stall_timeout;
    options->max_time = settings->max_time;
    options->retries = settings->retries;
    options->connections = settings->connections;
    options->jobs = settings->jobs;
    options->wait = settings->wait;
    options->keep_days = settings->keep_days;
    options->limit_rate = settings->limit_rate;
    options->store = settings->store;
    options->arch = settings->arch;
    options->strict_size = settings->strict_size;
    options->allow_md5 = settings->allow_md5;
    options->unpack = settings->unpack;
    options->unpack_max = settings->unpack_max;
}
