/* SPDX-License-Identifier: MIT
 * What the code of a TorchScript file calls, beside the graph that was drawn
 * by the names of its weights: neither may have a kind of operation that the
 * other has not.  That is no proof that they are the same: order, and what is
 * called more often than it should be, are not looked at.
 */
#ifndef FORMATS_TORCH_CALLED_H
#define FORMATS_TORCH_CALLED_H

#include "base/rd.h"
#include "formats/model.h"

#define TORCH_CALLED_ROWS  128
#define TORCH_CALLED_POOLS 16
#define TORCH_CALLED_EPS   16

/* Kernel, strides, pads, dilations, each of rows and columns. */
struct torch_called_pool {
	int64_t v[8];
};

struct torch_called {
	bool row[TORCH_CALLED_ROWS]; /* of torch_called.def */
	bool made[16];               /* of what a graph is made of */
	struct torch_called_pool pool[TORCH_CALLED_POOLS];
	size_t npool;
	double norm[TORCH_CALLED_EPS], layer[TORCH_CALLED_EPS];
	size_t nnorm, nlayer;
	bool unsure_pool, unsure_norm, unsure_layer; /* no literals, or many */
	bool changes_input; /* torchvision's transform_input, a branch */
};

/* Look through one file of the code; own: none of torch's. */
void torch_called_read(struct torch_called *, struct slice text, bool own);
/* Whether a file of that name below code/ is such a one. */
bool torch_called_is_own(const char *name);
/* ERR_UNSUPPORTED with what the one has and the other has not. */
int torch_called_check(
    const struct torch_called *, const struct model *, struct err *) MUST_USE;

#endif
