/* SPDX-License-Identifier: MIT
 * The report directory: written beside its final name and renamed when all
 * of it is there, so that nobody ever finds half a report.
 */
#ifndef REPORT_BUNDLE_H
#define REPORT_BUNDLE_H

#include "base/buf.h"
#include "base/err.h"

struct bundle {
	char path[1024];
	char temp[1056];
	bool replace;
};

/* ERR_USAGE when a report in `path` would lie among the files of the case. */
int bundle_apart(const char *path, const char *dir, struct err *) MUST_USE;
/*
 * Begin the directory `path`.  ERR_USAGE when it exists, unless `force` and
 * it holds a report or nothing.
 */
int bundle_begin(
    struct bundle *, const char *path, bool force, struct err *) MUST_USE;
int bundle_add(struct bundle *, const char *name, const void *, size_t len,
    struct err *) MUST_USE;
/* The directory exists under its name only after this returned 0. */
int bundle_commit(struct bundle *, struct err *) MUST_USE;
/* Forget it; harmless after a commit. */
void bundle_abort(struct bundle *);

#endif
