/* SPDX-License-Identifier: MIT
 * What the scan measures on one model, suspect or reference alike: a flip
 * radius for each class and geometry, for pairs of classes a patch radius,
 * and where untargeted adversarial examples land.
 */
#ifndef AUDIT_PROFILE_H
#define AUDIT_PROFILE_H

#include "engine/concentrate.h"
#include "engine/probe.h"
#include "engine/uap.h"

/* The geometry of pairs. */
#define PROFILE_PAIR (&geometry_patch)
/* Up to so many classes all pairs are measured. */
#define PROFILE_ALL_PAIRS 16
/* From so many on patches are searched for with twice the steps and images a
 * step: fewer do not find them where the classes are many and the pictures
 * varied (audit/EVALUATION.md). */
#define PROFILE_MANY 20

/* What the probes take where: each kind to each class, and stamps from each
 * class to each (with more classes than PROFILE_ALL_PAIRS not). */
enum profile_shares {
	PROFILE_STAMPS = PROBE_STAMP,
	PROFILE_GRATINGS = PROBE_GRATING,
	PROFILE_STAMP_PAIRS = PROBE_KINDS,
	PROFILE_SHARES
};

/* "stamp", "grating", "pair_stamp": a family's name (audit/null.def). */
const char *profile_shares_name(enum profile_shares);
/* How many triggers these are of. */
size_t profile_triggers(enum profile_shares, const struct net *);
/* How much the i-th of them counts. */
double profile_weight(enum profile_shares, size_t i);

struct profile_config {
	struct uap_config cell, pair;
	struct concentrate_config landing;
	uint64_t seed;
};

/* Which cells: the same for the suspect and all its references. */
struct profile_plan {
	size_t classes;
	const bool *target; /* [classes] to be searched as targets */
	const bool *pair;   /* [classes * classes], source-major */
	const bool *longer; /* the same: with twice the steps; NULL: none */
};

struct profile {
	size_t classes;
	/* per geometry and class; not searched: n is 0 */
	struct uap_found *cell;
	/* source-major; not searched: n is 0 */
	struct uap_found *pair;
	struct concentrate_counts landing; /* of adversarial examples */
	/* triggers x cells, as probe() leaves them; NULL: not measured */
	double *share[PROFILE_SHARES];
};

struct profile_images {
	struct uap_images fit, test; /* test.use: what the model gets right */
};

/* Whether stamps are counted for pairs from the class: images of it enough are
 * held out and count. */
bool profile_source(const struct profile_images *, size_t class);
/* Memory for a profile, from the arena; nothing is measured yet. */
int profile_init(
    struct profile *, size_t classes, struct arena *, struct err *) MUST_USE;
void profile_release(struct profile *);
/* Perturbations are no longer needed: radii stay. */
void profile_forget(struct profile *);

struct cache; /* audit/cache.h */

/* Patches take more steps than what has a gradient everywhere. */
struct uap_config profile_steps(
    const struct profile_config *, const struct geometry *);

/* What is measured: on this model, with these settings and images; what the
 * cache (NULL: none) holds is taken from there, without perturbations. */
struct profile_job {
	const struct net *net;
	const struct profile_config *cfg;
	struct profile_images im;
	struct cache *cache;
	const char *who; /* for progress */
};

/* Landings; the first thing, since they choose what to search. */
int profile_landing(
    struct profile *, const struct profile_job *, struct err *) MUST_USE;
/* The dictionary of simple triggers; memory from the arena. */
int profile_probe(struct profile *, const struct profile_job *, struct arena *,
    struct err *) MUST_USE;
/* Everything that the plan asks for. */
int profile_radii(struct profile *, const struct profile_job *,
    const struct profile_plan *, struct err *) MUST_USE;

#endif
