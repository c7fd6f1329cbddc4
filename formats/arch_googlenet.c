/* SPDX-License-Identifier: MIT
 * GoogLeNet, Szegedy et al. 2014, as torchvision has it (models/googlenet.py:
 * with batch-norm, 3x3 for the paper's 5x5).  The auxiliary classifiers only
 * play a part in training.
 */
#include "formats/layer.h"

#include "formats/arch.h"

static size_t
match(const struct weights *w, const json_t *config)
{
	(void)config;
	if (!weights_has(w, "conv1.conv.weight") ||
	    !weights_has(w, "inception3a.branch1.conv.weight") ||
	    !weights_has(w, "inception5b.branch4.1.conv.weight") ||
	    !weights_has(w, "fc.weight"))
		return 0;
	return w->n;
}

static const char *
unit(struct draw *a, const char *at, const char *x, int64_t stride)
{
	return layer_conv_norm(a, draw_path(a, "%s.conv", at),
	    draw_path(a, "%s.bn", at), x,
	    (struct layer_unit){.eps = 1e-3,
		.act = LAYER_RELU,
		.window = {.stride = stride, .pad = DRAW_SAME}});
}

static const char *
inception(struct draw *a, const char *at, const char *x)
{
	const char *part[4], *y;

	part[0] = unit(a, draw_path(a, "%s.branch1", at), x, 1);
	for (size_t i = 2; i <= 3; i++) {
		y = unit(a, draw_path(a, "%s.branch%zu.0", at, i), x, 1);
		part[i - 1] =
		    unit(a, draw_path(a, "%s.branch%zu.1", at, i), y, 1);
	}
	y = draw_max_pool(a, at, x, 3, 1, 1, true);
	part[3] = unit(a, draw_path(a, "%s.branch4.1", at), y, 1);
	return layer_concat(a, at, 1, 4, part);
}

static const char *
draw(struct draw *a, const char *x)
{
	static const char *const rest[] = {"inception3a", "inception3b", "",
	    "inception4a", "inception4b", "inception4c", "inception4d",
	    "inception4e", "", "inception5a", "inception5b"};
	int64_t kernel = 3; /* of the pools: the last has 2 */

	a->m->shape[1] = 3;
	x = layer_changed_input(a, x);
	x = unit(a, "conv1", x, 2);
	x = draw_max_pool(a, "maxpool1", x, 3, 2, 0, true);
	x = unit(a, "conv3", unit(a, "conv2", x, 1), 1);
	x = draw_max_pool(a, "maxpool2", x, 3, 2, 0, true);
	for (size_t i = 0; i < ARRAY_LEN(rest); i++) {
		if (*rest[i] != '\0') {
			x = inception(a, rest[i], x);
			continue;
		}
		x = draw_max_pool(a, "maxpool", x, kernel, 2, 0, true);
		kernel = 2;
	}
	draw_ignore(a, "aux1.");
	draw_ignore(a, "aux2.");
	return draw_classifier(a, "fc", draw_global_pool(a, "avgpool", x));
}

const struct arch_family arch_googlenet = {
    .name = "googlenet",
    .summary = "GoogLeNet",
    .match = match,
    .draw = draw,
};
