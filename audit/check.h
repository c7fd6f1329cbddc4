/* SPDX-License-Identifier: MIT
 * The static checks of assay-inspect: each sees one mapped file with all bids
 * on its format and adds its findings.  No check stops another.
 */
#ifndef AUDIT_CHECK_H
#define AUDIT_CHECK_H

#include "base/finding.h"
#include "formats/identify.h"

struct check_file {
	const char *path; /* as it is reported */
	struct rd bytes;
	const struct identify_bids *bids;
};

struct check {
	const char *name, *summary;
	void (*run)(const struct check_file *, json_t *findings);
};

enum {
#define CHECK(id, name, text) CHECK_##id,
#include "audit/check.def"
#undef CHECK
	CHECK_COUNT
};

extern const struct check check_table[CHECK_COUNT];

/* Run them all, in the order of the table. */
void check_run(const struct check_file *, json_t *findings);

/* In files of their own. */
void check_model(const struct check_file *, json_t *findings);
void check_name(const struct check_file *, json_t *findings);

#endif
