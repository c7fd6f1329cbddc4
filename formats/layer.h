/* SPDX-License-Identifier: MIT
 * What several families of architectures have in common: draw.h's layers put
 * together.  Names are those of modules, but where a weight is said.
 */
#ifndef FORMATS_LAYER_H
#define FORMATS_LAYER_H

#include "formats/draw.h"

enum layer_act {
	LAYER_NONE,
	LAYER_RELU,
	LAYER_RELU6,
	LAYER_SILU,
	LAYER_HARD_SWISH,
	LAYER_SIGMOID,
	LAYER_HARD_SIGMOID,
	LAYER_GELU,
	LAYER_QUICK_GELU,
	LAYER_TANH,
};

const char *layer_act(
    struct draw *, enum layer_act, const char *at, const char *x);

/* How a convolution is followed. */
struct layer_unit {
	struct draw_window window;
	double eps; /* of the batch-norm; 0: 1e-5 */
	enum layer_act act;
};

/* Convolution `conv`, batch-norm `norm`, activation. */
const char *layer_conv_norm(struct draw *, const char *conv, const char *norm,
    const char *x, struct layer_unit);
/* torchvision's Conv2dNormActivation: module.0 and module.1, padded to keep
 * the size. */
const char *layer_unit(
    struct draw *, const char *module, const char *x, struct layer_unit);
/* The first convolution, whose weights say how many channels an image has. */
const char *layer_stem(
    struct draw *, const char *conv, const char *x, struct draw_window);

/*
 * torchvision's transform_input, which a whole module says of itself: an image
 * normalised by ImageNet's mean and deviation becomes one of -1 to 1.  Where
 * nothing says it, x as it is, and a note.
 */
const char *layer_changed_input(struct draw *, const char *x);

/* Squeeze and excitation (Hu et al. 2018): x times what two 1x1 convolutions
 * make of its means. */
const char *layer_squeeze(struct draw *, const char *at, const char *fc1,
    const char *fc2, const char *x, const enum layer_act act[2]);

const char *layer_concat(struct draw *, const char *at, int64_t axis, size_t n,
    const char *const *x);
/* x[..., start:end:step, ...] */
const char *layer_slice(struct draw *, const char *at, const char *x,
    int64_t axis, int64_t start, int64_t end, int64_t step);
/*
 * PyTorch's AdaptiveAvgPool2d and AdaptiveMaxPool2d(side): mean or maximum of
 * row i of side[0] from floor(i n / side) to ceil((i + 1) n / side), whatever
 * the size n of x; and so for columns.  0: as it is.
 */
const char *layer_adaptive_pool(struct draw *, const char *at, const char *x,
    const int64_t side[2], bool max);

/* --- of transformers: x is (N, tokens, width) ----------------------------- */

/* Multi-head self-attention; weight and bias are of query, key and value in
 * one, by their whole names; `out` is the last projection. */
struct layer_attention {
	const char *weight, *bias, *out;
	/* or these, where no one bias is of all three; NULL: none */
	const char *query_bias, *value_bias;
	/* norms of each head's queries and keys, where they have weights */
	const char *query_norm, *key_norm;
	double eps; /* of these */
	int64_t heads;
	/* what is done to the scores (N, heads, tokens, tokens) before their
	 * softmax; or NULL */
	const char *(*more)(struct draw *, const void *ctx, const char *scores);
	const void *ctx;
};
const char *layer_attention(struct draw *, const char *at, const char *x,
    const struct layer_attention *);
/*
 * Heads of an attention of that width, which shapes do not tell: what a
 * whole-module pickle has as attribute `num_heads` of `module`, else a
 * configuration ("num_heads", or "model_args.num_heads"), else the table of
 * the ViT papers (width 1280: 16), else one for each 64.  Notes what it did.
 */
int64_t layer_heads(struct draw *, const char *module, uint64_t width);
/* fc2(act(fc1(x))) */
const char *layer_mlp(struct draw *, const char *fc1, const char *fc2,
    enum layer_act, const char *x);
/*
 * Set the size of the image, a square of which the weight `place` (1, tokens,
 * width) has a row for each patch that `conv` makes, besides `more`.  What is
 * said of the size elsewhere must be the same, but where the model stands
 * behind a resize (in a Sequential: all names begin with "1."): then x comes
 * in any size and is resized.
 */
const char *layer_fit(struct draw *, const char *x, const char *conv,
    const char *place, uint64_t more);
/* An image in patches: convolution `conv` with its kernel as stride, rows of
 * what it gives. */
const char *layer_patches(struct draw *, const char *conv, const char *x);
/* The weight `token` (1, tokens, width) before the others. */
const char *layer_class_token(struct draw *, const char *token, const char *x);
/* Token i, as (N, width). */
const char *layer_token(
    struct draw *, const char *at, const char *x, int64_t i);
/* The mean of those from `from` on, as (N, width). */
const char *layer_token_mean(
    struct draw *, const char *at, const char *x, int64_t from);

#endif
