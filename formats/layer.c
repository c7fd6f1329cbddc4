/* SPDX-License-Identifier: MIT */
#include "formats/layer.h"

#include "base/limits.h"

/* --- convolutions -------------------------------------------------------- */

/* x sigmoid(1.702 x), of OpenAI's CLIP */
static const char *
quick_gelu(struct draw *a, const char *at, const char *x)
{
	static const double steep = 1.702;
	const char *by =
	    draw_constant(a, draw_path(a, "%s.steepness", at), 0, NULL, &steep);

	return draw_binary(a, "Mul", at, x,
	    draw_unary(a, "Sigmoid", at, draw_binary(a, "Mul", at, x, by)));
}

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
	case LAYER_QUICK_GELU:
		return quick_gelu(a, at, x);
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

/* Each part's mean or maximum, side by side.  What a mean over one axis and
 * then over the other has of them is the mean over both. */
static const char *
pool_axis(struct draw *a, const char *at, const char *x, int64_t axis,
    int64_t side, bool max)
{
	struct cuts c = cut(a, at, x, axis, side);
	const char *part[POOL_MOST];

	for (int64_t i = 0; i < side; i++) {
		const char *from = layer_slice(a, at, c.from, 0, i, i + 1, 1);
		const char *to = layer_slice(a, at, c.to, 0, i, i + 1, 1);
		const char *y =
		    draw_node(a, "Slice", at, x, from, to, c.axis, c.one, NULL);

		y = draw_unary(a, max ? "ReduceMax" : "ReduceMean", at, y);
		draw_ints(a, "axes", 1, &axis);
		draw_int(a, "keepdims", 1);
		part[i] = y;
	}
	return layer_concat(a, at, axis, (size_t)side, part);
}

const char *
layer_adaptive_pool(struct draw *a, const char *at, const char *x,
    const int64_t side[2], bool max)
{
	if (side[0] == 1 && side[1] == 1)
		return draw_unary(
		    a, max ? "GlobalMaxPool" : "GlobalAveragePool", at, x);
	for (size_t i = 0; i < 2; i++) {
		if (side[i] < 0 || side[i] > POOL_MOST)
			draw_fail(a, "pooling to %d x %d", (int)side[0],
			    (int)side[1]);
		else if (side[i] > 0)
			x = pool_axis(a, at, x, (int64_t)i + 2, side[i], max);
	}
	return x;
}

const char *
layer_changed_input(struct draw *a, const char *x)
{
	static const double mean[] = {.485, .456, .406};
	static const double deviation[] = {.229, .224, .225};
	static const char at[] = "transform_input";
	const struct weights_attr *said = weights_attr(a->w, "", at);
	const uint64_t dim[] = {1, 3, 1, 1};
	double by[3], plus[3];

	if (said == NULL)
		draw_note(a, "whether it changes its input (transform_input) "
			     "is not in the file: taken as no");
	if (said == NULL || said->n != 1 || said->v[0] == 0.0)
		return x;
	for (size_t i = 0; i < ARRAY_LEN(by); i++) {
		by[i] = deviation[i] / .5;
		plus[i] = (mean[i] - .5) / .5;
	}
	x = draw_binary(
	    a, "Mul", at, x, draw_constant(a, "assay.input.by", 4, dim, by));
	return draw_binary(a, "Add", at, x,
	    draw_constant(a, "assay.input.plus", 4, dim, plus));
}
