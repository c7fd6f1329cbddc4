/* SPDX-License-Identifier: MIT
 * GoogLeNet, Szegedy et al. 2014, for images of 32 pixels, as pytorch-cifar has
 * it (models/googlenet.py): with batch-norm, two 3x3 for the paper's 5x5.
 */
#include "formats/arch.h"
#include "formats/layer.h"

static size_t
match(const struct weights *w, const json_t *config)
{
	(void)config;
	return weights_has(w, "pre_layers.0.weight") &&
		       weights_has(w, "a3.b1.0.weight") &&
		       weights_has(w, "b5.b3.6.weight") &&
		       weights_has_last(w, "linear")
		   ? w->n
		   : 0;
}

/* Convolution i of a row, its norm and a relu behind it. */
static const char *
unit(struct draw *a, const char *at, size_t i, const char *x)
{
	x = draw_conv(a, draw_path(a, "%s.%zu", at, i), x,
	    (struct draw_window){.pad = DRAW_SAME});
	x = draw_batch_norm(a, draw_path(a, "%s.%zu", at, i + 1), x, 1e-5);
	return draw_unary(a, "Relu", draw_path(a, "%s.%zu", at, i + 2), x);
}

static const char *
inception(struct draw *a, const char *at, const char *x)
{
	const char *part[4];

	for (size_t i = 0; i < 3; i++) {
		const char *row = draw_path(a, "%s.b%zu", at, i + 1);

		part[i] = x;
		for (size_t k = 0; k <= i; k++)
			part[i] = unit(a, row, 3 * k, part[i]);
	}
	part[3] =
	    draw_max_pool(a, draw_path(a, "%s.b4.0", at), x, 3, 1, 1, false);
	part[3] = unit(a, draw_path(a, "%s.b4", at), 1, part[3]);
	return layer_concat(a, at, 1, 4, part);
}

static const char *
draw(struct draw *a, const char *x)
{
	static const char *const rest[] = {
	    "a3", "b3", "", "a4", "b4", "c4", "d4", "e4", "", "a5", "b5"};

	x = layer_stem(a, "pre_layers.0", x, (struct draw_window){.pad = 1});
	x = draw_batch_norm(a, "pre_layers.1", x, 1e-5);
	x = draw_unary(a, "Relu", "pre_layers.2", x);
	for (size_t i = 0; i < ARRAY_LEN(rest); i++)
		x = *rest[i] != '\0'
			? inception(a, rest[i], x)
			: draw_max_pool(a, "maxpool", x, 3, 2, 1, false);
	return draw_last(a, "linear", draw_global_pool(a, "avgpool", x));
}

const struct arch_family arch_cifar_googlenet = {
    .name = "cifar_googlenet",
    .summary = "GoogLeNet of CIFAR models",
    .match = match,
    .draw = draw,
};
