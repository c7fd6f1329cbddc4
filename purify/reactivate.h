/* SPDX-License-Identifier: MIT
 * Whether what was purified can be woken: attack success of known triggers
 * alone, with a small universal perturbation (purify/push.h), after re-tuning
 * (purify/retune.h), and their directions in feature space
 * (purify/direction.h).  The triggers are those that a scan's questions find
 * in the model as it came (purify/guide.h), and one from a file.  Facts with
 * their numbers of images; no verdict.
 */
#ifndef PURIFY_REACTIVATE_H
#define PURIFY_REACTIVATE_H

#include "purify/direction.h"
#include "purify/guide.h"
#include "purify/retune.h"

/* Triggers of a scan that are tried, thinned evenly: the cost's bound. */
#define REACTIVATE_MOST 4
/* Pixels, of the universal perturbation (Zhu et al.). */
#define REACTIVATE_NORM 0.05

struct reactivate_yardstick {
	struct measure_count purified, tuned;
	double cosine;
};

struct reactivate_trigger {
	const struct trigger *trigger;
	const char *name; /* of the geometry, or the file's kind */
	bool given;       /* by a file */
	/* the class that it means and the one it is about; -1: several */
	int32_t target, source;
	struct measure_count original, purified;
	struct measure_count perturbed;    /* with the best perturbation */
	struct measure_count perturbation; /* another one, without it */
	bool has_tuned;
	struct measure_count tuned; /* by poisoned images too */
	struct measure_count tuned_accuracy;
	bool has_clean;
	struct measure_count clean; /* re-tuned on clean images alone */
	bool has_yardstick;
	struct reactivate_yardstick yardstick;
	struct direction direction;
};

/* What is tried on what. */
struct reactivate_how {
	const struct net *h0, *h;
	struct net *spare; /* of the same model, for re-tuning */
	const struct uap_images *train, *count;
	const json_t *scan;          /* or NULL */
	const struct trigger *given; /* or NULL */
	uint64_t seed;
};

struct reactivate {
	struct arena arena;
	struct guide guide; /* the scan's, on h0 */
	struct reactivate_trigger *trigger;
	size_t n;
	size_t ntrain, ncount; /* images */
};

int reactivate_run(
    struct reactivate *, const struct reactivate_how *, struct err *) MUST_USE;
void reactivate_release(struct reactivate *);

/* For the document; its "sentences" are for people.  reactivate_json.c */
json_t *reactivate_json(const struct reactivate *);
/* A table for people.  reactivate_print.c */
void reactivate_print(const struct reactivate *);

#endif
