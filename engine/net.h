/* SPDX-License-Identifier: MIT
 * A neutral model made ready to run: steps in order, parameters in engine
 * layout, storage conversions inserted.  Independent of the batch size, which
 * engine/plan.h binds.  The model (and the file it is mapped from) must
 * outlive the net.
 *
 * Weights (engine/role.h) lie in one flat array `weight` of `nweight` floats, in the
 * order of the steps that use them; gradients and optimiser state have the
 * same order.  Convolution weights are stored K,R,S,C.
 */
#ifndef ENGINE_NET_H
#define ENGINE_NET_H

#include "engine/op.h"

struct param {
	const struct tensor *tensor;
	struct shape shape; /* logical, with its layout; known for integers */
	bool trainable;
	size_t at; /* offset in net.weight or net.fixed */
	size_t n;
};

/* A value is the input, a parameter, or the output of a step. */
struct value {
	const char *name;
	size_t param; /* index, or SIZE_MAX */
	size_t step;  /* producer, or SIZE_MAX */
};

struct net {
	struct arena arena;
	const struct model *model;
	struct step *step;
	size_t nstep;
	struct value *value; /* value 0 is the image */
	size_t nvalue;
	struct param *param;
	size_t nparam;
	size_t output; /* value id of the logits */
	float *weight;
	size_t nweight;
	float *fixed; /* constants and running statistics */
	size_t nfixed;
	const struct node *node; /* of the model, chains fused; nnode of them */
	size_t nnode;
	struct shape *shape; /* of every value for one image; a graph: NULL */
	/* per step, what its kernels have ready of its weights, or NULL */
	float **derived;
	struct shape input; /* of value 0; its first dimension is the batch */
	size_t h, w, c;     /* of the image, 0 where the input is none */
	size_t classes;     /* 0: no classifier, any output will do */
	bool classifier;
	size_t chunk; /* images that are processed together */
	/* the only number of images that its shapes are right for: that of the
	 * model's input; 0: any number */
	size_t batch;
	size_t macs; /* multiply-adds (or comparisons) of one image */
	bool synced; /* has an operator with batch statistics */
};

/*
 * Build for images of h x w x c (0: as the model declares; then it must).
 * ERR_UNSUPPORTED names an operator that the engine does not have, or a tensor
 * that is no dense array (a reader's view of a file), ERR_FORMAT
 * a graph whose shapes contradict each other.
 */
int net_build(struct net *, const struct model *, size_t h, size_t w, size_t c,
    struct err *) MUST_USE;
/*
 * The same for any graph of one input of the given shape and one output: what
 * the conformance tests run.  There are no classes then.
 */
int net_build_graph(struct net *, const struct model *,
    const struct shape *input, struct err *) MUST_USE;
void net_release(struct net *);

/*
 * To be called after net.weight was changed and before the net runs again:
 * recomputes what is derived from the weights.
 */
void net_changed(struct net *);

/* Copy weights and running statistics; both nets of the same model. */
void net_copy_weights(struct net *to, const struct net *from);

/* Parameter p's current numbers. */
const float *net_param(const struct net *, size_t p);
float *net_param_mutable(struct net *, size_t p);
/* The trainable parameter that is a step's input k, NULL where that is none. */
const struct param *net_trainable(
    const struct net *, const struct step *, size_t k);

/* What net_export_round() did. */
struct net_rounding {
	size_t tensors;  /* of a type narrower than the net's */
	size_t numbers;  /* in them */
	size_t changed;  /* by rounding */
	double farthest; /* largest difference */
};

/*
 * Round every number to what its tensor's type holds (f16, bf16), so that the
 * net computes what the exported model will.  ERR_FORMAT when one is too large
 * for its type; the net is of no use then.
 */
int net_export_round(
    struct net *, struct net_rounding *, struct err *) MUST_USE;

/*
 * A copy of the model's tensor list in `a` with the net's current numbers, in
 * the neutral layout and the tensors' own types, rounded to nearest even where
 * these are narrower: what neutral_write wants.
 */
int net_export(const struct net *, struct arena *a, struct model *out,
    struct err *) MUST_USE;

#endif
