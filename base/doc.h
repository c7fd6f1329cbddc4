/* SPDX-License-Identifier: MIT
 * The head that every document of a case carries: schema, tool, options,
 * seed, digests of all that was read.  assay-report follows these digests
 * and refuses a case in which the chain does not close.
 */
#ifndef BASE_DOC_H
#define BASE_DOC_H

#include "base/digest.h"
#include "base/json.h"

/*
 * A new document:
 * {"schema": schema, "tool": {"name","version"}, "inputs": []}
 */
json_t *doc_new(const char *schema);

/*
 * Append {"role","name","sha256","size"} to inputs.  Roles: "bundle",
 * "manifest", "policy", "model", "reference", "previous", "data", "key",
 * "scan", "trigger", "original", "poisoned", "eval-data", "before".
 */
void doc_input(json_t *doc, const char *role, const char *path,
    const struct digest *, uint64_t size);
/* The same, digesting the file (a regular one) or the files of a folder
 * (dirhash.h). */
int doc_input_path(
    json_t *doc, const char *role, const char *path, struct err *) MUST_USE;

/* Whether one of its inputs has that role and digest. */
bool doc_has_input(const json_t *doc, const char *role, const struct digest *);

/*
 * {"started": RFC 3339 UTC, "seconds", "threads"}: the part of a document that
 * may differ between two runs of the same work.  A new reference.
 */
json_t *doc_run(int64_t started, double seconds, int threads);

/* Parse a document and check its schema and that it has a tool and inputs. */
int doc_parse(const void *, size_t len, const char *schema, json_t **out,
    struct err *) MUST_USE;
/* The same of a file; errors name it. */
int doc_read(
    const char *path, const char *schema, json_t **out, struct err *) MUST_USE;

#endif
