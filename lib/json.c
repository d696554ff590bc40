/* SPDX-License-Identifier: MIT */
/*
 * json: bytes that somebody sent to one JSON object.
 *
 * A document is measured before cJSON sees it: how deep it nests and how many
 * values it has decide how much stack and memory cJSON uses. What the members
 * of an object mean is not known here.
 */
#include "json.h"

#include <string.h>

#include "err.h"
#include "limits.h"

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void sp_json_strip(const char **bytes, size_t *len)
{
    if (*len >= 3 && memcmp(*bytes, "\xef\xbb\xbf", 3) == 0) {
        *bytes += 3;
        *len -= 3;
    }
    while (*len > 0 && is_blank(**bytes)) {
        (*bytes)++;
        (*len)--;
    }
    while (*len > 0 && is_blank((*bytes)[*len - 1]))
        (*len)--;
}

/*
 * What is wrong with the escape at text, if anything is: a NUL, which would end
 * the string for whoever reads it as one of C; or "\\u" without its digits, of
 * which cJSON makes a NUL. The other letters it minds itself.
 */
static const char *look_at_escape(const char *text, size_t len)
{
    static const char digits[] = "0123456789abcdefABCDEF";

    if (len < 2 || text[1] != 'u')
        return NULL;
    for (size_t i = 2; i < 6; i++)
        if (i >= len || !memchr(digits, text[i], sizeof digits - 1))
            return "an unknown escape in a string";
    return memcmp(text + 2, "0000", 4) == 0 ? "a NUL in a string" : NULL;
}

/* Walks over the string that starts before *at, to its end; or says why not. */
static const char *skip_string(const char *text, size_t len, size_t *at)
{
    const char *why = NULL;

    for (; *at < len && text[*at] != '"' && !why; (*at)++) {
        if (text[*at] == '\0')
            return "a NUL in a string";
        if (text[*at] != '\\')
            continue;
        why = look_at_escape(text + *at, len - *at);
        (*at)++;
    }
    return why;
}

/* Depth and number of values, before anything recurses or is allocated. */
static enum spull_code measure(const char *text, size_t len,
                               struct spull_error *err)
{
    size_t depth = 0;
    size_t values = 1;

    for (size_t at = 0; at < len; at++) {
        char c = text[at];
        if (c == '\0')
            return sp_err_set(err, SPULL_INTEGRITY,
                              "malformed JSON: a NUL at byte %zu", at + 1);
        if (c == '"') {
            at++;
            const char *why = skip_string(text, len, &at);
            if (why)
                return sp_err_set(err, SPULL_INTEGRITY, "malformed JSON: %s",
                                  why);
        }
        if (c == '{' || c == '[')
            depth++;
        if ((c == '}' || c == ']') && depth > 0)
            depth--;
        if (c == '{' || c == '[' || c == ',')
            values++;
        if (depth > SP_JSON_DEPTH_MAX)
            return sp_err_set(err, SPULL_INTEGRITY,
                              "JSON nested more than %d deep",
                              SP_JSON_DEPTH_MAX);
        if (values > SP_JSON_VALUES_MAX)
            return sp_err_set(err, SPULL_INTEGRITY,
                              "JSON with more than %d values",
                              SP_JSON_VALUES_MAX);
    }
    return SPULL_OK;
}

enum spull_code sp_json_parse(const char *bytes, size_t len, cJSON **out,
                              struct spull_error *err)
{
    const char *end = NULL;

    sp_json_strip(&bytes, &len);
    if (len == 0)
        return sp_err_set(err, SPULL_INTEGRITY, "the document is empty");
    if (len > SP_DOCUMENT_MAX)
        return sp_err_set(err, SPULL_INTEGRITY, "the document is too long");
    enum spull_code code = measure(bytes, len, err);
    if (code != SPULL_OK)
        return code;

    cJSON *root = cJSON_ParseWithLengthOpts(bytes, len, &end, 0);
    size_t used = end ? (size_t)(end - bytes) : 0;
    if (!root)
        code = sp_err_set(err, SPULL_INTEGRITY,
                          "malformed JSON at byte %zu of %zu", used + 1, len);
    else if (used != len)
        code = sp_err_set(err, SPULL_INTEGRITY,
                          "malformed JSON: more text after its end at byte %zu",
                          used);
    else if (!cJSON_IsObject(root))
        code = sp_err_set(err, SPULL_INTEGRITY, "the JSON is no object");
    if (code == SPULL_OK)
        *out = root;
    else
        cJSON_Delete(root);
    return code;
}
