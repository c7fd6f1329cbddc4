/* SPDX-License-Identifier: MIT
 * ShuffleNet v2, Ma et al. 2018, as torchvision has it
 * (models/shufflenetv2.py).
 */
#include "formats/layer.h"

#include "base/limits.h"
#include "formats/arch.h"

static const struct layer_unit relu = {.act = LAYER_RELU};

static size_t
match(const struct weights *w, const json_t *config)
{
	(void)config;
	if (!weights_has(w, "conv1.0.weight") ||
	    !weights_has(w, "stage2.0.branch1.0.weight") ||
	    !weights_has(w, "stage2.0.branch2.5.weight") ||
	    !weights_has(w, "conv5.0.weight") || !weights_has_last(w, "fc"))
		return 0;
	return w->n;
}

static const char *
unit(struct draw *a, const char *at, size_t conv, const char *x,
    struct layer_unit u)
{
	return layer_conv_norm(a, draw_path(a, "%s.%zu", at, conv),
	    draw_path(a, "%s.%zu", at, conv + 1), x, u);
}

static const char *
depthwise(
    struct draw *a, const char *at, size_t conv, const char *x, int64_t stride)
{
	return unit(a, at, conv, x,
	    (struct layer_unit){
		.window = {.stride = stride, .pad = 1, .groups = DRAW_EACH}});
}

/* The channels of two halves, by turns. */
static const char *
shuffle(struct draw *a, const char *at, const char *left, const char *right,
    size_t half)
{
	int64_t *turn = draw_room(a, 2 * half, sizeof(*turn));

	for (size_t i = 0; turn != NULL && i < 2 * half; i++)
		turn[i] = (int64_t)(i / 2 + i % 2 * half);
	if (turn == NULL)
		return "";
	left = layer_concat(a, at, 1, 2, (const char *[]){left, right});
	left = draw_binary(a, "Gather", at, left,
	    draw_integers(a, draw_path(a, "%s.turn", at), 2 * half, turn));
	draw_int(a, "axis", 1);
	return left;
}

static const char *
block(struct draw *a, const char *at, const char *x, bool down)
{
	const char *one = draw_path(a, "%s.branch1", at);
	const char *two = draw_path(a, "%s.branch2", at);
	uint64_t half = draw_dim(a, two, "5.weight", 0);
	const char *left, *right = x;

	if (half < 1 || half > LIMIT_CLASSES)
		draw_fail(a, "'%.100s' has %" PRIu64 " channels", at, half);
	if (a->rc != 0)
		return "";
	if (down) {
		left = depthwise(a, one, 0, x, 2);
		left = unit(a, one, 2, left, relu);
	} else {
		left = layer_slice(a, at, x, 1, 0, (int64_t)half, 1);
		right = layer_slice(
		    a, at, x, 1, (int64_t)half, 2 * (int64_t)half, 1);
	}
	right = unit(a, two, 0, right, relu);
	right = depthwise(a, two, 3, right, down ? 2 : 1);
	right = unit(a, two, 5, right, relu);
	return shuffle(a, at, left, right, (size_t)half);
}

static const char *
draw(struct draw *a, const char *x)
{
	x = layer_stem(
	    a, "conv1.0", x, (struct draw_window){.stride = 2, .pad = 1});
	x = draw_batch_norm(a, "conv1.1", x, 1e-5);
	x = draw_unary(a, "Relu", "conv1", x);
	x = draw_max_pool(a, "maxpool", x, 3, 2, 1, false);
	for (size_t s = 2; s <= 4; s++)
		for (size_t i = 0;; i++) {
			const char *at = draw_path(a, "stage%zu.%zu", s, i);

			if (!draw_has(a, at, "branch2.0.weight"))
				break;
			x = block(a, at, x, i == 0);
		}
	x = unit(a, "conv5", 0, x, relu);
	return draw_last(a, "fc", draw_global_pool(a, "mean", x));
}

const struct arch_family arch_shufflenet = {
    .name = "shufflenet_v2",
    .summary = "ShuffleNet v2 of any width",
    .match = match,
    .draw = draw,
};
