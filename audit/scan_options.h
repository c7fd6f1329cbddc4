/* SPDX-License-Identifier: MIT
 * What the user of assay-scan asks for.
 */
#ifndef AUDIT_SCAN_OPTIONS_H
#define AUDIT_SCAN_OPTIONS_H

#include "audit/profile.h"
#include "base/opt.h"

#define SCAN_REFERENCES 16
#define SCAN_SEEDS      9

struct scan_budget {
	const char *name;
	struct profile_config profile;
	size_t fit, test; /* images at most */
};

struct scan_options {
	const char *model, *data, *classes, *cache, *preprocess, *arch;
	struct opt_list reference;
	const char *previous, *grow_in;
	const char *out; /* NULL, or where documents go */
	const struct scan_budget *budget;
	bool no_grow, no_data, baselines;
	uint64_t grow; /* how many references, where none are given */
	uint64_t threads;
	uint64_t seed, seeds;
	double alpha;
};

extern const struct scan_budget scan_budgets[];
extern const size_t scan_nbudget;

#endif
