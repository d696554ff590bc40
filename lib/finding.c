/* SPDX-License-Identifier: MIT */
/*
 * finding: the codes of a linter's findings, and how one is told.
 *
 * Everything told passes sp_printable(): what is found is what others wrote.
 */
#include "finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "err.h"
#include "limits.h"

/* As long as an error's text, which may be quoted. */
#define TEXT_ROOM 2048
/* Of a place or a reference, more than which helps nobody. */
#define PLACE_ROOM 2048

#define CODE(name, code) code,
static const char *const codes[] = {SP_FINDINGS(CODE)};
#undef CODE

const char *sp_finding_code(enum sp_finding what)
{
    return codes[what];
}

enum spull_severity sp_finding_severity(enum sp_finding what)
{
    switch (codes[what][0]) {
    case 'E':
        return SPULL_ERROR;
    case 'W':
        return SPULL_WARNING;
    default:
        return SPULL_NOTE;
    }
}

void sp_finding_about(struct sp_findings *to, const char *place,
                      const char *ref)
{
    to->place = place;
    to->ref = ref;
    to->told = 0;
}

/* raw is one longer than a text may be, so that a cut is seen. */
static void tell(struct sp_findings *to, enum sp_finding what, const char *raw)
{
    char text[TEXT_ROOM];
    char place[PLACE_ROOM];
    char ref[PLACE_ROOM];
    struct spull_finding finding = {.severity = sp_finding_severity(what),
                                    .code = codes[what],
                                    .place = place,
                                    .ref = ref,
                                    .text = text};

    sp_printable(text, sizeof text, raw, strlen(raw));
    sp_printable(place, sizeof place, to->place, strlen(to->place));
    sp_printable(ref, sizeof ref, to->ref, strlen(to->ref));
    to->tell(to->payload, &finding);
}

void sp_finding_tell(struct sp_findings *to, enum sp_finding what,
                     const char *format, ...)
{
    char raw[TEXT_ROOM + 1];
    va_list args;

    to->counts[sp_finding_severity(what)]++;
    if (to->told > SP_FINDINGS_MAX)
        return;
    if (to->told++ == SP_FINDINGS_MAX) {
        to->counts[SPULL_NOTE]++;
        tell(to, SP_FINDING_MORE, "there is more to say of this document");
        return;
    }
    va_start(args, format);
    int len = vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    tell(to, what, len < 0 ? "" : raw);
}
