/* SPDX-License-Identifier: MIT
 * DenseNet, Huang et al. 2016, as CIFAR collections have it: pytorch-cifar
 * (models/densenet.py, "linear") puts what a layer gives before what it took,
 * pytorch-classification (models/cifar/densenet.py, "fc") behind it.
 */
#include "formats/arch.h"
#include "formats/layer.h"

static size_t
match(const struct weights *w, const json_t *config)
{
	(void)config;
	return weights_has(w, "conv1.weight") && weights_has(w, "bn.weight") &&
		       weights_has(w, "dense1.0.bn1.weight") &&
		       weights_has(w, "dense1.0.conv1.weight") &&
		       (weights_has(w, "trans1.conv.weight") ||
			   weights_has(w, "trans1.conv1.weight"))
		   ? w->n
		   : 0;
}

static const char *
norm_relu(struct draw *a, const char *norm, const char *x)
{
	return draw_unary(a, "Relu", norm, draw_batch_norm(a, norm, x, 1e-5));
}

/* 1x1 and 3x3, or 3x3 alone. */
static const char *
layer(struct draw *a, const char *at, const char *x, bool before)
{
	bool deep = draw_has(a, at, "conv2.weight");
	const char *y = norm_relu(a, draw_path(a, "%s.bn1", at), x);

	y = draw_conv(a, draw_path(a, "%s.conv1", at), y,
	    (struct draw_window){.pad = deep ? 0 : 1});
	if (deep) {
		y = norm_relu(a, draw_path(a, "%s.bn2", at), y);
		y = draw_conv(a, draw_path(a, "%s.conv2", at), y,
		    (struct draw_window){.pad = 1});
	}
	return layer_concat(a, at, 1, 2,
	    before ? (const char *[]){y, x} : (const char *[]){x, y});
}

static const char *
transition(struct draw *a, const char *at, const char *x)
{
	bool plain = draw_has(a, at, "conv.weight");

	x = norm_relu(a, draw_path(a, "%s.%s", at, plain ? "bn" : "bn1"), x);
	x = draw_conv(a, draw_path(a, "%s.%s", at, plain ? "conv" : "conv1"), x,
	    (struct draw_window){0});
	return draw_average_pool(a, at, x, 2, 2, 0);
}

static const char *
draw(struct draw *a, const char *x)
{
	bool linear = weights_has_last(a->w, "linear");

	x = layer_stem(a, "conv1", x, (struct draw_window){.pad = 1});
	for (size_t s = 1;; s++) {
		const char *next = draw_path(a, "trans%zu", s);

		for (size_t i = 0;; i++) {
			const char *at = draw_path(a, "dense%zu.%zu", s, i);

			if (!draw_has(a, at, "conv1.weight"))
				break;
			x = layer(a, at, x, linear);
		}
		if (!draw_has(a, next, "conv.weight") &&
		    !draw_has(a, next, "conv1.weight"))
			break;
		x = transition(a, next, x);
	}
	x = draw_global_pool(a, "avgpool", norm_relu(a, "bn", x));
	return draw_last(a, linear ? "linear" : "fc", x);
}

const struct arch_family arch_cifar_densenet = {
    .name = "cifar_densenet",
    .summary = "DenseNet of CIFAR models",
    .match = match,
    .draw = draw,
};
