/* SPDX-License-Identifier: MIT
 * Wide ResNet for CIFAR, Zagoruyko and Komodakis 2016, as TRADES and
 * RobustBench have it (architectures/wide_resnet.py): WRN-28-10 and its like.
 * A second first block ("sub_block1") that some files have plays no part.
 */
#include "formats/layer.h"

#include "formats/arch.h"

static size_t
match(const struct weights *w, const json_t *config)
{
	(void)config;
	if (!weights_has(w, "conv1.weight") || !weights_has(w, "bn1.weight") ||
	    !weights_has(w, "block1.layer.0.conv2.weight") ||
	    !weights_has(w, "block3.layer.0.convShortcut.weight") ||
	    !weights_has(w, "fc.weight"))
		return 0;
	return w->n;
}

static const char *
norm_relu(struct draw *a, const char *norm, const char *x)
{
	return draw_unary(a, "Relu", norm, draw_batch_norm(a, norm, x, 1e-5));
}

/* Where the width changes, the shortcut takes the activated input. */
static const char *
block(struct draw *a, const char *at, const char *x, int64_t stride)
{
	const char *skip = draw_path(a, "%s.convShortcut", at);
	const char *y = norm_relu(a, draw_path(a, "%s.bn1", at), x);

	if (draw_has(a, skip, "weight"))
		x = draw_conv(
		    a, skip, y, (struct draw_window){.stride = stride});
	y = draw_conv(a, draw_path(a, "%s.conv1", at), y,
	    (struct draw_window){.stride = stride, .pad = 1});
	y = norm_relu(a, draw_path(a, "%s.bn2", at), y);
	y = draw_conv(
	    a, draw_path(a, "%s.conv2", at), y, (struct draw_window){.pad = 1});
	return draw_binary(a, "Add", at, x, y);
}

static const char *
draw(struct draw *a, const char *x)
{
	x = layer_stem(a, "conv1", x, (struct draw_window){.pad = 1});
	for (size_t s = 1; s <= 3; s++)
		for (size_t i = 0;; i++) {
			const char *at =
			    draw_path(a, "block%zu.layer.%zu", s, i);

			if (!draw_has(a, at, "conv1.weight"))
				break;
			x = block(a, at, x, s > 1 && i == 0 ? 2 : 1);
		}
	draw_ignore(a, "sub_block1.");
	x = norm_relu(a, "bn1", x);
	return draw_classifier(a, "fc", draw_global_pool(a, "avgpool", x));
}

const struct arch_family arch_wide_resnet = {
    .name = "wide_resnet",
    .summary = "Wide ResNet of CIFAR models (WRN-28-10, ...)",
    .match = match,
    .draw = draw,
};
