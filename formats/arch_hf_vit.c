/* SPDX-License-Identifier: MIT
 * ViTForImageClassification, DeiTForImageClassification and
 * DeiTForImageClassificationWithTeacher, BeitForImageClassification and
 * Data2VecVisionForImageClassification of transformers (modeling_vit.py,
 * modeling_deit.py, modeling_beit.py of 4.50): Dosovitskiy et al. 2020, Touvron
 * et al. 2020, Bao et al. 2021.
 */
#include "base/limits.h"
#include "formats/arch.h"
#include "formats/hf_attention.h"

/* What the three differ in. */
struct kind {
	const char *base; /* of all names but the heads' */
	bool distilled;   /* a second token */
	bool beit;
};

struct vit {
	const struct kind *kind;
	int64_t width, hidden, layers, patch[2], grid[2];
	int64_t special; /* tokens before the patches */
	double eps;
	struct hf_attention attention;
	const char *index; /* BEiT: of the tables of biases */
};

static const char *
module(struct draw *a, const struct vit *v, const char *name)
{
	return draw_path(a, "%s.%s", v->kind->base, name);
}

static void
configure(struct draw *a, struct vit *v)
{
	int64_t image[2];
	bool qkv;
	size_t have =
	    hf_count(a, module(a, v, "encoder.layer"), "output.dense.weight");

	v->width = hf_int(a, "hidden_size", 768, 1, 1 << 20);
	v->hidden = hf_int(a, "intermediate_size", 3072, 1, 1 << 20);
	v->attention.width = v->width;
	v->attention.heads = hf_int(a, "num_attention_heads", 12, 1, 1 << 16);
	qkv = v->kind->beit || hf_flag(a, "qkv_bias", true);
	v->attention.query_bias = v->attention.value_bias = qkv;
	v->attention.key_bias = qkv && !v->kind->beit;
	v->layers = hf_int(a, "num_hidden_layers", 12, 1, INT32_MAX);
	v->eps = hf_epsilon(a, "layer_norm_eps", 1e-12);
	v->special = v->kind->distilled ? 2 : 1;
	hf_pair(a, "patch_size", 16, LIMIT_IMAGE_SIDE, v->patch);
	hf_image(a, 224, true, image);
	v->grid[0] = image[0] / v->patch[0];
	v->grid[1] = image[1] / v->patch[1];
	if (v->layers != (int64_t)have)
		hf_bad(a,
		    "config.json: %" PRId64 " layers, the weights have %zu",
		    v->layers, have);
	if (v->grid[0] < 1 || v->grid[1] < 1)
		hf_bad(a, "config.json: patches larger than the image");
}

/* --- before the first layer ---------------------------------------------- */

/* Patches as (N, places, width). */
static const char *
patches(struct draw *a, const struct vit *v, const char *x)
{
	const char *at = module(a, v, "embeddings.patch_embeddings.projection");
	int64_t want[] = {v->width, a->m->shape[1], v->patch[0], v->patch[1]};

	if (v->patch[0] != v->patch[1])
		draw_fail(a, "config.json: patches that are not square");
	hf_dims(a, at, "weight", 4, want);
	x = hf_conv(
	    a, at, x, (struct hf_window){.stride = v->patch[0], .bias = true});
	x = draw_reshape(a, at, x, 3, (int64_t[]){0, v->width, -1});
	return draw_transpose(a, at, x, 3, (int64_t[]){0, 2, 1});
}

/* A token of the model's own, once for each image of x. */
static const char *
own_token(struct draw *a, const struct vit *v, const char *name, const char *x)
{
	const char *at = draw_path(a, "%s.embeddings.%s", v->kind->base, name);
	const struct tensor *t = draw_weight(a, at, "");
	const char *n, *shape, *zero, *rest;

	hf_dims(a, at, "", 3, (int64_t[]){1, 1, v->width});
	if (a->rc != 0)
		return "";
	zero =
	    draw_integers(a, draw_path(a, "%s.batch", at), 1, (int64_t[]){0});
	rest = draw_integers(
	    a, draw_path(a, "%s.shape", at), 2, (int64_t[]){1, v->width});
	n = draw_node(
	    a, "Gather", at, draw_unary(a, "Shape", at, x), zero, NULL);
	draw_int(a, "axis", 0);
	shape = draw_binary(a, "Concat", at, n, rest);
	draw_int(a, "axis", 0);
	return draw_node(a, "Expand", at, t->name, shape, NULL);
}

static const char *
embed(struct draw *a, const struct vit *v, const char *x)
{
	const char *place = module(a, v, "embeddings.position_embeddings");
	const char *at = module(a, v, "embeddings");
	int64_t tokens = v->grid[0] * v->grid[1] + v->special;
	const char *first, *second;

	x = patches(a, v, x);
	first = own_token(a, v, "cls_token", x);
	if (v->kind->distilled) {
		second = own_token(a, v, "distillation_token", x);
		x = draw_node(a, "Concat", at, first, second, x, NULL);
	} else {
		x = draw_binary(a, "Concat", at, first, x);
	}
	draw_int(a, "axis", 1);
	if (v->kind->beit &&
	    !hf_flag(a, "use_absolute_position_embeddings", false))
		return x;
	hf_dims(a, place, "", 3, (int64_t[]){1, tokens, v->width});
	return a->rc == 0 ? draw_binary(a, "Add", at, x,
				draw_weight(a, place, "")->name)
			  : "";
}

/* --- layers -------------------------------------------------------------- */

/* BEiT's table of biases, of this module or of all layers. */
static const char *
bias(struct draw *a, struct vit *v, const char *at)
{
	const char *table = draw_path(a, "%s.relative_position_bias_table", at);
	int64_t h = v->grid[0], w = v->grid[1], heads = v->attention.heads;

	hf_dims(
	    a, table, "", 2, (int64_t[]){(2 * h - 1) * (2 * w - 1) + 3, heads});
	/* which older versions saved */
	hf_attention_same_index(a, at, "relative_position_index", h, w, true);
	if (v->index == NULL)
		v->index = hf_attention_index(
		    a, "relative_position_index", h, w, true);
	return hf_attention_bias(a, table, v->index, h * w + 1, heads);
}

/* BEiT's layer scale. */
static const char *
scaled(struct draw *a, const struct vit *v, const char *at, const char *name,
    const char *x)
{
	if (!v->kind->beit ||
	    !(hf_real(a, "layer_scale_init_value", 0.1, -1e9, 1e9) > 0))
		return x;
	hf_dims(a, at, name, 1, &v->width);
	return a->rc == 0 ? draw_binary(
				a, "Mul", at, x, draw_weight(a, at, name)->name)
			  : "";
}

static const char *
layer(struct draw *a, struct vit *v, size_t i, const char *x)
{
	const char *at = draw_path(a, "%s.encoder.layer.%zu", v->kind->base, i);
	const char *self = draw_path(a, "%s.attention.attention", at), *y;
	struct hf_attention h = v->attention;

	if (v->kind->beit && hf_flag(a, "use_relative_position_bias", false))
		h.bias =
		    bias(a, v, draw_path(a, "%s.relative_position_bias", self));
	y = hf_layer_norm(
	    a, draw_path(a, "%s.layernorm_before", at), x, v->width, v->eps);
	y = hf_attention(a, &h, self, y);
	y = hf_linear(a, draw_path(a, "%s.attention.output.dense", at), y,
	    v->width, v->width, true);
	y = scaled(a, v, at, "lambda_1", y);
	x = draw_binary(a, "Add", at, y, x);
	y = hf_layer_norm(
	    a, draw_path(a, "%s.layernorm_after", at), x, v->width, v->eps);
	y = scaled(a, v, at, "lambda_2",
	    hf_attention_mlp(a, at, y, v->width, v->hidden));
	return draw_binary(a, "Add", at, y, x);
}

/* --- heads --------------------------------------------------------------- */

/* The mean of the patches, normalised; or the normalised first token. */
static const char *
pool(struct draw *a, const struct vit *v, const char *x)
{
	const char *norm = module(a, v, "layernorm");

	if (!v->kind->beit || !hf_flag(a, "use_mean_pooling", true))
		return hf_layer_norm(
		    a, norm, hf_token(a, norm, x, 0), v->width, v->eps);
	norm = module(a, v, "pooler.layernorm");
	x = draw_unary(a, "Slice", norm, x);
	draw_ints(a, "starts", 1, (int64_t[]){1});
	draw_ints(a, "ends", 1, (int64_t[]){INT64_MAX});
	draw_ints(a, "axes", 1, (int64_t[]){1});
	draw_ints(a, "steps", 1, (int64_t[]){1});
	x = draw_unary(a, "ReduceMean", norm, x);
	draw_ints(a, "axes", 1, (int64_t[]){1});
	draw_int(a, "keepdims", 0);
	return hf_layer_norm(a, norm, x, v->width, v->eps);
}

/* The mean of what the class token and the distillation token say. */
static const char *
two_heads(struct draw *a, const struct vit *v, const char *x)
{
	const char *norm = module(a, v, "layernorm");
	const char *one = hf_layer_norm(
	    a, norm, hf_token(a, "cls_classifier", x, 0), v->width, v->eps);
	const char *two = hf_layer_norm(a, norm,
	    hf_token(a, "distillation_classifier", x, 1), v->width, v->eps);

	one = hf_classifier(a, "cls_classifier", one, v->width);
	hf_dims(a, "distillation_classifier", "weight", 2,
	    (int64_t[]){(int64_t)a->m->classes, v->width});
	two = hf_classifier(a, "distillation_classifier", two, v->width);
	x = draw_binary(a, "Add", "classifier", one, two);
	return hf_scale(a, "classifier", "half", x, 0.5);
}

static const char *
draw_kind(struct draw *a, const struct kind *kind, const char *x)
{
	struct vit v = {.kind = kind};

	configure(a, &v);
	x = embed(a, &v, x);
	if (kind->beit &&
	    hf_flag(a, "use_shared_relative_position_bias", false))
		v.attention.bias = bias(
		    a, &v, module(a, &v, "encoder.relative_position_bias"));
	for (size_t i = 0; a->rc == 0 && (int64_t)i < v.layers; i++)
		x = layer(a, &v, i, x);
	/* left over from pre-training */
	hf_ignore(a, module(a, &v, "embeddings"), "mask_token");
	hf_ignore(a, module(a, &v, "pooler"), "dense.weight");
	hf_ignore(a, module(a, &v, "pooler"), "dense.bias");
	if (draw_has(a, "distillation_classifier", "weight"))
		return two_heads(a, &v, x);
	return hf_classifier(a, "classifier", pool(a, &v, x), v.width);
}

/* --- the families -------------------------------------------------------- */

static const struct kind vit = {.base = "vit"};
static const struct kind deit = {.base = "deit", .distilled = true};
static const struct kind beit = {.base = "beit", .beit = true};
static const struct kind data2vec = {.base = "data2vec_vision", .beit = true};

static const char *
draw(struct draw *a, const char *x)
{
	const json_t *config = a->hints->config;

	if (hf_is(config, "deit"))
		return draw_kind(a, &deit, x);
	if (hf_is(config, "beit"))
		return draw_kind(a, &beit, x);
	if (hf_is(config, "data2vec-vision"))
		return draw_kind(a, &data2vec, x);
	return draw_kind(a, &vit, x);
}

static size_t
match(const struct weights *w, const json_t *config)
{
	return hf_match(w, config, "vit", "vit.embeddings.cls_token") +
	       hf_match(w, config, "deit", "deit.embeddings.cls_token") +
	       hf_match(w, config, "beit", "beit.embeddings.cls_token") +
	       hf_match(w, config, "data2vec-vision",
		   "data2vec_vision.embeddings.cls_token");
}

const struct arch_family arch_hf_vit = {
    .name = "hf-vit",
    .summary = "ViT, DeiT, BEiT and Data2Vec of transformers",
    .match = match,
    .draw = draw,
};
