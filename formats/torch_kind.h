/* SPDX-License-Identifier: MIT
 * Layers of torch.nn that have no parts of their own: how each is drawn, by
 * the numbers that the pickle of a whole module has of it
 * (torch_sequential.h).  A kind is a line in a table of torch_kind_*.c.
 */
#ifndef FORMATS_TORCH_KIND_H
#define FORMATS_TORCH_KIND_H

#include "formats/draw.h"
#include "formats/torch_found.h"

/* What goes through a row of layers. */
struct torch_value {
	const char *name;
	size_t rank; /* 4: (N, C, H, W) */
};

enum torch_role {
	TORCH_OTHER,
	TORCH_CONV,    /* its weight says how many channels it takes */
	TORCH_LINEAR,  /* its weight says how many numbers it gives */
	TORCH_NOTHING, /* when a model is used */
	TORCH_SIGMOID, /* these two may end a model: they are left out there */
	TORCH_SOFTMAX,
};

struct torch_kind {
	const char *type; /* "Conv2d"; NULL ends a table */
	void (*draw)(
	    struct draw *, const struct torch_layer *, struct torch_value *);
	enum torch_role role;
};

#define TORCH_KIND(stem) extern const struct torch_kind torch_kind_##stem[];
#include "formats/torch_kind.def"
#undef TORCH_KIND

/* NULL when it is not known here, or not of torch.nn. */
const struct torch_kind *torch_kind_of(const struct torch_layer *);
bool torch_kind_from(const struct torch_layer *, const char *package);

/* The layer's name as that of weights: without the wrapper's prefix. */
const char *torch_kind_module(const struct draw *, const struct torch_layer *);
/* A number of the layer, true being 1; `absent` when it has none of the name.
 */
double torch_kind_real(
    const struct torch_layer *, const char *name, double absent);
bool torch_kind_flag(const struct torch_layer *, const char *name, bool absent);
/* A pair of 0 to 65535, or one number twice; `absent` for None as well. */
void torch_kind_pair(struct draw *, const struct torch_layer *,
    const char *name, int64_t absent, int64_t out[2]);
/* Fail with ERR_UNSUPPORTED: "layer 'features.3' <what>". */
void torch_kind_refuse(
    struct draw *, const struct torch_layer *, const char *what);

#endif
