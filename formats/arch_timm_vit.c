/* SPDX-License-Identifier: MIT
 * Vision transformers and DeiT as timm has them
 * (timm/models/vision_transformer.py, deit.py): also distilled (two heads,
 * whose mean counts), without biases of query, key and value, with layer
 * scale, and with the mean of the tokens in the class token's place.
 */
#include "formats/layer.h"

#include "formats/arch.h"

#define EPS 1e-6

static size_t
match(const struct weights *w, const json_t *config)
{
	(void)config;
	if (!weights_has(w, "cls_token") || !weights_has(w, "pos_embed") ||
	    !weights_has(w, "patch_embed.proj.weight") ||
	    !weights_has(w, "blocks.0.attn.qkv.weight") ||
	    !weights_has(w, "blocks.0.norm1.weight") ||
	    !weights_has(w, "blocks.0.mlp.fc1.weight") ||
	    !weights_has(w, "head.weight"))
		return 0;
	return w->n;
}

/* x + scale(y) */
static const char *
add(struct draw *a, const char *at, const char *scale, const char *x,
    const char *y)
{
	if (draw_has(a, scale, "gamma")) {
		const struct tensor *g = draw_weight(a, scale, "gamma");

		y = draw_binary(a, "Mul", scale, y, g->name);
	}
	return draw_binary(a, "Add", at, x, y);
}

static const char *
block(struct draw *a, const char *at, const char *x)
{
	const char *self = draw_path(a, "%s.attn", at), *y;
	struct layer_attention l = {
	    .weight = draw_path(a, "%s.qkv.weight", self),
	    .bias = draw_path(a, "%s.qkv.bias", self),
	    .out = draw_path(a, "%s.proj", self)};

	l.heads = layer_heads(a, self, draw_dim(a, l.weight, "", 1));
	y = draw_layer_norm(a, draw_path(a, "%s.norm1", at), x, EPS);
	y = layer_attention(a, self, y, &l);
	x = add(a, at, draw_path(a, "%s.ls1", at), x, y);
	y = draw_layer_norm(a, draw_path(a, "%s.norm2", at), x, EPS);
	y = layer_mlp(a, draw_path(a, "%s.mlp.fc1", at),
	    draw_path(a, "%s.mlp.fc2", at), y);
	return add(a, at, draw_path(a, "%s.ls2", at), x, y);
}

/* The mean of both heads. */
static const char *
distilled(struct draw *a, const char *x)
{
	static const double half = 0.5;
	const char *y = draw_gemm(a, "head_dist", layer_token(a, "norm", x, 1));

	x = draw_classifier(a, "head", layer_token(a, "norm", x, 0));
	return draw_binary(a, "Mul", "head",
	    draw_binary(a, "Add", "head", x, y),
	    draw_constant(a, "head.half", 0, NULL, &half));
}

static const char *
head(struct draw *a, const char *x)
{
	if (draw_has(a, "norm", "weight"))
		x = draw_layer_norm(a, "norm", x, EPS);
	if (draw_has(a, "head_dist", "weight"))
		return distilled(a, x);
	if (!draw_has(a, "fc_norm", "weight"))
		return draw_classifier(a, "head", layer_token(a, "norm", x, 0));
	x = layer_slice(a, "fc_norm", x, 1, 1, INT32_MAX, 1);
	x = draw_unary(a, "ReduceMean", "fc_norm", x);
	draw_ints(a, "axes", 1, (int64_t[]){1});
	draw_int(a, "keepdims", 0);
	return draw_classifier(
	    a, "head", draw_layer_norm(a, "fc_norm", x, EPS));
}

static const char *
draw(struct draw *a, const char *x)
{
	const struct tensor *place = draw_weight(a, "pos_embed", "");
	bool two = draw_has(a, "dist_token", "");

	x = layer_fit(a, x, "patch_embed.proj", "pos_embed", two ? 2 : 1);
	x = layer_patches(a, "patch_embed.proj", x);
	if (two)
		x = layer_class_token(a, "dist_token", x);
	x = layer_class_token(a, "cls_token", x);
	if (a->rc != 0)
		return "";
	x = draw_binary(a, "Add", "pos_embed", x, place->name);
	for (size_t i = 0;; i++) {
		const char *at = draw_path(a, "blocks.%zu", i);

		if (!draw_has(a, at, "norm1.weight"))
			break;
		x = block(a, at, x);
	}
	return head(a, x);
}

const struct arch_family arch_timm_vit = {
    .name = "timm_vit",
    .summary = "vision transformers and DeiT, timm's names",
    .match = match,
    .draw = draw,
};
