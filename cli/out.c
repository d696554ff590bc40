/* SPDX-License-Identifier: MIT */
/*
 * out: results on stdout, as lines of text or one JSON object a line.
 *
 * That memory ran out is remembered in the object and said at its end, so that
 * those who fill it need not ask at each member.
 */
#include "out.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "fail.h"
#include "stop.h"
#include "text.h"

struct out_object {
    cJSON *json;
    bool failed;
};

/* Once a signal has come, nobody waits for a reader that does not read. */
static bool would_hang(void)
{
    struct pollfd room = {.fd = STDOUT_FILENO, .events = POLLOUT};

    return stop_signal() != 0 && poll(&room, 1, 0) == 0;
}

enum spull_code out_line(const char *text, struct spull_error *err)
{
    int sys;

    if (would_hang())
        return fail_set(err, SPULL_CANCELLED, "stdout: %s", strerror(EINTR));
    errno = 0;
    if (fputs(text, stdout) >= 0 && putchar('\n') != EOF && fflush(stdout) == 0)
        return SPULL_OK;
    sys = errno;
    if ((sys == EINTR && stop_signal() != 0) ||
        (sys == EPIPE && stop_broken_pipe()))
        return fail_set(err, SPULL_CANCELLED, "stdout: %s", strerror(sys));
    fail_set(err, SPULL_STORAGE, "stdout: %s", strerror(sys));
    err->sys = sys;
    return SPULL_STORAGE;
}

struct out_object *out_object_new(void)
{
    struct out_object *object = calloc(1, sizeof *object);

    if (object == NULL)
        return NULL;
    object->json = cJSON_CreateObject();
    object->failed = object->json == NULL;
    return object;
}

void out_object_free(struct out_object *object)
{
    if (object == NULL)
        return;
    cJSON_Delete(object->json);
    free(object);
}

static void add(struct out_object *object, const char *name, cJSON *item)
{
    if (object != NULL && item != NULL &&
        cJSON_AddItemToObject(object->json, name, item))
        return;
    cJSON_Delete(item);
    if (object != NULL)
        object->failed = true;
}

/* JSON is UTF-8 (RFC 8259, section 8.1); names of files may be anything. */
static char *as_utf8(const char *source)
{
    char *made = malloc(3 * strlen(source) + 1);
    char *to = made;

    while (made != NULL && *source != '\0') {
        size_t len = text_utf8(source);

        memcpy(to, len > 0 ? source : "\xef\xbf\xbd", len > 0 ? len : 3);
        to += len > 0 ? len : 3;
        source += len > 0 ? len : 1;
    }
    if (made != NULL)
        *to = '\0';
    return made;
}

static cJSON *new_text(const char *value)
{
    char *clean = NULL;
    cJSON *item = NULL;

    if (value == NULL)
        return cJSON_CreateNull();
    clean = as_utf8(value);
    if (clean != NULL)
        item = cJSON_CreateString(clean);
    free(clean);
    return item;
}

void out_text(struct out_object *object, const char *name, const char *value)
{
    add(object, name, new_text(value));
}

void out_ref(struct out_object *object, const char *name, const char *ref)
{
    char *shown = ref != NULL ? text_public(ref) : NULL;

    if (ref != NULL && shown == NULL)
        add(object, name, NULL);
    else
        out_text(object, name, shown);
    free(shown);
}

void out_digest(struct out_object *object, const char *digest)
{
    out_text(object, "digest", digest);
    out_flag(object, "weak", strncmp(digest, "sha256:", 7) != 0);
}

void out_list(struct out_object *object, const char *name, char *const *values,
              size_t count)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < count && list != NULL; i++) {
        cJSON *item = new_text(values[i]);

        if (item == NULL || !cJSON_AddItemToArray(list, item)) {
            cJSON_Delete(item);
            cJSON_Delete(list);
            list = NULL;
        }
    }
    add(object, name, list);
}

void out_count(struct out_object *object, const char *name, uint64_t value)
{
    char digits[32];

    /* cJSON's numbers are doubles, which are exact only to 2^53. */
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    add(object, name, cJSON_CreateRaw(digits));
}

void out_seconds(struct out_object *object, const char *name, double value)
{
    char digits[64];

    snprintf(digits, sizeof digits, "%.3f", value);
    add(object, name, cJSON_CreateRaw(digits));
}

void out_flag(struct out_object *object, const char *name, bool value)
{
    add(object, name, cJSON_CreateBool(value));
}

void out_json(struct out_object *object, const char *name, const char *value)
{
    char *clean = as_utf8(value);

    /* As it is: parsed, its numbers would be doubles. */
    if (clean != NULL)
        cJSON_Minify(clean);
    add(object, name, clean != NULL ? cJSON_CreateRaw(clean) : NULL);
    free(clean);
}

/* It may name the blob's address, too, in which an '@' is in its place. */
static void add_message(struct out_object *object, const char *text)
{
    char *shown = strdup(text);

    if (shown != NULL)
        text_hide_users(shown, SIZE_MAX);
    add(object, "message", shown != NULL ? new_text(shown) : NULL);
    free(shown);
}

void out_failure(struct out_object *object, const struct spull_error *error)
{
    out_text(object, "state", "failed");
    out_text(object, "error", spull_code_name(error->code));
    out_count(object, "status", (uint64_t)error->code);
    add_message(object, error->text);
    out_text(object, "hint", error->hint[0] != '\0' ? error->hint : NULL);
}

/* As \uXXXX, above U+FFFF as two of these (RFC 8259, section 7). */
static void add_escape(struct text *text, unsigned point)
{
    if (point > 0xffff) {
        text_add(text, "\\u%04x", 0xd7c0 + (point >> 10));
        point = 0xdc00 | (point & 0x3ff);
    }
    text_add(text, "\\u%04x", point);
}

/* cJSON leaves in strings what terminals obey or hide; JSON can say it in
 * ASCII. Outside of strings there is none. */
static char *escape_hidden(const char *json)
{
    size_t cap = 6 * strlen(json) + 1;
    char *made = malloc(cap);
    struct text text;

    if (made == NULL)
        return NULL;
    text = text_on(made, cap);
    while (*json != '\0') {
        size_t len = text_utf8(json);

        if (text_is_shown(json, len)) {
            memcpy(made + text.len, json, len);
            text.len += len;
            made[text.len] = '\0';
        } else {
            add_escape(&text, text_point(json, len));
        }
        json += len;
    }
    return made;
}

/* The object as one line, to free(); it is gone. NULL: no memory. */
static char *take_line(struct out_object *object)
{
    char *json = NULL, *line = NULL;

    if (object != NULL && !object->failed)
        json = cJSON_PrintUnformatted(object->json);
    if (json != NULL)
        line = escape_hidden(json);
    cJSON_free(json);
    out_object_free(object);
    return line;
}

enum spull_code out_object_end(struct out_object *object,
                               struct spull_error *err)
{
    char *line = take_line(object);
    enum spull_code code = line != NULL ? out_line(line, err) : fail_nomem(err);

    free(line);
    return code;
}

bool out_object_send(struct out_object *object, int fd)
{
    char *line = take_line(object);
    bool ok = line != NULL && dprintf(fd, "%s\n", line) > 0;

    free(line);
    return ok;
}
