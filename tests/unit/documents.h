/* SPDX-License-Identifier: MIT */
/*
 * documents.h: parses the documents in data/, for the programs that try
 * manifest.
 */
#ifndef SP_UNIT_DOCUMENTS_H
#define SP_UNIT_DOCUMENTS_H

#include "manifest.h"
#include "unit.h"

static inline enum spull_code document_manifest(const char *name,
                                                struct sp_manifest *out,
                                                struct spull_error *err)
{
    size_t len = 0;
    char *bytes = unit_read(name, &len);
    enum spull_code code = sp_manifest_parse(bytes, len, out, err);

    free(bytes);
    return code;
}

static inline enum spull_code
document_tags(const char *name, struct sp_tags *out, struct spull_error *err)
{
    size_t len = 0;
    char *bytes = unit_read(name, &len);
    enum spull_code code = sp_tags_parse(bytes, len, out, err);

    free(bytes);
    return code;
}

#endif
