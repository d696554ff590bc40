/* SPDX-License-Identifier: MIT */
/*
 * json: bytes that somebody sent to one JSON object, and back to text.
 *
 * Owns all bounds on a document. cJSON's header is included here and nowhere
 * else: manifest and lint, which look at the members, have it from here. What a
 * document means is not known.
 */
#ifndef SP_JSON_H
#define SP_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>
#include <spull.h>

/* Takes the byte order mark and white space off both ends. */
void sp_json_strip(const char **bytes, size_t *len);

/*
 * The whole document, which must be one object; to cJSON_Delete(). Fails with
 * SPULL_INTEGRITY, also for one that nests too deep or has too many values.
 */
enum spull_code sp_json_parse(const char *bytes, size_t len, cJSON **out,
                              struct spull_error *err);

/*
 * What of a document that sp_json_parse() takes other parsers may refuse (RFC
 * 8259), and in which line; static. NULL: nothing.
 */
const char *sp_json_odd(const char *bytes, size_t len, size_t *line);

/*
 * What sp_json_parse() takes, laid out and in ASCII, with each number as it
 * was sent; to free(). NULL: out of memory.
 */
char *sp_json_print(const char *bytes, size_t len);

/*
 * Makes the numbers of root, which was parsed from these bytes, print as they
 * were sent; cJSON sees none in them any more. false: out of memory.
 */
bool sp_json_keep_numbers(cJSON *root, const char *bytes, size_t len);

/* As sp_json_print(), of what was made here. */
char *sp_json_ascii(const cJSON *root);

#endif
