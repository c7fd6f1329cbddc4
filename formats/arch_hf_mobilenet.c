/* SPDX-License-Identifier: MIT
 * MobileNetV1ForImageClassification and MobileNetV2ForImageClassification of
 * transformers (modeling_mobilenet_v1.py, modeling_mobilenet_v2.py of 4.50):
 * Howard et al. 2017, Sandler et al. 2018, with TensorFlow's padding.
 */
#include "formats/arch.h"
#include "formats/hf.h"

#include <math.h>

struct mobilenet {
	double eps, multiplier;
	int64_t divisor, least;
	bool same;
};

struct layer {
	int64_t in, out, size, stride, dilation;
	bool depthwise, linear;
};

static const char *
conv_norm(struct draw *a, const struct mobilenet *m, const char *at,
    const char *x, struct layer l)
{
	const char *conv = draw_path(a, "%s.convolution", at);
	int64_t pad = (l.size - 1) / 2 * MAX(l.dilation, 1);

	hf_dims(a, conv, "weight", 4,
	    (int64_t[]){l.out, l.depthwise ? 1 : l.in, l.size, l.size});
	x = hf_conv(a, conv, x,
	    (struct hf_window){.stride = l.stride,
		.dilation = l.dilation,
		.groups = l.depthwise ? l.in : 1,
		.before = pad,
		.after = pad,
		.same = m->same && l.size > 1});
	x = hf_batch_norm(
	    a, draw_path(a, "%s.normalization", at), x, l.out, m->eps);
	return l.linear ? x : hf_activation(a, "relu6", at, x);
}

/* --- V2 ------------------------------------------------------------------ */

/* As TensorFlow's slim rounds widths, and Python to even. */
static int64_t
divisible(const struct mobilenet *m, double width)
{
	int64_t n = (int64_t)(width + (double)m->divisor / 2.0);

	n = MAX(m->least, n / m->divisor * m->divisor);
	return (double)n < 0.9 * width ? n + m->divisor : n;
}

static int64_t
scaled(const struct mobilenet *m, int64_t channels)
{
	return divisible(m, nearbyint((double)channels * m->multiplier));
}

static const char *
inverted(struct draw *a, const struct mobilenet *m, const char *at,
    const char *x, struct layer l)
{
	double ratio = hf_real(a, "expand_ratio", 6.0, 0.01, 1000.0);
	int64_t wide = divisible(m, nearbyint((double)l.in * ratio));
	const char *y;

	y = conv_norm(a, m, draw_path(a, "%s.expand_1x1", at), x,
	    (struct layer){.in = l.in, .out = wide, .size = 1});
	y = conv_norm(a, m, draw_path(a, "%s.conv_3x3", at), y,
	    (struct layer){.in = wide,
		.out = wide,
		.size = 3,
		.stride = l.stride,
		.dilation = l.dilation,
		.depthwise = true});
	y = conv_norm(a, m, draw_path(a, "%s.reduce_1x1", at), y,
	    (struct layer){
		.in = wide, .out = l.out, .size = 1, .linear = true});
	return l.stride == 1 && l.in == l.out ? draw_binary(a, "Add", at, x, y)
					      : y;
}

static const char *
stem(struct draw *a, const struct mobilenet *m, const char *x, int64_t out)
{
	int64_t wide = scaled(m, 32);
	struct layer one = {.in = a->m->shape[1], .out = wide, .size = 3};

	one.stride = 2;
	x = conv_norm(a, m, "mobilenet_v2.conv_stem.first_conv", x, one);
	if (!hf_flag(a, "first_layer_is_expansion", true))
		x = conv_norm(a, m, "mobilenet_v2.conv_stem.expand_1x1", x,
		    (struct layer){.in = wide, .out = wide, .size = 1});
	x = conv_norm(a, m, "mobilenet_v2.conv_stem.conv_3x3", x,
	    (struct layer){
		.in = wide, .out = wide, .size = 3, .depthwise = true});
	return conv_norm(a, m, "mobilenet_v2.conv_stem.reduce_1x1", x,
	    (struct layer){.in = wide, .out = out, .size = 1, .linear = true});
}

static const char *
draw_v2(struct draw *a, const struct mobilenet *m, const char *x)
{
	static const int64_t width[] = {16, 24, 24, 32, 32, 32, 64, 64, 64, 64,
	    96, 96, 96, 160, 160, 160, 320};
	static const int64_t stride[] = {
	    2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1};
	int64_t output = hf_int(a, "output_stride", 32, 1, 32);
	int64_t now = 2, dilation = 1, last;
	bool fine = hf_flag(a, "finegrained_output", true);

	x = stem(a, m, x, scaled(m, width[0]));
	for (size_t i = 0; a->rc == 0 && i < ARRAY_LEN(stride); i++) {
		struct layer l = {.in = scaled(m, width[i]),
		    .out = scaled(m, width[i + 1]),
		    .stride = stride[i],
		    .dilation = 1};

		/* small enough: see as far by dilation instead */
		if (now == output) {
			l.stride = 1;
			l.dilation = dilation;
			dilation *= stride[i];
		}
		now *= l.stride;
		x = inverted(
		    a, m, draw_path(a, "mobilenet_v2.layer.%zu", i), x, l);
	}
	last = fine && m->multiplier < 1.0 ? 1280 : scaled(m, 1280);
	x = conv_norm(a, m, "mobilenet_v2.conv_1x1", x,
	    (struct layer){.in = scaled(m, width[16]), .out = last, .size = 1});
	x = draw_global_pool(a, "mobilenet_v2.pooler", x);
	return hf_classifier(a, "classifier", x, last);
}

/* --- V1 ------------------------------------------------------------------ */

static const char *
draw_v1(struct draw *a, const struct mobilenet *m, const char *x)
{
	static const int64_t stride[] = {1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1};
	int64_t depth = 32;
	int64_t in = MAX((int64_t)((double)depth * m->multiplier), m->least);
	struct layer one = {.in = a->m->shape[1], .out = in, .size = 3};

	one.stride = 2;
	x = conv_norm(a, m, "mobilenet_v1.conv_stem", x, one);
	for (size_t i = 0; a->rc == 0 && i < ARRAY_LEN(stride); i++) {
		int64_t out;

		if (stride[i] == 2 || i == 0)
			depth *= 2;
		out = MAX((int64_t)((double)depth * m->multiplier), m->least);
		x = conv_norm(a, m,
		    draw_path(a, "mobilenet_v1.layer.%zu", 2 * i), x,
		    (struct layer){.in = in,
			.out = in,
			.size = 3,
			.stride = stride[i],
			.depthwise = true});
		x = conv_norm(a, m,
		    draw_path(a, "mobilenet_v1.layer.%zu", 2 * i + 1), x,
		    (struct layer){.in = in, .out = out, .size = 1});
		in = out;
	}
	x = draw_global_pool(a, "mobilenet_v1.pooler", x);
	return hf_classifier(a, "classifier", x, in);
}

/* --- the families -------------------------------------------------------- */

static const char *
draw(struct draw *a, const char *x)
{
	int64_t image[2];
	struct mobilenet m = {.eps = hf_epsilon(a, "layer_norm_eps", 0.001),
	    .multiplier = hf_real(a, "depth_multiplier", 1.0, 0.01, 100.0),
	    .divisor = hf_int(a, "depth_divisible_by", 8, 1, 1 << 16),
	    .least = hf_int(a, "min_depth", 8, 1, 1 << 16),
	    .same = hf_flag(a, "tf_padding", true)};

	hf_image(a, 224, false, image);
	if (hf_is(a->hints->config, "mobilenet_v1"))
		return draw_v1(a, &m, x);
	return draw_v2(a, &m, x);
}

static size_t
match(const struct weights *w, const json_t *config)
{
	return hf_match(w, config, "mobilenet_v1",
		   "mobilenet_v1.conv_stem.convolution.weight") +
	       hf_match(w, config, "mobilenet_v2",
		   "mobilenet_v2.conv_1x1.convolution.weight");
}

const struct arch_family arch_hf_mobilenet = {
    .name = "hf-mobilenet",
    .summary = "MobileNet V1 and V2 of transformers",
    .match = match,
    .draw = draw,
};
