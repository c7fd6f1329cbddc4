/* SPDX-License-Identifier: MIT
 * Normalisations: torch/nn/modules/{batchnorm,instancenorm,normalization}.py.
 * What one has no weights for is 1 and 0.
 */
#include "base/limits.h"
#include "formats/torch_kind.h"

#define DRAW(name)                                                             \
	static void name(struct draw *a, const struct torch_layer *l,          \
	    struct torch_value *x)

/* Numbers of a norm that has none of its own: far beyond what circulates. */
#define MAX_VECTOR ((uint64_t)1 << 22)

static double
epsilon(const struct torch_layer *l)
{
	return torch_kind_real(l, "eps", 1e-5);
}

/* The weight `name`, or that many times `absent`. */
static const char *
vector(struct draw *a, const struct torch_layer *l, const char *name,
    size_t rank, const uint64_t *dim, double absent)
{
	const char *at = torch_kind_module(a, l);
	uint64_t n = 1;
	double *v;

	if (draw_has(a, at, name))
		return draw_weight(a, at, name)->name;
	for (size_t i = 0; i < rank; i++) {
		if (dim[i] < 1 || dim[i] > MAX_VECTOR / n)
			torch_kind_refuse(
			    a, l, "has an odd number of features");
		n = a->rc == 0 ? n * dim[i] : 1;
	}
	if ((v = draw_room(a, n, sizeof(*v))) == NULL)
		return "";
	for (uint64_t i = 0; i < n; i++)
		v[i] = absent;
	return draw_constant(
	    a, draw_path(a, "%s.%s", l->path, name), rank, dim, v);
}

/* num_features, where the numbers of channels are not those of a weight. */
static uint64_t
features(const struct torch_layer *l)
{
	double n = torch_kind_real(l, "num_features", 0.0);

	return n >= 1 && n <= (double)MAX_VECTOR ? (uint64_t)n : 0;
}

static void
by_statistics(
    struct draw *a, const struct torch_layer *l, struct torch_value *x)
{
	const char *at = torch_kind_module(a, l);
	uint64_t n[] = {features(l)};
	const char *scale = vector(a, l, "weight", 1, n, 1.0);
	const char *bias = vector(a, l, "bias", 1, n, 0.0);
	const struct tensor *mean = draw_weight(a, at, "running_mean");
	const struct tensor *variance = draw_weight(a, at, "running_var");

	if (a->rc != 0)
		return;
	x->name = draw_node(a, "BatchNormalization", at, x->name, scale, bias,
	    mean->name, variance->name, NULL);
	draw_real(a, "epsilon", epsilon(l));
}

DRAW(batch)
{
	if (!draw_has(a, torch_kind_module(a, l), "running_mean"))
		torch_kind_refuse(
		    a, l, "normalises each image by the others of its batch");
	by_statistics(a, l, x);
}

DRAW(instance)
{
	uint64_t n[] = {features(l)};
	const char *scale, *bias;

	if (draw_has(a, torch_kind_module(a, l), "running_mean")) {
		by_statistics(a, l, x);
		return;
	}
	if (x->rank != 4)
		torch_kind_refuse(a, l, "stands behind what is no image");
	scale = vector(a, l, "weight", 1, n, 1.0);
	bias = vector(a, l, "bias", 1, n, 0.0);
	x->name = draw_node(
	    a, "InstanceNormalization", l->path, x->name, scale, bias, NULL);
	draw_real(a, "epsilon", epsilon(l));
}

DRAW(group)
{
	double channels = torch_kind_real(l, "num_channels", 0.0);
	uint64_t n[] = {channels >= 1 && channels <= (double)MAX_VECTOR
			    ? (uint64_t)channels
			    : 0};
	const char *scale = vector(a, l, "weight", 1, n, 1.0);
	const char *bias = vector(a, l, "bias", 1, n, 0.0);

	x->name = draw_node(
	    a, "GroupNormalization", l->path, x->name, scale, bias, NULL);
	draw_real(a, "epsilon", epsilon(l));
	draw_int(a, "num_groups",
	    (int64_t)MIN(
		MAX(torch_kind_real(l, "num_groups", 1.0), 1.0), 65536.0));
}

/* Over the last axes, as many as it was made for. */
DRAW(layer)
{
	double v[MODEL_MAX_RANK];
	uint64_t dim[MODEL_MAX_RANK];
	const char *scale, *bias;
	size_t rank;

	if (!torch_found_numbers(
		pickle_get(l->state, "normalized_shape"), v, &rank) ||
	    rank == 0 || rank >= x->rank) {
		torch_kind_refuse(a, l, "has an odd shape");
		return;
	}
	for (size_t i = 0; i < rank; i++)
		dim[i] = v[i] >= 1 && v[i] <= (double)MAX_VECTOR
			     ? (uint64_t)v[i]
			     : 0;
	scale = vector(a, l, "weight", rank, dim, 1.0);
	bias = vector(a, l, "bias", rank, dim, 0.0);
	x->name = draw_node(
	    a, "LayerNormalization", l->path, x->name, scale, bias, NULL);
	draw_int(a, "axis", -(int64_t)rank);
	draw_real(a, "epsilon", epsilon(l));
}

/* x / (k + alpha / size * sum of squares)^beta, over channels around it; where
 * their number is even, torch and ONNX have the odd one on different sides. */
DRAW(response)
{
	double size = torch_kind_real(l, "size", 0.0);

	if (!(size >= 1) || !(size <= 65535) || (int64_t)size % 2 == 0)
		torch_kind_refuse(a, l, "has an odd size");
	x->name = draw_unary(a, "LRN", l->path, x->name);
	draw_real(a, "alpha", torch_kind_real(l, "alpha", 1e-4));
	draw_real(a, "beta", torch_kind_real(l, "beta", 0.75));
	draw_real(a, "bias", torch_kind_real(l, "k", 1.0));
	draw_int(a, "size", a->rc == 0 ? (int64_t)size : 1);
}

const struct torch_kind torch_kind_norm[] = {
    {"BatchNorm2d", batch, TORCH_OTHER},
    {"BatchNorm1d", batch, TORCH_OTHER},
    {"SyncBatchNorm", batch, TORCH_OTHER},
    {"InstanceNorm2d", instance, TORCH_OTHER},
    {"GroupNorm", group, TORCH_OTHER},
    {"LayerNorm", layer, TORCH_OTHER},
    {"LocalResponseNorm", response, TORCH_OTHER},
    {.type = NULL},
};
