/* SPDX-License-Identifier: MIT
 * EfficientNet b0 to b7, Tan and Le 2019, and v2, 2021, as torchvision has
 * them (models/efficientnet.py).  Strides of the stages are those of the
 * papers' tables; which batch-norms have an epsilon of 1e-3 is torchvision's
 * choice: b5 and larger, and v2.
 */
#include "formats/layer.h"

#include "formats/arch.h"

#define STAGES 7

static const uint8_t strides[STAGES] = {1, 2, 2, 2, 1, 2, 1};

static bool
has_stage(const struct weights *w, size_t s)
{
	char name[64];

	snprintf(name, sizeof(name), "features.%zu.0.block.0.0.weight", s);
	return weights_has(w, name);
}

static size_t
stages_of(const struct weights *w)
{
	size_t n = 0;

	while (n <= STAGES && has_stage(w, n + 1))
		n++;
	return n;
}

static size_t
match(const struct weights *w, const json_t *config)
{
	size_t n = stages_of(w);

	(void)config;
	if ((n != STAGES && n != STAGES - 1) ||
	    !weights_has(w, "features.0.0.weight") ||
	    !weights_has_last(w, "classifier.1"))
		return 0;
	return w->n;
}

static struct layer_unit
unit_of(enum layer_act act, int64_t stride, int64_t groups, double eps)
{
	return (struct layer_unit){.eps = eps,
	    .act = act,
	    .window = {.stride = stride, .groups = groups}};
}

/*
 * MBConv: expansion (but where there is none), depthwise, squeeze, projection.
 * Fused: a 3x3 convolution instead of the first two, which is all of it where
 * nothing is expanded.
 */
static const char *
inner(struct draw *a, const char *at, const char *x, int64_t stride, double eps)
{
	static const enum layer_act squeeze[2] = {LAYER_SILU, LAYER_SIGMOID};
	bool deep = draw_dim(a, at, "block.0.0.weight", 1) == 1;
	bool fused = !deep && draw_dim(a, at, "block.0.0.weight", 2) > 1;
	const char *part = draw_path(a, "%s.block.0", at);
	size_t i = 0;

	if (!deep) {
		x = layer_unit(a, part, x,
		    unit_of(LAYER_SILU, fused ? stride : 1, 1, eps));
		part = draw_path(a, "%s.block.%zu", at, ++i);
	}
	if (fused)
		return draw_has(a, part, "0.weight")
			   ? layer_unit(
				 a, part, x, unit_of(LAYER_NONE, 1, 1, eps))
			   : x;
	x = layer_unit(a, part, x, unit_of(LAYER_SILU, stride, DRAW_EACH, eps));
	part = draw_path(a, "%s.block.%zu", at, ++i);
	x = layer_squeeze(a, part, draw_path(a, "%s.fc1", part),
	    draw_path(a, "%s.fc2", part), x, squeeze);
	part = draw_path(a, "%s.block.%zu", at, ++i);
	return layer_unit(a, part, x, unit_of(LAYER_NONE, 1, 1, eps));
}

/* With its input added but where the stage begins; there only when that has
 * the same shape. */
static const char *
block(struct draw *a, const char *at, const char *x, int64_t stride, double eps)
{
	bool deep = draw_dim(a, at, "block.0.0.weight", 1) == 1;
	uint64_t in = draw_dim(a, at, "block.0.0.weight", deep ? 0 : 1),
		 out = 0;
	const char *y = inner(a, at, x, stride, eps);

	for (size_t i = 0; i < 4; i++) {
		const char *name = draw_path(a, "block.%zu.0.weight", i);

		if (draw_has(a, at, name))
			out = draw_dim(a, at, name, 0);
	}
	return stride == 1 && in == out ? draw_binary(a, "Add", at, y, x) : y;
}

static const char *
draw(struct draw *a, const char *x)
{
	size_t n = stages_of(a->w);
	bool v2 = draw_dim(a, "features.1.0.block.0.0", "weight", 1) > 1;
	uint64_t width =
	    draw_dim(a, draw_path(a, "features.%zu.0", n + 1), "weight", 0);
	double eps = v2 || width >= 2048 ? 1e-3 : 1e-5;

	if (n != STAGES && n != STAGES - 1)
		draw_fail(a, "%zu stages, known are 6 and 7", n);
	x = layer_stem(
	    a, "features.0.0", x, (struct draw_window){.stride = 2, .pad = 1});
	x = draw_batch_norm(a, "features.0.1", x, eps);
	x = layer_act(a, LAYER_SILU, "features.0", x);
	for (size_t s = 0; a->rc == 0 && s < n; s++)
		for (size_t i = 0;; i++) {
			const char *at =
			    draw_path(a, "features.%zu.%zu", s + 1, i);

			if (!draw_has(a, at, "block.0.0.weight"))
				break;
			x = block(a, at, x, i == 0 ? strides[s] : 1, eps);
		}
	x = layer_unit(a, draw_path(a, "features.%zu", n + 1), x,
	    unit_of(LAYER_SILU, 1, 1, eps));
	draw_note(a, "epsilon %g of batch-norms, as usual for its width", eps);
	return draw_last(a, "classifier.1", draw_global_pool(a, "avgpool", x));
}

const struct arch_family arch_efficientnet = {
    .name = "efficientnet",
    .summary = "EfficientNet b0 to b7, v2 s, m, l",
    .match = match,
    .draw = draw,
};
