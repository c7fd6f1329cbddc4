/* SPDX-License-Identifier: MIT
 * BEiT and BEiT v2 as timm and their authors have them (timm/models/beit.py,
 * unilm/beit/modeling_finetune.py): biases by the distance of patches, of each
 * block or of all, query and value with a bias and the key without one.
 */
#include "base/limits.h"
#include "formats/arch.h"
#include "formats/hf_attention.h"
#include "formats/layer.h"

#define EPS 1e-6

static const char shared[] = "rel_pos_bias";
static const char table_name[] = "relative_position_bias_table";

struct beit {
	uint64_t side;     /* patches of a row and of a column */
	const char *index; /* of the tables of biases */
	const char *all;   /* the biases that all blocks share, or NULL */
};

struct scores {
	const char *at, *own, *all; /* or NULL */
};

static size_t
match(const struct weights *w, const json_t *config)
{
	(void)config;
	if (!weights_has(w, "cls_token") ||
	    !weights_has(w, "patch_embed.proj.weight") ||
	    !weights_has(w, "blocks.0.attn.qkv.weight") ||
	    !weights_has(w, "blocks.0.mlp.fc1.weight") ||
	    !weights_has(w, "head.weight"))
		return 0;
	return weights_has(w, "blocks.0.attn.q_bias") ||
		       weights_has(w, "blocks.0.gamma_1") ||
		       weights_has(
			   w, "blocks.0.attn.relative_position_bias_table") ||
		       weights_has(w, "rel_pos_bias.relative_position_bias_"
				      "table")
		   ? w->n
		   : 0;
}

/* --- size ---------------------------------------------------------------- */

static uint64_t
root(uint64_t n)
{
	uint64_t r = 0;

	while (r <= 2 * LIMIT_IMAGE_SIDE && r * r < n)
		r++;
	return r * r == n ? r : 0;
}

/* A table has (2 side - 1)^2 rows and three, a list of places side^2 and one;
 * without either, the image decides. */
static void
measure(struct draw *a, struct beit *b)
{
	static const char own[] = "blocks.0.attn";
	uint64_t patch = draw_dim(a, "patch_embed.proj", "weight", 2), n;
	int64_t *shape = a->m->shape;
	const char *of = draw_has(a, shared, table_name) ? shared : own;

	if (draw_has(a, of, table_name)) {
		n = draw_dim(a, of, table_name, 0);
		n = n > 3 ? root(n - 3) : 0;
		b->side = n % 2 == 1 ? (n + 1) / 2 : 0;
	} else if (draw_has(a, "pos_embed", "")) {
		n = draw_dim(a, "pos_embed", "", 1);
		b->side = n > 1 ? root(n - 1) : 0;
	} else {
		b->side = (uint64_t)MAX(shape[2], 224) / MAX(patch, 1);
	}
	if (b->side == 0 || patch < 1 || patch > LIMIT_IMAGE_SIDE / b->side)
		draw_fail(a, "its places are no square of patches");
	if (a->rc != 0)
		return;
	n = b->side * patch;
	if ((shape[2] > 0 && shape[2] != (int64_t)n) ||
	    (shape[3] > 0 && shape[3] != (int64_t)n))
		draw_fail(a,
		    "its places are for images of %" PRIu64
		    " pixels, not %" PRId64 " x %" PRId64,
		    n, shape[2], shape[3]);
	shape[2] = shape[3] = (int64_t)n;
}

/* --- blocks -------------------------------------------------------------- */

/* The biases of the table below `at` for each pair of tokens, or NULL. */
static const char *
biases(struct draw *a, struct beit *b, const char *at)
{
	int64_t side = (int64_t)b->side, tokens = side * side + 1;
	const char *table = draw_path(a, "%s.%s", at, table_name);

	if (!draw_has(a, table, ""))
		return NULL;
	hf_dims(a, table, "", 2,
	    (int64_t[]){(2 * side - 1) * (2 * side - 1) + 3,
		(int64_t)draw_dim(a, table, "", 1)});
	hf_attention_same_index(
	    a, at, "relative_position_index", side, side, true);
	if (b->index == NULL)
		b->index = hf_attention_index(
		    a, "relative_position_index", side, side, true);
	return hf_attention_bias(
	    a, table, b->index, tokens, (int64_t)draw_dim(a, table, "", 1));
}

static const char *
add_biases(struct draw *a, const void *ctx, const char *x)
{
	const struct scores *s = ctx;

	if (s->own != NULL)
		x = draw_binary(a, "Add", s->at, x, s->own);
	return s->all != NULL ? draw_binary(a, "Add", s->at, x, s->all) : x;
}

/* x + gamma y */
static const char *
add(struct draw *a, const char *at, const char *gamma, const char *x,
    const char *y)
{
	if (draw_has(a, at, gamma))
		y = draw_binary(
		    a, "Mul", at, y, draw_weight(a, at, gamma)->name);
	return draw_binary(a, "Add", at, x, y);
}

/* Heads: a table has one number for each. */
static int64_t
heads_of(struct draw *a, const struct beit *b, const char *self, uint64_t width)
{
	const char *of = b->all != NULL ? shared : self;

	if (draw_has(a, of, table_name))
		return (int64_t)MIN(draw_dim(a, of, table_name, 1), 4096);
	return layer_heads(a, self, width);
}

static const char *
block(struct draw *a, struct beit *b, const char *at, const char *x)
{
	const char *self = draw_path(a, "%s.attn", at), *y;
	struct scores s = {
	    .at = self, .own = biases(a, b, self), .all = b->all};
	struct layer_attention l = {
	    .weight = draw_path(a, "%s.qkv.weight", self),
	    .out = draw_path(a, "%s.proj", self),
	    .more = add_biases,
	    .ctx = &s};

	if (draw_has(a, self, "q_bias")) {
		l.query_bias = draw_path(a, "%s.q_bias", self);
		l.value_bias = draw_path(a, "%s.v_bias", self);
	}
	l.heads = heads_of(a, b, self, draw_dim(a, l.weight, "", 1));
	y = draw_layer_norm(a, draw_path(a, "%s.norm1", at), x, EPS);
	x = add(a, at, "gamma_1", x, layer_attention(a, self, y, &l));
	y = draw_layer_norm(a, draw_path(a, "%s.norm2", at), x, EPS);
	y = layer_mlp(a, draw_path(a, "%s.mlp.fc1", at),
	    draw_path(a, "%s.mlp.fc2", at), LAYER_GELU, y);
	return add(a, at, "gamma_2", x, y);
}

static const char *
draw(struct draw *a, const char *x)
{
	struct beit b = {0};

	measure(a, &b);
	x = layer_patches(a, "patch_embed.proj", x);
	x = layer_class_token(a, "cls_token", x);
	if (a->rc == 0 && draw_has(a, "pos_embed", ""))
		x = draw_binary(a, "Add", "pos_embed", x,
		    draw_weight(a, "pos_embed", "")->name);
	b.all = biases(a, &b, shared);
	for (size_t i = 0;; i++) {
		const char *at = draw_path(a, "blocks.%zu", i);

		if (!draw_has(a, at, "norm1.weight"))
			break;
		x = block(a, &b, at, x);
	}
	if (draw_has(a, "fc_norm", "weight"))
		x = draw_layer_norm(
		    a, "fc_norm", layer_token_mean(a, "fc_norm", x, 1), EPS);
	else
		x = draw_layer_norm(
		    a, "norm", layer_token(a, "norm", x, 0), EPS);
	return draw_classifier(a, "head", x);
}

const struct arch_family arch_timm_beit = {
    .name = "timm_beit",
    .summary = "BEiT, timm's and its authors' names",
    .match = match,
    .draw = draw,
};
