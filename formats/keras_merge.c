/* SPDX-License-Identifier: MIT
 * Dense layers, and those of several inputs: keras/src/layers/core and
 * merging; and arithmetic on tensors without a layer: keras/src/ops/numpy.py.
 */
#include "formats/keras_activation.h"

#include <math.h>

#define DRAW(name)                                                             \
	static void name(struct keras *k, struct keras_layer *l,               \
	    const struct keras_value *in, size_t nin, struct keras_value *out)

/* A matrix of (in, out) on the last axis. */
DRAW(dense)
{
	struct keras_value x = keras_draw_straight(k, l, in[0]);
	const char *w = keras_draw_weight(k, l, 0, 2, NULL), *b = NULL;

	(void)nin;
	if (l->var[1].data != NULL)
		b = keras_draw_weight(k, l, 1, 1, NULL);
	*out = x;
	if (x.rank == 2) {
		out->name =
		    b != NULL
			? draw_node(&k->d, "Gemm", l->path, x.name, w, b, NULL)
			: draw_node(&k->d, "Gemm", l->path, x.name, w, NULL);
		draw_real(&k->d, "alpha", 1.0);
		draw_real(&k->d, "beta", 1.0);
		draw_int(&k->d, "transA", 0);
		draw_int(&k->d, "transB", 0);
	} else {
		out->name = draw_binary(&k->d, "MatMul", l->path, x.name, w);
		if (b != NULL)
			out->name =
			    draw_binary(&k->d, "Add", l->path, out->name, b);
	}
	out->last = (int64_t)l->var[0].dim[1];
	keras_activation_fused(k, l, out);
}

/* --- several inputs ------------------------------------------------------ */

/* All in one order of axes: turned when one of them is. */
static struct keras_value
alike(struct keras *k, struct keras_layer *l, const struct keras_value *in,
    size_t nin, size_t i)
{
	bool turned = false;
	size_t rank = 0; /* a number has none */

	for (size_t j = 0; j < nin; j++) {
		turned = turned || in[j].turned;
		if (rank != 0 && in[j].rank != 0 && in[j].rank != rank)
			keras_draw_refuse(k, l, "inputs of ranks %zu and %zu",
			    rank, in[j].rank);
		rank = MAX(rank, in[j].rank);
	}
	return turned && in[i].rank != 0 ? keras_draw_turned(k, l, in[i])
					 : in[i];
}

/* x / 255, x / 127.5 - 1, (x - 127.5) / 127.5 */
static bool
is_bytes(const char *op, double v)
{
	if (strcmp(op, "Div") == 0)
		return fabs(v) >= 64.0;
	if (strcmp(op, "Mul") == 0)
		return v != 0.0 && fabs(v) <= 1.0 / 64.0;
	return fabs(v) > 1.5;
}

/* A list of numbers along the last axis of what it meets. */
static const char *
listed(struct keras *k, const struct keras_layer *l, const json_t *list,
    bool turned)
{
	size_t n = json_array_size(list), rank = turned ? 3 : 1;
	double *v = arena_alloc(&k->d.m->arena, n, sizeof(*v));

	if (v == NULL) {
		keras_draw_refuse(k, l, "model too large");
		return "";
	}
	for (size_t i = 0; i < n; i++)
		v[i] = json_number_value(json_array_get(list, i));
	return keras_draw_numbers(
	    k, l, "numbers", rank, (uint64_t[]){n, 1, 1}, v);
}

/* The number, or the largest of several. */
static double
largest(const struct keras_value *y)
{
	double v = y->number;

	for (size_t i = 0; i < json_array_size(y->list); i++) {
		double x = json_number_value(json_array_get(y->list, i));

		v = fabs(x) > fabs(v) ? x : v;
	}
	return v;
}

static void
fold(struct keras *k, struct keras_layer *l, const struct keras_value *in,
    size_t nin, const char *op, struct keras_value *out)
{
	if (nin == 2 && in[1].rank == 0)
		keras_draw_pixels(k, is_bytes(op, largest(&in[1])));
	if (in[0].list != NULL)
		keras_draw_refuse(k, l, "a list of numbers comes first");
	*out = alike(k, l, in, nin, 0);
	for (size_t i = 1; i < nin; i++) {
		struct keras_value y = alike(k, l, in, nin, i);

		if (y.list != NULL && y.last != 1 && out->last != y.last)
			keras_draw_bad(k, l,
			    "a list of %" PRId64 " numbers for %" PRId64
			    " channels",
			    y.last, out->last);
		if (y.list != NULL)
			y.name = listed(k, l, y.list, out->turned);
		out->name = draw_binary(&k->d, op, l->path, out->name, y.name);
		out->last = MAX(out->last, y.last); /* one may be 1 */
		out->rank = MAX(out->rank, y.rank);
		out->turned = out->turned || y.turned;
	}
}

DRAW(add)
{
	fold(k, l, in, nin, "Add", out);
}

DRAW(subtract)
{
	fold(k, l, in, nin, "Sub", out);
}

DRAW(multiply)
{
	fold(k, l, in, nin, "Mul", out);
}

DRAW(divide)
{
	fold(k, l, in, nin, "Div", out);
}

DRAW(maximum)
{
	fold(k, l, in, nin, "Max", out);
}

DRAW(minimum)
{
	fold(k, l, in, nin, "Min", out);
}

DRAW(average)
{
	fold(k, l, in, nin, "Add", out);
	out->name = draw_binary(&k->d, "Div", l->path, out->name,
	    keras_draw_repeat(k, l, "count", 0, (double)nin));
}

DRAW(concatenate)
{
	const char **name = NULL;
	int64_t axis = -1, total = 0;

	if (keras_config_has(l, "axis") &&
	    !keras_config_ints(l, "axis", 1, &axis))
		keras_draw_bad(k, l, "'axis' is no integer");
	if (k->d.rc == 0 && (name = arena_alloc(&k->d.m->arena, nin + 1,
				 sizeof(*name))) == NULL)
		keras_draw_refuse(k, l, "model too large");
	if (name == NULL)
		return;
	for (size_t i = 0; i < nin; i++) {
		struct keras_value v = alike(k, l, in, nin, i);

		*out = v;
		name[i] = v.name;
		total = total < 0 || v.last < 0 ? -1 : total + v.last;
	}
	if (axis == -1 || axis == (int64_t)in[0].rank - 1)
		out->last = total;
	axis = keras_draw_axis(k, l, out, axis);
	out->name = draw_list(&k->d, "Concat", l->path, nin, name);
	draw_int(&k->d, "axis", axis);
}

/* "x + 3" in Keras 2: {"class_name": "TFOpLambda", "config": {"function":
 * "__operators__.add"}}; nothing but the name of an operation. */
DRAW(tensor_op)
{
	static const struct {
		const char *name, *op;
	} known[] = {
	    {"__operators__.add", "Add"}, {"math.add", "Add"},
	    {"math.subtract", "Sub"}, {"math.multiply", "Mul"},
	    {"math.truediv", "Div"}, {"math.divide", "Div"},
	    {"math.maximum", "Max"}, {"math.minimum", "Min"},
	    {"nn.bias_add", "Add"}, /* of channels, the last axis */
	};
	const char *f = keras_config_text(l, "function", "");

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i].name, f) == 0 && nin == 2) {
			fold(k, l, in, nin, known[i].op, out);
			return;
		}
	keras_draw_refuse(k, l, "operation '%.40s' is not known here", f);
}

const struct keras_class keras_merge_classes[] = {
    {.name = "Dense",
	.draw = dense,
	.least = 1,
	.most = 1,
	.var = {{.name = "kernel"}, {.name = "bias", .only_if = "use_bias"}}},
    {.name = "Add", .draw = add, .least = 2, .most = SIZE_MAX},
    {.name = "Subtract", .draw = subtract, .least = 2, .most = 2},
    {.name = "Multiply", .draw = multiply, .least = 2, .most = SIZE_MAX},
    {.name = "Average", .draw = average, .least = 2, .most = SIZE_MAX},
    {.name = "Maximum", .draw = maximum, .least = 2, .most = SIZE_MAX},
    {.name = "Minimum", .draw = minimum, .least = 2, .most = SIZE_MAX},
    {.name = "Concatenate",
	.draw = concatenate,
	.least = 1,
	.most = SIZE_MAX,
	.moves = true},
    {.name = "TFOpLambda", .draw = tensor_op, .least = 1, .most = 2},
    {.name = "ops/Add", .draw = add, .least = 2, .most = 2},
    {.name = "ops/Subtract", .draw = subtract, .least = 2, .most = 2},
    {.name = "ops/Multiply", .draw = multiply, .least = 2, .most = 2},
    {.name = "ops/TrueDivide", .draw = divide, .least = 2, .most = 2},
    {.name = "ops/Divide", .draw = divide, .least = 2, .most = 2},
    {.name = "ops/Maximum", .draw = maximum, .least = 2, .most = 2},
    {.name = "ops/Minimum", .draw = minimum, .least = 2, .most = 2},
    {.name = NULL},
};
