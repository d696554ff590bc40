/* SPDX-License-Identifier: MIT */
/*
 * check_document: one manifest, wherever it came from, and the blobs that it
 * names.
 */
#include "check_internal.h"

/* A URL of the layer. *best becomes what was seen of the first that is there.
 */
static enum spull_code check_url(struct sp_visit *visit,
                                 const struct sp_url *base, const char *text,
                                 const struct sp_stated *stated,
                                 struct sp_seen *best, struct spull_error *err)
{
    struct sp_url url = {0};
    struct sp_findings *findings = &visit->notes.findings;
    struct sp_seen seen;
    bool usable = false;
    enum spull_code code = sp_lint_url(base, text, visit->check->now, findings,
                                       &usable, &url, err);

    if (code != SPULL_OK || !usable)
        return code;
    code = sp_check_blob(visit, &url, stated, &seen, err);
    if (code == SPULL_OK) {
        sp_lint_blob(stated, url.shown, &seen, findings);
        if (best->how != SP_SEEN_THERE)
            *best = seen;
    }
    sp_url_done(&url);
    return code;
}

enum spull_code sp_check_document(struct sp_visit *visit,
                                  const struct sp_url *base, const char *bytes,
                                  size_t len, struct spull_error *err)
{
    struct sp_stated stated;
    struct sp_seen best = {.how = SP_SEEN_NOT};
    struct sp_findings *findings = &visit->notes.findings;

    pthread_mutex_lock(&visit->check->judging);
    enum spull_code code = sp_lint_manifest(bytes, len, findings, &stated, err);
    pthread_mutex_unlock(&visit->check->judging);
    visit->manifests++;
    for (size_t i = 0; i < stated.url_count && code == SPULL_OK; i++)
        code = check_url(visit, base, stated.urls[i], &stated, &best, err);
    if (code == SPULL_OK)
        sp_lint_stated(&stated, &best, findings);
    sp_stated_done(&stated);
    return code;
}
