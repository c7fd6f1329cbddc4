/* SPDX-License-Identifier: MIT
 * DenseNet, Huang et al. 2016, as torchvision has it (models/densenet.py),
 * also with the names of its first weight files ("norm.1" for "norm1").
 */
#include "formats/layer.h"

#include "formats/arch.h"

static size_t
match(const struct weights *w, const json_t *config)
{
	static const char first[] = "features.denseblock1.denselayer1.conv";
	char now[64], then[64];

	(void)config;
	snprintf(now, sizeof(now), "%s1.weight", first);
	snprintf(then, sizeof(then), "%s.1.weight", first);
	if (!weights_has(w, "features.conv0.weight") ||
	    !weights_has(w, "features.norm5.weight") ||
	    !weights_has_last(w, "classifier"))
		return 0;
	return weights_has(w, now) || weights_has(w, then) ? w->n : 0;
}

static const char *
norm_relu(struct draw *a, const char *norm, const char *x)
{
	return draw_unary(a, "Relu", norm, draw_batch_norm(a, norm, x, 1e-5));
}

/* What came before stays, 1x1 and 3x3 convolutions add to it. */
static const char *
dense(struct draw *a, const char *at, const char *dot, const char *x)
{
	const char *y = norm_relu(a, draw_path(a, "%s.norm%s1", at, dot), x);

	y = draw_conv(
	    a, draw_path(a, "%s.conv%s1", at, dot), y, (struct draw_window){0});
	y = norm_relu(a, draw_path(a, "%s.norm%s2", at, dot), y);
	y = draw_conv(a, draw_path(a, "%s.conv%s2", at, dot), y,
	    (struct draw_window){.pad = 1});
	return layer_concat(a, at, 1, 2, (const char *[]){x, y});
}

static const char *
stage(struct draw *a, size_t s, const char *x)
{
	const char *next = draw_path(a, "features.transition%zu", s);

	for (size_t i = 1;; i++) {
		const char *at =
		    draw_path(a, "features.denseblock%zu.denselayer%zu", s, i);

		if (draw_has(a, at, "norm1.weight"))
			x = dense(a, at, "", x);
		else if (draw_has(a, at, "norm.1.weight"))
			x = dense(a, at, ".", x);
		else
			break;
	}
	if (!draw_has(a, next, "conv.weight"))
		return x;
	x = norm_relu(a, draw_path(a, "%s.norm", next), x);
	x = draw_conv(
	    a, draw_path(a, "%s.conv", next), x, (struct draw_window){0});
	return draw_average_pool(a, next, x, 2, 2, 0);
}

static const char *
draw(struct draw *a, const char *x)
{
	x = layer_stem(a, "features.conv0", x,
	    (struct draw_window){.stride = 2, .pad = 3});
	x = norm_relu(a, "features.norm0", x);
	x = draw_max_pool(a, "features.pool0", x, 3, 2, 1, false);
	for (size_t s = 1; s <= 4; s++)
		x = stage(a, s, x);
	x = norm_relu(a, "features.norm5", x);
	return draw_last(a, "classifier", draw_global_pool(a, "avgpool", x));
}

const struct arch_family arch_densenet = {
    .name = "densenet",
    .summary = "DenseNet 121, 161, 169, 201",
    .match = match,
    .draw = draw,
};
