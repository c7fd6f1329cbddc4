/* SPDX-License-Identifier: MIT
 * What a walk over a pickled object gathers: named tensors, numbers of
 * modules, and, of an nn.Sequential, its layers in order.
 */
#ifndef FORMATS_TORCH_FOUND_H
#define FORMATS_TORCH_FOUND_H

#include "formats/torch.h"

struct torch_layer {
	const char *path;     /* "features.0" */
	struct slice type;    /* "Conv2d" */
	struct slice package; /* "torch.nn.modules.conv" */
	const struct pickle_node *state;
};

struct torch_found {
	struct tensor *tensor;
	size_t n, room;
	struct weights_attr *attr;
	size_t nattr, attr_room;
	struct torch_layer *layer;
	size_t nlayer, layer_room;
	/* the layers, of a whole module alone: one after the other, they are the
	 * model */
	bool in_order;
	bool row;      /* the whole module is one, whatever is in it */
	size_t others; /* entries of a state dict that are no tensors */
};

/* Each copies its name. */
int torch_found_tensor(struct torch *, struct torch_found *, const char *name,
    const struct pickle_node *, struct err *) MUST_USE;
int torch_found_attr(struct torch *, struct torch_found *, const char *name,
    const double *v, size_t n, struct err *) MUST_USE;
int torch_found_layer(struct torch *, struct torch_found *, const char *path,
    const struct torch_layer *, struct err *) MUST_USE;

/* A number, true or false, or a tuple or list of at most MODEL_MAX_RANK. */
bool torch_found_numbers(
    const struct pickle_node *, double v[MODEL_MAX_RANK], size_t *n) MUST_USE;

#endif
