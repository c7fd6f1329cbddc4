/* SPDX-License-Identifier: MIT
 * MobileNet, Howard et al. 2017, and MobileNet v2, Sandler et al. 2018, as
 * pytorch-cifar has them (models/mobilenet.py, mobilenetv2.py): "layers.0" and
 * so on, strides for images of 32 pixels, and relu where the papers have relu6.
 */
#include "formats/arch.h"
#include "formats/layer.h"

static size_t
match(const struct weights *w, const json_t *config)
{
	(void)config;
	return weights_has(w, "conv1.weight") && weights_has(w, "bn1.weight") &&
		       weights_has(w, "layers.0.conv1.weight") &&
		       weights_has(w, "layers.0.bn2.weight") &&
		       weights_has_last(w, "linear")
		   ? w->n
		   : 0;
}

/* Convolution n of a block, with its norm. */
static const char *
unit(struct draw *a, const char *at, int n, const char *x, int64_t stride,
    bool deep, enum layer_act act)
{
	return layer_conv_norm(a, draw_path(a, "%s.conv%d", at, n),
	    draw_path(a, "%s.bn%d", at, n), x,
	    (struct layer_unit){.window = {.stride = stride,
				    .pad = deep ? 1 : 0,
				    .groups = deep ? DRAW_EACH : 0},
		.act = act});
}

/* Depthwise, then 1x1; it halves the image where it becomes wider, but for the
 * first. */
static const char *
first_version(struct draw *a, size_t i, const char *at, const char *x)
{
	uint64_t in = draw_dim(a, at, "conv1.weight", 0);
	uint64_t out = draw_dim(a, at, "conv2.weight", 0);

	x = unit(a, at, 1, x, i > 0 && in != out ? 2 : 1, true, LAYER_RELU);
	return unit(a, at, 2, x, 1, false, LAYER_RELU);
}

/* Expansion, depthwise, projection.  Without a halving there is a shortcut, by
 * weights where it becomes wider. */
static const char *
second_version(struct draw *a, const char *at, const char *x)
{
	const char *skip = draw_path(a, "%s.shortcut", at), *y = x;
	uint64_t in = draw_dim(a, at, "conv1.weight", 1);
	uint64_t out = draw_dim(a, at, "conv3.weight", 0);
	bool turns = draw_has(a, skip, "0.weight");
	bool halves = in != out && !turns;

	y = unit(a, at, 1, y, 1, false, LAYER_RELU);
	y = unit(a, at, 2, y, halves ? 2 : 1, true, LAYER_RELU);
	y = unit(a, at, 3, y, 1, false, LAYER_NONE);
	if (halves)
		return y;
	if (turns)
		x = layer_conv_norm(a, draw_path(a, "%s.0", skip),
		    draw_path(a, "%s.1", skip), x, (struct layer_unit){0});
	return draw_binary(a, "Add", at, y, x);
}

static const char *
draw(struct draw *a, const char *x)
{
	x = layer_stem(a, "conv1", x, (struct draw_window){.pad = 1});
	x = draw_batch_norm(a, "bn1", x, 1e-5);
	x = layer_act(a, LAYER_RELU, "bn1", x);
	for (size_t i = 0;; i++) {
		const char *at = draw_path(a, "layers.%zu", i);

		if (!draw_has(a, at, "conv1.weight"))
			break;
		x = draw_has(a, at, "conv3.weight")
			? second_version(a, at, x)
			: first_version(a, i, at, x);
	}
	if (draw_has(a, "conv2", "weight"))
		x = layer_conv_norm(a, "conv2", "bn2", x,
		    (struct layer_unit){.act = LAYER_RELU});
	return draw_last(a, "linear", draw_global_pool(a, "avgpool", x));
}

const struct arch_family arch_cifar_mobilenet = {
    .name = "cifar_mobilenet",
    .summary = "MobileNet v1 and v2 of CIFAR models",
    .match = match,
    .draw = draw,
};
