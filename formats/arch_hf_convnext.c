/* SPDX-License-Identifier: MIT
 * ConvNextForImageClassification and ConvNextV2ForImageClassification of
 * transformers (modeling_convnext.py, modeling_convnextv2.py of 4.50): Liu et
 * al. 2022, Woo et al. 2023.
 */
#include "base/limits.h"
#include "formats/arch.h"
#include "formats/hf.h"

/* All but the last layer norm have their epsilon in the code. */
#define NORM_EPS     1e-6
#define RESPONSE_EPS 1e-6

struct convnext {
	const char *base;
	bool v2, scaled;
};

/* Global response normalisation of (N, H, W, C). */
static const char *
response(struct draw *a, const char *at, const char *x, int64_t width)
{
	const double eps = RESPONSE_EPS;
	const char *norm, *mean, *least, *y;

	hf_dims(a, at, "weight", 4, (int64_t[]){1, 1, 1, width});
	hf_dims(a, at, "bias", 4, (int64_t[]){1, 1, 1, width});
	norm = draw_unary(a, "ReduceL2", at, x);
	draw_ints(a, "axes", 2, (int64_t[]){1, 2});
	draw_int(a, "keepdims", 1);
	mean = draw_unary(a, "ReduceMean", at, norm);
	draw_ints(a, "axes", 1, (int64_t[]){-1});
	draw_int(a, "keepdims", 1);
	least = draw_constant(
	    a, draw_path(a, "%s.eps", at), 1, (uint64_t[]){1}, &eps);
	y = draw_binary(
	    a, "Div", at, norm, draw_binary(a, "Add", at, mean, least));
	if (a->rc != 0)
		return "";
	y = draw_binary(a, "Mul", at, draw_binary(a, "Mul", at, x, y),
	    draw_weight(a, at, "weight")->name);
	y = draw_binary(a, "Add", at, y, draw_weight(a, at, "bias")->name);
	return draw_binary(a, "Add", at, y, x);
}

static const char *
layer(struct draw *a, const struct convnext *c, const char *at, const char *x,
    int64_t width)
{
	const char *depth = draw_path(a, "%s.dwconv", at);
	const char *in = draw_path(a, "%s.pwconv1", at), *y;

	hf_dims(a, depth, "weight", 4, (int64_t[]){width, 1, 7, 7});
	y = hf_conv(a, depth, x,
	    (struct hf_window){
		.before = 3, .after = 3, .groups = width, .bias = true});
	y = draw_transpose(a, at, y, 4, (int64_t[]){0, 2, 3, 1});
	y = hf_layer_norm(
	    a, draw_path(a, "%s.layernorm", at), y, width, NORM_EPS);
	y = hf_linear(a, in, y, width, 4 * width, true);
	y = hf_activation(a, "gelu", in, y);
	if (c->v2)
		y = response(a, draw_path(a, "%s.grn", at), y, 4 * width);
	y = hf_linear(
	    a, draw_path(a, "%s.pwconv2", at), y, 4 * width, width, true);
	if (c->scaled) {
		hf_dims(a, at, "layer_scale_parameter", 1, &width);
		y = a->rc == 0
			? draw_binary(a, "Mul", at, y,
			      draw_weight(a, at, "layer_scale_parameter")->name)
			: "";
	}
	y = draw_transpose(a, at, y, 4, (int64_t[]){0, 3, 1, 2});
	return draw_binary(a, "Add", at, x, y);
}

/* Halves the image, except in the first stage. */
static const char *
stage(struct draw *a, const struct convnext *c, size_t s, const char *x,
    int64_t in, int64_t out, int64_t depth)
{
	const char *at = draw_path(a, "%s.encoder.stages.%zu", c->base, s);
	const char *norm = draw_path(a, "%s.downsampling_layer.0", at);
	const char *down = draw_path(a, "%s.downsampling_layer.1", at);

	if (s > 0) {
		x = hf_norm_2d(a, norm, x, in, NORM_EPS);
		hf_dims(a, down, "weight", 4, (int64_t[]){out, in, 2, 2});
		x = hf_conv(
		    a, down, x, (struct hf_window){.stride = 2, .bias = true});
	}
	for (int64_t i = 0; a->rc == 0 && i < depth; i++)
		x = layer(
		    a, c, draw_path(a, "%s.layers.%" PRId64, at, i), x, out);
	return x;
}

static const char *
draw(struct draw *a, const char *x)
{
	struct convnext c = {.base = "convnext"};
	int64_t width[HF_LIST] = {96, 192, 384, 768};
	int64_t depth[HF_LIST] = {3, 3, 9, 3}, image[2], patch, in;
	size_t nwidth = 4, ndepth = 4;
	const char *at;

	c.v2 = hf_is(a->hints->config, "convnextv2");
	if (c.v2)
		c.base = "convnextv2";
	else
		c.scaled =
		    hf_real(a, "layer_scale_init_value", 1e-6, -1e9, 1e9) > 0;
	hf_ints(a, "hidden_sizes", width, &nwidth, 1 << 20);
	hf_ints(a, "depths", depth, &ndepth, 1 << 20);
	patch = hf_int(a, "patch_size", 4, 1, LIMIT_IMAGE_SIDE);
	if (nwidth != ndepth || nwidth == 0)
		hf_bad(a, "config.json: %zu 'hidden_sizes' and %zu 'depths'",
		    nwidth, ndepth);
	hf_image(a, 224, false, image);
	in = width[0];
	at = draw_path(a, "%s.embeddings.patch_embeddings", c.base);
	hf_dims(
	    a, at, "weight", 4, (int64_t[]){in, a->m->shape[1], patch, patch});
	x = hf_conv(
	    a, at, x, (struct hf_window){.stride = patch, .bias = true});
	x = hf_norm_2d(a, draw_path(a, "%s.embeddings.layernorm", c.base), x,
	    in, NORM_EPS);
	for (size_t s = 0; a->rc == 0 && s < nwidth; s++) {
		x = stage(a, &c, s, x, in, width[s], depth[s]);
		in = width[s];
	}
	at = draw_path(a, "%s.layernorm", c.base);
	x = hf_layer_norm(a, at, draw_global_pool(a, at, x), in,
	    hf_epsilon(a, "layer_norm_eps", 1e-12));
	return hf_classifier(a, "classifier", x, in);
}

static size_t
match(const struct weights *w, const json_t *config)
{
	return hf_match(w, config, "convnext",
		   "convnext.embeddings.patch_embeddings.weight") +
	       hf_match(w, config, "convnextv2",
		   "convnextv2.embeddings.patch_embeddings.weight");
}

const struct arch_family arch_hf_convnext = {
    .name = "hf-convnext",
    .summary = "ConvNeXt and ConvNeXt V2 of transformers",
    .match = match,
    .draw = draw,
};
