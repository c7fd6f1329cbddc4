/* SPDX-License-Identifier: MIT
 * Convolutions and pools: keras/src/layers/convolutional and pooling.  A
 * convolution's kernel is (height, width, in / groups, out), a depthwise one
 * (height, width, in, multiplier).
 */
#include "formats/keras_activation.h"

#define DRAW(name)                                                             \
	static void name(struct keras *k, struct keras_layer *l,               \
	    const struct keras_value *in, size_t nin, struct keras_value *out)

/* --- convolutions -------------------------------------------------------- */

/* Two lengths of a convolution, 1 when the member is missing. */
static void
pair(struct keras *k, const struct keras_layer *l, const char *key,
    int64_t out[2])
{
	out[0] = out[1] = 1;
	if (keras_config_has(l, key) && !keras_config_ints(l, key, 2, out))
		keras_draw_bad(k, l, "'%s' is no pair of integers", key);
}

/* Weight i is there and has rank 4: two of its dimensions as a kernel. */
static bool
kernel(struct keras *k, const struct keras_layer *l, size_t i, int64_t size[2])
{
	const struct tensor *w = &l->var[i];
	int64_t said[2];

	if (k->d.rc == 0 && w->rank != 4)
		keras_draw_bad(k, l, "'%s' has rank %zu, not 4",
		    l->kind->var[i].name, w->rank);
	if (k->d.rc != 0)
		return false;
	size[0] = (int64_t)w->dim[0];
	size[1] = (int64_t)w->dim[1];
	if (keras_config_ints(l, "kernel_size", 2, said) &&
	    (said[0] != size[0] || said[1] != size[1]) && i == 0)
		keras_draw_bad(k, l,
		    "a kernel of %" PRId64 "x%" PRId64 ", weights of %" PRId64
		    "x%" PRId64,
		    said[0], said[1], size[0], size[1]);
	return k->d.rc == 0;
}

static const char *
conv_node(struct keras *k, struct keras_layer *l, const char *x, const char *w,
    const char *b)
{
	return b != NULL ? draw_node(&k->d, "Conv", l->path, x, w, b, NULL)
			 : draw_node(&k->d, "Conv", l->path, x, w, NULL);
}

/* The bias, weight i, when the layer has one. */
static const char *
bias(struct keras *k, struct keras_layer *l, size_t i)
{
	return l->var[i].data != NULL ? keras_draw_weight(k, l, i, 1, NULL)
				      : NULL;
}

static void
finish(struct keras *k, struct keras_layer *l, struct keras_value *out,
    uint64_t channels)
{
	out->last = out->turned ? (int64_t)channels : -1;
	keras_activation_fused(k, l, out);
}

DRAW(conv)
{
	static const size_t perm[] = {3, 2, 0, 1};
	int64_t size[2], stride[2], dilation[2], groups = 1;

	(void)nin;
	pair(k, l, "strides", stride);
	pair(k, l, "dilation_rate", dilation);
	*out = keras_draw_image(k, l, in[0]);
	if (!kernel(k, l, 0, size))
		return;
	if (keras_config_has(l, "groups") &&
	    !keras_config_ints(l, "groups", 1, &groups))
		keras_draw_bad(k, l, "'groups' is no integer");
	out->name = conv_node(k, l, out->name,
	    keras_draw_weight(k, l, 0, 4, perm), bias(k, l, 1));
	keras_draw_window(k, l, size, stride, dilation);
	draw_int(&k->d, "group", groups);
	finish(k, l, out, l->var[0].dim[3]);
}

/*
 * Where the output is a size of its own: TensorFlow's transposed convolution is
 * the gradient of one with that padding, and Keras counts the size
 * (deconv_output_length()).
 */
static void
transpose_window(struct keras *k, const struct keras_layer *l,
    const int64_t size[2], const int64_t stride[2], const int64_t dilation[2])
{
	bool said = keras_config_has(l, "output_padding");
	bool same =
	    strcmp(keras_config_text(l, "padding", "valid"), "same") == 0;
	int64_t more[2] = {0, 0}, pad[4] = {0}, reach, cut;

	if (said && !keras_config_ints(l, "output_padding", 2, more))
		keras_draw_bad(k, l, "'output_padding' is no pair of integers");
	if (k->d.rc != 0)
		return;
	for (size_t i = 0; i < 2; i++) {
		reach = (size[i] - 1) * dilation[i] + 1;
		if (more[i] < 0 || more[i] >= stride[i])
			keras_draw_bad(
			    k, l, "'output_padding' %" PRId64, more[i]);
		if (!said && !same)
			more[i] = MAX(stride[i] - reach, 0);
		if (!said || !same)
			continue;
		cut = reach / 2 * 2 - more[i];
		more[i] = MAX(-cut, 0);
		pad[i] = MAX(cut, 0) / 2;
		pad[i + 2] = MAX(cut, 0) - pad[i];
	}
	draw_ints(&k->d, "kernel_shape", 2, size);
	draw_ints(&k->d, "strides", 2, stride);
	if (same && !said)
		draw_text(&k->d, "auto_pad", "SAME_UPPER");
	else
		draw_ints(&k->d, "pads", 4, pad);
	draw_ints(&k->d, "dilations", 2, dilation);
	draw_ints(&k->d, "output_padding", 2, more);
}

/* The kernel is (height, width, out, in). */
DRAW(conv_transpose)
{
	static const size_t perm[] = {3, 2, 0, 1};
	int64_t size[2], stride[2], dilation[2];
	const char *w, *b;

	(void)nin;
	pair(k, l, "strides", stride);
	pair(k, l, "dilation_rate", dilation);
	*out = keras_draw_image(k, l, in[0]);
	if (!kernel(k, l, 0, size))
		return;
	for (size_t i = 0; i < 2; i++)
		if (stride[i] < 1 || dilation[i] < 1 || size[i] < 1 ||
		    stride[i] > INT16_MAX || dilation[i] > INT16_MAX ||
		    size[i] > INT16_MAX) {
			keras_draw_bad(k, l, "a window of no size");
			return;
		}
	w = keras_draw_weight(k, l, 0, 4, perm);
	b = bias(k, l, 1);
	out->name =
	    draw_node(&k->d, "ConvTranspose", l->path, out->name, w, b, NULL);
	transpose_window(k, l, size, stride, dilation);
	draw_int(&k->d, "group", 1);
	finish(k, l, out, l->var[0].dim[2]);
}

/* (H, W, C, M) as (C M, 1, H, W): C and M lie together already. */
static const char *
depthwise_weight(struct keras *k, struct keras_layer *l)
{
	const struct tensor *t = &l->var[0];
	uint64_t width = dtype_width(t->dtype), out = t->dim[2] * t->dim[3];
	const uint64_t dim[] = {out, 1, t->dim[0], t->dim[1]};
	const uint64_t stride[] = {
	    width, width * out, width * out * t->dim[1], width * out};

	return keras_draw_view(k, l, 0, 4, dim, stride);
}

static bool
depthwise_part(struct keras *k, struct keras_layer *l, struct keras_value *x,
    const char *b)
{
	int64_t size[2], stride[2], dilation[2];

	pair(k, l, "strides", stride);
	pair(k, l, "dilation_rate", dilation);
	if (!kernel(k, l, 0, size))
		return false;
	x->name = conv_node(k, l, x->name, depthwise_weight(k, l), b);
	keras_draw_window(k, l, size, stride, dilation);
	draw_int(&k->d, "group", (int64_t)l->var[0].dim[2]);
	return true;
}

DRAW(depthwise)
{
	(void)nin;
	*out = keras_draw_image(k, l, in[0]);
	if (depthwise_part(k, l, out, bias(k, l, 1)))
		finish(k, l, out, l->var[0].dim[2] * l->var[0].dim[3]);
}

DRAW(separable)
{
	static const size_t perm[] = {3, 2, 0, 1};
	static const int64_t one[] = {1, 1};
	int64_t size[2];

	(void)nin;
	*out = keras_draw_image(k, l, in[0]);
	if (!depthwise_part(k, l, out, NULL) || !kernel(k, l, 1, size))
		return;
	if (size[0] != 1 || size[1] != 1)
		keras_draw_bad(k, l, "a pointwise kernel that is not 1x1");
	out->name = conv_node(k, l, out->name,
	    keras_draw_weight(k, l, 1, 4, perm), bias(k, l, 2));
	keras_draw_window(k, l, one, one, one);
	draw_int(&k->d, "group", 1);
	finish(k, l, out, l->var[1].dim[3]);
}

/* --- pools --------------------------------------------------------------- */

static void
pool(struct keras *k, struct keras_layer *l, const struct keras_value *in,
    const char *op, struct keras_value *out)
{
	static const int64_t one[] = {1, 1};
	int64_t size[2], stride[2];

	*out = keras_draw_image(k, l, in[0]);
	if (!keras_config_ints(l, "pool_size", 2, size)) {
		keras_draw_bad(k, l, "'pool_size' is no pair of integers");
		return;
	}
	memcpy(stride, size, sizeof(stride));
	if (keras_config_has(l, "strides"))
		pair(k, l, "strides", stride);
	out->name = draw_unary(&k->d, op, l->path, out->name);
	keras_draw_window(k, l, size, stride, one);
	draw_int(&k->d, "ceil_mode", 0);
}

DRAW(max_pool)
{
	(void)nin;
	pool(k, l, in, "MaxPool", out);
}

/* Padding does not count. */
DRAW(average_pool)
{
	(void)nin;
	pool(k, l, in, "AveragePool", out);
	draw_int(&k->d, "count_include_pad", 0);
}

static void
global(struct keras *k, struct keras_layer *l, const struct keras_value *in,
    const char *op, struct keras_value *out)
{
	int64_t last = in->last;

	*out = keras_draw_image(k, l, *in);
	out->name = draw_unary(&k->d, op, l->path, out->name);
	if (keras_config_bool(l, "keepdims", false))
		return;
	*out = (struct keras_value){
	    .name = draw_flatten(&k->d, l->path, out->name),
	    .rank = 2,
	    .last = out->turned ? last : -1};
}

DRAW(global_average)
{
	(void)nin;
	global(k, l, in, "GlobalAveragePool", out);
}

DRAW(global_max)
{
	(void)nin;
	global(k, l, in, "GlobalMaxPool", out);
}

/* --- other sizes --------------------------------------------------------- */

DRAW(upsample)
{
	const char *how = keras_config_text(l, "interpolation", "nearest");
	bool nearest = strcmp(how, "nearest") == 0;
	int64_t size[2];

	(void)nin;
	pair(k, l, "size", size);
	*out = keras_draw_image(k, l, in[0]);
	if (!nearest && strcmp(how, "bilinear") != 0)
		keras_draw_refuse(k, l, "interpolation '%.20s'", how);
	out->name = draw_unary(&k->d, "Resize", l->path, out->name);
	draw_text(&k->d, "mode", nearest ? "nearest" : "linear");
	draw_text(&k->d, "coordinate_transformation_mode",
	    nearest ? "asymmetric" : "half_pixel");
	draw_text(&k->d, "nearest_mode", "floor");
	draw_reals(&k->d, "scales", 4,
	    (double[]){1.0, 1.0, (double)size[0], (double)size[1]});
}

/* To a fixed size, without looking at the shape. */
DRAW(resize)
{
	const char *how = keras_config_text(l, "interpolation", "bilinear");
	bool nearest = strcmp(how, "nearest") == 0;
	int64_t size[2] = {0, 0};

	(void)nin;
	*out = keras_draw_image(k, l, in[0]);
	if (!keras_config_ints(l, "height", 1, &size[0]) ||
	    !keras_config_ints(l, "width", 1, &size[1]))
		keras_draw_bad(k, l, "height and width are no integers");
	if ((!nearest && strcmp(how, "bilinear") != 0) ||
	    keras_config_bool(l, "crop_to_aspect_ratio", false) ||
	    keras_config_bool(l, "pad_to_aspect_ratio", false) ||
	    keras_config_bool(l, "antialias", false))
		keras_draw_refuse(k, l,
		    "interpolation '%.20s', or a way of cropping, padding or "
		    "smoothing that is not known here",
		    how);
	out->name = draw_unary(&k->d, "Resize", l->path, out->name);
	draw_text(&k->d, "mode", nearest ? "nearest" : "linear");
	draw_text(&k->d, "coordinate_transformation_mode",
	    nearest ? "tf_half_pixel_for_nn" : "half_pixel");
	draw_text(&k->d, "nearest_mode", "floor");
	draw_ints(&k->d, "axes", 2, (int64_t[]){2, 3});
	draw_ints(&k->d, "sizes", 2, size);
}

#define BIAS                                                                   \
	{                                                                      \
		.name = "bias", .only_if = "use_bias"                          \
	}

const struct keras_class keras_window_classes[] = {
    {.name = "Conv2D",
	.draw = conv,
	.least = 1,
	.most = 1,
	.var = {{.name = "kernel"}, BIAS}},
    {.name = "Convolution2D",
	.draw = conv,
	.least = 1,
	.most = 1,
	.var = {{.name = "kernel"}, BIAS}},
    {.name = "Conv2DTranspose",
	.draw = conv_transpose,
	.least = 1,
	.most = 1,
	.var = {{.name = "kernel"}, BIAS}},
    {.name = "DepthwiseConv2D",
	.draw = depthwise,
	.least = 1,
	.most = 1,
	.var = {{.name = "depthwise_kernel"}, BIAS}},
    {.name = "SeparableConv2D",
	.draw = separable,
	.least = 1,
	.most = 1,
	.var = {{.name = "depthwise_kernel"}, {.name = "pointwise_kernel"},
	    BIAS}},
    {.name = "MaxPooling2D", .draw = max_pool, .least = 1, .most = 1},
    {.name = "AveragePooling2D", .draw = average_pool, .least = 1, .most = 1},
    {.name = "GlobalAveragePooling2D",
	.draw = global_average,
	.least = 1,
	.most = 1},
    {.name = "GlobalMaxPooling2D", .draw = global_max, .least = 1, .most = 1},
    {.name = "UpSampling2D",
	.draw = upsample,
	.least = 1,
	.most = 1,
	.moves = true},
    {.name = "Resizing", .draw = resize, .least = 1, .most = 1, .moves = true},
    {.name = NULL},
};
