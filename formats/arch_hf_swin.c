/* SPDX-License-Identifier: MIT
 * SwinForImageClassification of transformers (modeling_swin.py of 4.50): Liu
 * et al. 2021.  Attention within windows, which every second block has moved
 * by half a window; (N, H, W, C) throughout.
 */
#include "base/limits.h"
#include "formats/arch.h"
#include "formats/hf_attention.h"

/* Numbers in the masks of one stage, 8 MiB: swin_base at 384 has 1.3
 * million. */
#define MAX_MASK ((int64_t)1 << 21)
/* Norms that the code leaves at PyTorch's epsilon. */
#define NORM_EPS 1e-5

struct swin {
	int64_t window, grid[2], width; /* now */
	int64_t padded[2];              /* grid, filled up to whole windows */
	double ratio, eps;
	bool qkv;
	const char *index, *mask; /* of this window, of this stage */
};

/* --- constants ----------------------------------------------------------- */

/* Which of three bands a place is in once the image has been moved: places of
 * different bands were not neighbours. */
static int64_t
band(int64_t at, int64_t size, int64_t window)
{
	if (at < size - window)
		return 0;
	return at < size - window / 2 ? 1 : 2;
}

static int64_t
region(const struct swin *s, int64_t window, int64_t place)
{
	int64_t across = s->padded[1] / s->window;
	int64_t y = window / across * s->window + place / s->window;
	int64_t x = window % across * s->window + place % s->window;

	return 3 * band(y, s->padded[0], s->window) +
	       band(x, s->padded[1], s->window);
}

static const char *
draw_mask(struct draw *a, const struct swin *s, const char *at)
{
	int64_t t = s->window * s->window;
	int64_t n = s->padded[0] * s->padded[1] / t;
	uint64_t dim[] = {(uint64_t)n, 1, (uint64_t)t, (uint64_t)t};
	double *v;

	if (n > MAX_MASK / t / t)
		draw_fail(a,
		    "masks of %" PRId64 " windows of %" PRId64 " x %" PRId64, n,
		    s->window, s->window);
	if (a->rc != 0)
		return "";
	v = arena_alloc(&a->m->arena, (size_t)(n * t * t), sizeof(*v));
	if (v == NULL) {
		draw_fail(a, "no memory for a mask");
		return "";
	}
	for (int64_t i = 0; i < n * t * t; i++)
		if (region(s, i / t / t, i / t % t) !=
		    region(s, i / t / t, i % t))
			v[i] = -100.0;
	return draw_constant(a, draw_path(a, "%s.mask", at), 4, dim, v);
}

/* --- windows ------------------------------------------------------------- */

static const char *
slice(struct draw *a, const char *at, const char *x, int64_t axis, int64_t from,
    int64_t to, int64_t step)
{
	x = draw_unary(a, "Slice", at, x);
	draw_ints(a, "starts", 1, &from);
	draw_ints(a, "ends", 1, &to);
	draw_ints(a, "axes", 1, &axis);
	draw_ints(a, "steps", 1, &step);
	return x;
}

/* What lies before `by` on both axes goes behind the rest. */
static const char *
roll(struct draw *a, const struct swin *s, const char *at, const char *x,
    const int64_t by[2])
{
	for (size_t i = 0; i < 2; i++) {
		int64_t axis = (int64_t)i + 1;
		const char *p = slice(a, at, x, axis, by[i], s->padded[i], 1);
		const char *q = slice(a, at, x, axis, 0, by[i], 1);

		x = draw_binary(a, "Concat", at, p, q);
		draw_int(a, "axis", axis);
	}
	return x;
}

/* Zeros below and to the right. */
static const char *
pad(struct draw *a, const char *at, const char *x, const int64_t by[2])
{
	if (by[0] == 0 && by[1] == 0)
		return x;
	x = draw_unary(a, "Pad", at, x);
	draw_ints(a, "pads", 8, (int64_t[]){0, 0, 0, 0, 0, by[0], by[1], 0});
	draw_real(a, "value", 0.0);
	return x;
}

/* (N, H, W, C) to (N windows, places, C), and back. */
static const char *
partition(struct draw *a, const struct swin *s, const char *at, const char *x)
{
	int64_t w = s->window, c = s->width;

	x = draw_reshape(a, at, x, 6,
	    (int64_t[]){-1, s->padded[0] / w, w, s->padded[1] / w, w, c});
	x = draw_transpose(a, at, x, 6, (int64_t[]){0, 1, 3, 2, 4, 5});
	return draw_reshape(a, at, x, 3, (int64_t[]){-1, w * w, c});
}

static const char *
reverse(struct draw *a, const struct swin *s, const char *at, const char *x)
{
	int64_t w = s->window, c = s->width;

	x = draw_reshape(a, at, x, 6,
	    (int64_t[]){-1, s->padded[0] / w, s->padded[1] / w, w, w, c});
	x = draw_transpose(a, at, x, 6, (int64_t[]){0, 1, 3, 2, 4, 5});
	return draw_reshape(
	    a, at, x, 4, (int64_t[]){-1, s->padded[0], s->padded[1], c});
}

/* --- blocks -------------------------------------------------------------- */

static const char *
attend(struct draw *a, struct swin *s, const char *at, const char *x,
    int64_t heads, bool shifted)
{
	const char *self = draw_path(a, "%s.attention.self", at);
	const char *table =
	    draw_path(a, "%s.relative_position_bias_table", self);
	int64_t w = s->window, n = 2 * w - 1;
	struct hf_attention h = {.heads = heads,
	    .width = s->width,
	    .query_bias = s->qkv,
	    .key_bias = s->qkv,
	    .value_bias = s->qkv,
	    .windows = s->padded[0] * s->padded[1] / (w * w),
	    .tokens = w * w};

	hf_dims(a, table, "", 2, (int64_t[]){n * n, heads});
	hf_attention_same_index(
	    a, self, "relative_position_index", w, w, false);
	if (s->index == NULL)
		s->index = hf_attention_index(
		    a, "relative_position_index", w, w, false);
	h.bias = hf_attention_bias(a, table, s->index, w * w, heads);
	if (shifted && s->mask == NULL)
		s->mask = draw_mask(a, s, at);
	h.mask = shifted ? s->mask : NULL;
	x = hf_attention(a, &h, self, x);
	return hf_linear(a, draw_path(a, "%s.attention.output.dense", at), x,
	    s->width, s->width, true);
}

static const char *
block(struct draw *a, struct swin *s, const char *at, const char *x,
    int64_t heads, bool odd)
{
	int64_t half = s->window / 2, low = MIN(s->grid[0], s->grid[1]);
	int64_t fill[] = {s->padded[0] - s->grid[0], s->padded[1] - s->grid[1]};
	/* one window holds it all: nothing to be moved into */
	bool shifted = odd && half > 0 && low > s->window;
	const char *y = hf_layer_norm(
	    a, draw_path(a, "%s.layernorm_before", at), x, s->width, s->eps);

	y = pad(a, at, y, fill);
	if (shifted)
		y = roll(a, s, at, y, (int64_t[]){half, half});
	y = attend(a, s, at, partition(a, s, at, y), heads, shifted);
	y = reverse(a, s, at, y);
	if (shifted)
		y = roll(a, s, at, y,
		    (int64_t[]){s->padded[0] - half, s->padded[1] - half});
	for (size_t i = 0; i < 2; i++)
		if (fill[i] != 0)
			y = slice(a, at, y, (int64_t)i + 1, 0, s->grid[i], 1);
	x = draw_binary(a, "Add", at, x, y);
	y = hf_layer_norm(
	    a, draw_path(a, "%s.layernorm_after", at), x, s->width, s->eps);
	y = hf_attention_mlp(
	    a, at, y, s->width, (int64_t)(s->ratio * (double)s->width));
	return draw_binary(a, "Add", at, x, y);
}

/* Four neighbours become one place of twice the width. */
static const char *
merge(struct draw *a, struct swin *s, const char *at, const char *x)
{
	int64_t odd[] = {s->grid[0] % 2, s->grid[1] % 2}, c = s->width;
	const char *part[4];

	x = pad(a, at, x, odd);
	for (size_t i = 0; i < 2; i++)
		s->grid[i] += odd[i];
	for (int64_t i = 0; i < 4; i++) {
		part[i] = slice(a, at, x, 1, i % 2, s->grid[0], 2);
		part[i] = slice(a, at, part[i], 2, i / 2, s->grid[1], 2);
	}
	x = draw_node(
	    a, "Concat", at, part[0], part[1], part[2], part[3], NULL);
	draw_int(a, "axis", -1);
	x = hf_layer_norm(a, draw_path(a, "%s.norm", at), x, 4 * c, NORM_EPS);
	x = hf_linear(
	    a, draw_path(a, "%s.reduction", at), x, 4 * c, 2 * c, false);
	s->grid[0] /= 2;
	s->grid[1] /= 2;
	s->width *= 2;
	return x;
}

static const char *
stage(struct draw *a, struct swin *s, size_t i, const char *x, int64_t depth,
    int64_t heads)
{
	const char *at = draw_path(a, "swin.encoder.layers.%zu", i);
	int64_t w = s->window;

	if (s->grid[0] < w || s->grid[1] < w)
		hf_bad(a,
		    "config.json: windows of %" PRId64 " on a stage of %" PRId64
		    " x %" PRId64,
		    w, s->grid[0], s->grid[1]);
	if (heads < 1)
		hf_bad(a, "config.json: a stage without heads");
	for (size_t k = 0; k < 2; k++)
		s->padded[k] = (s->grid[k] + w - 1) / w * w;
	s->mask = NULL;
	for (int64_t k = 0; a->rc == 0 && k < depth; k++)
		x = block(a, s, draw_path(a, "%s.blocks.%" PRId64, at, k), x,
		    heads, k % 2 == 1);
	return x;
}

/* --- the whole ----------------------------------------------------------- */

/* One more number for each place, where the configuration wants it. */
static const char *
places(struct draw *a, const struct swin *s, const char *x)
{
	static const char at[] = "swin.embeddings.position_embeddings";
	int64_t n = s->grid[0] * s->grid[1], c = s->width;

	if (!hf_flag(a, "use_absolute_embeddings", false))
		return x;
	hf_dims(a, at, "", 3, (int64_t[]){1, n, c});
	if (a->rc != 0)
		return "";
	x = draw_reshape(a, at, x, 3, (int64_t[]){0, n, c});
	x = draw_binary(a, "Add", at, x, draw_weight(a, at, "")->name);
	return draw_reshape(
	    a, at, x, 4, (int64_t[]){0, s->grid[0], s->grid[1], c});
}

/* Patches of the image, which zeros below and to the right fill up. */
static const char *
embed(struct draw *a, struct swin *s, const char *x)
{
	static const char at[] = "swin.embeddings.patch_embeddings.projection";
	int64_t patch = hf_int(a, "patch_size", 4, 1, LIMIT_IMAGE_SIDE);
	int64_t image[2], fill[2];

	hf_image(a, 224, false, image);
	for (size_t i = 0; i < 2; i++) {
		s->grid[i] = (image[i] + patch - 1) / patch;
		fill[i] = s->grid[i] * patch - image[i];
	}
	hf_dims(a, at, "weight", 4,
	    (int64_t[]){s->width, a->m->shape[1], patch, patch});
	if (fill[0] != 0 || fill[1] != 0) {
		x = draw_unary(a, "Pad", at, x);
		draw_ints(a, "pads", 8,
		    (int64_t[]){0, 0, 0, 0, 0, 0, fill[0], fill[1]});
		draw_real(a, "value", 0.0);
	}
	x = hf_conv(
	    a, at, x, (struct hf_window){.stride = patch, .bias = true});
	x = draw_transpose(a, at, x, 4, (int64_t[]){0, 2, 3, 1});
	hf_ignore(a, "swin.embeddings", "mask_token");
	x = hf_layer_norm(a, "swin.embeddings.norm", x, s->width, NORM_EPS);
	return places(a, s, x);
}

static const char *
draw(struct draw *a, const char *x)
{
	int64_t depth[HF_LIST] = {2, 2, 6, 2}, heads[HF_LIST] = {3, 6, 12, 24};
	size_t n = 4, nheads = 4;
	struct swin s = {.width = hf_int(a, "embed_dim", 96, 1, 1 << 16),
	    .window = hf_int(a, "window_size", 7, 1, LIMIT_IMAGE_SIDE),
	    .ratio = hf_real(a, "mlp_ratio", 4.0, 0.001, 1000.0),
	    .eps = hf_epsilon(a, "layer_norm_eps", 1e-5),
	    .qkv = hf_flag(a, "qkv_bias", true)};

	hf_ints(a, "depths", depth, &n, 1 << 16);
	hf_ints(a, "num_heads", heads, &nheads, 1 << 16);
	if (n != nheads || n == 0 || n > 16)
		hf_bad(a, "config.json: %zu 'depths' and %zu 'num_heads'", n,
		    nheads);
	x = embed(a, &s, x);
	for (size_t i = 0; a->rc == 0 && i < n; i++) {
		x = stage(a, &s, i, x, depth[i], heads[i]);
		if (i + 1 < n)
			x = merge(a, &s,
			    draw_path(
				a, "swin.encoder.layers.%zu.downsample", i),
			    x);
	}
	x = hf_layer_norm(a, "swin.layernorm", x, s.width, s.eps);
	x = draw_unary(a, "ReduceMean", "swin.pooler", x);
	draw_ints(a, "axes", 2, (int64_t[]){1, 2});
	draw_int(a, "keepdims", 0);
	return hf_classifier(a, "classifier", x, s.width);
}

static size_t
match(const struct weights *w, const json_t *config)
{
	return hf_match(w, config, "swin",
	    "swin.embeddings.patch_embeddings.projection.weight");
}

const struct arch_family arch_hf_swin = {
    .name = "hf-swin",
    .summary = "Swin Transformer of transformers",
    .match = match,
    .draw = draw,
};
