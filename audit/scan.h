/* SPDX-License-Identifier: MIT
 * The parts of assay-scan: models and images (scan_open), measurements
 * (scan_measure), the document (scan_doc).
 */
#ifndef AUDIT_SCAN_H
#define AUDIT_SCAN_H

#include "audit/verdict.h"
#include "base/doc.h"
#include "base/opt.h"
#include "engine/uap.h"
#include "formats/fetch.h"

#define SCAN_REFERENCES 8
#define SCAN_GEOMETRIES 8

struct scan_budget {
	const char *name;
	size_t steps, batch; /* of each search */
	size_t fit, test;    /* images at most */
};

struct scan_options {
	const char *model, *data, *classes;
	struct opt_list reference;
	const struct scan_budget *budget;
	uint64_t seed;
	double alpha;
};

struct scan_model {
	struct fetched_model file;
	struct net net;
	uint64_t correct;                         /* of all images */
	struct uap_found *found[SCAN_GEOMETRIES]; /* per class */
};

struct scan {
	struct scan_options opt;
	struct arena arena;
	struct fetched_data data;
	struct scan_model suspect, ref[SCAN_REFERENCES];
	size_t nref;
	struct uap_images fit, test;
	size_t agreed; /* images that every model gets right */
	size_t classes;
	/* per geometry, class and source class: flips at the suspect's radius */
	struct scan_flips *flips;
	/* source x predicted, under shared PGD with the first reference */
	uint64_t *matrix, *matrix_shared, *matrix_n;
	struct verdict_cell
	    *cell; /* geometry-major; without references: NULL */
	enum verdict verdict;
	double score;
	const char *why;
	double seconds;
	int64_t started;
};

struct scan_flips {
	uint64_t n, flipped, shared, different, unshared;
};

extern const struct scan_budget scan_budgets[];
extern const size_t scan_nbudget;

int scan_open(struct scan *, struct err *) MUST_USE;
int scan_measure(struct scan *, struct err *) MUST_USE;
void scan_release(struct scan *);

/* Flips of class t, geometry g, from source s. */
struct scan_flips *scan_flips_at(
    const struct scan *, size_t g, size_t t, size_t s);
/* Sum over sources. */
struct scan_flips scan_flips_sum(const struct scan *, size_t g, size_t t);

/*
 * The document; with dir, the perturbations are written beneath it first and
 * the document names them.
 */
int scan_doc(
    const struct scan *, const char *dir, json_t **out, struct err *) MUST_USE;
/* What a person wants to know, on stdout. */
void scan_print(const struct scan *);

#endif
