/* SPDX-License-Identifier: MIT
 * RegNet X and Y, Radosavovic et al. 2020, as torchvision has them
 * (models/regnet.py).  Y has a squeeze in each block.
 */
#include "formats/layer.h"

#include "formats/arch.h"

static size_t
match(const struct weights *w, const json_t *config)
{
	(void)config;
	if (!weights_has(w, "stem.0.weight") ||
	    !weights_has(w, "trunk_output.block1.block1-0.f.a.0.weight") ||
	    !weights_has_last(w, "fc"))
		return 0;
	return w->n;
}

static const char *
block(struct draw *a, const char *at, const char *x, int64_t stride)
{
	static const enum layer_act squeeze[2] = {LAYER_RELU, LAYER_SIGMOID};
	const char *f = draw_path(a, "%s.f", at);
	const char *proj = draw_path(a, "%s.proj", at), *y;
	uint64_t width = draw_dim(a, f, "a.0.weight", 0);
	struct layer_unit relu = {.act = LAYER_RELU};
	struct layer_unit down = {.window = {.stride = stride}};
	struct layer_unit mid = {
	    .act = LAYER_RELU, .window = {.stride = stride}};

	mid.window.groups =
	    (int64_t)(width / MAX(draw_dim(a, f, "b.0.weight", 1), 1));
	y = layer_unit(a, draw_path(a, "%s.a", f), x, relu);
	y = layer_unit(a, draw_path(a, "%s.b", f), y, mid);
	if (draw_has(a, f, "se.fc1.weight"))
		y = layer_squeeze(a, draw_path(a, "%s.se", f),
		    draw_path(a, "%s.se.fc1", f), draw_path(a, "%s.se.fc2", f),
		    y, squeeze);
	y = layer_unit(a, draw_path(a, "%s.c", f), y, (struct layer_unit){0});
	if (draw_has(a, proj, "0.weight"))
		x = layer_unit(a, proj, x, down);
	return draw_unary(a, "Relu", at, draw_binary(a, "Add", at, x, y));
}

static const char *
draw(struct draw *a, const char *x)
{
	x = layer_stem(
	    a, "stem.0", x, (struct draw_window){.stride = 2, .pad = 1});
	x = draw_unary(
	    a, "Relu", "stem", draw_batch_norm(a, "stem.1", x, 1e-5));
	for (size_t s = 1; s <= 4; s++)
		for (size_t i = 0;; i++) {
			const char *at = draw_path(
			    a, "trunk_output.block%zu.block%zu-%zu", s, s, i);

			if (!draw_has(a, at, "f.a.0.weight"))
				break;
			x = block(a, at, x, i == 0 ? 2 : 1);
		}
	return draw_last(a, "fc", draw_global_pool(a, "avgpool", x));
}

const struct arch_family arch_regnet = {
    .name = "regnet",
    .summary = "RegNet X and Y",
    .match = match,
    .draw = draw,
};
