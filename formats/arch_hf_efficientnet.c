/* SPDX-License-Identifier: MIT
 * EfficientNetForImageClassification of transformers (modeling_efficientnet.py
 * of 4.50): Tan and Le 2019, as Keras has it: padded below and to the right
 * where the image is halved.
 */
#include "formats/arch.h"
#include "formats/hf.h"

#include <math.h>

static const char encoder[] = "efficientnet.encoder";

struct stages {
	int64_t size[HF_LIST], in[HF_LIST], out[HF_LIST], stride[HF_LIST];
	int64_t repeats[HF_LIST], ratio[HF_LIST], square[HF_LIST];
	size_t n, nsquare; /* nsquare: blocks with equal pads, by their index */
	double width, depth, eps;
	int64_t divisor;
};

static void
configure(struct draw *a, struct stages *s)
{
	static const struct stages usual = {
	    .size = {3, 3, 5, 3, 5, 5, 3},
	    .in = {32, 16, 24, 40, 80, 112, 192},
	    .out = {16, 24, 40, 80, 112, 192, 320},
	    .stride = {1, 2, 2, 2, 1, 2, 1},
	    .repeats = {1, 2, 2, 3, 3, 4, 1},
	    .ratio = {1, 6, 6, 6, 6, 6, 6},
	    .n = 7,
	};
	size_t n[6] = {7, 7, 7, 7, 7, 7};

	*s = usual;
	hf_ints(a, "kernel_sizes", s->size, &n[0], 31);
	hf_ints(a, "in_channels", s->in, &n[1], 1 << 16);
	hf_ints(a, "out_channels", s->out, &n[2], 1 << 16);
	hf_ints(a, "strides", s->stride, &n[3], 2);
	hf_ints(a, "num_block_repeats", s->repeats, &n[4], 1 << 16);
	hf_ints(a, "expand_ratios", s->ratio, &n[5], 1 << 8);
	hf_ints(a, "depthwise_padding", s->square, &s->nsquare, 1 << 16);
	s->n = n[0];
	for (size_t i = 1; i < ARRAY_LEN(n); i++)
		if (n[i] != s->n)
			hf_bad(a, "config.json: lists of %zu and of %zu stages",
			    s->n, n[i]);
	s->width = hf_real(a, "width_coefficient", 2.0, 0.01, 100.0);
	s->depth = hf_real(a, "depth_coefficient", 3.1, 0.01, 100.0);
	s->divisor = hf_int(a, "depth_divisor", 8, 1, 1 << 16);
	s->eps = hf_epsilon(a, "batch_norm_eps", 0.001);
}

static int64_t
round_filters(const struct stages *s, int64_t channels)
{
	double want = (double)channels * s->width;
	int64_t n = (int64_t)(want + (double)s->divisor / 2.0);

	n = MAX(s->divisor, n / s->divisor * s->divisor);
	return (double)n < 0.9 * want ? n + s->divisor : n;
}

static const char *
activate(struct draw *a, const char *at, const char *x)
{
	return hf_activation(a, "swish", at, x);
}

struct names {
	const char *conv, *norm;
};

/* size: of the window, which sees one channel or all. */
static const char *
conv_norm(struct draw *a, const struct stages *s, struct names n, const char *x,
    int64_t in, int64_t out, int64_t size, struct hf_window v)
{
	hf_dims(a, n.conv, "weight", 4,
	    (int64_t[]){out, v.groups > 1 ? 1 : in, size, size});
	return hf_batch_norm(a, n.norm, hf_conv(a, n.conv, x, v), out, s->eps);
}

static bool
has_square(const struct stages *s, size_t block)
{
	for (size_t i = 0; i < s->nsquare; i++)
		if (s->square[i] == (int64_t)block)
			return true;
	return false;
}

/* Squeeze and excitation: a factor for each channel. */
static const char *
excite(struct draw *a, const char *block, const char *x, int64_t wide,
    int64_t narrow)
{
	const char *at = draw_path(a, "%s.squeeze_excite", block), *y;
	const char *reduce = draw_path(a, "%s.reduce", at);
	const char *expand = draw_path(a, "%s.expand", at);
	struct hf_window one = {.bias = true};

	hf_dims(a, reduce, "weight", 4, (int64_t[]){narrow, wide, 1, 1});
	hf_dims(a, expand, "weight", 4, (int64_t[]){wide, narrow, 1, 1});
	y = draw_unary(a, "GlobalAveragePool", at, x);
	y = activate(a, at, hf_conv(a, reduce, y, one));
	y = draw_unary(a, "Sigmoid", at, hf_conv(a, expand, y, one));
	return draw_binary(a, "Mul", at, x, y);
}

struct block {
	size_t index; /* among all */
	int64_t in, out, size, stride, ratio;
	bool first; /* of its stage */
};

static const char *
block(struct draw *a, const struct stages *s, const char *x, struct block b)
{
	const char *at = draw_path(a, "%s.blocks.%zu", encoder, b.index);
	const char *in = draw_path(a, "%s.expansion", at), *y = x;
	const char *deep = draw_path(a, "%s.depthwise_conv", at);
	const char *out = draw_path(a, "%s.projection", at);
	int64_t wide = b.in * b.ratio, pad = b.size / 2;
	double squeeze =
	    hf_real(a, "squeeze_expansion_ratio", 0.25, 0.0001, 16.0);
	struct hf_window v = {
	    .stride = b.stride, .groups = wide, .before = pad, .after = pad};

	if (b.ratio != 1) {
		y = conv_norm(a, s,
		    (struct names){draw_path(a, "%s.expand_conv", in),
			draw_path(a, "%s.expand_bn", in)},
		    x, b.in, wide, 1, (struct hf_window){0});
		y = activate(a, in, y);
	}
	if (b.stride == 2 && !has_square(s, b.index))
		v.before = pad - 1;
	else if (b.size % 2 == 0)
		draw_fail(a, "config.json: windows of an even size");
	y = conv_norm(a, s,
	    (struct names){draw_path(a, "%s.depthwise_conv", deep),
		draw_path(a, "%s.depthwise_norm", deep)},
	    y, wide, wide, b.size, v);
	y = activate(a, deep, y);
	y = excite(a, at, y, wide, MAX((int64_t)((double)b.in * squeeze), 1));
	y = conv_norm(a, s,
	    (struct names){draw_path(a, "%s.project_conv", out),
		draw_path(a, "%s.project_bn", out)},
	    y, wide, b.out, 1, (struct hf_window){0});
	return b.stride == 1 && !b.first ? draw_binary(a, "Add", at, y, x) : y;
}

static const char *
blocks(struct draw *a, const struct stages *s, const char *x)
{
	struct block b = {0};

	for (size_t i = 0; a->rc == 0 && i < s->n; i++) {
		int64_t n = (int64_t)ceil(s->depth * (double)s->repeats[i]);

		b.size = s->size[i];
		b.ratio = s->ratio[i];
		b.out = round_filters(s, s->out[i]);
		if (b.size < 3 || b.ratio < 1 || s->stride[i] < 1)
			hf_bad(a,
			    "config.json: stage %zu has windows of %" PRId64
			    ", ratio %" PRId64 ", stride %" PRId64,
			    i, b.size, b.ratio, s->stride[i]);
		for (int64_t j = 0; a->rc == 0 && j < n; j++, b.index++) {
			b.first = j == 0;
			b.stride = j == 0 ? s->stride[i] : 1;
			b.in = j == 0 ? round_filters(s, s->in[i]) : b.out;
			x = block(a, s, x, b);
		}
	}
	return x;
}

static const char *
pool(struct draw *a, const char *x)
{
	static const char at[] = "efficientnet.pooler";
	const char *type = hf_text(a, "pooling_type");

	if (type == NULL || strcmp(type, "mean") == 0)
		return draw_global_pool(a, at, x);
	if (strcmp(type, "max") == 0)
		return draw_flatten(
		    a, at, draw_unary(a, "GlobalMaxPool", at, x));
	hf_bad(a, "config.json: 'pooling_type' is '%.40s'", type);
	return "";
}

static const char *
draw(struct draw *a, const char *x)
{
	static const char first[] = "efficientnet.embeddings";
	struct names stem = {"efficientnet.embeddings.convolution",
	    "efficientnet.embeddings.batchnorm"};
	struct names top = {
	    "efficientnet.encoder.top_conv", "efficientnet.encoder.top_bn"};
	int64_t image[2], hidden = hf_int(a, "hidden_dim", 2560, 1, 1 << 20);
	int64_t last = 0;
	struct stages s;

	configure(a, &s);
	hf_image(a, 600, false, image);
	x = conv_norm(a, &s, stem, x, a->m->shape[1], round_filters(&s, 32), 3,
	    (struct hf_window){.stride = 2, .after = 1});
	x = blocks(a, &s, activate(a, first, x));
	if (s.n > 0)
		last = round_filters(&s, s.out[s.n - 1]);
	x = conv_norm(a, &s, top, x, last, hidden, 1, (struct hf_window){0});
	return hf_classifier(
	    a, "classifier", pool(a, activate(a, encoder, x)), hidden);
}

static size_t
match(const struct weights *w, const json_t *config)
{
	return hf_match(w, config, "efficientnet",
	    "efficientnet.embeddings.convolution.weight");
}

const struct arch_family arch_hf_efficientnet = {
    .name = "hf-efficientnet",
    .summary = "EfficientNet of transformers",
    .match = match,
    .draw = draw,
};
