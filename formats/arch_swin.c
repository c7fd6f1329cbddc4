/* SPDX-License-Identifier: MIT
 * Swin transformers, Liu et al. 2021, first version, as torchvision has them
 * (models/swin_transformer.py), and by the names of the authors' code, which
 * timm uses as well: attention within windows, which every second
 * block shifts by half of one.  Heads and window are told by the table of
 * relative positions (a row for each offset, a column for each head); the
 * masks depend on the size of the image.
 */
#include "base/limits.h"
#include "formats/arch.h"
#include "formats/hf.h"
#include "formats/layer.h"

#define EPS         1e-5
#define WINDOW_MOST 64
#define STAGES      16

/* One block's windows. */
struct windows {
	const char *at;     /* its attention */
	int64_t h, w;       /* of the image, in patches */
	int64_t high, wide; /* with what is added so that windows fit */
	int64_t side, shift_h, shift_w;
	int64_t heads, channels;
};

struct names {
	const char *stem, *stem_norm;
	const char *in, *out; /* of a block's multilayer perceptron */
};

static const struct names torchvision = {
    "features.0.0", "features.0.2", "mlp.0", "mlp.3"};
static const struct names authors = {
    "patch_embed.proj", "patch_embed.norm", "mlp.fc1", "mlp.fc2"};

static bool
by_authors(const struct weights *w)
{
	return weights_has(w, "patch_embed.proj.weight");
}

static size_t
match(const struct weights *w, const json_t *config)
{
	const char *block =
	    by_authors(w) ? "layers.0.blocks.0.attn" : "features.1.0.attn";
	char table[64], qkv[64];

	(void)config;
	snprintf(qkv, sizeof(qkv), "%s.qkv.weight", block);
	snprintf(
	    table, sizeof(table), "%s.relative_position_bias_table", block);
	if (!weights_has(w, qkv) || !weights_has(w, table) ||
	    !weights_has(w, "norm.weight") ||
	    (!by_authors(w) && !weights_has(w, "features.0.0.weight")))
		return 0;
	return weights_has(w, "head.weight") || weights_has(w, "head.fc.weight")
		   ? w->n
		   : 0;
}

/* --- the scores ---------------------------------------------------------- */

/* Which row of the table belongs to two places of a window, as the file says
 * or as it is defined. */
static const char *
places(struct draw *a, const struct windows *v)
{
	int64_t side = v->side, n = side * side, *at;
	const char *said = draw_path(a, "%s.relative_position_index", v->at);

	if (draw_has(a, said, ""))
		return draw_weight(a, said, "")->name;
	at = draw_room(a, (size_t)(n * n), sizeof(*at));
	for (int64_t i = 0; at != NULL && i < n * n; i++) {
		int64_t dy = i / n / side - i % n / side + side - 1;
		int64_t dx = i / n % side - i % n % side + side - 1;

		at[i] = dy * (2 * side - 1) + dx;
	}
	return at != NULL ? draw_integers(a, said, (size_t)(n * n), at) : "";
}

/* Where a shifted place comes from: regions that were not next to each other
 * must not see each other. */
static int64_t
region(int64_t i, int64_t size, int64_t side, int64_t shift)
{
	if (shift == 0 || i < size - side)
		return 0;
	return i < size - shift ? 1 : 2;
}

/* (1, windows, 1, n, n): 0, or -100 between different regions. */
static const char *
mask(struct draw *a, const struct windows *v)
{
	int64_t across = v->wide / v->side, n = v->side * v->side;
	int64_t count = v->high / v->side * across;
	double *m;

	if (count > (int64_t)LIMIT_FOLD_ELEMENTS / (n * n))
		draw_fail(
		    a, "%" PRId64 " windows of %" PRId64 " places", count, n);
	m = draw_room(a, (size_t)(count * n * n), sizeof(*m));
	for (int64_t i = 0; m != NULL && i < count * n; i++)
		for (int64_t j = 0; j < n; j++) {
			int64_t y = i / n / across * v->side;
			int64_t x = i / n % across * v->side, k = i % n;
			bool same =
			    region(y + k / v->side, v->high, v->side,
				v->shift_h) == region(y + j / v->side, v->high,
						   v->side, v->shift_h) &&
			    region(x + k % v->side, v->wide, v->side,
				v->shift_w) == region(x + j % v->side, v->wide,
						   v->side, v->shift_w);

			m[i * n + j] = same ? 0.0 : -100.0;
		}
	if (m == NULL)
		return "";
	return draw_constant(a, draw_path(a, "%s.mask", v->at), 5,
	    (uint64_t[]){1, (uint64_t)count, 1, (uint64_t)n, (uint64_t)n}, m);
}

/* What is added to the scores: a number for the offset, and the mask. */
static const char *
offsets(struct draw *a, const void *ctx, const char *scores)
{
	const struct windows *v = ctx;
	const struct tensor *table =
	    draw_weight(a, v->at, "relative_position_bias_table");
	int64_t n = v->side * v->side;
	int64_t count = v->high / v->side * (v->wide / v->side);
	const char *b;

	if (a->rc != 0)
		return "";
	b = draw_binary(a, "Gather", v->at, table->name, places(a, v));
	draw_int(a, "axis", 0);
	b = draw_reshape(a, v->at, b, 3, (int64_t[]){n, n, v->heads});
	b = draw_transpose(a, v->at, b, 3, (int64_t[]){2, 0, 1});
	b = draw_reshape(a, v->at, b, 4, (int64_t[]){1, v->heads, n, n});
	scores = draw_binary(a, "Add", v->at, scores, b);
	if (v->shift_h == 0 && v->shift_w == 0)
		return scores;
	scores = draw_reshape(
	    a, v->at, scores, 5, (int64_t[]){-1, count, v->heads, n, n});
	scores = draw_binary(a, "Add", v->at, scores, mask(a, v));
	return draw_reshape(
	    a, v->at, scores, 4, (int64_t[]){-1, v->heads, n, n});
}

/* --- windows ------------------------------------------------------------- */

static const char *
pad(struct draw *a, const char *at, const char *x, int64_t h, int64_t w)
{
	if (h == 0 && w == 0)
		return x;
	x = draw_unary(a, "Pad", at, x);
	draw_text(a, "mode", "constant");
	draw_ints(a, "pads", 8, (int64_t[]){0, 0, 0, 0, 0, h, w, 0});
	draw_real(a, "value", 0.0);
	return x;
}

/* Towards the start by n of `size`, what falls out comes in at the end. */
static const char *
roll(struct draw *a, const char *at, const char *x, int64_t axis, int64_t n,
    int64_t size)
{
	const char *part[2];

	if (n == 0 || n == size)
		return x;
	part[0] = layer_slice(a, at, x, axis, n, size, 1);
	part[1] = layer_slice(a, at, x, axis, 0, n, 1);
	return layer_concat(a, at, axis, 2, part);
}

static const char *
attention(struct draw *a, const struct windows *v, const char *x)
{
	int64_t s = v->side, down = v->high / s, across = v->wide / s;
	int64_t c = v->channels;
	struct layer_attention l = {
	    .weight = draw_path(a, "%s.qkv.weight", v->at),
	    .bias = draw_path(a, "%s.qkv.bias", v->at),
	    .out = draw_path(a, "%s.proj", v->at),
	    .heads = v->heads,
	    .more = offsets,
	    .ctx = v};

	x = pad(a, v->at, x, v->high - v->h, v->wide - v->w);
	x = roll(a, v->at, x, 1, v->shift_h, v->high);
	x = roll(a, v->at, x, 2, v->shift_w, v->wide);
	x = draw_reshape(a, v->at, x, 6, (int64_t[]){0, down, s, across, s, c});
	x = draw_transpose(a, v->at, x, 6, (int64_t[]){0, 1, 3, 2, 4, 5});
	x = draw_reshape(a, v->at, x, 3, (int64_t[]){-1, s * s, c});
	x = layer_attention(a, v->at, x, &l);
	x = draw_reshape(
	    a, v->at, x, 6, (int64_t[]){-1, down, across, s, s, c});
	x = draw_transpose(a, v->at, x, 6, (int64_t[]){0, 1, 3, 2, 4, 5});
	x = draw_reshape(a, v->at, x, 4, (int64_t[]){-1, v->high, v->wide, c});
	x = roll(a, v->at, x, 1, v->high - v->shift_h, v->high);
	x = roll(a, v->at, x, 2, v->wide - v->shift_w, v->wide);
	if (v->high != v->h)
		x = layer_slice(a, v->at, x, 1, 0, v->h, 1);
	if (v->wide != v->w)
		x = layer_slice(a, v->at, x, 2, 0, v->w, 1);
	return x;
}

/* The window of block `at`, number i of its stage. */
static struct windows
windows_of(struct draw *a, const char *at, size_t i, int64_t h, int64_t w)
{
	struct windows v = {.at = draw_path(a, "%s.attn", at), .h = h, .w = w};
	static const char table[] = "relative_position_bias_table";
	uint64_t rows = draw_dim(a, v.at, table, 0), s = 1;
	uint64_t heads = draw_dim(a, v.at, table, 1);
	uint64_t channels = draw_dim(a, v.at, "qkv.weight", 1);

	while (s < WINDOW_MOST && (2 * s - 1) * (2 * s - 1) < rows)
		s++;
	if ((2 * s - 1) * (2 * s - 1) != rows || heads > 4096 ||
	    channels > LIMIT_CLASSES)
		draw_fail(a, "%" PRIu64 " offsets of no square window", rows);
	v.side = (int64_t)s;
	v.heads = (int64_t)heads;
	v.channels = (int64_t)channels;
	v.high = (h + v.side - 1) / v.side * v.side;
	v.wide = (w + v.side - 1) / v.side * v.side;
	v.shift_h = i % 2 == 1 && v.side < v.high ? v.side / 2 : 0;
	v.shift_w = i % 2 == 1 && v.side < v.wide ? v.side / 2 : 0;
	return v;
}

static const char *
block(struct draw *a, const char *at, size_t i, const char *x, int64_t h,
    int64_t w)
{
	const struct names *n = by_authors(a->w) ? &authors : &torchvision;
	struct windows v = windows_of(a, at, i, h, w);
	const char *y;

	if (a->rc != 0)
		return "";
	y = draw_layer_norm(a, draw_path(a, "%s.norm1", at), x, EPS);
	x = draw_binary(a, "Add", at, x, attention(a, &v, y));
	y = draw_layer_norm(a, draw_path(a, "%s.norm2", at), x, EPS);
	y = layer_mlp(a, draw_path(a, "%s.%s", at, n->in),
	    draw_path(a, "%s.%s", at, n->out), LAYER_GELU, y);
	/* masks that older files keep: they follow from the image's size */
	hf_ignore(a, at, "attn_mask");
	return draw_binary(a, "Add", at, x, y);
}

/* Four neighbours become one. */
static const char *
merge(struct draw *a, const char *at, const char *x, int64_t *h, int64_t *w)
{
	const char *part[4];

	x = pad(a, at, x, *h % 2, *w % 2);
	for (int64_t i = 0; i < 4; i++) {
		part[i] = layer_slice(a, at, x, 1, i % 2, INT32_MAX, 2);
		part[i] = layer_slice(a, at, part[i], 2, i / 2, INT32_MAX, 2);
	}
	x = layer_concat(a, at, 3, 4, part);
	*h = (*h + 1) / 2;
	*w = (*w + 1) / 2;
	x = draw_layer_norm(a, draw_path(a, "%s.norm", at), x, EPS);
	return draw_linear(a, draw_path(a, "%s.reduction", at), x);
}

/* The blocks "stage.i"; whether there is one. */
static bool
blocks(struct draw *a, const char *stage, const char **x, int64_t h, int64_t w)
{
	size_t i = 0;

	for (;; i++) {
		const char *at = draw_path(a, "%s.%zu", stage, i);

		if (!draw_has(a, at, "norm1.weight"))
			break;
		*x = block(a, at, i, *x, h, w);
	}
	return i != 0;
}

static const char *
stages(struct draw *a, const char *x, int64_t h, int64_t w)
{
	for (size_t s = 1; s <= STAGES; s++) {
		const char *stage = draw_path(a, "features.%zu", s);

		if (draw_has(a, stage, "reduction.weight"))
			x = merge(a, stage, x, &h, &w);
		else if (!blocks(a, stage, &x, h, w))
			break;
	}
	return x;
}

/* Where four become one: timm's first files and the authors' have it at the
 * end of the stage before, with the same number then; timm since 0.9 at the
 * beginning. */
static const char *
layers(struct draw *a, const char *x, int64_t h, int64_t w)
{
	bool early = draw_has(a, "layers.0.downsample", "reduction.weight");

	for (size_t s = 0; s < STAGES; s++) {
		const char *stage = draw_path(a, "layers.%zu", s);
		const char *down = draw_path(a, "%s.downsample", stage);
		bool merges = draw_has(a, down, "reduction.weight");

		if (merges && !early)
			x = merge(a, down, x, &h, &w);
		if (!blocks(a, draw_path(a, "%s.blocks", stage), &x, h, w))
			break;
		if (merges && early)
			x = merge(a, down, x, &h, &w);
	}
	return x;
}

static const char *
draw(struct draw *a, const char *x)
{
	const struct names *n = by_authors(a->w) ? &authors : &torchvision;
	uint64_t patch = draw_dim(a, n->stem, "weight", 2);
	int64_t *shape = a->m->shape, p = (int64_t)MIN(patch, 64);
	bool flat = draw_has(a, "head", "weight");

	if (p < 1 || shape[2] < p || shape[3] < p ||
	    MAX(shape[2], shape[3]) > LIMIT_IMAGE_SIDE)
		draw_fail(a, "images of %" PRId64 " x %" PRId64 " pixels",
		    shape[2], shape[3]);
	if (a->rc != 0)
		return "";
	a->m->note =
	    draw_path(a, "for images of %" PRId64 " x %" PRId64 " pixels",
		shape[2], shape[3]);
	x = layer_stem(a, n->stem, x, (struct draw_window){.stride = p});
	x = draw_transpose(a, n->stem, x, 4, (int64_t[]){0, 2, 3, 1});
	x = draw_layer_norm(a, n->stem_norm, x, EPS);
	x = n == &authors ? layers(a, x, shape[2] / p, shape[3] / p)
			  : stages(a, x, shape[2] / p, shape[3] / p);
	x = draw_layer_norm(a, "norm", x, EPS);
	x = draw_transpose(a, "permute", x, 4, (int64_t[]){0, 3, 1, 2});
	return draw_classifier(
	    a, flat ? "head" : "head.fc", draw_global_pool(a, "avgpool", x));
}

const struct arch_family arch_swin = {
    .name = "swin",
    .summary = "Swin transformers, first version",
    .match = match,
    .draw = draw,
    .side = 224,
};
