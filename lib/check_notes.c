/* SPDX-License-Identifier: MIT */
/*
 * check_notes: findings that wait until it is their turn to be told.
 */
#include <stdlib.h>
#include <string.h>

#include "check_internal.h"
#include "err.h"

/* Copies text to at, and moves that behind it. */
static const char *put(char **at, const char *text)
{
    const char *start = *at;
    size_t size = strlen(text) + 1;

    memcpy(*at, text, size);
    *at += size;
    return start;
}

static void add(void *payload, const struct spull_finding *finding)
{
    struct sp_notes *notes = payload;
    size_t room = strlen(finding->place) + strlen(finding->ref) +
                  strlen(finding->text) + 3;
    struct sp_note *note = malloc(sizeof *note + room);

    if (note == NULL) {
        notes->nomem = true;
        return;
    }
    char *at = note->room;
    note->next = NULL;
    note->severity = finding->severity;
    note->code = finding->code;
    note->place = put(&at, finding->place);
    note->ref = put(&at, finding->ref);
    note->text = put(&at, finding->text);
    *notes->end = note;
    notes->end = &note->next;
}

void sp_notes_init(struct sp_notes *notes)
{
    memset(notes, 0, sizeof *notes);
    notes->end = &notes->first;
    notes->findings.tell = add;
    notes->findings.payload = notes;
    sp_finding_about(&notes->findings, "", "");
}

void sp_notes_done(struct sp_notes *notes)
{
    while (notes->first != NULL) {
        struct sp_note *note = notes->first;
        notes->first = note->next;
        free(note);
    }
    notes->end = &notes->first;
}

void sp_notes_blob(struct sp_notes *notes, const char *key)
{
    const struct spull_finding blob = {.place = "", .ref = "", .text = key};

    add(notes, &blob);
}

enum spull_code sp_notes_tell(struct sp_notes *notes, struct sp_checking *check,
                              struct spull_error *err)
{
    struct sp_findings *findings = &check->findings;

    for (const struct sp_note *note = notes->first; note != NULL;
         note = note->next) {
        const struct spull_finding finding = {
            note->severity, note->code, note->place, note->ref, note->text};
        if (note->code != NULL)
            findings->tell(findings->payload, &finding);
        else if (sp_memo_count(&check->memo, note->text))
            check->counts.blobs++;
    }
    for (size_t i = 0; i < 3; i++)
        findings->counts[i] += notes->findings.counts[i];
    sp_notes_done(notes);
    return notes->nomem ? sp_err_nomem(err) : SPULL_OK;
}
