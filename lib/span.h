/* SPDX-License-Identifier: MIT */
/*
 * span: ranges of a file, and what of it is there: arithmetic only.
 *
 * A span is half open: from is in it, to is not. A set keeps its spans sorted,
 * apart and not touching, so the first one tells how far a reader can go. It
 * knows no files and no requests.
 */
#ifndef SP_SPAN_H
#define SP_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sp_span {
    uint64_t from, to;
};

struct sp_spans {
    struct sp_span *list;
    size_t count, cap;
};

void sp_spans_done(struct sp_spans *set);
void sp_spans_clear(struct sp_spans *set);

/* Empty and backward spans add nothing. false: out of memory, set unchanged. */
bool sp_spans_add(struct sp_spans *set, struct sp_span span);

/* All bytes before this one are there. */
uint64_t sp_spans_frontier(const struct sp_spans *set);

/* How many bytes are there. */
uint64_t sp_spans_total(const struct sp_spans *set);

/*
 * The first span at or after from and below size that is not in the set; false
 * if there is none.
 */
bool sp_spans_gap(const struct sp_spans *set, uint64_t from, uint64_t size,
                  struct sp_span *out);

#endif
