/* SPDX-License-Identifier: MIT
 * Vision transformers and DeiT as timm has them
 * (timm/models/vision_transformer.py, deit.py): also distilled (two heads,
 * whose mean counts), without biases of query, key and value, with layer
 * scale, with normalised queries and keys, with registers, with places of the
 * patches alone, without a class token, and with the mean of the tokens in its
 * place.
 */
#include "base/limits.h"
#include "formats/arch.h"
#include "formats/layer.h"

#define EPS      1e-6
#define CLIP_EPS 1e-5

struct vit {
	double eps;
	enum layer_act act;
	uint64_t special; /* tokens before those of the patches */
	bool patches;     /* alone have places */
};

static size_t
match(const struct weights *w, const json_t *config)
{
	(void)config;
	if (!weights_has(w, "pos_embed") ||
	    !weights_has(w, "patch_embed.proj.weight") ||
	    !weights_has(w, "blocks.0.attn.qkv.weight") ||
	    !weights_has(w, "blocks.0.norm1.weight") ||
	    !weights_has(w, "blocks.0.mlp.fc1.weight") ||
	    !weights_has(w, "head.weight") ||
	    (!weights_has(w, "cls_token") && !weights_has(w, "fc_norm.weight")))
		return 0;
	/* BEiT */
	if (weights_has(w, "blocks.0.attn.q_bias") ||
	    weights_has(w, "blocks.0.gamma_1") ||
	    weights_has(w, "blocks.0.attn.relative_position_bias_table") ||
	    weights_has(w, "rel_pos_bias.relative_position_bias_table"))
		return 0;
	return w->n;
}

/* CLIP's towers have a norm before the first block, PyTorch's own epsilon, and
 * OpenAI's first ones another activation. */
static void
configure(struct draw *a, struct vit *v)
{
	const char *name = json_string_value(
	    json_object_get(a->hints->config, "architecture"));

	v->special = draw_has(a, "cls_token", "");
	if (draw_has(a, "dist_token", ""))
		v->special++;
	if (draw_has(a, "reg_token", ""))
		v->special += draw_dim(a, "reg_token", "", 1);
	v->eps = draw_has(a, "norm_pre", "weight") ? CLIP_EPS : EPS;
	v->act = LAYER_GELU;
	if (name != NULL && strstr(name, "quickgelu") != NULL)
		v->act = LAYER_QUICK_GELU;
	if (v->eps != EPS && name == NULL)
		draw_note(a, "epsilon %g and GELU, as usual for CLIP", v->eps);
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
block(struct draw *a, const struct vit *v, const char *at, const char *x)
{
	const char *self = draw_path(a, "%s.attn", at), *y;
	struct layer_attention l = {
	    .weight = draw_path(a, "%s.qkv.weight", self),
	    .bias = draw_path(a, "%s.qkv.bias", self),
	    .query_norm = draw_path(a, "%s.q_norm", self),
	    .key_norm = draw_path(a, "%s.k_norm", self),
	    .eps = v->eps,
	    .out = draw_path(a, "%s.proj", self)};

	l.heads = layer_heads(a, self, draw_dim(a, l.weight, "", 1));
	y = draw_layer_norm(a, draw_path(a, "%s.norm1", at), x, v->eps);
	y = layer_attention(a, self, y, &l);
	x = add(a, at, draw_path(a, "%s.ls1", at), x, y);
	y = draw_layer_norm(a, draw_path(a, "%s.norm2", at), x, v->eps);
	y = layer_mlp(a, draw_path(a, "%s.mlp.fc1", at),
	    draw_path(a, "%s.mlp.fc2", at), v->act, y);
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
head(struct draw *a, const struct vit *v, const char *x)
{
	if (draw_has(a, "norm", "weight"))
		x = draw_layer_norm(a, "norm", x, v->eps);
	if (draw_has(a, "head_dist", "weight"))
		return distilled(a, x);
	if (!draw_has(a, "fc_norm", "weight"))
		return draw_classifier(a, "head", layer_token(a, "norm", x, 0));
	x = layer_token_mean(a, "fc_norm", x, (int64_t)v->special);
	return draw_classifier(
	    a, "head", draw_layer_norm(a, "fc_norm", x, v->eps));
}

/* Whether the places are a square of patches, and nothing else. */
static bool
is_square(uint64_t n)
{
	uint64_t side = 0;

	while (side < LIMIT_IMAGE_SIDE && side * side < n)
		side++;
	return side * side == n;
}

/* Tokens before the patches, the first one first. */
static const char *
special(struct draw *a, const char *x)
{
	if (draw_has(a, "reg_token", ""))
		x = layer_class_token(a, "reg_token", x);
	if (draw_has(a, "dist_token", ""))
		x = layer_class_token(a, "dist_token", x);
	return draw_has(a, "cls_token", "")
		   ? layer_class_token(a, "cls_token", x)
		   : x;
}

static const char *
draw(struct draw *a, const char *x)
{
	const struct tensor *place = draw_weight(a, "pos_embed", "");
	struct vit v;

	configure(a, &v);
	v.patches = is_square(draw_dim(a, "pos_embed", "", 1));
	x = layer_fit(
	    a, x, "patch_embed.proj", "pos_embed", v.patches ? 0 : v.special);
	x = layer_patches(a, "patch_embed.proj", x);
	if (!v.patches)
		x = special(a, x);
	if (a->rc != 0)
		return "";
	x = draw_binary(a, "Add", "pos_embed", x, place->name);
	if (v.patches)
		x = special(a, x);
	if (draw_has(a, "norm_pre", "weight"))
		x = draw_layer_norm(a, "norm_pre", x, v.eps);
	for (size_t i = 0;; i++) {
		const char *at = draw_path(a, "blocks.%zu", i);

		if (!draw_has(a, at, "norm1.weight"))
			break;
		x = block(a, &v, at, x);
	}
	return head(a, &v, x);
}

const struct arch_family arch_timm_vit = {
    .name = "timm_vit",
    .summary = "vision transformers and DeiT, timm's names",
    .match = match,
    .draw = draw,
};
