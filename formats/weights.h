/* SPDX-License-Identifier: MIT
 * Named weights without a graph: a state dict, a safetensors or NPZ file.
 * Names are the file's; what all of them begin with because a model was
 * wrapped ("module.", "model.", ...) is left out when one is looked up.
 */
#ifndef FORMATS_WEIGHTS_H
#define FORMATS_WEIGHTS_H

#include "base/limits.h"
#include "formats/model.h"

/* A number or some, that a whole-module pickle has of a module: "stride". */
struct weights_attr {
	const char *name; /* "layer1.0.conv1.stride", without the prefix */
	double v[MODEL_MAX_RANK];
	size_t n;
};

struct draw;

struct weights {
	struct tensor *tensor;
	size_t n;
	bool *used;         /* weights_get() gave it out */
	bool *turned;       /* its two axes were exchanged (arch_linear) */
	bool *ignored;      /* there, but of no use to the graph */
	size_t aside;       /* first of those beside the model, or SIZE_MAX */
	const char *head;   /* a last layer beside a backbone, or NULL */
	size_t mean, std;   /* of the image (weights_norm.h), or SIZE_MAX */
	size_t prefix;      /* bytes of each name that are the wrapper's */
	struct map by_name; /* without the prefix: index */
	struct weights_attr *attr;
	size_t nattr;
	struct map by_attr;
	/*
	 * Of a whole module: draws the layers below `module` that the module
	 * lists, one after the other; NULL when they are no such row.
	 */
	const char *(*row)(struct draw *, const void *found, const char *module,
	    const char *x);
	const void *found;
};

/*
 * Index n tensors (and attributes, whose names have the same prefix) that live
 * in the arena.  ERR_FORMAT on a name that is there twice.
 */
int weights_init(struct weights *, struct arena *, struct tensor *, size_t n,
    struct weights_attr *, size_t nattr, struct err *) MUST_USE;

bool weights_has(const struct weights *, const char *name);
/* NULL when absent; marks it as used. */
const struct tensor *weights_get(struct weights *, const char *name);
/* The same without marking: for telling what a file is. */
const struct tensor *weights_peek(const struct weights *, const char *name);
/*
 * Whether the last layer `module` ("fc", "classifier.1") is there, or what
 * people put in its place: "fc.1" behind a dropout, "classifier" itself.
 */
bool weights_has_last(const struct weights *, const char *module);
/*
 * The name of the linear layer that is all of the last one: `module`, or the
 * only "module.0" to "module.9" with a weight, or what is left of its name
 * without the number; NULL: none or several.
 */
const char *weights_last(
    const struct weights *, const char *module, char buf[LIMIT_NAME + 1]);
/* NULL when absent; of the whole model where module is "". */
const struct weights_attr *weights_attr(
    const struct weights *, const char *module, const char *name);

#endif
