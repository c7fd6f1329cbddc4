/* SPDX-License-Identifier: MIT
 * SqueezeNet 1.0 and 1.1, Iandola et al. 2016, as torchvision has them
 * (models/squeezenet.py).  The versions have their pools at different places,
 * which the numbers of the modules show.
 */
#include "formats/layer.h"

#include "formats/arch.h"

#define FEATURES 13 /* modules 0 to 12 in both */

static size_t
match(const struct weights *w, const json_t *config)
{
	(void)config;
	if (!weights_has(w, "features.0.weight") ||
	    !weights_has(w, "features.3.squeeze.weight") ||
	    !weights_has(w, "features.12.squeeze.weight") ||
	    !weights_has(w, "classifier.1.weight"))
		return 0;
	return w->n;
}

static const char *
conv(struct draw *a, const char *at, const char *x)
{
	x = draw_conv(a, at, x, (struct draw_window){.pad = DRAW_SAME});
	return draw_unary(a, "Relu", at, x);
}

static const char *
fire(struct draw *a, const char *at, const char *x)
{
	const char *part[2];

	x = conv(a, draw_path(a, "%s.squeeze", at), x);
	part[0] = conv(a, draw_path(a, "%s.expand1x1", at), x);
	part[1] = conv(a, draw_path(a, "%s.expand3x3", at), x);
	return layer_concat(a, at, 1, 2, part);
}

static const char *
draw(struct draw *a, const char *x)
{
	x = layer_stem(a, "features.0", x, (struct draw_window){.stride = 2});
	x = draw_unary(a, "Relu", "features.0", x);
	for (size_t i = 2; i < FEATURES; i++) {
		const char *at = draw_path(a, "features.%zu", i);

		x = draw_has(a, at, "squeeze.weight")
			? fire(a, at, x)
			: draw_max_pool(a, at, x, 3, 2, 0, true);
	}
	a->m->classes = draw_dim(a, "classifier.1", "weight", 0);
	return draw_global_pool(a, "classifier.3", conv(a, "classifier.1", x));
}

const struct arch_family arch_squeezenet = {
    .name = "squeezenet",
    .summary = "SqueezeNet 1.0 and 1.1",
    .match = match,
    .draw = draw,
};
