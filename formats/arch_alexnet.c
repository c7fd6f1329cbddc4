/* SPDX-License-Identifier: MIT
 * AlexNet, Krizhevsky 2014, as torchvision has it (models/alexnet.py).
 */
#include "formats/layer.h"

#include "formats/arch.h"

static size_t
match(const struct weights *w, const json_t *config)
{
	const struct tensor *t = weights_peek(w, "features.0.weight");

	(void)config;
	if (t == NULL || t->rank != 4 || t->dim[2] != 11 ||
	    !weights_has(w, "features.10.weight") ||
	    !weights_has(w, "classifier.1.weight") ||
	    !weights_has(w, "classifier.4.weight"))
		return 0;
	return w->n;
}

static const char *
conv(struct draw *a, const char *at, const char *x, int64_t pad)
{
	x = draw_conv(a, at, x, (struct draw_window){.pad = pad});
	return draw_unary(a, "Relu", at, x);
}

static const char *
pool(struct draw *a, const char *at, const char *x)
{
	return draw_max_pool(a, at, x, 3, 2, 0, false);
}

static const char *
draw(struct draw *a, const char *x)
{
	static const char *const linear[] = {"classifier.1", "classifier.4"};

	x = layer_stem(
	    a, "features.0", x, (struct draw_window){.stride = 4, .pad = 2});
	x = pool(a, "features.2", draw_unary(a, "Relu", "features.0", x));
	x = pool(a, "features.5", conv(a, "features.3", x, 2));
	x = conv(a, "features.6", x, 1);
	x = conv(a, "features.8", x, 1);
	x = pool(a, "features.12", conv(a, "features.10", x, 1));
	x = draw_flatten(a, "avgpool",
	    layer_adaptive_pool(a, "avgpool", x, (int64_t[]){6, 6}, false));
	for (size_t i = 0; i < ARRAY_LEN(linear); i++)
		x = draw_unary(
		    a, "Relu", linear[i], draw_gemm(a, linear[i], x));
	return draw_classifier(a, "classifier.6", x);
}

const struct arch_family arch_alexnet = {
    .name = "alexnet",
    .summary = "AlexNet",
    .match = match,
    .draw = draw,
};
