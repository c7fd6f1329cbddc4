/* SPDX-License-Identifier: MIT
 * MobileNet v3, large and small, Howard et al. 2019, as torchvision has it
 * (models/mobilenetv3.py).  Which it is shows in the number of blocks; strides
 * and activations are those of the paper's tables 1 and 2, the rest is read
 * from the weights.
 */
#include "formats/layer.h"

#include "formats/arch.h"

#define LARGE 15
#define SMALL 11

struct line {
	uint8_t stride;
	bool swish; /* h-swish, else relu */
};

static const struct line large[LARGE] = {{1, 0}, {2, 0}, {1, 0}, {2, 0}, {1, 0},
    {1, 0}, {2, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, {2, 1}, {1, 1},
    {1, 1}};
static const struct line small[SMALL] = {{2, 0}, {2, 0}, {1, 0}, {2, 1}, {1, 1},
    {1, 1}, {1, 1}, {1, 1}, {2, 1}, {1, 1}, {1, 1}};

static size_t
blocks_of(const struct weights *w)
{
	size_t n = 0;

	for (; n <= LARGE; n++) {
		char name[64];

		snprintf(
		    name, sizeof(name), "features.%zu.block.0.0.weight", n + 1);
		if (!weights_has(w, name))
			break;
	}
	return n;
}

static size_t
match(const struct weights *w, const json_t *config)
{
	size_t n = blocks_of(w);

	(void)config;
	if ((n != LARGE && n != SMALL) ||
	    !weights_has(w, "features.0.0.weight") ||
	    !weights_has(w, "classifier.0.weight") ||
	    !weights_has(w, "classifier.3.weight"))
		return 0;
	return w->n;
}

static struct layer_unit
unit_of(enum layer_act act, int64_t stride, int64_t groups)
{
	return (struct layer_unit){.eps = 1e-3,
	    .act = act,
	    .window = {.stride = stride, .groups = groups}};
}

/* Expansion (not in the first of some), depthwise, squeeze (where there is
 * one), projection. */
static const char *
block(struct draw *a, const char *at, const char *x, const struct line *l)
{
	static const enum layer_act squeeze[2] = {
	    LAYER_RELU, LAYER_HARD_SIGMOID};
	enum layer_act act = l->swish ? LAYER_HARD_SWISH : LAYER_RELU;
	bool deep = draw_dim(a, at, "block.0.0.weight", 1) == 1;
	uint64_t in = draw_dim(a, at, "block.0.0.weight", deep ? 0 : 1);
	size_t i = 0;
	const char *y = x, *part = draw_path(a, "%s.block.0", at);

	if (!deep) {
		y = layer_unit(a, part, y, unit_of(act, 1, 1));
		part = draw_path(a, "%s.block.%zu", at, ++i);
	}
	y = layer_unit(a, part, y, unit_of(act, l->stride, DRAW_EACH));
	part = draw_path(a, "%s.block.%zu", at, ++i);
	if (draw_has(a, part, "fc1.weight")) {
		y = layer_squeeze(a, part, draw_path(a, "%s.fc1", part),
		    draw_path(a, "%s.fc2", part), y, squeeze);
		part = draw_path(a, "%s.block.%zu", at, ++i);
	}
	y = layer_unit(a, part, y, unit_of(LAYER_NONE, 1, 1));
	return l->stride == 1 && in == draw_dim(a, part, "0.weight", 0)
		   ? draw_binary(a, "Add", at, y, x)
		   : y;
}

static const char *
draw(struct draw *a, const char *x)
{
	size_t n = blocks_of(a->w);
	const struct line *l = n == LARGE ? large : small;

	if (n != LARGE && n != SMALL)
		draw_fail(
		    a, "%zu blocks, known are %d and %d", n, LARGE, SMALL);
	x = layer_stem(
	    a, "features.0.0", x, (struct draw_window){.stride = 2, .pad = 1});
	x = draw_batch_norm(a, "features.0.1", x, 1e-3);
	x = layer_act(a, LAYER_HARD_SWISH, "features.0", x);
	for (size_t i = 0; a->rc == 0 && i < n; i++)
		x = block(a, draw_path(a, "features.%zu", i + 1), x, &l[i]);
	x = layer_unit(a, draw_path(a, "features.%zu", n + 1), x,
	    unit_of(LAYER_HARD_SWISH, 1, 1));
	x = draw_gemm(a, "classifier.0", draw_global_pool(a, "avgpool", x));
	x = layer_act(a, LAYER_HARD_SWISH, "classifier.1", x);
	return draw_classifier(a, "classifier.3", x);
}

const struct arch_family arch_mobilenet_v3 = {
    .name = "mobilenet_v3",
    .summary = "MobileNet v3, large and small, of any width",
    .match = match,
    .draw = draw,
};
