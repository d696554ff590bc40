/* SPDX-License-Identifier: MIT */
/*
 * ref: parses and prints a reference.
 *
 * The text is cut from its end: the pin and the tag are in what follows the
 * last slash, so neither can be mistaken for a port or a password of a
 * BASE-URL. What a base means is left to url, what exists to the registry.
 */
#include "ref.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "err.h"
#include "limits.h"

#define PIN_PREFIX  "sha256:"
#define DEFAULT_TAG "latest"
#define SHAPE       "COLLECTION/NAME[:TAG][@sha256:HEX]"

/* A part of the text. */
struct slice {
    const char *at;
    size_t len;
};

/* The parts of a reference; at is NULL for those that it does not have. */
struct parts {
    struct slice base, container, tag, pin;
};

/*
 * Without user and password, which an error must not repeat. If there may be a
 * password, whatever is before an '@' may be of it, but for a pin's.
 */
static void print_text(const char *text, struct sp_buf *out)
{
    const char *rest = text;
    const char *scheme = strstr(text, "://");

    if (scheme) {
        const char *host = scheme + 3;
        const char *name = strrchr(host, '/');
        size_t len = strcspn(host, "/");
        bool secret = name && host[0] != '[' && memchr(host, ':', len);
        const char *at =
            memrchr(host, '@', secret ? (size_t)(name - host) : len);
        if (at) {
            sp_buf_add(out, text, (size_t)(host - text));
            rest = at + 1;
        }
    }
    sp_buf_add_text(out, rest);
}

/* Says WHY about text, and what a reference looks like. */
__attribute__((format(printf, 3, 4))) static enum spull_code
refuse(struct spull_error *err, const char *text, const char *format, ...)
{
    char why[512];
    struct sp_buf shown;
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    sp_err_set(err, SPULL_USAGE, "%s", why);

    sp_buf_init(&shown, SP_REF_MAX);
    print_text(text, &shown);
    sp_err_wrap(err, SPULL_USAGE, "reference \"%s\"",
                shown.data ? shown.data : "");
    sp_buf_done(&shown);

    if (text[0] == '/' || strncmp(text, "./", 2) == 0 ||
        strncmp(text, "../", 3) == 0 || strncmp(text, "~/", 2) == 0)
        sp_err_hint(err, "for a registry in a directory use --registry DIR "
                         "and " SHAPE);
    else
        sp_err_hint(err, "a reference is " SHAPE);
    return SPULL_USAGE;
}

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9');
}

static bool allowed(char c)
{
    return is_alnum(c) || (c != '\0' && strchr("._+~-", c));
}

static bool may_start(char c)
{
    return allowed(c) && c != '.' && c != '-';
}

bool sp_ref_component_ok(const char *text, size_t len)
{
    if (len == 0 || len > SP_COMPONENT_MAX || !may_start(text[0]))
        return false;
    for (size_t i = 1; i < len; i++)
        if (!allowed(text[i]))
            return false;
    return true;
}

/* Counted from 1, in characters, as an editor's column. */
static size_t column(const char *text, const char *at)
{
    size_t count = 1;

    for (const char *c = text; c < at; c++)
        if (((unsigned char)*c & 0xc0) != 0x80)
            count++;
    return count;
}

/* rule: "is not allowed in", "can't start". */
static enum spull_code refuse_char(struct spull_error *err, const char *text,
                                   const char *at, const char *rule,
                                   const char *what)
{
    uint32_t point = 0;
    size_t len = sp_utf8_next(at, strlen(at), &point);

    return refuse(err, text, "character \"%.*s\" at %zu %s %s",
                  len > 0 ? (int)len : 1, at, column(text, at), rule, what);
}

/* what: "a tag". */
static enum spull_code check_component(const char *text, struct slice part,
                                       const char *what,
                                       struct spull_error *err)
{
    if (part.len == 0)
        return refuse(err, text, "%s is missing at %zu", what,
                      column(text, part.at));
    for (size_t i = 0; i < part.len; i++)
        if (!allowed(part.at[i]))
            return refuse_char(err, text, part.at + i, "is not allowed in",
                               what);
    if (!may_start(part.at[0]))
        return refuse_char(err, text, part.at, "can't start", what);
    if (part.len > SP_COMPONENT_MAX)
        return refuse(err, text, "%s has %zu characters, %d at most", what,
                      part.len, SP_COMPONENT_MAX);
    return SPULL_OK;
}

static enum spull_code check_container(const char *text, struct slice part,
                                       struct spull_error *err)
{
    size_t count = 0;
    const char *end = part.at + part.len;

    for (const char *at = part.at;; count++) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        struct slice one = {at, (size_t)((slash ? slash : end) - at)};
        enum spull_code code =
            check_component(text, one, slash ? "a collection" : "a name", err);
        if (code != SPULL_OK)
            return code;
        if (!slash)
            break;
        at = slash + 1;
    }
    if (count == 0)
        return refuse(err, text, "it has no collection");
    if (count + 1 > SP_COMPONENTS_MAX)
        return refuse(err, text, "%zu components, %d at most", count + 1,
                      SP_COMPONENTS_MAX);
    return SPULL_OK;
}

/* pin: what follows the '@'; writes it in lower case. */
static enum spull_code check_pin(const char *text, struct slice pin,
                                 char out[SP_PIN_TEXT], struct spull_error *err)
{
    const size_t prefix = sizeof(PIN_PREFIX) - 1;

    if (pin.len < prefix || strncmp(pin.at, PIN_PREFIX, prefix) != 0)
        return refuse(err, text, "what follows @ is not sha256:HEX");
    for (size_t i = prefix; i < pin.len; i++)
        if (!is_alnum(pin.at[i]) || (pin.at[i] | 0x20) > 'f')
            return refuse_char(err, text, pin.at + i, "is not allowed in",
                               "a sha256");
    if (pin.len - prefix != SP_PIN_TEXT - 1)
        return refuse(err, text, "the sha256 has %zu digits, not %d",
                      pin.len - prefix, SP_PIN_TEXT - 1);
    for (size_t i = 0; i < SP_PIN_TEXT - 1; i++) {
        char c = pin.at[prefix + i];
        out[i] = c >= 'A' && c <= 'F' ? (char)(c | 0x20) : c;
    }
    out[SP_PIN_TEXT - 1] = '\0';
    return SPULL_OK;
}

/* Takes the last two components off a BASE-URL. */
static enum spull_code cut_base(const char *text, const char *after_scheme,
                                struct parts *parts, struct spull_error *err)
{
    const char *end = parts->container.at + parts->container.len;
    const char *start = NULL;
    int slashes = 0;

    for (const char *c = end; c > after_scheme && slashes < 2; c--)
        if (c[-1] == '/') {
            start = c;
            slashes++;
        }
    if (slashes < 2)
        return refuse(err, text, "no COLLECTION/NAME after the registry");
    parts->container = (struct slice){start, (size_t)(end - start)};

    const char *base_end = start - 1;
    while (base_end > after_scheme && base_end[-1] == '/')
        base_end--;
    if (base_end == after_scheme)
        return refuse(err, text, "no registry before COLLECTION/NAME");
    parts->base = (struct slice){text, (size_t)(base_end - text)};
    return SPULL_OK;
}

static bool is_known_scheme(const char *text, size_t len)
{
    static const char *const known[] = {"http", "https", "file"};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strlen(known[i]) == len && strncasecmp(known[i], text, len) == 0)
            return true;
    return false;
}

/* Whoever comes from Apptainer tries "docker://" once. */
static enum spull_code refuse_scheme(const char *text, struct spull_error *err)
{
    refuse(err, text, "only http, https and file can be used");
    sp_err_hint(err, "the address of a static registry is expected; Apptainer "
                     "itself pulls docker://, library:// and oras://");
    return SPULL_USAGE;
}

static enum spull_code cut(const char *text, struct parts *parts,
                           struct spull_error *err)
{
    const char *slash = strrchr(text, '/');
    const char *last = slash ? slash + 1 : text;
    const char *end = text + strlen(text);
    const char *at = strchr(last, '@');

    if (at) {
        parts->pin = (struct slice){at + 1, (size_t)(end - at - 1)};
        end = at;
    }
    const char *colon = memrchr(last, ':', (size_t)(end - last));
    if (colon) {
        parts->tag = (struct slice){colon + 1, (size_t)(end - colon - 1)};
        end = colon;
    }
    parts->container = (struct slice){text, (size_t)(end - text)};

    const char *scheme = strstr(text, "://");
    if (!scheme || scheme >= last)
        return SPULL_OK;
    if (!is_known_scheme(text, (size_t)(scheme - text)))
        return refuse_scheme(text, err);
    return cut_base(text, scheme + 3, parts, err);
}

static enum spull_code check(const char *text, const struct parts *parts,
                             struct sp_ref *ref, struct spull_error *err)
{
    enum spull_code code = check_container(text, parts->container, err);

    if (code == SPULL_OK && parts->tag.at)
        code = check_component(text, parts->tag, "a tag", err);
    if (code == SPULL_OK && parts->pin.at)
        code = check_pin(text, parts->pin, ref->pin, err);
    return code;
}

/* Fills base, container and tag. false: no memory. */
static bool copy_parts(const struct parts *parts, const char *default_tag,
                       struct sp_ref *ref)
{
    bool has_base = parts->base.at != NULL;
    bool has_tag = parts->tag.at != NULL || default_tag != NULL;

    if (has_base)
        ref->base = strndup(parts->base.at, parts->base.len);
    ref->container = strndup(parts->container.at, parts->container.len);
    if (parts->tag.at)
        ref->tag = strndup(parts->tag.at, parts->tag.len);
    else if (default_tag)
        ref->tag = strdup(default_tag);
    return (!has_base || ref->base) && ref->container && (!has_tag || ref->tag);
}

static enum spull_code parse(const char *text, bool container_only,
                             struct sp_ref *out, struct spull_error *err)
{
    struct parts parts = {{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}};
    struct sp_ref ref = {NULL, NULL, NULL, ""};

    if (strlen(text) > SP_REF_MAX)
        return refuse(err, text, "%zu bytes, %d at most", strlen(text),
                      SP_REF_MAX);
    enum spull_code code = cut(text, &parts, err);
    if (code == SPULL_OK)
        code = check(text, &parts, &ref, err);
    if (code != SPULL_OK)
        return code;
    if (container_only && (parts.tag.at || parts.pin.at)) {
        code = refuse(err, text, "a %s is not expected here",
                      parts.tag.at ? "tag" : "digest");
        sp_err_hint(err, "here, say COLLECTION/NAME");
        return code;
    }

    if (!copy_parts(&parts, container_only ? NULL : DEFAULT_TAG, &ref)) {
        sp_ref_done(&ref);
        return sp_err_nomem(err);
    }
    *out = ref;
    return SPULL_OK;
}

enum spull_code sp_ref_parse(const char *text, struct sp_ref *out,
                             struct spull_error *err)
{
    return parse(text, false, out, err);
}

enum spull_code sp_ref_parse_container(const char *text, struct sp_ref *out,
                                       struct spull_error *err)
{
    return parse(text, true, out, err);
}

void sp_ref_done(struct sp_ref *ref)
{
    if (!ref)
        return;
    free(ref->base);
    free(ref->container);
    free(ref->tag);
    memset(ref, 0, sizeof(*ref));
}

const char *sp_ref_name(const struct sp_ref *ref)
{
    const char *slash = strrchr(ref->container, '/');

    return slash ? slash + 1 : ref->container;
}

__attribute__((format(printf, 1, 2))) static char *print(const char *format,
                                                         ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    return len < 0 ? NULL : text;
}

char *sp_ref_text(const struct sp_ref *ref)
{
    return print("%s%s%s%s%s", ref->base ? ref->base : "", ref->base ? "/" : "",
                 ref->container, ref->tag ? ":" : "", ref->tag ? ref->tag : "");
}

char *sp_ref_pinned(const struct sp_ref *ref, const char *hex)
{
    char *text = sp_ref_text(ref);
    char *pinned = text ? print("%s@" PIN_PREFIX "%s", text, hex) : NULL;

    free(text);
    return pinned;
}

char *sp_ref_filename(const struct sp_ref *ref)
{
    return print("%s_%s.sif", sp_ref_name(ref),
                 ref->tag ? ref->tag : DEFAULT_TAG);
}
