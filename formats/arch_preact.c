/* SPDX-License-Identifier: MIT
 * Pre-activation ResNet for CIFAR, He et al. 2016, as BackdoorBench has it
 * (models/preact_resnet.py): no batch-norm behind the last block, the shortcut
 * takes the activated input.
 */
#include "formats/layer.h"

#include "formats/arch.h"

static size_t
match(const struct weights *w, const json_t *config)
{
	(void)config;
	if (weights_has(w, "bn1.weight") || !weights_has(w, "conv1.weight") ||
	    !weights_has(w, "layer1.0.bn1.weight") ||
	    !weights_has(w, "layer1.0.conv2.weight"))
		return 0;
	return weights_has(w, "linear.weight") ? w->n : 0;
}

static const char *
norm_relu(struct draw *a, const char *at, const char *name, const char *x)
{
	const char *norm = draw_path(a, "%s.%s", at, name);

	return draw_unary(a, "Relu", norm, draw_batch_norm(a, norm, x, 1e-5));
}

static const char *
block(struct draw *a, const char *at, const char *x, int64_t stride)
{
	bool deep = draw_has(a, at, "conv3.weight");
	const char *skip = draw_path(a, "%s.shortcut.0", at), *y;
	const char *conv1 = draw_path(a, "%s.conv1", at);
	const char *conv2 = draw_path(a, "%s.conv2", at);

	y = norm_relu(a, at, "bn1", x);
	if (draw_has(a, skip, "weight"))
		x = draw_conv(
		    a, skip, y, (struct draw_window){.stride = stride});
	y = draw_conv(a, conv1, y,
	    (struct draw_window){
		.stride = deep ? 1 : stride, .pad = deep ? 0 : 1});
	y = norm_relu(a, at, "bn2", y);
	y = draw_conv(a, conv2, y,
	    (struct draw_window){.stride = deep ? stride : 1, .pad = 1});
	if (deep) {
		y = norm_relu(a, at, "bn3", y);
		y = draw_conv(a, draw_path(a, "%s.conv3", at), y,
		    (struct draw_window){0});
	}
	return draw_binary(a, "Add", at, y, x);
}

static const char *
draw(struct draw *a, const char *x)
{
	x = layer_stem(a, "conv1", x, (struct draw_window){.pad = 1});
	for (size_t s = 1; s <= 4; s++)
		for (size_t i = 0;; i++) {
			const char *at = draw_path(a, "layer%zu.%zu", s, i);

			if (!draw_has(a, at, "conv1.weight"))
				break;
			x = block(a, at, x, s > 1 && i == 0 ? 2 : 1);
		}
	return draw_classifier(a, "linear", draw_global_pool(a, "avgpool", x));
}

const struct arch_family arch_preact = {
    .name = "preact",
    .summary = "pre-activation ResNet of CIFAR models (PreActResNet18, ...)",
    .match = match,
    .draw = draw,
};
