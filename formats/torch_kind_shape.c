/* SPDX-License-Identifier: MIT
 * Layers of torch.nn that multiply, move, or do nothing when a model is used:
 * torch/nn/modules/{linear,flatten,dropout}.py.
 */
#include "formats/torch_kind.h"

#define DRAW(name)                                                             \
	static void name(struct draw *a, const struct torch_layer *l,          \
	    struct torch_value *x)

DRAW(linear)
{
	const char *at = torch_kind_module(a, l);

	x->name = x->rank == 2 ? draw_gemm(a, at, x->name)
			       : draw_linear(a, at, x->name);
}

/* All axes from one on. */
DRAW(flatten)
{
	int64_t dim[MODEL_MAX_RANK] = {0};
	double first = torch_kind_real(l, "start_dim", 1);
	double last = torch_kind_real(l, "end_dim", -1);
	double rank = (double)x->rank;

	first += first < 0 ? rank : 0;
	last += last < 0 ? rank : 0;
	if (!(first >= 1) || !(first < rank) || last != rank - 1) {
		torch_kind_refuse(a, l, "flattens some axes");
		return;
	}
	x->rank = (size_t)first + 1;
	dim[x->rank - 1] = -1;
	x->name = x->rank == 2
		      ? draw_flatten(a, l->path, x->name)
		      : draw_reshape(a, l->path, x->name, x->rank, dim);
}

/* The last of two axes as several. */
DRAW(unflatten)
{
	double v[MODEL_MAX_RANK], dim = torch_kind_real(l, "dim", 0);
	int64_t to[MODEL_MAX_RANK + 1] = {0};
	size_t n = 0;
	bool fits = torch_found_numbers(
	    pickle_get(l->state, "unflattened_size"), v, &n);

	fits = fits && x->rank == 2 && (dim == 1 || dim == -1) &&
	       n < MODEL_MAX_RANK;
	for (size_t i = 0; fits && i < n; i++)
		if ((fits = v[i] == -1 || (v[i] >= 1 && v[i] < INT32_MAX)))
			to[i + 1] = (int64_t)v[i];
	if (!fits) {
		torch_kind_refuse(a, l, "takes odd axes apart");
		return;
	}
	x->rank = n + 1;
	x->name = draw_reshape(a, l->path, x->name, x->rank, to);
}

DRAW(nothing)
{
	(void)a;
	(void)l;
	(void)x;
}

const struct torch_kind torch_kind_shape[] = {
    {"Linear", linear, TORCH_LINEAR},
    {"Flatten", flatten, TORCH_OTHER},
    {"Unflatten", unflatten, TORCH_OTHER},
    {"Dropout", nothing, TORCH_NOTHING},
    {"Dropout1d", nothing, TORCH_NOTHING},
    {"Dropout2d", nothing, TORCH_NOTHING},
    {"AlphaDropout", nothing, TORCH_NOTHING},
    {"FeatureAlphaDropout", nothing, TORCH_NOTHING},
    {"Identity", nothing, TORCH_NOTHING},
    {"Sequential", nothing, TORCH_NOTHING}, /* an empty one */
    {.type = NULL},
};
