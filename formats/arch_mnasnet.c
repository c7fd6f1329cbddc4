/* SPDX-License-Identifier: MIT
 * MNASNet B1, Tan et al. 2018, as torchvision has it (models/mnasnet.py): a
 * stem of three convolutions, six stacks of inverted residuals, a 1x1
 * convolution, numbered 0 to 16 with norms and activations.
 */
#include "formats/layer.h"

#include "formats/arch.h"

static size_t
match(const struct weights *w, const json_t *config)
{
	(void)config;
	if (!weights_has(w, "layers.0.weight") ||
	    !weights_has(w, "layers.8.0.layers.0.weight") ||
	    !weights_has(w, "layers.13.0.layers.0.weight") ||
	    !weights_has(w, "layers.14.weight") ||
	    !weights_has_last(w, "classifier.1"))
		return 0;
	return w->n;
}

/* Convolution at<i> and norm at<i + 1>. */
static const char *
unit(struct draw *a, const char *at, size_t i, const char *x,
    enum layer_act act, int64_t stride, bool deep)
{
	return layer_conv_norm(a, draw_path(a, "%s.%zu", at, i),
	    draw_path(a, "%s.%zu", at, i + 1), x,
	    (struct layer_unit){.act = act,
		.window = {.stride = stride,
		    .pad = DRAW_SAME,
		    .groups = deep ? DRAW_EACH : 1}});
}

static const char *
stack(struct draw *a, size_t s, const char *x, int64_t stride)
{
	for (size_t i = 0;; i++) {
		const char *at = draw_path(a, "layers.%zu.%zu.layers", s, i);
		const char *y;

		if (!draw_has(a, at, "0.weight"))
			return x;
		y = unit(a, at, 0, x, LAYER_RELU, 1, false);
		y = unit(a, at, 3, y, LAYER_RELU, i == 0 ? stride : 1, true);
		y = unit(a, at, 6, y, LAYER_NONE, 1, false);
		/* the first changes the size, or might as well */
		x = i > 0 || (stride == 1 && draw_dim(a, at, "0.weight", 1) ==
						 draw_dim(a, at, "6.weight", 0))
			? draw_binary(a, "Add", at, y, x)
			: y;
	}
}

static const char *
draw(struct draw *a, const char *x)
{
	static const uint8_t stride[] = {2, 2, 2, 1, 2, 1};

	x = layer_stem(
	    a, "layers.0", x, (struct draw_window){.stride = 2, .pad = 1});
	x = draw_batch_norm(a, "layers.1", x, 1e-5);
	x = draw_unary(a, "Relu", "layers.2", x);
	x = unit(a, "layers", 3, x, LAYER_RELU, 1, true);
	x = unit(a, "layers", 6, x, LAYER_NONE, 1, false);
	for (size_t i = 0; i < ARRAY_LEN(stride); i++)
		x = stack(a, 8 + i, x, stride[i]);
	x = unit(a, "layers", 14, x, LAYER_RELU, 1, false);
	return draw_last(a, "classifier.1", draw_global_pool(a, "mean", x));
}

const struct arch_family arch_mnasnet = {
    .name = "mnasnet",
    .summary = "MNASNet of any width",
    .match = match,
    .draw = draw,
};
