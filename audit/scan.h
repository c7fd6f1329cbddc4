/* SPDX-License-Identifier: MIT
 * The parts of assay-scan: models and images (scan_open), measurements
 * (scan_measure), hypotheses and seeds (scan_judge), the document (scan_doc).
 */
#ifndef AUDIT_SCAN_H
#define AUDIT_SCAN_H

#include "audit/cache.h"
#include "audit/scan_options.h"
#include "audit/verdict.h"
#include "base/doc.h"
#include "engine/mm_bd.h"
#include "engine/transfer.h"
#include "formats/fetch.h"

struct scan_model {
	const char *path;
	struct fetched_model file;
	struct net net;
	uint64_t correct;   /* of all images */
	bool *right;        /* per image of the data */
	bool *right_test;   /* per TEST image */
	struct cache cache; /* of a reference */
	struct profile profile[SCAN_SEEDS];
};

struct scan_flips {
	uint64_t n, flipped, shared, different, unshared;
};

/* One cell's flips under exchanged perturbations (scan_previous). */
struct scan_exchange {
	uint64_t suspect, previous; /* images that flip in this one only */
	double p, adjusted;
};

/* Statistics of the suspect alone (scan_self). */
struct scan_alone {
	bool measured;
	double cleanse; /* Neural Cleanse's index, and its class */
	size_t cleanse_class;
	double *margin; /* [classes] of MM-BD, or NULL */
	struct mm_bd_verdict mm_bd;
	struct transfer_class *transfer; /* [classes] */
};

/* What the suspect is compared with. */
enum scan_arm {
	SCAN_GIVEN,    /* trusted references */
	SCAN_PREVIOUS, /* an earlier version only */
	SCAN_HOME,     /* references grown from its graph */
	SCAN_ALONE,    /* images, but nothing to compare with */
	SCAN_NO_DATA,
};

struct scan {
	struct scan_options opt;
	struct arena arena;
	struct fetched_data data;
	struct scan_model suspect, ref[SCAN_REFERENCES];
	size_t nref;
	enum scan_arm arm;
	char grown[600]; /* where references were grown, or empty */
	bool grown_here; /* there for this run only */
	bool previous;   /* reference 0 is the earlier version */
	enum null_kin kin;
	struct scan_exchange *exchange; /* per geometry and class, or NULL */
	struct scan_alone self;
	struct uap_images fit, test;
	bool otherwise; /* a model, or the data, has classes in another order */
	size_t agreed;  /* images that every model gets right */
	size_t classes;
	/* TEST images that every model gets right */
	uint32_t *both;
	size_t nboth;
	struct profile_plan plan;
	bool screened_targets, screened_pairs;
	bool *longer; /* pairs that were searched for longer, or NULL */
	/* per geometry, class and source class: flips at the suspect's radius;
	 * the same per pair, of its own source only */
	struct scan_flips *flips, *pair_flips;
	/* source x predicted, under shared PGD with the first reference */
	uint64_t *matrix, *matrix_shared, *matrix_n;
	/* statistics; without references nothing is set */
	struct verdict_family family[VERDICT_FAMILIES], pair, pair_stamp;
	/* per class (pair) the probe that takes most more in the suspect than
	 * in the references; NULL without these */
	size_t *probe[PROFILE_SHARES];
	double covariance[VERDICT_GEOMETRIES * VERDICT_GEOMETRIES];
	size_t nfamily;
	bool pairs, pair_stamps; /* are measured */
	struct verdict_input in;
	enum verdict verdict, by_seed[SCAN_SEEDS];
	double p_by_seed[SCAN_SEEDS];
	double p, score;
	const char *why;
	bool
	    doubted; /* by what was searched, which more effort does not mend */
	double seconds;
	int64_t started;
	json_t *recorded; /* the document to be replayed, or NULL */
};

/* Memory of the scan's; aborts when it does not fit. */
void *scan_need(struct scan *, size_t n, size_t size);

int scan_open(struct scan *, struct err *) MUST_USE;
/* What was measured on references goes to the cache; where it cannot be
 * written, which costs time only, there is a warning. */
void scan_close_caches(struct scan *);
int scan_measure(struct scan *, struct err *) MUST_USE;
/* Hypotheses, other seeds for the leading ones, verdict. */
int scan_judge(struct scan *, struct err *) MUST_USE;
void scan_release(struct scan *);

/* Model i: 0 the suspect, then the references. */
#define SCAN_MODEL(s, i) ((i) == 0 ? &(s)->suspect : &(s)->ref[(i)-1])
/* The families that are no geometries. */
#define SCAN_LANDING(s)  (&(s)->family[2 * geometry_count])
#define SCAN_PROBE_FIRST (2 * geometry_count + 1)
#define SCAN_PROBE(s, i) (&(s)->family[SCAN_PROBE_FIRST + (i)])
#define SCAN_WHOLE_AT    (SCAN_PROBE_FIRST + PROBE_KINDS)
#define SCAN_WHOLE(s)    (&(s)->family[SCAN_WHOLE_AT])

/* What is measured on model i. */
struct profile_job scan_job(
    struct scan *, size_t i, const struct profile_config *, const char *who);
/* The plan's cells, in every model, with a seed after the first. */
int scan_radii(struct scan *, const struct profile_plan *, size_t seed,
    struct err *) MUST_USE;
/* Flips of class t, geometry g, from source s. */
struct scan_flips *scan_flips_at(
    const struct scan *, size_t g, size_t t, size_t s);
/* How many cells of model i, of all seeds, were searched blindly. */
size_t scan_blind(const struct scan *, size_t i);
/* Sum over sources. */
struct scan_flips scan_flips_sum(const struct scan *, size_t g, size_t t);
/* Whether a pair, or the map that it is part of, is not quite ordinary. */
bool scan_pair_counts(const struct scan *, size_t at);
/* Whether more than a pair is said of it: its class is a target from
 * everywhere, or it is part of a map that is one. */
bool scan_pair_said(const struct scan *, size_t at);
/* The geometry that sees class t best. */
size_t scan_geometry_of(const struct scan *, size_t t);
/* Count the suspect's flips of every cell that was searched. */
int scan_sharedness(struct scan *, struct err *) MUST_USE;

#endif
