/* SPDX-License-Identifier: MIT
 * ConvNeXt, Liu et al. 2022, as torchvision has it (models/convnext.py).
 */
#include "formats/layer.h"

#include "formats/arch.h"

#define EPS 1e-6

static size_t
match(const struct weights *w, const json_t *config)
{
	(void)config;
	if (!weights_has(w, "features.0.0.weight") ||
	    !weights_has(w, "features.1.0.layer_scale") ||
	    !weights_has(w, "features.1.0.block.5.weight") ||
	    !weights_has(w, "classifier.2.weight"))
		return 0;
	return w->n;
}

/* A layer-norm of the channels of each pixel. */
static const char *
norm(struct draw *a, const char *at, const char *x)
{
	x = draw_layer_norm(a, at, draw_channels_last(a, at, x), EPS);
	return draw_channels_first(a, at, x);
}

static const char *
block(struct draw *a, const char *at, const char *x)
{
	const char *part = draw_path(a, "%s.block", at);
	const struct tensor *scale = draw_weight(a, at, "layer_scale");
	const char *y = draw_conv(a, draw_path(a, "%s.0", part), x,
	    (struct draw_window){.pad = DRAW_SAME, .groups = DRAW_EACH});

	if (a->rc != 0)
		return "";
	y = draw_channels_last(a, part, y);
	y = draw_layer_norm(a, draw_path(a, "%s.2", part), y, EPS);
	y = layer_mlp(a, draw_path(a, "%s.3", part), draw_path(a, "%s.5", part),
	    LAYER_GELU, y);
	y = draw_channels_first(a, part, y);
	y = draw_binary(a, "Mul", at, y, scale->name);
	return draw_binary(a, "Add", at, y, x);
}

static const char *
draw(struct draw *a, const char *x)
{
	uint64_t patch = draw_dim(a, "features.0.0", "weight", 2);

	if (patch > 64)
		draw_fail(a, "patches of %" PRIu64 " pixels", patch);
	x = layer_stem(a, "features.0.0", x,
	    (struct draw_window){.stride = (int64_t)patch});
	x = norm(a, "features.0.1", x);
	/* stages have odd numbers, what makes them smaller has even ones */
	for (size_t s = 1; a->rc == 0; s++) {
		const char *down = draw_path(a, "features.%zu", s);
		const char *conv = draw_path(a, "%s.1", down);
		const char *first = draw_path(a, "%s.0.layer_scale", down);

		if (draw_has(a, conv, "weight")) {
			x = norm(a, draw_path(a, "%s.0", down), x);
			x = draw_conv(
			    a, conv, x, (struct draw_window){.stride = 2});
			continue;
		}
		if (!draw_has(a, first, ""))
			break;
		for (size_t i = 0;; i++) {
			const char *at = draw_path(a, "%s.%zu", down, i);

			if (!draw_has(a, at, "layer_scale"))
				break;
			x = block(a, at, x);
		}
	}
	x = draw_unary(a, "GlobalAveragePool", "avgpool", x);
	x = draw_flatten(a, "classifier.1", norm(a, "classifier.0", x));
	return draw_classifier(a, "classifier.2", x);
}

const struct arch_family arch_convnext = {
    .name = "convnext",
    .summary = "ConvNeXt tiny, small, base, large",
    .match = match,
    .draw = draw,
};
