/* SPDX-License-Identifier: MIT */
/*
 * findings.h: gathers what a linter says, for the programs that try it.
 */
#ifndef SP_UNIT_FINDINGS_H
#define SP_UNIT_FINDINGS_H

#include "finding.h"
#include "unit.h"

/* "E-size W-schema", in the order in which they came; and the last text. */
struct heard {
    char codes[4096];
    char text[2048];
};

static inline void heard_one(void *payload, const struct spull_finding *finding)
{
    struct heard *heard = payload;
    size_t len = strlen(heard->codes);

    snprintf(heard->codes + len, sizeof(heard->codes) - len, "%s%s",
             len > 0 ? " " : "", finding->code);
    snprintf(heard->text, sizeof(heard->text), "%s", finding->text);
    assert_true(finding->text[0] != '\0');
    unit_printable(finding->text);
    unit_printable(finding->place);
    unit_printable(finding->ref);
}

/* Empties heard; it will hear of a document called "place". */
static inline struct sp_findings heard_by(struct heard *heard)
{
    struct sp_findings findings = {.tell = heard_one, .payload = heard};

    heard->codes[0] = heard->text[0] = '\0';
    sp_finding_about(&findings, "place", "a/b:c");
    return findings;
}

static inline void heard_is(const struct heard *heard, const char *codes,
                            const char *what)
{
    if (strcmp(heard->codes, codes) != 0)
        fail_msg("%s: \"%s\" instead of \"%s\"; last: %s", what, heard->codes,
                 codes, heard->text);
}

#endif
