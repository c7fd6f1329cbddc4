/* SPDX-License-Identifier: MIT
 * keras/src/layers/normalization and preprocessing/{normalization,
 * rescaling}.py.
 */
#include "base/limits.h"
#include "formats/keras_class.h"

#include <math.h>

#define DRAW(name)                                                             \
	static void name(struct keras *k, struct keras_layer *l,               \
	    const struct keras_value *in, size_t nin, struct keras_value *out)

/* The place of a weight in the layer, by its name; SIZE_MAX: it has none. */
static size_t
place(const struct keras_layer *l, const char *name)
{
	for (size_t i = 0; i < KERAS_CONFIG_VARS; i++) {
		const struct keras_var *v = &l->kind->var[i];

		if (v->name == NULL)
			break;
		if (strcmp(v->name, name) == 0)
			return l->var[i].data != NULL ? i : SIZE_MAX;
	}
	return SIZE_MAX;
}

/* A vector of the layer, or the same number everywhere. */
static const char *
vector(struct keras *k, struct keras_layer *l, const char *name, size_t n,
    double absent)
{
	size_t i = place(l, name);

	return i != SIZE_MAX ? keras_draw_weight(k, l, i, 1, NULL)
			     : keras_draw_repeat(k, l, name, n, absent);
}

/* One axis, as a number or a list of one. */
static int64_t
axis_of(struct keras *k, const struct keras_layer *l)
{
	int64_t axis = -1;

	if (keras_config_has(l, "axis") &&
	    !keras_config_ints(l, "axis", 1, &axis))
		keras_draw_refuse(k, l, "more than one axis");
	return axis;
}

/* The value with the channels of `axis` where ONNX has them. */
static struct keras_value
channels(struct keras *k, struct keras_layer *l, struct keras_value x)
{
	int64_t axis = axis_of(k, l), rank = (int64_t)x.rank;

	if (x.rank != 2 && x.rank != 4)
		keras_draw_refuse(k, l, "a value of rank %zu", x.rank);
	if (axis == 1 || axis == 1 - rank)
		return keras_draw_straight(k, l, x);
	if (axis != -1 && axis != rank - 1)
		keras_draw_refuse(k, l, "axis %" PRId64, axis);
	return x.rank == 4 ? keras_draw_turned(k, l, x) : x;
}

DRAW(batch_norm)
{
	const char *scale, *bias, *mean, *variance;
	size_t at = place(l, "moving_mean"), n;

	(void)nin;
	*out = channels(k, l, in[0]);
	if (k->d.rc != 0)
		return;
	n = l->var[at].rank == 1 ? (size_t)l->var[at].dim[0] : 0;
	if (n == 0) {
		keras_draw_bad(k, l, "'moving_mean' is no vector");
		return;
	}
	scale = vector(k, l, "gamma", n, 1.0);
	bias = vector(k, l, "beta", n, 0.0);
	mean = vector(k, l, "moving_mean", n, 0.0);
	variance = vector(k, l, "moving_variance", n, 1.0);
	out->name = draw_node(&k->d, "BatchNormalization", l->path, out->name,
	    scale, bias, mean, variance, NULL);
	draw_real(&k->d, "epsilon", keras_config_real(l, "epsilon", 1e-3));
}

/* Length of the vectors of a layer that may have either, or none. */
static size_t
length(
    struct keras *k, const struct keras_layer *l, const struct keras_value *x)
{
	size_t i = place(l, "gamma");

	if (i == SIZE_MAX)
		i = place(l, "beta");
	if (i != SIZE_MAX && l->var[i].rank == 1)
		return (size_t)l->var[i].dim[0];
	if (x->last < 1)
		keras_draw_refuse(k, l, "the number of channels is unknown");
	return (size_t)MAX(x->last, 1);
}

DRAW(layer_norm)
{
	int64_t axis = axis_of(k, l);
	size_t n;

	(void)nin;
	*out = keras_draw_straight(k, l, in[0]);
	if (axis != -1 && axis != (int64_t)out->rank - 1)
		keras_draw_refuse(k, l, "axis %" PRId64, axis);
	if (keras_config_bool(l, "rms_scaling", false))
		keras_draw_refuse(k, l, "rms_scaling");
	n = length(k, l, out);
	out->name = draw_node(&k->d, "LayerNormalization", l->path, out->name,
	    vector(k, l, "gamma", n, 1.0), vector(k, l, "beta", n, 0.0), NULL);
	draw_int(&k->d, "axis", -1);
	draw_real(&k->d, "epsilon", keras_config_real(l, "epsilon", 1e-3));
}

DRAW(group_norm)
{
	int64_t groups = 32;
	size_t n;

	(void)nin;
	*out = channels(k, l, in[0]);
	if (keras_config_has(l, "groups") &&
	    !keras_config_ints(l, "groups", 1, &groups))
		keras_draw_bad(k, l, "'groups' is no integer");
	n = length(k, l, out);
	out->name = draw_node(&k->d, "GroupNormalization", l->path, out->name,
	    vector(k, l, "gamma", n, 1.0), vector(k, l, "beta", n, 0.0), NULL);
	draw_int(&k->d, "num_groups", groups == -1 ? (int64_t)n : groups);
	draw_real(&k->d, "epsilon", keras_config_real(l, "epsilon", 1e-3));
}

/* x / max(|x|, 1e-12) along the last axis (keras.utils.normalize) */
DRAW(unit_norm)
{
	const char *least = keras_draw_repeat(k, l, "least", 0, 1e-12), *norm;
	int64_t axis = axis_of(k, l);

	(void)nin;
	*out = keras_draw_straight(k, l, in[0]);
	if (axis != -1 && axis != (int64_t)out->rank - 1)
		keras_draw_refuse(k, l, "axis %" PRId64, axis);
	norm = draw_unary(&k->d, "ReduceL2", l->path, out->name);
	draw_ints(&k->d, "axes", 1, (int64_t[]){-1});
	draw_int(&k->d, "keepdims", 1);
	norm = draw_binary(&k->d, "Max", l->path, norm, least);
	out->name = draw_binary(&k->d, "Div", l->path, out->name, norm);
}

/* --- pixels -------------------------------------------------------------- */

#define BYTES 1.5 /* a mean of pixels beyond it is one of 0 to 255 */

/* Numbers of a member, one or one for each channel, as (1, C, 1, 1) or (C). */
static const char *
numbers(struct keras *k, const struct keras_layer *l, const char *key,
    const struct keras_value *x, double absent, double *least)
{
	const json_t *j = json_object_get(l->config, key);
	double v[LIMIT_IMAGE_CHANNELS];
	uint64_t dim[4] = {1, 1, 1, 1};
	size_t n = json_is_array(j) ? json_array_size(j) : 0;

	/* mean: [[[[a, b, c]]]] */
	while (
	    json_is_array(j) && n == 1 && json_is_array(json_array_get(j, 0)))
		n = json_array_size(j = json_array_get(j, 0));
	if (n > LIMIT_IMAGE_CHANNELS)
		keras_draw_bad(k, l, "'%s' has %zu numbers", key, n);
	if (k->d.rc != 0)
		return "";
	v[0] = keras_config_real(l, key, absent);
	for (size_t i = 0; i < n; i++) {
		if (!json_is_number(json_array_get(j, i)))
			keras_draw_bad(k, l, "'%s' is no list of numbers", key);
		v[i] = json_number_value(json_array_get(j, i));
	}
	*least = v[0];
	for (size_t i = 0; i < n; i++)
		*least = fabs(v[i]) < fabs(*least) ? v[i] : *least;
	if (n == 0)
		return keras_draw_numbers(k, l, key, 0, NULL, v);
	dim[x->turned ? 1 : x->rank - 1] = n;
	return keras_draw_numbers(k, l, key, x->rank, dim, v);
}

DRAW(rescale)
{
	const char *scale, *offset;
	double s = 1.0, o = 0.0;

	(void)nin;
	*out = in[0];
	scale = numbers(k, l, "scale", out, 1.0, &s);
	offset = numbers(k, l, "offset", out, 0.0, &o);
	keras_draw_pixels(
	    k, (fabs(s) > 0.0 && fabs(s) <= 1.0 / 64.0) || fabs(o) > BYTES);
	k->rescaled = true;
	out->name = draw_binary(&k->d, "Mul", l->path, out->name, scale);
	out->name = draw_binary(&k->d, "Add", l->path, out->name, offset);
}

/* A vector that the layer learned, along the last axis. */
static const char *
learned(struct keras *k, struct keras_layer *l, size_t i,
    const struct keras_value *x)
{
	const struct tensor *t = &l->var[i];
	uint64_t dim[4] = {1, 1, 1, 1}, stride[4];
	uint64_t width = dtype_width(t->dtype);
	uint64_t n = t->size / MAX(width, 1);

	if (t->rank > 1 && t->dim[t->rank - 1] != n) {
		keras_draw_refuse(k, l, "more than one axis");
		return "";
	}
	if (x->rank > 4) {
		keras_draw_refuse(k, l, "a value of rank %zu", x->rank);
		return "";
	}
	dim[x->turned ? 1 : x->rank - 1] = n;
	for (size_t a = 0; a < 4; a++)
		stride[a] = width;
	return keras_draw_view(k, l, i, x->rank, dim, stride);
}

/* (x - mean) / max(sqrt(variance), 1e-7) */
DRAW(normalise)
{
	bool given = keras_config_has(l, "mean");
	const char *mean, *variance;
	double m = 0.0, v = 1.0;

	(void)nin;
	*out = in[0];
	axis_of(k, l);
	if (keras_config_bool(l, "invert", false))
		keras_draw_refuse(k, l, "the inverse");
	if (given) {
		mean = numbers(k, l, "mean", out, 0.0, &m);
		variance = numbers(k, l, "variance", out, 1.0, &v);
	} else {
		mean = learned(k, l, 0, out);
		variance = learned(k, l, 1, out);
		if (l->var[0].size != 0)
			m = tensor_real(&l->var[0], 0);
	}
	keras_draw_pixels(k, fabs(m) > BYTES);
	k->rescaled = true;
	out->name = draw_binary(&k->d, "Sub", l->path, out->name, mean);
	variance = draw_unary(&k->d, "Sqrt", l->path, variance);
	variance = draw_binary(&k->d, "Max", l->path, variance,
	    keras_draw_repeat(k, l, "epsilon", 0, 1e-7));
	out->name = draw_binary(&k->d, "Div", l->path, out->name, variance);
}

#define GAMMA                                                                  \
	{                                                                      \
		.name = "gamma", .only_if = "scale"                            \
	}
#define BETA                                                                   \
	{                                                                      \
		.name = "beta", .only_if = "center"                            \
	}

#define LEARNED(n)                                                             \
	{                                                                      \
		.name = n, .unless = "mean", .fixed = true                     \
	}

const struct keras_class keras_norm_classes[] = {
    {.name = "BatchNormalization",
	.draw = batch_norm,
	.least = 1,
	.most = 1,
	.var = {GAMMA, BETA, {.name = "moving_mean", .fixed = true},
	    {.name = "moving_variance", .fixed = true}}},
    {.name = "LayerNormalization",
	.draw = layer_norm,
	.least = 1,
	.most = 1,
	.var = {GAMMA, BETA}},
    {.name = "GroupNormalization",
	.draw = group_norm,
	.least = 1,
	.most = 1,
	.var = {GAMMA, BETA}},
    {.name = "UnitNormalization", .draw = unit_norm, .least = 1, .most = 1},
    {.name = "Rescaling", .draw = rescale, .least = 1, .most = 1},
    {.name = "Normalization",
	.draw = normalise,
	.least = 1,
	.most = 1,
	.var = {LEARNED("mean"), LEARNED("variance"), LEARNED("count")}},
    {.name = NULL},
};
