/* SPDX-License-Identifier: MIT
 * Vision transformers, Dosovitskiy et al. 2020, as torchvision has them
 * (models/vision_transformer.py), also with the names of its first files
 * ("mlp.linear_1").  The size of the image is told by the position embedding;
 * where the model stands behind a resize ("1.", BackdoorBench), any size.
 */
#include "formats/layer.h"

#include "formats/arch.h"

#define EPS 1e-6

static size_t
match(const struct weights *w, const json_t *config)
{
	(void)config;
	if (!weights_has(w, "class_token") ||
	    !weights_has(w, "conv_proj.weight") ||
	    !weights_has(w, "encoder.pos_embedding") ||
	    !weights_has(w, "encoder.ln.weight") ||
	    (!weights_has_last(w, "heads.head") &&
		!weights_has_last(w, "heads")))
		return 0;
	return w->n;
}

static const char *
block(struct draw *a, const char *at, const char *x)
{
	const char *self = draw_path(a, "%s.self_attention", at), *y;
	struct layer_attention l = {
	    .weight = draw_path(a, "%s.in_proj_weight", self),
	    .bias = draw_path(a, "%s.in_proj_bias", self),
	    .out = draw_path(a, "%s.out_proj", self)};
	bool old = draw_has(a, at, "mlp.linear_1.weight");

	l.heads = layer_heads(a, self, draw_dim(a, l.weight, "", 1));
	y = draw_layer_norm(a, draw_path(a, "%s.ln_1", at), x, EPS);
	x = draw_binary(a, "Add", at, layer_attention(a, self, y, &l), x);
	y = draw_layer_norm(a, draw_path(a, "%s.ln_2", at), x, EPS);
	y = layer_mlp(a, draw_path(a, "%s.mlp.%s", at, old ? "linear_1" : "0"),
	    draw_path(a, "%s.mlp.%s", at, old ? "linear_2" : "3"), LAYER_GELU,
	    y);
	return draw_binary(a, "Add", at, x, y);
}

static const char *
draw(struct draw *a, const char *x)
{
	const struct tensor *place =
	    draw_weight(a, "encoder.pos_embedding", "");

	x = layer_fit(a, x, "conv_proj", "encoder.pos_embedding", 1);
	x = layer_patches(a, "conv_proj", x);
	x = layer_class_token(a, "class_token", x);
	if (a->rc != 0)
		return "";
	x = draw_binary(a, "Add", "encoder", x, place->name);
	for (size_t i = 0;; i++) {
		const char *at =
		    draw_path(a, "encoder.layers.encoder_layer_%zu", i);

		if (!draw_has(a, at, "ln_1.weight"))
			break;
		x = block(a, at, x);
	}
	x = draw_layer_norm(a, "encoder.ln", x, EPS);
	x = layer_token(a, "encoder", x, 0);
	if (draw_has(a, "heads.pre_logits", "weight"))
		x = layer_act(a, LAYER_TANH, "heads.act",
		    draw_gemm(a, "heads.pre_logits", x));
	/* people write vit.heads = nn.Linear(...), too */
	return draw_last(a,
	    weights_has_last(a->w, "heads.head") ? "heads.head" : "heads", x);
}

const struct arch_family arch_vit = {
    .name = "vit",
    .summary = "vision transformers, torchvision's names",
    .match = match,
    .draw = draw,
};
