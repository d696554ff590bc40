/* SPDX-License-Identifier: MIT */
/*
 * finding: the codes of a linter's findings, and how one is told.
 *
 * A code never changes its meaning; its first letter is its severity. The table
 * in spull(1) explains each, and a test holds the two together. Who looks for
 * what, and in which documents, is not known here.
 */
#ifndef SP_FINDING_H
#define SP_FINDING_H

#include <stdint.h>

#include <spull.h>

#define SP_FINDINGS(ROW)                                                       \
    ROW(JSON, "E-json")                                                        \
    ROW(JSON_STRICT, "W-json-strict")                                          \
    ROW(JSON_KEY, "W-json-key")                                                \
    ROW(SCHEMA, "W-schema")                                                    \
    ROW(MEDIA_TYPE, "W-media-type")                                            \
    ROW(LAYERS, "E-layers")                                                    \
    ROW(SIZE, "E-size")                                                        \
    ROW(SIZE_UNIT, "W-size-unit")                                              \
    ROW(DIGEST, "E-digest")                                                    \
    ROW(DIGEST_WEAK, "E-digest-weak")                                          \
    ROW(DIGEST_CASE, "W-digest-case")                                          \
    ROW(CONFIG, "W-config")                                                    \
    ROW(CONFIG_SIZE, "W-config-size")                                          \
    ROW(CONFIG_DIGEST, "W-config-digest")                                      \
    ROW(URLS, "E-urls")                                                        \
    ROW(URL, "E-url")                                                          \
    ROW(URL_OUTSIDE, "E-url-outside")                                          \
    ROW(URL_SECRET, "W-url-secret")                                            \
    ROW(URL_EXPIRED, "E-url-expired")                                          \
    ROW(URL_EXPIRES, "W-url-expires")                                          \
    ROW(BLOB_MISSING, "E-blob-missing")                                        \
    ROW(BLOB_DENIED, "E-blob-denied")                                          \
    ROW(BLOB_UNREACHABLE, "E-blob-unreachable")                                \
    ROW(BLOB_REDIRECT, "E-blob-redirect")                                      \
    ROW(BLOB_REDIRECTS, "W-blob-redirects")                                    \
    ROW(BLOB_PAGE, "E-blob-page")                                              \
    ROW(BLOB_KIND, "W-blob-kind")                                              \
    ROW(BLOB_TYPE, "W-blob-type")                                              \
    ROW(BLOB_SIZE, "E-blob-size")                                              \
    ROW(BLOB_LENGTH, "W-blob-length")                                          \
    ROW(BLOB_RANGES, "W-blob-ranges")                                          \
    ROW(BLOB_DIGEST, "E-blob-digest")                                          \
    ROW(UNPACK, "E-unpack")                                                    \
    ROW(UNPACK_DIGEST, "E-unpack-digest")                                      \
    ROW(UNPACK_SIZE, "W-unpack-size")                                          \
    ROW(TAGS, "E-tags")                                                        \
    ROW(TAGS_MISSING, "E-tags-missing")                                        \
    ROW(TAGS_NAME, "W-tags-name")                                              \
    ROW(TAG_PHANTOM, "E-tag-phantom")                                          \
    ROW(TAG_STRANGER, "W-tag-stranger")                                        \
    ROW(TAG_TWICE, "W-tag-twice")                                              \
    ROW(TAG_UNLISTED, "W-tag-unlisted")                                        \
    ROW(DOCUMENT, "E-document")                                                \
    ROW(UNREACHABLE, "E-unreachable")                                          \
    ROW(FRONT_MATTER, "E-front-matter")                                        \
    ROW(RECIPE_DUE, "N-recipe-due")                                            \
    ROW(NAME, "W-name")                                                        \
    ROW(LINK, "E-link")                                                        \
    ROW(LIMIT, "E-limit")                                                      \
    ROW(MORE, "N-more")

#define SP_FINDING_ENUM(name, code) SP_FINDING_##name,
enum sp_finding { SP_FINDINGS(SP_FINDING_ENUM) SP_FINDING_COUNT };
#undef SP_FINDING_ENUM

/* "E-json". Static. */
const char *sp_finding_code(enum sp_finding what);
enum spull_severity sp_finding_severity(enum sp_finding what);

/* Who hears of findings, and about which document they are. */
struct sp_findings {
    spull_finding_fn tell;
    void *payload;
    const char *place;
    const char *ref;
    unsigned told;      /* about that document */
    uint64_t counts[3]; /* by severity */
};

/* What follows is about this document; the strings are borrowed. */
void sp_finding_about(struct sp_findings *to, const char *place,
                      const char *ref);

/*
 * Counts a finding, and tells it, its text made printable; of what is more than
 * SP_FINDINGS_MAX for a document, only that there is more.
 */
void sp_finding_tell(struct sp_findings *to, enum sp_finding what,
                     const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
