/* SPDX-License-Identifier: MIT
 * The parts of assay-scan: models and images (scan_open), measurements
 * (scan_measure), hypotheses and seeds (scan_judge), the document (scan_doc).
 */
#ifndef AUDIT_SCAN_H
#define AUDIT_SCAN_H

#include "audit/cache.h"
#include "audit/profile.h"
#include "audit/verdict.h"
#include "base/doc.h"
#include "base/opt.h"
#include "formats/fetch.h"

#define SCAN_REFERENCES 16
#define SCAN_SEEDS      9

struct scan_budget {
	const char *name;
	struct profile_config profile;
	size_t fit, test; /* images at most */
};

struct scan_options {
	const char *model, *data, *classes, *cache;
	struct opt_list reference;
	const struct scan_budget *budget;
	uint64_t seed, seeds;
	double alpha;
};

struct scan_model {
	const char *path;
	struct fetched_model file;
	struct net net;
	uint64_t correct;  /* of all images */
	bool *right;       /* per image of the data */
	bool *right_test;  /* per TEST image */
	struct cache cache; /* of a reference */
	struct profile profile[SCAN_SEEDS];
};

struct scan_flips {
	uint64_t n, flipped, shared, different, unshared;
};

struct scan {
	struct scan_options opt;
	struct arena arena;
	struct fetched_data data;
	struct scan_model suspect, ref[SCAN_REFERENCES];
	size_t nref;
	enum null_kin kin;
	struct uap_images fit, test;
	size_t agreed; /* images that every model gets right */
	size_t classes;
	/* TEST images that every model gets right */
	uint32_t *both;
	size_t nboth;
	struct profile_plan plan;
	bool screened_targets, screened_pairs;
	/* per geometry, class and source class: flips at the suspect's radius */
	struct scan_flips *flips;
	/* the same per pair, of its own source only */
	struct scan_flips *pair_flips;
	/* source x predicted, under shared PGD with the first reference */
	uint64_t *matrix, *matrix_shared, *matrix_n;
	/* statistics; without references nothing is set */
	struct verdict_family family[VERDICT_FAMILIES], pair;
	double covariance[VERDICT_GEOMETRIES * VERDICT_GEOMETRIES];
	size_t nfamily;
	bool pairs;
	struct verdict_input in;
	enum verdict verdict;
	enum verdict by_seed[SCAN_SEEDS];
	double p_by_seed[SCAN_SEEDS];
	double p, score;
	const char *why;
	double seconds;
	int64_t started;
};

extern const struct scan_budget scan_budgets[];
extern const size_t scan_nbudget;

/* Memory of the scan's; aborts when it does not fit. */
void *scan_need(struct scan *, size_t n, size_t size);

int scan_open(struct scan *, struct err *) MUST_USE;
/* What was measured on references goes to the cache. */
int scan_close_caches(struct scan *, struct err *) MUST_USE;
int scan_measure(struct scan *, struct err *) MUST_USE;
/* Hypotheses, other seeds for the leading ones, verdict. */
int scan_judge(struct scan *, struct err *) MUST_USE;
void scan_release(struct scan *);

/* What is measured on model i: 0 the suspect, then the references. */
struct profile_job scan_job(struct scan *, size_t i,
    const struct profile_config *, const char *who);
/* Flips of class t, geometry g, from source s. */
struct scan_flips *scan_flips_at(
    const struct scan *, size_t g, size_t t, size_t s);
/* Sum over sources. */
struct scan_flips scan_flips_sum(const struct scan *, size_t g, size_t t);
/* The geometry that sees class t best. */
size_t scan_geometry_of(const struct scan *, size_t t);
/* Count the suspect's flips of every cell that was searched. */
int scan_sharedness(struct scan *, struct err *) MUST_USE;

/*
 * The document; with dir, the perturbations are written beneath it first and
 * the document names them.
 */
int scan_doc(
    const struct scan *, const char *dir, json_t **out, struct err *) MUST_USE;
/* What a person wants to know, on stdout. */
void scan_print(const struct scan *);

#endif
