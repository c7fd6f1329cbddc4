/* SPDX-License-Identifier: MIT
 * MobileNet v2, Sandler et al. 2018, as torchvision has it
 * (models/mobilenetv2.py): a stem, 17 inverted residuals, a 1x1 convolution.
 * Strides are those of the paper's table 2, or, when --arch says so, those of
 * collections for images of 32 pixels (pytorch-cifar-models, PyTorch_CIFAR10),
 * which have the same weights.
 */
#include "formats/layer.h"

#include "formats/arch.h"

#define BLOCKS 17

struct strides {
	uint8_t stem, block[BLOCKS];
};

static const struct strides paper = {
    2, {1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1}};
static const struct strides small = {
    1, {1, 1, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1}};

static size_t
match(const struct weights *w, const json_t *config)
{
	(void)config;
	if (!weights_has(w, "features.0.0.weight") ||
	    !weights_has(w, "features.1.conv.0.0.weight") ||
	    !weights_has(w, "features.17.conv.0.0.weight") ||
	    !weights_has(w, "features.18.0.weight") ||
	    !weights_has_last(w, "classifier.1"))
		return 0;
	return w->n;
}

/* Expansion (where there is one), depthwise, projection. */
static const char *
block(struct draw *a, const char *at, const char *x, int64_t stride)
{
	struct layer_unit wide = {.act = LAYER_RELU6};
	struct layer_unit deep = {.act = LAYER_RELU6,
	    .window = {.stride = stride, .groups = DRAW_EACH}};
	bool expands = draw_has(a, at, "conv.1.0.weight");
	size_t i = 0;
	const char *y = x, *conv, *norm;
	uint64_t in;

	if (expands)
		y = layer_unit(
		    a, draw_path(a, "%s.conv.%zu", at, i++), y, wide);
	in = draw_dim(a, at, "conv.0.0.weight", expands ? 1 : 0);
	y = layer_unit(a, draw_path(a, "%s.conv.%zu", at, i++), y, deep);
	conv = draw_path(a, "%s.conv.%zu", at, i);
	norm = draw_path(a, "%s.conv.%zu", at, i + 1);
	y = layer_conv_norm(a, conv, norm, y, (struct layer_unit){0});
	return stride == 1 && in == draw_dim(a, conv, "weight", 0)
		   ? draw_binary(a, "Add", at, x, y)
		   : y;
}

static const char *
draw_with(struct draw *a, const struct strides *s, const char *x)
{
	x = layer_stem(a, "features.0.0", x,
	    (struct draw_window){.stride = s->stem, .pad = 1});
	x = draw_batch_norm(a, "features.0.1", x, 1e-5);
	x = layer_act(a, LAYER_RELU6, "features.0", x);
	for (size_t i = 0; i < BLOCKS; i++)
		x = block(
		    a, draw_path(a, "features.%zu", i + 1), x, s->block[i]);
	x = layer_unit(
	    a, "features.18", x, (struct layer_unit){.act = LAYER_RELU6});
	return draw_last(a, "classifier.1", draw_global_pool(a, "avgpool", x));
}

static const char *
draw(struct draw *a, const char *x)
{
	if (a->w->nattr == 0) /* a whole module has its strides */
		draw_note(a, "strides as for ImageNet; --arch "
			     "mobilenet_v2_cifar has those of CIFAR models");
	return draw_with(a, &paper, x);
}

static const char *
draw_small(struct draw *a, const char *x)
{
	return draw_with(a, &small, x);
}

const struct arch_family arch_mobilenet_v2 = {
    .name = "mobilenet_v2",
    .summary = "MobileNet v2 of any width",
    .match = match,
    .draw = draw,
};

const struct arch_family arch_mobilenet_v2_cifar = {
    .name = "mobilenet_v2_cifar",
    .summary = "the same weights, strides for images of 32 pixels",
    .match = arch_match_never,
    .draw = draw_small,
};
