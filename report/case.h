/* SPDX-License-Identifier: MIT
 * A case as assay-report reads it: the documents, and the chain of digests
 * from the bundle's files through the scan and the purification to the
 * purified model.  A case in which that chain does not close is refused.
 */
#ifndef REPORT_CASE_H
#define REPORT_CASE_H

#include "report/subject.h"

enum case_doc {
	CASE_MANIFEST,
	CASE_INSPECT,
	CASE_SCAN,
	CASE_PURIFY,
	CASE_RESCAN,
	CASE_EVAL_BEFORE,
	CASE_EVAL_AFTER,
	CASE_EVAL_RECOVERED, /* under a perturbation of the scan */
	CASE_DOCS
};

struct case_file {
	const char *name; /* relative to the case */
	json_t *doc;      /* NULL: not in the case */
	struct digest digest;
	uint64_t size;
};

struct case_docs {
	const char *dir;
	struct case_file file[CASE_DOCS];
	struct subject files; /* of the manifest */
	struct subject state; /* of all that is in the case, before reading */
	const char *model;    /* file or folder that was scanned, or NULL */
};

/*
 * Read, and follow the chain.  ERR_UNSUPPORTED when there is no case,
 * ERR_FORMAT naming documents and digests when the chain does not close.
 */
int case_read(struct case_docs *, const char *dir, struct err *) MUST_USE;
/* ERR_FORMAT naming what is no longer as it was when reading began. */
int case_unchanged(const struct case_docs *, struct err *) MUST_USE;
void case_release(struct case_docs *);

/* The document, or NULL. */
const json_t *case_doc(const struct case_docs *, enum case_doc);
/* The first input with that role of a document, or NULL. */
const json_t *case_input(const json_t *doc, const char *role);

#endif
