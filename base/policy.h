/* SPDX-License-Identifier: MIT
 * What a user decided about findings: other severities, waivers, and from
 * which severity on a bundle is refused; and what else it must have.
 * assay-policy(5) has the words, audit/policy.schema.json the form.
 *
 * A policy changes how findings count and never what was found: changed ones
 * keep what they were, waived ones stay, and that something was not looked
 * at to its end is none of its business.
 */
#ifndef BASE_POLICY_H
#define BASE_POLICY_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/finding.h"

struct policy_entry {
	enum finding_id id;
	bool waive; /* else its severity becomes `to` */
	enum finding_severity to;
	const char *path, *member; /* only there; NULL: anywhere */
	const char *sha256; /* only in a file with that digest; or NULL */
	const char *reason;
	const char *expires; /* the last day it applies on; NULL: for ever */
	bool expired;
	size_t used; /* findings that it was applied to */
};

struct policy {
	json_t *doc; /* NULL: there is no policy */
	char sha256[DIGEST_HEX];
	uint64_t size;
	char today[11]; /* "2026-11-28", UTC */
	enum finding_severity fail_at;
	struct policy_entry *entry; /* borrowing from doc */
	size_t n;
	struct arena arena;
};

/* Now, or what SOURCE_DATE_EPOCH says (reproducible-builds.org). */
int policy_now(int64_t *now, struct err *) MUST_USE;

/* No policy: what is high or critical fails. */
void policy_none(struct policy *);
/*
 * Strictly: unknown and repeated keys, unknown findings, waivers without a
 * reason or an end are ERR_FORMAT, and the message names the place in the
 * document.  `now` decides what has expired.
 */
int policy_read(
    struct policy *, const char *path, int64_t now, struct err *) MUST_USE;
int policy_parse(struct policy *, const void *, size_t len, int64_t now,
    struct err *) MUST_USE;
void policy_release(struct policy *);

/*
 * Apply to findings ({"id","path",...}) of files ({"path","sha256"}): a
 * changed one gets "was" and "changed": {"reason","expires"?}, a waived one
 * "waived": {"reason","expires"}.  The first change and the first waiver that
 * fit count.
 */
void policy_apply(struct policy *, json_t *findings, const json_t *files);

/* Whether a finding counts: not waived, and at least that severe.  One whose
 * severity is not known counts. */
bool policy_counts(const json_t *finding, enum finding_severity fail_at);

/*
 * {"name"?,"sha256","date","fail-at","entries":[...],"require"?} after
 * policy_apply, each entry with its "state" (applied, unused, expired) and how
 * many findings it was applied to; a new reference.
 */
json_t *policy_json(const struct policy *);

#endif
