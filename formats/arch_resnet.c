/* SPDX-License-Identifier: MIT
 * Residual networks, He et al. 2015: torchvision's (also wide and ResNeXt;
 * timm names them alike) with a 7x7 stem, and CIFAR models with a 3x3 or 1x1
 * stem and three or four stages, as pytorch-cifar has them: there the shortcut
 * is called so and the last layer "linear" as a rule.  Behind a stem that is
 * not 7x7 a pool has no weights that would tell of it: a whole module says, else
 * there is none, and resnet_pool has it (PyTorch_CIFAR10).
 */
#include "formats/layer.h"

#include "formats/arch.h"

static const char option_a[] =
    "wider without weights: every second pixel, channels of zeros around";

/* The last layer by its name, or NULL. */
static const char *
last(const struct weights *w)
{
	static const char *const names[] = {"linear", "fc", "classifier"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (weights_has_last(w, names[i]))
			return names[i];
	return NULL;
}

static size_t
match(const struct weights *w, const json_t *config)
{
	(void)config;
	if (!weights_has(w, "conv1.weight") || !weights_has(w, "bn1.weight") ||
	    !weights_has(w, "layer1.0.conv2.weight") ||
	    !weights_has(w, "layer3.0.conv1.weight") ||
	    weights_has(w, "layer1.0.fc1.weight")) /* SENet */
		return 0;
	return last(w) != NULL ? w->n : 0;
}

static const char *
conv_norm(struct draw *a, const char *block, const char *conv, const char *norm,
    const char *x, struct draw_window v)
{
	x = draw_conv(a, draw_path(a, "%s.%s", block, conv), x, v);
	return draw_batch_norm(a, draw_path(a, "%s.%s", block, norm), x, 1e-5);
}

/*
 * The shortcut of a block: with weights, or as it is; where a CIFAR model
 * becomes wider without weights (He et al. 2015, option A), every second pixel
 * and channels of zeros on both sides.
 */
static const char *
shortcut(struct draw *a, const char *at, const char *x, int64_t stride)
{
	bool cifar = draw_has(a, at, "shortcut.0.weight");
	const char *skip =
	    draw_path(a, "%s.%s", at, cifar ? "shortcut" : "downsample");
	uint64_t in = draw_dim(a, at, "conv1.weight", 1);
	uint64_t out = draw_dim(a, at, "conv2.weight", 0);
	int64_t more = 0;

	if (draw_has(a, skip, "0.weight"))
		return conv_norm(a, skip, "0", "1", x,
		    (struct draw_window){.stride = stride});
	if (stride == 1 || in >= out || out > INT32_MAX ||
	    draw_has(a, at, "conv3.weight"))
		return x;
	if (strstr(a->m->note, option_a) == NULL)
		draw_note(a, "%s", option_a);
	more = (int64_t)(out - in) / 2;
	x = layer_slice(a, skip, x, 2, 0, INT32_MAX, stride);
	x = layer_slice(a, skip, x, 3, 0, INT32_MAX, stride);
	x = draw_unary(a, "Pad", skip, x);
	draw_text(a, "mode", "constant");
	draw_ints(a, "pads", 8, (int64_t[]){0, more, 0, 0, 0, more, 0, 0});
	draw_real(a, "value", 0.0);
	return x;
}

/* Basic: 3x3, 3x3.  Bottleneck: 1x1, 3x3 (with stride and groups), 1x1. */
static const char *
block(struct draw *a, const char *at, const char *x, int64_t stride)
{
	bool deep = draw_has(a, at, "conv3.weight");
	const char *y;
	struct draw_window one = {.stride = stride, .pad = deep ? 0 : 1};
	struct draw_window two = {.stride = deep ? stride : 1, .pad = 1};

	if (deep) {
		one.stride = 1;
		/* ResNeXt: the 3x3 sees only its group of channels */
		two.groups =
		    (int64_t)(draw_dim(a, at, "conv1.weight", 0) /
			      MAX(draw_dim(a, at, "conv2.weight", 1), 1));
	}
	y = conv_norm(a, at, "conv1", "bn1", x, one);
	y = draw_unary(a, "Relu", at, y);
	y = conv_norm(a, at, "conv2", "bn2", y, two);
	if (deep) {
		y = draw_unary(a, "Relu", at, y);
		y = conv_norm(
		    a, at, "conv3", "bn3", y, (struct draw_window){0});
	}
	x = shortcut(a, at, x, stride);
	return draw_unary(a, "Relu", at, draw_binary(a, "Add", at, y, x));
}

/* The pool behind the stem, as a whole module has it. */
static const char *
pool(struct draw *a, const char *x, bool usual)
{
	static const char *const names[] = {"kernel_size", "stride", "padding"};
	int64_t v[] = {3, 2, 1};
	const struct weights_attr *n;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		n = weights_attr(a->w, "maxpool", names[i]);
		if (i == 0 && n == NULL && !usual)
			return x;
		if (n == NULL)
			continue;
		if (!(n->v[0] >= 0) || !(n->v[0] < 65536) ||
		    n->v[n->n - 1] != n->v[0])
			draw_fail(
			    a, "module 'maxpool' has an odd %s", names[i]);
		else
			v[i] = (int64_t)n->v[0];
	}
	n = weights_attr(a->w, "maxpool", "ceil_mode");
	return draw_max_pool(a, "maxpool", x, v[0], MAX(v[1], 1), v[2],
	    n != NULL && n->v[0] != 0);
}

static const char *
draw_with(struct draw *a, const char *x, bool pooled)
{
	bool wide = draw_dim(a, "conv1", "weight", 2) == 7;
	const char *end = last(a->w);

	x = layer_stem(a, "conv1", x,
	    (struct draw_window){.stride = wide ? 2 : 1, .pad = DRAW_SAME});
	x = draw_unary(a, "Relu", "", draw_batch_norm(a, "bn1", x, 1e-5));
	/* pytorch-cifar, whose shortcuts have another name, never has one */
	if (!wide && !pooled && a->w->nattr == 0 &&
	    weights_has(a->w, "layer4.0.downsample.0.weight"))
		draw_note(a, "no pool behind the first convolution; --arch "
			     "resnet_pool has one");
	x = pool(a, x, wide || pooled);
	for (size_t s = 1; s <= 4; s++)
		for (size_t i = 0;; i++) {
			const char *at = draw_path(a, "layer%zu.%zu", s, i);

			if (!draw_has(a, at, "conv1.weight"))
				break;
			x = block(a, at, x, s > 1 && i == 0 ? 2 : 1);
		}
	return draw_last(
	    a, end != NULL ? end : "fc", draw_global_pool(a, "avgpool", x));
}

static const char *
draw(struct draw *a, const char *x)
{
	return draw_with(a, x, false);
}

static const char *
draw_pooled(struct draw *a, const char *x)
{
	return draw_with(a, x, true);
}

const struct arch_family arch_resnet_pool = {
    .name = "resnet_pool",
    .summary = "the same weights, a pool behind a first convolution of 3x3",
    .match = arch_match_never,
    .draw = draw_pooled,
};

const struct arch_family arch_resnet = {
    .name = "resnet",
    .summary = "ResNet, wide ResNet, ResNeXt; torchvision's and CIFAR's",
    .match = match,
    .draw = draw,
};
