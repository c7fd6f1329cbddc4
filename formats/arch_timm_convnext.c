/* SPDX-License-Identifier: MIT
 * ConvNeXt, Liu et al. 2022, and V2, Woo et al. 2023, as timm has them
 * (timm/models/convnext.py) and the authors' own code, which has other names.
 * Where timm's multilayer perceptron is of convolutions, nothing is moved to
 * channels last.
 */
#include "formats/layer.h"

#include "formats/arch.h"

#define EPS    1e-6
#define STAGES 16

struct names {
	const char *stem, *stem_norm;
	const char *down, *down_end; /* around the number of the stage */
	const char *between;         /* the numbers of stage and block */
	const char *deep, *in, *out;
	const char *scale, *shift; /* of the response's norm */
	const char *norm, *last;
};

static const struct names timm = {"stem.0", "stem.1", "stages", ".downsample",
    ".blocks", "conv_dw", "mlp.fc1", "mlp.fc2", "mlp.grn.weight",
    "mlp.grn.bias", "head.norm", "head.fc"};
static const struct names authors = {"downsample_layers.0.0",
    "downsample_layers.0.1", "downsample_layers", "", "", "dwconv", "pwconv1",
    "pwconv2", "grn.gamma", "grn.beta", "norm", "head"};

static size_t
match(const struct weights *w, const json_t *config)
{
	(void)config;
	if (weights_has(w, "stem.0.weight") &&
	    weights_has(w, "stages.0.blocks.0.conv_dw.weight") &&
	    weights_has(w, "stages.0.blocks.0.mlp.fc2.weight") &&
	    weights_has(w, "head.fc.weight"))
		return w->n;
	if (weights_has(w, "downsample_layers.0.0.weight") &&
	    weights_has(w, "stages.0.0.dwconv.weight") &&
	    weights_has(w, "stages.0.0.pwconv2.weight") &&
	    weights_has(w, "head.weight"))
		return w->n;
	return 0;
}

/* A layer-norm of the channels of each pixel. */
static const char *
norm(struct draw *a, const char *at, const char *x)
{
	x = draw_layer_norm(a, at, draw_channels_last(a, at, x), EPS);
	return draw_channels_first(a, at, x);
}

/* V2's global response normalisation of (N, H, W, C): each channel by its
 * norm over the image, in relation to the mean of all such norms. */
static const char *
response(struct draw *a, const struct names *n, const char *at, const char *x)
{
	static const double eps = EPS;
	const struct tensor *scale = draw_weight(a, at, n->scale);
	const struct tensor *shift = draw_weight(a, at, n->shift);
	const char *norm, *mean, *y;

	if (a->rc != 0)
		return "";
	norm = draw_unary(a, "ReduceL2", at, x);
	draw_ints(a, "axes", 2, (int64_t[]){1, 2});
	draw_int(a, "keepdims", 1);
	mean = draw_unary(a, "ReduceMean", at, norm);
	draw_ints(a, "axes", 1, (int64_t[]){3});
	draw_int(a, "keepdims", 1);
	mean = draw_binary(a, "Add", at, mean,
	    draw_constant(a, draw_path(a, "%s.eps", at), 0, NULL, &eps));
	y = draw_binary(a, "Mul", at, x, draw_binary(a, "Div", at, norm, mean));
	y = draw_binary(a, "Mul", at, y, scale->name);
	y = draw_binary(a, "Add", at, y, shift->name);
	return draw_binary(a, "Add", at, x, y);
}

/* After the convolution in depth: norm, wide, narrow; linear layers on the
 * channels, which are last, or convolutions of one pixel. */
static const char *
mix(struct draw *a, const struct names *n, const char *at, const char *y)
{
	const char *before = draw_path(a, "%s.norm", at);
	const char *in = draw_path(a, "%s.%s", at, n->in);
	const char *out = draw_path(a, "%s.%s", at, n->out);
	bool pixels =
	    draw_has(a, in, "weight") &&
	    weights_peek(a->w, draw_path(a, "%s.weight", in))->rank == 4;

	y = draw_layer_norm(a, before, draw_channels_last(a, at, y), EPS);
	if (pixels)
		y = draw_conv(a, in, draw_channels_first(a, at, y),
		    (struct draw_window){0});
	else
		y = draw_linear(a, in, y);
	y = layer_act(a, LAYER_GELU, in, y);
	if (pixels && draw_has(a, at, n->scale))
		y = draw_channels_first(
		    a, at, response(a, n, at, draw_channels_last(a, at, y)));
	else if (draw_has(a, at, n->scale))
		y = response(a, n, at, y);
	if (pixels)
		return draw_channels_last(
		    a, out, draw_conv(a, out, y, (struct draw_window){0}));
	return draw_linear(a, out, y);
}

static const char *
block(struct draw *a, const struct names *n, const char *at, const char *x)
{
	const char *y = draw_conv(a, draw_path(a, "%s.%s", at, n->deep), x,
	    (struct draw_window){.pad = DRAW_SAME, .groups = DRAW_EACH});

	y = mix(a, n, at, y);
	if (a->rc == 0 && draw_has(a, at, "gamma"))
		y = draw_binary(
		    a, "Mul", at, y, draw_weight(a, at, "gamma")->name);
	return draw_binary(a, "Add", at, draw_channels_first(a, at, y), x);
}

static const char *
block_name(struct draw *a, const struct names *n, size_t stage, size_t i)
{
	return draw_path(a, "stages.%zu%s.%zu", stage, n->between, i);
}

static const char *
stages(struct draw *a, const struct names *n, const char *x)
{
	for (size_t s = 0; a->rc == 0 && s < STAGES; s++) {
		const char *down =
		    draw_path(a, "%s.%zu%s", n->down, s, n->down_end);
		const char *deep = draw_path(a, "%s.weight", n->deep);

		if (!draw_has(a, block_name(a, n, s, 0), deep))
			break;
		if (s != 0 && draw_has(a, down, "1.weight")) {
			x = norm(a, draw_path(a, "%s.0", down), x);
			x = draw_conv(a, draw_path(a, "%s.1", down), x,
			    (struct draw_window){.stride = 2});
		}
		for (size_t i = 0;; i++) {
			const char *at = block_name(a, n, s, i);

			if (!draw_has(a, at, deep))
				break;
			x = block(a, n, at, x);
		}
	}
	return x;
}

static const char *
draw(struct draw *a, const char *x)
{
	const struct names *n =
	    draw_has(a, timm.stem, "weight") ? &timm : &authors;
	uint64_t patch = draw_dim(a, n->stem, "weight", 2);

	if (patch > 64)
		draw_fail(a, "patches of %" PRIu64 " pixels", patch);
	x = layer_stem(
	    a, n->stem, x, (struct draw_window){.stride = (int64_t)patch});
	x = stages(a, n, norm(a, n->stem_norm, x));
	x = draw_global_pool(a, n->norm, x);
	x = draw_layer_norm(a, n->norm, x, EPS);
	return draw_classifier(a, n->last, x);
}

const struct arch_family arch_timm_convnext = {
    .name = "timm_convnext",
    .summary = "ConvNeXt and V2, timm's names and the authors'",
    .match = match,
    .draw = draw,
};
