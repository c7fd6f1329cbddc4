/* SPDX-License-Identifier: MIT */
#include "formats/layer.h"

#include "base/json.h"
#include "base/limits.h"

#include <math.h>

/* --- convolutions -------------------------------------------------------- */

const char *
layer_act(struct draw *a, enum layer_act act, const char *at, const char *x)
{
	switch (act) {
	case LAYER_NONE:
		return x;
	case LAYER_RELU:
		return draw_unary(a, "Relu", at, x);
	case LAYER_RELU6:
		x = draw_unary(a, "Clip", at, x);
		draw_real(a, "min", 0.0);
		draw_real(a, "max", 6.0);
		return x;
	case LAYER_SILU:
		return draw_binary(
		    a, "Mul", at, x, draw_unary(a, "Sigmoid", at, x));
	case LAYER_HARD_SWISH:
		return draw_unary(a, "HardSwish", at, x);
	case LAYER_SIGMOID:
		return draw_unary(a, "Sigmoid", at, x);
	case LAYER_HARD_SIGMOID:
		x = draw_unary(a, "HardSigmoid", at, x);
		draw_real(a, "alpha", 1.0 / 6.0);
		draw_real(a, "beta", 0.5);
		return x;
	case LAYER_GELU:
		x = draw_unary(a, "Gelu", at, x);
		draw_text(a, "approximate", "none");
		return x;
	case LAYER_TANH:
		return draw_unary(a, "Tanh", at, x);
	}
	BUG("activation");
}

const char *
layer_conv_norm(struct draw *a, const char *conv, const char *norm,
    const char *x, struct layer_unit u)
{
	x = draw_conv(a, conv, x, u.window);
	x = draw_batch_norm(a, norm, x, u.eps > 0.0 ? u.eps : 1e-5);
	return layer_act(a, u.act, norm, x);
}

const char *
layer_unit(
    struct draw *a, const char *module, const char *x, struct layer_unit u)
{
	u.window.pad = DRAW_SAME;
	return layer_conv_norm(a, draw_path(a, "%s.0", module),
	    draw_path(a, "%s.1", module), x, u);
}

const char *
layer_stem(
    struct draw *a, const char *conv, const char *x, struct draw_window v)
{
	uint64_t channels = draw_dim(a, conv, "weight", 1);

	if (channels < INT32_MAX)
		a->m->shape[1] = (int64_t)channels;
	return draw_conv(a, conv, x, v);
}

const char *
layer_squeeze(struct draw *a, const char *at, const char *fc1, const char *fc2,
    const char *x, const enum layer_act act[2])
{
	const char *s = draw_unary(a, "GlobalAveragePool", at, x);

	s = draw_conv(a, fc1, s, (struct draw_window){0});
	s = layer_act(a, act[0], fc1, s);
	s = draw_conv(a, fc2, s, (struct draw_window){0});
	s = layer_act(a, act[1], fc2, s);
	return draw_binary(a, "Mul", at, x, s);
}

/* --- moving -------------------------------------------------------------- */

const char *
layer_concat(struct draw *a, const char *at, int64_t axis, size_t n,
    const char *const *x)
{
	const char *y = draw_list(a, "Concat", at, n, x);

	draw_int(a, "axis", axis);
	return y;
}

const char *
layer_slice(struct draw *a, const char *at, const char *x, int64_t axis,
    int64_t start, int64_t end, int64_t step)
{
	const char *y = draw_unary(a, "Slice", at, x);

	draw_ints(a, "starts", 1, &start);
	draw_ints(a, "ends", 1, &end);
	draw_ints(a, "axes", 1, &axis);
	draw_ints(a, "steps", 1, &step);
	return y;
}

/* --- adaptive pooling ---------------------------------------------------- */

#define POOL_MOST 16

/* Integers, the same in every such pool: one tensor of each. */
struct cuts {
	const char *from, *to; /* (side): where each part begins and ends */
	const char *axis, *one;
};

/* floor(n i / side) and ceil(n (i + 1) / side) of the length n of an axis. */
static struct cuts
cut(struct draw *a, const char *at, const char *x, int64_t axis, int64_t side)
{
	int64_t first[POOL_MOST], next[POOL_MOST];
	const char *n, *by, *shape = draw_unary(a, "Shape", at, x);
	struct cuts c;

	for (int64_t i = 0; i < side; i++) {
		first[i] = i;
		next[i] = i + 1;
	}
	n = layer_slice(a, at, shape, 0, axis, axis + 1, 1);
	by = draw_integers(
	    a, draw_path(a, "%s.side.%d", at, (int)axis), 1, &side);
	c.from = draw_integers(
	    a, draw_path(a, "%s.from.%d", at, (int)axis), (size_t)side, first);
	c.to = draw_integers(
	    a, draw_path(a, "%s.to.%d", at, (int)axis), (size_t)side, next);
	c.axis = draw_integers(
	    a, draw_path(a, "%s.axis.%d", at, (int)axis), 1, &axis);
	c.one = draw_integers(
	    a, draw_path(a, "%s.one.%d", at, (int)axis), 1, &(int64_t){1});
	c.from =
	    draw_binary(a, "Div", at, draw_binary(a, "Mul", at, c.from, n), by);
	c.to = draw_binary(a, "Mul", at, c.to, n);
	c.to = draw_binary(a, "Add", at, c.to,
	    draw_integers(a, draw_path(a, "%s.up.%d", at, (int)axis), 1,
		&(int64_t){side - 1}));
	c.to = draw_binary(a, "Div", at, c.to, by);
	return c;
}

/* Each part's mean, side by side; parts have no more than one size, so that
 * means of means are the means. */
static const char *
pool_axis(
    struct draw *a, const char *at, const char *x, int64_t axis, int64_t side)
{
	struct cuts c = cut(a, at, x, axis, side);
	const char *part[POOL_MOST];

	for (int64_t i = 0; i < side; i++) {
		const char *from = layer_slice(a, at, c.from, 0, i, i + 1, 1);
		const char *to = layer_slice(a, at, c.to, 0, i, i + 1, 1);
		const char *y =
		    draw_node(a, "Slice", at, x, from, to, c.axis, c.one, NULL);

		y = draw_unary(a, "ReduceMean", at, y);
		draw_ints(a, "axes", 1, &axis);
		draw_int(a, "keepdims", 1);
		part[i] = y;
	}
	return layer_concat(a, at, axis, (size_t)side, part);
}

const char *
layer_adaptive_pool(struct draw *a, const char *at, const char *x, int64_t side)
{
	if (side < 1 || side > POOL_MOST) {
		draw_fail(a, "pooling to %d x %d", (int)side, (int)side);
		return "";
	}
	if (side == 1)
		return draw_unary(a, "GlobalAveragePool", at, x);
	return pool_axis(a, at, pool_axis(a, at, x, 2, side), 3, side);
}

/* --- transformers -------------------------------------------------------- */

/* Part k of query, key and value: (N, heads, tokens, width / heads). */
static const char *
third(struct draw *a, const char *at, const char *qkv, int64_t k, int64_t width,
    int64_t heads)
{
	const char *x =
	    layer_slice(a, at, qkv, 2, k * width, (k + 1) * width, 1);

	x = draw_reshape(a, at, x, 4, (int64_t[]){0, 0, heads, width / heads});
	return draw_transpose(a, at, x, 4, (int64_t[]){0, 2, 1, 3});
}

const char *
layer_attention(struct draw *a, const char *at, const char *x,
    const struct layer_attention *l)
{
	int64_t width = (int64_t)draw_dim(a, l->weight, "", 0) / 3;
	int64_t size = l->heads > 0 ? width / l->heads : 0;
	const char *qkv, *q, *k, *s;
	double scale;

	if (size < 1 || width % l->heads != 0)
		draw_fail(a,
		    "'%.100s': %" PRId64 " heads of %" PRId64 " numbers", at,
		    l->heads, width);
	if (a->rc != 0)
		return "";
	qkv = draw_matmul(a, at, l->weight, l->bias, x);
	q = third(a, at, qkv, 0, width, l->heads);
	k = third(a, at, qkv, 1, width, l->heads);
	scale = 1.0 / sqrt((double)size);
	q = draw_binary(a, "Mul", at, q,
	    draw_constant(a, draw_path(a, "%s.scale", at), 0, NULL, &scale));
	k = draw_transpose(a, at, k, 4, (int64_t[]){0, 1, 3, 2});
	s = draw_binary(a, "MatMul", at, q, k);
	if (l->more != NULL)
		s = l->more(a, l->ctx, s);
	s = draw_unary(a, "Softmax", at, s);
	draw_int(a, "axis", -1);
	x = draw_binary(
	    a, "MatMul", at, s, third(a, at, qkv, 2, width, l->heads));
	x = draw_transpose(a, at, x, 4, (int64_t[]){0, 2, 1, 3});
	x = draw_reshape(a, at, x, 3, (int64_t[]){0, 0, width});
	return draw_linear(a, l->out, x);
}

/* 0: not said. */
static int64_t
said_heads(struct draw *a, const char *module)
{
	const struct weights_attr *at = weights_attr(a->w, module, "num_heads");
	const json_t *j = NULL;

	if (at != NULL && at->n == 1 && at->v[0] >= 1 && at->v[0] <= 4096)
		return (int64_t)at->v[0];
	if (a->hints->config != NULL &&
	    (j = json_at(a->hints->config, "num_heads")) == NULL)
		j = json_at(a->hints->config, "model_args.num_heads");
	if (j == NULL || !json_is_integer(j))
		return 0;
	return json_integer_value(j) >= 1 && json_integer_value(j) <= 4096
		   ? json_integer_value(j)
		   : 0;
}

int64_t
layer_heads(struct draw *a, const char *module, uint64_t width)
{
	int64_t heads = said_heads(a, module);
	bool said = heads != 0;

	if (!said && width % 64 != 0)
		draw_fail(a,
		    "attention of width %" PRIu64 ": nothing says how "
		    "many heads it has",
		    width);
	else if (!said)
		heads = width == 1280 ? 16 : (int64_t)(width / 64);
	if (strstr(a->m->note, " heads, ") == NULL)
		a->m->note = draw_path(a, "%s%s%" PRId64 " heads, %s",
		    a->m->note, *a->m->note != '\0' ? "; " : "", heads,
		    said ? "as its files say" : "as is usual for its width");
	return heads;
}

const char *
layer_mlp(struct draw *a, const char *fc1, const char *fc2, const char *x)
{
	x = layer_act(a, LAYER_GELU, fc1, draw_linear(a, fc1, x));
	return draw_linear(a, fc2, x);
}

/* "1.", alone or behind other wrappers. */
static bool
behind_resize(const struct weights *w)
{
	const char *name = w->n != 0 ? w->tensor[0].name : "";

	return w->prefix >= 2 && memcmp(name + w->prefix - 2, "1.", 2) == 0 &&
	       (w->prefix == 2 || name[w->prefix - 3] == '.');
}

/* As torchvision's Resize does to tensors: bilinear, not antialiased. */
static const char *
resize(struct draw *a, const char *x, int64_t side)
{
	const char *y = draw_unary(a, "Resize", "0", x);

	draw_text(a, "mode", "linear");
	draw_text(a, "coordinate_transformation_mode", "half_pixel");
	draw_ints(a, "axes", 2, (int64_t[]){2, 3});
	draw_ints(a, "sizes", 2, (int64_t[]){side, side});
	return y;
}

const char *
layer_fit(struct draw *a, const char *x, const char *conv, const char *place,
    uint64_t more)
{
	uint64_t tokens = draw_dim(a, place, "", 1), side = 0;
	uint64_t patch = draw_dim(a, conv, "weight", 2);
	int64_t *shape = a->m->shape;

	while (side < LIMIT_IMAGE_SIDE && side * side + more < tokens)
		side++;
	if (a->rc == 0 && (side == 0 || side * side + more != tokens ||
			      patch == 0 || side > LIMIT_IMAGE_SIDE / patch))
		draw_fail(
		    a, "%" PRIu64 " places are no square of patches", tokens);
	if (a->rc != 0)
		return "";
	side *= patch;
	if (behind_resize(a->w)) {
		a->m->note = draw_path(a,
		    "images are resized to %" PRIu64 " pixels, not antialiased",
		    side);
		return resize(a, x, (int64_t)side);
	}
	if ((shape[2] > 0 && shape[2] != (int64_t)side) ||
	    (shape[3] > 0 && shape[3] != (int64_t)side))
		draw_fail(a,
		    "its places are for images of %" PRIu64
		    " pixels, not %" PRId64 " x %" PRId64,
		    side, shape[2], shape[3]);
	shape[2] = shape[3] = (int64_t)side;
	return x;
}

const char *
layer_patches(struct draw *a, const char *conv, const char *x)
{
	uint64_t patch = draw_dim(a, conv, "weight", 2);
	uint64_t width = draw_dim(a, conv, "weight", 0);

	if (patch < 1 || patch > 1024 || width > INT32_MAX)
		draw_fail(a, "patches of %" PRIu64 " pixels", patch);
	if (a->rc != 0)
		return "";
	x = layer_stem(
	    a, conv, x, (struct draw_window){.stride = (int64_t)patch});
	x = draw_reshape(a, conv, x, 3, (int64_t[]){0, (int64_t)width, -1});
	return draw_transpose(a, conv, x, 3, (int64_t[]){0, 2, 1});
}

const char *
layer_class_token(struct draw *a, const char *token, const char *x)
{
	const struct tensor *t = draw_weight(a, token, "");
	const char *n, *rest, *shape;

	if (t != NULL && (t->rank != 3 || t->dim[0] != 1 || t->dim[1] != 1))
		draw_fail(a, "'%.100s' is not one token", t->name);
	if (a->rc != 0)
		return "";
	n = layer_slice(a, token, draw_unary(a, "Shape", token, x), 0, 0, 1, 1);
	rest = draw_integers(a, draw_path(a, "%s.rest", token), 2,
	    (int64_t[]){1, (int64_t)t->dim[2]});
	shape = layer_concat(a, token, 0, 2, (const char *[]){n, rest});
	return layer_concat(a, token, 1, 2,
	    (const char *[]){
		draw_binary(a, "Expand", token, t->name, shape), x});
}

const char *
layer_token(struct draw *a, const char *at, const char *x, int64_t i)
{
	x = layer_slice(a, at, x, 1, i, i + 1, 1);
	return draw_reshape(a, at, x, 2, (int64_t[]){0, -1});
}
