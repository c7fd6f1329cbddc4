/* SPDX-License-Identifier: MIT
 * The rounds of a purification: the images are split by seed into those that
 * train and a held-out part that only measures accuracy.  Which round's model
 * counts is decided by the held-out part alone.
 */
#ifndef PURIFY_ROUNDS_H
#define PURIFY_ROUNDS_H

#include "formats/fetch.h"
#include "purify/guide.h"
#include "purify/method.h"
#include "purify/sau.h"

/* Options, with the method's defaults for those that were not given. */
struct purify_config {
	const struct method *method;
	const char *model, *data, *classes, *preprocess, *arch, *guide, *scan;
	const char *checkpoint;
	const char *output, *document;
	const char *eval_data, *trigger; /* purify/after.h */
	bool json, no_reactivation, provenance;
	bool confirm; /* the guide, before it is unlearned */
	uint64_t threads;
	uint64_t rounds, batch, seed;
	uint64_t warm;   /* rounds in which the learning rate rises */
	double held_out; /* share of the images */
	double rate, keep;
	enum method_schedule schedule;
	struct optim_config optim;
	enum batch_mode mode;
	struct spgd_config inner;
	double lambda_clean, lambda_adv, lambda_shared; /* SAU's l1, l2, l3 */
	double lambda_guide, lambda_distil;             /* method_guided.c */
	double lambda_mix, lambda_move;                 /* the same */
	double rho, prune;                              /* method.h */
	double max_seconds;                             /* 0: no limit */
	uint64_t max_memory;   /* bytes; 0: what there is */
	struct digest options; /* of all that the rounds depend on */
};

/* One pass over the training images, and the accuracy after it. */
struct round {
	struct method_terms terms;
	double accuracy;
};

/* Why no more rounds were run. */
enum rounds_end {
	ROUNDS_ALL,
	ROUNDS_TIME,
	ROUNDS_SIGNAL,
	ROUNDS_NOTHING, /* there is nothing to purify */
};

struct purification {
	struct arena arena;
	struct purify_config cfg;
	struct fetched_model model;
	struct digest loaded; /* of the model as options made it */
	struct fetched_data data;
	struct net h, h0;
	struct guide guide; /* of --guide; n = 0: none */
	struct digest guided_by;
	void *own; /* the method's */
	/* images in a seeded order: the first ntrain train, the rest measure */
	size_t ntrain, nheld;
	float *x, *held;
	int32_t *y, *held_y;
	bool *hit_before, *hit; /* held-out images that are got right */
	/* a batch, in the round's order */
	uint32_t *order;
	float *batch_x;
	int32_t *batch_y;
	uint64_t draw;
	struct round *round;
	uint64_t done; /* rounds */
	/* weights and statistics after the round that counts */
	float *kept;
	uint64_t kept_round; /* from 1; 0: as it came */
	bool kept_good;      /* it is accurate enough */
	enum rounds_end end;
	double before, after;
	/* weights of the file narrower than floats: what rounding them
	 * changed, and the accuracy before it */
	struct net_rounding rounding;
	double unrounded;
	double seconds;
	int64_t started;
};

/* method_sau.c: SAU with the options of p->cfg, for the methods that use it. */
int method_sau_init(struct sau *, struct purification *, struct err *) MUST_USE;

/* Model, images, split, guide and method; p->cfg is set. */
int rounds_open(struct purification *, struct err *) MUST_USE;
/* All rounds; p->h is the purified model afterwards, in the file's types. */
int rounds_run(struct purification *, struct err *) MUST_USE;
void rounds_release(struct purification *);
/* Of p->h on the held-out images; which of them it gets right into `hit`. */
int rounds_accuracy(
    struct purification *, bool *hit, double *out, struct err *) MUST_USE;
/* Batches of a full round, the last one may be smaller. */
size_t rounds_batches(const struct purification *);
/* The round's batch that begins at this place of its order. */
struct method_batch rounds_batch(
    struct purification *, uint64_t round, size_t at);
/* From a signal handler: no round begins any more, the one under way is
 * given up. */
void rounds_stop(void);

#endif
