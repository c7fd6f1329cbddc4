/* SPDX-License-Identifier: MIT
 * Networks around what slides a window: Conv, pools and LRN.
 */
#include "tests/op_body.h"

#include "formats/build.h"

/* A weight of any rank. */
static const char *
conv(struct model *m, const char *name, const char *in, size_t rank,
    const size_t *dim)
{
	char w[32], b[32];
	size_t n = 1;

	snprintf(w, sizeof(w), "%s.w", name);
	snprintf(b, sizeof(b), "%s.b", name);
	for (size_t i = 0; i < rank; i++)
		n *= dim[i];
	op_body_noise(build_tensor(m, w, rank, dim), n, 1, 0.4f, 0.0f);
	op_body_noise(build_tensor(m, b, 1, dim), dim[0], 2, 0.3f, 0.1f);
	return build_node(m, "Conv", name, (const char *[]){in, w, b}, 3);
}

/* `k` channels of the image by a 1x1 convolution. */
static const char *
channels(struct model *m, size_t k)
{
	return conv(m, "c", "image", DIM(k, 3, 1, 1));
}

static const char *
reshape(struct model *m, const char *name, const char *in, size_t n,
    const int64_t *to)
{
	build_node(m, "Reshape", name, &in, 1);
	build_ints(m, "shape", n, to);
	return name;
}

/* --- Conv ---------------------------------------------------------------- */

static void
body_conv_1d(struct model *m)
{
	const char *v = reshape(m, "flat.x", "image", LIST(0, 3, 42));

	v = conv(m, "c", v, DIM(6, 3, 4));
	build_ints(m, "strides", LIST(2));
	build_ints(m, "pads", LIST(3, 1));
	build_ints(m, "dilations", LIST(3));
	v = conv(m, "d", v, DIM(4, 3, 3));
	build_ints(m, "pads", LIST(1, 1));
	build_int(m, "group", 2);
	op_body_head(m, v, 4 * 19);
}

/* (3, 4, 4, 5) */
static const char *
volume(struct model *m)
{
	return reshape(m, "vol", "image", LIST(0, 3, 4, 4, 5));
}

static void
body_conv_3d(struct model *m)
{
	const char *v = conv(m, "c", volume(m), DIM(4, 3, 2, 3, 2));

	build_ints(m, "kernel_shape", LIST(2, 3, 2));
	build_ints(m, "strides", LIST(1, 2, 1));
	build_ints(m, "pads", LIST(0, 1, 1, 1, 1, 2));
	build_ints(m, "dilations", LIST(2, 1, 3));
	op_body_head(m, v, 4 * 3 * 2 * 5);
}

static void
body_conv_3d_depth(struct model *m)
{
	const char *v = conv(m, "c", volume(m), DIM(6, 1, 3, 3, 3));

	build_int(m, "group", 3);
	build_ints(m, "pads", LIST(1, 1, 1, 1, 1, 1));
	op_body_head(m, v, 6 * 80);
}

static void
body_conv_same_lower(struct model *m)
{
	const char *v = conv(m, "c", "image", DIM(4, 3, 4, 2));

	build_ints(m, "strides", LIST(3, 2));
	build_ints(m, "dilations", LIST(1, 2));
	op_body_text(m, "auto_pad", "SAME_LOWER");
	op_body_head(m, v, 4 * 3 * 3);
}

static void
body_conv_valid(struct model *m)
{
	const char *v = conv(m, "c", "image", DIM(4, 3, 4, 2));

	op_body_text(m, "auto_pad", "VALID");
	op_body_head(m, v, 4 * 4 * 5);
}

/* Rows of taps that are read at once, with edges; more lines than a product. */
static void
body_conv_stem(struct model *m)
{
	const char *v = conv(m, "c", "image", DIM(4, 3, 7, 7));

	op_body_window(m, 2, 3, 3, 3, 3);
	v = build_node(m, "GlobalAveragePool", "p", &v, 1);
	op_body_head(m, v, 4);
}

static void
body_conv_patch(struct model *m)
{
	const char *v = conv(m, "c", "image", DIM(5, 3, 3, 3));

	op_body_window(m, 3, 0, 0, 0, 0);
	op_body_head(m, v, 5 * 2 * 2);
}

/* Weight and bias are moved before they are used. */
static void
body_conv_computed(struct model *m)
{
	op_body_noise(build_tensor(m, "w", DIM(4, 27)), 4 * 27, 1, 0.3f, 0.0f);
	op_body_noise(build_tensor(m, "b", DIM(2, 2)), 4, 2, 0.3f, 0.0f);
	reshape(m, "rw", "w", LIST(4, 3, 3, 3));
	reshape(m, "rb", "b", LIST(4));
	build_node(m, "Conv", "c", (const char *[]){"image", "rw", "rb"}, 3);
	op_body_head(m, "c", 4 * 5 * 4);
}

#define BODY_GROUP(cg, kg, groups)                                             \
	static void body_group_##cg(struct model *m)                           \
	{                                                                      \
		const char *v = channels(m, cg * groups);                      \
		v = conv(m, "g", v, DIM(kg * groups, cg, 3, 3));               \
		op_body_window(m, 2, 1, 1, 1, 1);                              \
		build_int(m, "group", groups);                                 \
		v = build_node(m, "GlobalAveragePool", "p", &v, 1);            \
		op_body_head(m, v, kg *groups);                                \
	}
BODY_GROUP(3, 4, 5)
BODY_GROUP(4, 4, 8)
BODY_GROUP(8, 2, 3)
BODY_GROUP(16, 16, 2)

/* Depthwise: c channels, k outputs of each, window, stride, pads, dilation */
static void
depth(struct model *m, size_t c, size_t k, size_t size, int64_t stride,
    int64_t pad, int64_t dilation)
{
	const char *v = channels(m, c);

	conv(m, "d", v, DIM(c * k, 1, size, size));
	op_body_window(m, stride, pad, pad, pad, pad);
	build_ints(m, "dilations", LIST(dilation, dilation));
	build_int(m, "group", (int64_t)c);
	build_node(m, "GlobalAveragePool", "p", (const char *[]){"d"}, 1);
	/* so that each pixel counts differently */
	build_node(m, "Mul", "square", (const char *[]){"d", "d"}, 2);
	build_node(m, "GlobalAveragePool", "q", (const char *[]){"square"}, 1);
	v = build_node(m, "Concat", "cat", (const char *[]){"p", "q"}, 2);
	build_int(m, "axis", 1);
	op_body_head(m, v, 2 * c * k);
}

#define BODY_DEPTH(name, ...)                                                  \
	static void body_depth_##name(struct model *m)                         \
	{                                                                      \
		depth(m, __VA_ARGS__);                                         \
	}
BODY_DEPTH(3, 75, 1, 3, 1, 1, 1)
BODY_DEPTH(3_2, 41, 1, 3, 2, 1, 1)
BODY_DEPTH(5, 24, 1, 5, 1, 2, 1)
BODY_DEPTH(5_2, 9, 1, 5, 2, 2, 1)
BODY_DEPTH(5_3, 9, 1, 5, 3, 4, 1)
BODY_DEPTH(7, 16, 1, 7, 1, 3, 1)
BODY_DEPTH(2_3, 5, 1, 2, 3, 0, 1)
BODY_DEPTH(dilated, 10, 1, 3, 1, 2, 2)
BODY_DEPTH(dilated_2, 10, 1, 3, 2, 2, 2)
BODY_DEPTH(many, 7, 3, 3, 1, 1, 1)
BODY_DEPTH(many_2, 7, 2, 3, 2, 0, 1)
BODY_DEPTH(padded, 9, 1, 3, 2, 4, 1)
BODY_DEPTH(around, 5, 1, 2, 1, 2, 1)
BODY_DEPTH(apart, 6, 1, 3, 1, 1, 3)

/* All pixels apart, uneven pads, no bias, one spatial axis. */
static void
body_depth_1d(struct model *m)
{
	const char *v = reshape(m, "flat.x", "image", LIST(0, 3, 42));

	op_body_noise(build_tensor(m, "d.w", DIM(3, 1, 5)), 15, 1, 0.4f, 0.0f);
	v = build_node(m, "Conv", "d", (const char *[]){v, "d.w"}, 2);
	build_ints(m, "pads", LIST(3, 0));
	build_int(m, "group", 3);
	op_body_head(m, v, 3 * 41);
}

static void
body_depth_uneven(struct model *m)
{
	const char *v = channels(m, 8);

	v = conv(m, "d", v, DIM(8, 1, 3, 4));
	op_body_window(m, 2, 0, 2, 1, 1);
	build_int(m, "group", 8);
	op_body_head(m, v, 8 * 3 * 3);
}

/* A grey image: its only channel meets k filters.  Edges and runs of all
 * lengths. */
static void
grey(struct model *m, size_t k, size_t size, int64_t stride, int64_t pad,
    int64_t dilation)
{
	const char *v = conv(m, "c", "image", DIM(k, 1, size, size));

	op_body_window(m, stride, pad, pad, pad, pad);
	build_ints(m, "dilations", LIST(dilation, dilation));
	v = build_node(m, "Mul", "square", (const char *[]){v, v}, 2);
	v = build_node(m, "GlobalAveragePool", "p", &v, 1);
	op_body_head(m, v, k);
}

#define BODY_GREY(name, ...)                                                   \
	static void body_grey_##name(struct model *m)                          \
	{                                                                      \
		grey(m, __VA_ARGS__);                                          \
	}
BODY_GREY(3, 61, 3, 1, 1, 1)
BODY_GREY(5_2, 20, 5, 2, 2, 1)
BODY_GREY(2_3, 3, 2, 3, 0, 1)
BODY_GREY(dilated, 16, 3, 1, 3, 2)
BODY_GREY(one, 1, 3, 1, 1, 1)

/* --- pools --------------------------------------------------------------- */

/* Windows of two by two, and larger ones of the same pixels beside them. */
static void
quads(struct model *m, size_t k, int64_t stride, int64_t dilation, size_t h,
    size_t w)
{
	const char *in = channels(m, k), *v[2];

	v[0] = build_node(m, "MaxPool", "p", &in, 1);
	build_ints(m, "kernel_shape", LIST(2, 2));
	build_ints(m, "strides", LIST(stride, stride));
	build_ints(m, "dilations", LIST(dilation, dilation));
	v[1] = build_node(m, "MaxPool", "q", &in, 1);
	build_ints(m, "kernel_shape", LIST(8 - (int64_t)h, 3));
	build_ints(m, "strides", LIST(1, 2));
	in = build_node(m, "Concat", "cat", v, 2);
	build_int(m, "axis", 3);
	op_body_head(m, in, k * h * (w + 2));
}

#define BODY_QUADS(name, ...)                                                  \
	static void body_quads_##name(struct model *m)                         \
	{                                                                      \
		quads(m, __VA_ARGS__);                                         \
	}
BODY_QUADS(2, 17, 2, 1, 3, 3)
BODY_QUADS(1, 1, 1, 1, 6, 5)
BODY_QUADS(dilated, 4, 1, 3, 4, 3)

static void
body_max_1d(struct model *m)
{
	const char *v = op_body_stem(m);

	v = reshape(m, "flat.x", v, LIST(0, 4, 42));
	v = build_node(m, "MaxPool", "p", &v, 1);
	build_ints(m, "kernel_shape", LIST(3));
	build_ints(m, "strides", LIST(2));
	build_ints(m, "pads", LIST(1, 2));
	build_ints(m, "dilations", LIST(2));
	op_body_head(m, v, 4 * 21);
}

static void
pool_3d(struct model *m, const char *op)
{
	const char *v = op_body_conv(m, "c", "image", 3, 3, 1, 1);

	v = reshape(m, "vol", v, LIST(0, 3, 4, 4, 5));
	v = build_node(m, op, "p", &v, 1);
	build_ints(m, "kernel_shape", LIST(2, 3, 2));
	build_ints(m, "strides", LIST(1, 2, 2));
	build_ints(m, "pads", LIST(1, 0, 0, 0, 1, 1));
	op_body_head(m, v, 3 * 4 * 2 * 3);
}

static void
body_max_3d(struct model *m)
{
	pool_3d(m, "MaxPool");
}

static void
body_average_3d(struct model *m)
{
	pool_3d(m, "AveragePool");
}

static void
body_global_3d(struct model *m)
{
	const char *v, *in = op_body_conv(m, "c", "image", 3, 3, 1, 1);

	in = reshape(m, "vol", in, LIST(0, 3, 4, 4, 5));
	v = build_node(m, "GlobalMaxPool", "p", &in, 1);
	in = build_node(m, "GlobalAveragePool", "q", &in, 1);
	v = build_node(m, "Add", "sum", (const char *[]){v, in}, 2);
	op_body_head(m, v, 3);
}

/* With dilations and SAME_LOWER, ceil mode and dilations. */
static void
pools_2d(struct model *m, const char *op)
{
	const char *in = op_body_stem(m), *v[2];

	v[0] = build_node(m, op, "p", &in, 1);
	build_ints(m, "kernel_shape", LIST(3, 2));
	build_ints(m, "strides", LIST(2, 2));
	build_ints(m, "dilations", LIST(2, 1));
	op_body_text(m, "auto_pad", "SAME_LOWER");
	v[1] = build_node(m, op, "q", &in, 1);
	build_ints(m, "kernel_shape", LIST(2, 2));
	op_body_window(m, 2, 1, 2, 2, 1);
	build_ints(m, "dilations", LIST(2, 3));
	build_int(m, "ceil_mode", 1);
	build_int(m, "count_include_pad", 1);
	v[0] = build_node(m, "Concat", "cat", v, 2);
	build_int(m, "axis", 3);
	op_body_head(m, v[0], 4 * 4 * 7);
}

static void
body_max_2d(struct model *m)
{
	pools_2d(m, "MaxPool");
}

static void
body_average_2d(struct model *m)
{
	pools_2d(m, "AveragePool");
}

/* Taps two apart around an image of one row: wholly in the padding. */
static void
pool_nothing(struct model *m, const char *op)
{
	const char *in = op_body_stem(m), *v;

	v = build_node(m, "Slice", "s", &in, 1);
	build_ints(m, "starts", LIST(2));
	build_ints(m, "ends", LIST(3));
	build_ints(m, "axes", LIST(2));
	build_ints(m, "steps", LIST(1));
	v = build_node(m, op, "p", &v, 1);
	build_ints(m, "kernel_shape", LIST(2, 1));
	build_ints(m, "pads", LIST(1, 0, 2, 0));
	build_ints(m, "dilations", LIST(2, 1));
	if (strcmp(op, "MaxPool") == 0) {
		build_tensor(m, "low", DIM(1))[0] = -9.0f;
		v = build_node(m, "Max", "max", (const char *[]){v, "low"}, 2);
	}
	op_body_head(m, v, 4 * 2 * 6);
}

static void
body_average_nothing(struct model *m)
{
	pool_nothing(m, "AveragePool");
}

static void
body_max_nothing(struct model *m)
{
	pool_nothing(m, "MaxPool");
}

static void
indices(struct model *m, int64_t order)
{
	static const char *outs[] = {"p", "where"};
	const char *in = op_body_stem(m), *v;

	build_node(m, "MaxPool", "p", &in, 1);
	build_ints(m, "kernel_shape", LIST(3, 2));
	op_body_window(m, 2, 1, 0, 1, 1);
	build_int(m, "storage_order", order);
	m->node[m->nnode - 1].out = outs;
	m->node[m->nnode - 1].nout = 2;
	build_node(m, "Cast", "real", (const char *[]){"where"}, 1);
	build_int(m, "to", 1);
	build_tensor(m, "scale", DIM(1))[0] = 0.002f;
	v = build_node(m, "Mul", "small", (const char *[]){"real", "scale"}, 2);
	v = build_node(m, "Add", "sum", (const char *[]){"p", v}, 2);
	op_body_head(m, v, 4 * 4 * 3);
}

static void
body_indices(struct model *m)
{
	indices(m, 0);
}

static void
body_indices_columns(struct model *m)
{
	indices(m, 1);
}

/* --- LRN ----------------------------------------------------------------- */

static void
lrn(struct model *m, int64_t size, double beta, bool vectors)
{
	const char *v = channels(m, 11);

	if (vectors) {
		v = build_node(m, "GlobalAveragePool", "p", &v, 1);
		v = reshape(m, "vec", v, LIST(0, 11));
	}
	v = build_node(m, "LRN", "n", &v, 1);
	build_int(m, "size", size);
	build_real(m, "alpha", 0.7);
	build_real(m, "beta", beta);
	build_real(m, "bias", 1.5);
	op_body_head(m, v, vectors ? 11 : 11 * 7 * 6);
}

#define BODY_LRN(name, ...)                                                    \
	static void body_lrn_##name(struct model *m)                           \
	{                                                                      \
		lrn(m, __VA_ARGS__);                                           \
	}
BODY_LRN(odd, 3, 0.75, false)
BODY_LRN(even, 4, 0.75, false)
BODY_LRN(power, 5, 0.6, false)
BODY_LRN(all, 40, 0.75, false)
BODY_LRN(vectors, 3, 0.75, true)

static const struct op_body table[] = {
    {"conv 1-d, then grouped", body_conv_1d, 7, 6, 3, 3},
    {"conv 3-d", body_conv_3d, 8, 10, 3, 2},
    {"conv 3-d, depthwise", body_conv_3d_depth, 8, 10, 3, 2},
    {"conv SAME_LOWER", body_conv_same_lower, 7, 6, 3, 2},
    {"conv VALID", body_conv_valid, 7, 6, 3, 2},
    {"conv 7x7 stride 2", body_conv_stem, 37, 45, 3, 2},
    {"conv of patches", body_conv_patch, 7, 6, 3, 2},
    {"conv, computed weights", body_conv_computed, 7, 6, 3, 2},
    {"conv, groups of 3", body_group_3, 7, 6, 3, 2},
    {"conv, groups of 4", body_group_4, 7, 6, 3, 2},
    {"conv, groups of 8", body_group_8, 7, 6, 3, 2},
    {"conv, groups of 16", body_group_16, 7, 6, 3, 2},
    {"depthwise 3x3", body_depth_3, 7, 6, 3, 2},
    {"depthwise 3x3 stride 2", body_depth_3_2, 8, 7, 3, 2},
    {"depthwise 5x5", body_depth_5, 7, 11, 3, 2},
    {"depthwise 5x5 stride 2", body_depth_5_2, 12, 13, 3, 2},
    {"depthwise 5x5 stride 3, padded far", body_depth_5_3, 7, 6, 3, 2},
    {"depthwise 7x7 on less", body_depth_7, 4, 3, 3, 2},
    {"depthwise 2x2 stride 3", body_depth_2_3, 7, 6, 3, 2},
    {"depthwise dilated", body_depth_dilated, 7, 9, 3, 2},
    {"depthwise dilated stride 2", body_depth_dilated_2, 7, 9, 3, 2},
    {"depthwise, three of each", body_depth_many, 7, 6, 3, 2},
    {"depthwise, two of each, stride 2", body_depth_many_2, 7, 6, 3, 2},
    {"depthwise, beyond the padding", body_depth_padded, 7, 6, 3, 2},
    {"depthwise, padding on both sides", body_depth_around, 1, 1, 3, 2},
    {"depthwise, pixels that no tap meets", body_depth_apart, 5, 5, 3, 2},
    {"depthwise 1-d", body_depth_1d, 7, 6, 3, 2},
    {"depthwise 3x4, uneven pads", body_depth_uneven, 7, 6, 3, 2},
    {"conv of one channel", body_grey_3, 7, 15, 1, 2},
    {"conv of one channel, 5x5 stride 2", body_grey_5_2, 9, 14, 1, 2},
    {"conv of one channel, 2x2 stride 3", body_grey_2_3, 7, 6, 1, 2},
    {"conv of one channel, dilated", body_grey_dilated, 7, 9, 1, 2},
    {"conv of one channel to one", body_grey_one, 7, 9, 1, 2},
    {"max-pool of quads", body_quads_2, 7, 6, 3, 2},
    {"max-pool of quads, overlapping", body_quads_1, 7, 6, 3, 2},
    {"max-pool of quads, dilated", body_quads_dilated, 7, 6, 3, 2},
    {"max-pool 1-d", body_max_1d, 7, 6, 3, 2},
    {"max-pool 2-d, dilated", body_max_2d, 7, 6, 3, 2},
    {"max-pool 3-d", body_max_3d, 8, 10, 3, 2},
    {"max-pool of padding", body_max_nothing, 7, 6, 3, 2},
    {"max-pool, indices", body_indices, 7, 6, 3, 2},
    {"max-pool, indices by column", body_indices_columns, 7, 6, 3, 2},
    {"average-pool 2-d, dilated", body_average_2d, 7, 6, 3, 2},
    {"average-pool 3-d", body_average_3d, 8, 10, 3, 2},
    {"average-pool of padding", body_average_nothing, 7, 6, 3, 2},
    {"global pools 3-d", body_global_3d, 8, 10, 3, 2},
    {"lrn over 3", body_lrn_odd, 7, 6, 3, 2},
    {"lrn over 4", body_lrn_even, 7, 6, 3, 2},
    {"lrn over 5, any power", body_lrn_power, 7, 6, 3, 2},
    {"lrn over all", body_lrn_all, 7, 6, 3, 2},
    {"lrn of vectors", body_lrn_vectors, 7, 6, 3, 2},
};
const struct op_body_set op_body_windows = {table, ARRAY_LEN(table)};
