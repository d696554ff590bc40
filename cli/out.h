/* SPDX-License-Identifier: MIT */
/*
 * out: results on stdout, as lines of text or one JSON object a line.
 *
 * Each line is flushed, so that a script can act on it, and a full disk or a
 * closed pipe is noticed at the line that is lost. The only room of the
 * command that knows cJSON.
 */
#ifndef OUT_H
#define OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spull.h>

/*
 * Prints text and a line break. Fails with SPULL_STORAGE, or with
 * SPULL_CANCELLED if a signal is the reason (see stop.h): then say nothing.
 */
enum spull_code out_line(const char *text, struct spull_error *err);

/* A JSON object that is being made. NULL stands for one that failed. */
struct out_object;

struct out_object *out_object_new(void);
void out_object_free(struct out_object *object);

/* Members appear in this order. A value of NULL is null. */
void out_text(struct out_object *object, const char *name, const char *value);
/* A reference, or what quotes one: without the password that it may have. */
void out_ref(struct out_object *object, const char *name, const char *ref);
/* "digest" of a manifest, and "weak": it is no sha256. */
void out_digest(struct out_object *object, const char *digest);
void out_list(struct out_object *object, const char *name, char *const *values,
              size_t count);
void out_count(struct out_object *object, const char *name, uint64_t value);
void out_seconds(struct out_object *object, const char *name, double value);
void out_flag(struct out_object *object, const char *name, bool value);
/* value is JSON itself; it is printed without line breaks. */
void out_json(struct out_object *object, const char *name, const char *value);

/* What every command says about an operand that failed. */
void out_failure(struct out_object *object, const struct spull_error *error);

/* Prints the object on a line and frees it, in any case. Also INTERNAL. */
enum spull_code out_object_end(struct out_object *object,
                               struct spull_error *err);

/* Writes it to another descriptor, in one write. false: it did not go. */
bool out_object_send(struct out_object *object, int fd);

#endif
