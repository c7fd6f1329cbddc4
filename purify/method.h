/* SPDX-License-Identifier: MIT
 * Methods of purification.  purify/method.def lists them; purify/method_X.c
 * defines method_X.  A method sees the training images batch by batch
 * (purify/rounds.h) and changes p->h; what it needs lives in p->arena and
 * behind p->own.
 */
#ifndef PURIFY_METHOD_H
#define PURIFY_METHOD_H

#include "engine/batch.h"
#include "engine/optim.h"

#define METHOD_TERMS 8
#define METHOD_SPANS 16

struct purification;

/* Sums over images of what a round saw. */
struct method_terms {
	uint64_t n;
	double loss;
	double sum[METHOD_TERMS]; /* of what method.term names */
};

/* A batch as it is handed to a method. */
struct method_batch {
	const float *x;        /* n images */
	const int32_t *y;      /* their labels */
	const uint32_t *index; /* their places among the training images */
	size_t n;
	uint64_t draw; /* number of the batch, over all rounds */
	double rate;   /* learning rate */
};

enum method_schedule {
	METHOD_CONSTANT,
	METHOD_COSINE, /* rate (1 + cos(pi done)) / 2, batch by batch */
};

/* What options are when they are not given. */
struct method_defaults {
	uint64_t rounds, batch;
	uint64_t warm; /* rounds in which the rate rises */
	double rate, decay, momentum;
	enum optim_kind optim;
	enum batch_mode mode;
	enum method_schedule schedule;
	/* the last round whose held-out accuracy is not surely lower by more
	 * counts; 1: the last of all */
	double keep;
	double lambda_clean, lambda_adv, lambda_shared;
	double rho;   /* how far weights are perturbed, of their size */
	double prune; /* what is pruned: see the methods that do */
};

/* Memory that a checkpoint holds besides the net. */
struct method_span {
	void *ptr;
	size_t size;
};

struct method {
	const char *name, *summary;
	const char *const *term; /* names of the sums, NULL ends */
	struct method_defaults defaults;
	int (*open)(struct purification *, struct err *);
	/* before each round, from 0; NULL: nothing */
	int (*begin)(struct purification *, uint64_t round, struct err *);
	int (*step)(struct purification *, const struct method_batch *,
	    struct method_terms *, struct err *);
	/* how many times as long as later ones the first begin() takes; NULL:
	 * unknown */
	double (*first)(const struct purification *);
	/* a step as dear as they get, for estimates; NULL: all are alike */
	int (*dearest)(struct purification *, const struct method_batch *,
	    struct method_terms *, struct err *);
	/* at most METHOD_SPANS of what changes from step to step, so that a
	 * run goes on from a checkpoint with the same bytes */
	size_t (*spans)(struct purification *, struct method_span *);
	void (*release)(struct purification *);
};

#define METHOD(x) extern const struct method method_##x;
#include "purify/method.def"
#undef METHOD

extern const struct method *const method_table[];
extern const size_t method_count;

/* NULL when there is none of that name. */
const struct method *method_find(const char *name);

#endif
