/* SPDX-License-Identifier: MIT
 * SENet for CIFAR, Hu et al. 2018, as pytorch-cifar (models/senet.py) and
 * BackdoorBench have it: the blocks of a pre-activation ResNet, or of a plain
 * one, with a squeeze.  The two differ in what is normalised first, and so in
 * the length of a block's first norm.
 */
#include "formats/layer.h"

#include "formats/arch.h"

static const enum layer_act squeeze[2] = {LAYER_RELU, LAYER_SIGMOID};

static size_t
match(const struct weights *w, const json_t *config)
{
	(void)config;
	if (!weights_has(w, "conv1.weight") || !weights_has(w, "bn1.weight") ||
	    !weights_has(w, "layer1.0.fc1.weight") ||
	    !weights_has(w, "layer4.0.fc2.weight") ||
	    !weights_has(w, "linear.weight"))
		return 0;
	return w->n;
}

static const char *
se(struct draw *a, const char *at, const char *x)
{
	return layer_squeeze(a, at, draw_path(a, "%s.fc1", at),
	    draw_path(a, "%s.fc2", at), x, squeeze);
}

static const char *
conv(struct draw *a, const char *at, const char *name, const char *x,
    int64_t stride)
{
	return draw_conv(a, draw_path(a, "%s.%s", at, name), x,
	    (struct draw_window){.stride = stride, .pad = DRAW_SAME});
}

static const char *
norm(struct draw *a, const char *at, const char *name, const char *x)
{
	return draw_batch_norm(a, draw_path(a, "%s.%s", at, name), x, 1e-5);
}

static const char *
relu(struct draw *a, const char *at, const char *x)
{
	return draw_unary(a, "Relu", at, x);
}

/* norm, relu, conv; twice */
static const char *
before(struct draw *a, const char *at, const char *x, int64_t stride)
{
	const char *y = relu(a, at, norm(a, at, "bn1", x));

	if (draw_has(a, at, "shortcut.0.weight"))
		x = conv(a, at, "shortcut.0", y, stride);
	y = conv(a, at, "conv1", y, stride);
	y = conv(a, at, "conv2", relu(a, at, norm(a, at, "bn2", y)), 1);
	return draw_binary(a, "Add", at, se(a, at, y), x);
}

/* conv, norm, relu; conv, norm */
static const char *
after(struct draw *a, const char *at, const char *x, int64_t stride)
{
	const char *y = conv(a, at, "conv1", x, stride);

	y = conv(a, at, "conv2", relu(a, at, norm(a, at, "bn1", y)), 1);
	y = se(a, at, norm(a, at, "bn2", y));
	if (draw_has(a, at, "shortcut.0.weight"))
		x = norm(
		    a, at, "shortcut.1", conv(a, at, "shortcut.0", x, stride));
	return relu(a, at, draw_binary(a, "Add", at, y, x));
}

static const char *
draw(struct draw *a, const char *x)
{
	bool plain = draw_has(a, "layer2.0.shortcut.1", "weight");

	x = layer_stem(a, "conv1", x, (struct draw_window){.pad = DRAW_SAME});
	x = relu(a, "bn1", draw_batch_norm(a, "bn1", x, 1e-5));
	for (size_t s = 1; s <= 4; s++)
		for (size_t i = 0;; i++) {
			const char *at = draw_path(a, "layer%zu.%zu", s, i);
			int64_t stride = s > 1 && i == 0 ? 2 : 1;

			if (!draw_has(a, at, "conv1.weight"))
				break;
			x = plain ? after(a, at, x, stride)
				  : before(a, at, x, stride);
		}
	return draw_classifier(a, "linear", draw_global_pool(a, "avgpool", x));
}

const struct arch_family arch_senet = {
    .name = "senet",
    .summary = "SENet18 and its like, of CIFAR models",
    .match = match,
    .draw = draw,
};
