/* SPDX-License-Identifier: MIT
 * Small networks around one operator each, for tests/test_op.c.
 */
#include "tests/op_body.h"

#include "base/rng.h"
#include "formats/build.h"

#define CLASSES OP_BODY_CLASSES

void
op_body_noise(float *p, size_t n, uint64_t stream, float scale, float shift)
{
	struct rng r;

	rng_init(&r, 7, stream);
	for (size_t i = 0; i < n; i++)
		p[i] = shift + scale * rng_normal(&r);
}

void
op_body_window(
    struct model *m, int64_t stride, int64_t t, int64_t l, int64_t b, int64_t r)
{
	build_ints(m, "strides", 2, (int64_t[]){stride, stride});
	build_ints(m, "pads", 4, (int64_t[]){t, l, b, r});
}

void
op_body_text(struct model *m, const char *name, const char *value)
{
	struct node *n = &m->node[m->nnode - 1];
	struct attr *a;

	build_int(m, name, 0);
	a = &n->attr[n->nattr - 1];
	a->kind = ATTR_TEXT;
	a->s = value;
}

const char *
op_body_conv(struct model *m, const char *name, const char *in, size_t k,
    size_t c, size_t r, size_t s)
{
	char w[32], b[32];

	snprintf(w, sizeof(w), "%s.w", name);
	snprintf(b, sizeof(b), "%s.b", name);
	op_body_noise(build_tensor(m, w, 4, (size_t[]){k, c, r, s}),
	    k * c * r * s, 1, 0.4f, 0.0f);
	op_body_noise(build_tensor(m, b, 1, &k), k, 2, 0.3f, 0.1f);
	return build_node(m, "Conv", name, (const char *[]){in, w, b}, 3);
}

/* Pool everything and map it to the classes. */
void
op_body_head(struct model *m, const char *in, size_t features)
{
	size_t dim[] = {CLASSES, features};
	const char *v;

	v = build_node(m, "Flatten", "flat", &in, 1);
	op_body_noise(
	    build_tensor(m, "fc.w", 2, dim), CLASSES * features, 3, 0.5f, 0.0f);
	op_body_noise(build_tensor(m, "fc.b", 1, dim), CLASSES, 4, 0.5f, 0.0f);
	v = build_node(m, "Gemm", "fc", (const char *[]){v, "fc.w", "fc.b"}, 3);
	build_int(m, "transB", 1);
	build_end(m, v, CLASSES);
}

static void
body_conv(struct model *m)
{
	op_body_conv(m, "c", "image", 5, 3, 3, 3);
	op_body_window(m, 1, 1, 1, 1, 1);
	op_body_head(m, "c", 5 * 7 * 6);
}

/* Wide enough for Winograd; blocks at the edges are cut. */
static void
body_conv_wide(struct model *m)
{
	op_body_conv(m, "c", "image", 18, 3, 3, 3);
	op_body_window(m, 1, 1, 1, 1, 1);
	op_body_conv(m, "d", "c", 20, 18, 3, 3);
	op_body_window(m, 1, 1, 0, 2, 1);
	op_body_head(m, "d", 20 * 8 * 5);
}

static void
body_conv_stride(struct model *m)
{
	op_body_conv(m, "c", "image", 4, 3, 3, 2);
	op_body_window(m, 2, 0, 1, 2, 0);
	op_body_head(m, "c", 4 * 4 * 3);
}

static void
body_conv_dilated(struct model *m)
{
	op_body_conv(m, "c", "image", 2, 3, 2, 3);
	op_body_window(m, 1, 1, 2, 1, 2);
	build_ints(m, "dilations", 2, (int64_t[]){3, 2});
	op_body_head(m, "c", 2 * 5 * 5);
}

static void
body_conv_1x1(struct model *m)
{
	op_body_conv(m, "c", "image", 6, 3, 1, 1);
	op_body_head(m, "c", 6 * 7 * 6);
}

static void
body_conv_group(struct model *m)
{
	op_body_conv(m, "c", "image", 4, 3, 3, 3);
	op_body_window(m, 1, 1, 1, 1, 1);
	op_body_conv(m, "g", "c", 6, 2, 3, 3);
	op_body_window(m, 2, 1, 1, 1, 1);
	build_int(m, "group", 2);
	op_body_conv(m, "d", "g", 6, 1, 3, 3);
	op_body_window(m, 1, 1, 1, 1, 1);
	build_int(m, "group", 6);
	op_body_head(m, "d", 6 * 4 * 3);
}

static void
body_conv_same(struct model *m)
{
	struct attr *a;

	op_body_conv(m, "c", "image", 4, 3, 3, 3);
	build_ints(m, "strides", 2, (int64_t[]){2, 2});
	build_int(m, "auto_pad", 0);
	a = &m->node[0].attr[m->node[0].nattr - 1];
	a->kind = ATTR_TEXT;
	a->s = "SAME_UPPER";
	op_body_head(m, "c", 4 * 4 * 3);
}

const char *
op_body_batch_norm(struct model *m, const char *name, const char *in, size_t c)
{
	static const char *const part[] = {"g", "b", "m", "v"};
	char t[4][32];

	for (size_t i = 0; i < 4; i++) {
		float *p;

		snprintf(t[i], sizeof(t[i]), "%s.%s", name, part[i]);
		p = build_tensor(m, t[i], 1, &c);
		op_body_noise(
		    p, c, 10 + i, 0.2f, i == 0 || i == 3 ? 1.0f : 0.1f);
	}
	build_node(m, "BatchNormalization", name,
	    (const char *[]){in, t[0], t[1], t[2], t[3]}, 5);
	build_real(m, "epsilon", 1e-3);
	return name;
}

static void
body_batch_norm(struct model *m)
{
	op_body_head(m, op_body_batch_norm(m, "bn", "image", 3), 3 * 7 * 6);
}

/* Channels that are repeated up to a line, and too many for that. */
static void
norm_relu(struct model *m, size_t c)
{
	const char *v;

	op_body_conv(m, "c", "image", c, 3, 1, 1);
	v = op_body_batch_norm(m, "bn", "c", c);
	v = build_node(m, "Relu", "r", &v, 1);
	op_body_head(m, v, c * 7 * 6);
}

static void
body_norm_20(struct model *m)
{
	norm_relu(m, 20);
}

static void
body_norm_33(struct model *m)
{
	norm_relu(m, 33);
}

static void
body_relu(struct model *m)
{
	op_body_conv(m, "c", "image", 4, 3, 1, 1);
	op_body_head(
	    m, build_node(m, "Relu", "r", (const char *[]){"c"}, 1), 4 * 7 * 6);
}

static void
body_clip(struct model *m)
{
	const char *v;

	op_body_conv(m, "c", "image", 4, 3, 1, 1);
	v = build_node(m, "Clip", "r", (const char *[]){"c"}, 1);
	build_real(m, "min", -0.5);
	build_real(m, "max", 0.75);
	op_body_head(m, v, 4 * 7 * 6);
}

static void
body_max_pool(struct model *m)
{
	build_node(m, "MaxPool", "p", (const char *[]){"image"}, 1);
	build_ints(m, "kernel_shape", 2, (int64_t[]){3, 2});
	op_body_window(m, 2, 1, 0, 1, 1);
	op_body_head(m, "p", 3 * 4 * 3);
}

static void
body_max_pool_ceil(struct model *m)
{
	build_node(m, "MaxPool", "p", (const char *[]){"image"}, 1);
	build_ints(m, "kernel_shape", 2, (int64_t[]){2, 3});
	op_body_window(m, 2, 0, 0, 0, 0);
	build_int(m, "ceil_mode", 1);
	op_body_head(m, "p", 3 * 4 * 3);
}

static void
body_average_pool(struct model *m)
{
	build_node(m, "AveragePool", "p", (const char *[]){"image"}, 1);
	build_ints(m, "kernel_shape", 2, (int64_t[]){3, 3});
	op_body_window(m, 2, 1, 1, 1, 1);
	op_body_head(m, "p", 3 * 4 * 3);
}

static void
body_average_pool_counted(struct model *m)
{
	build_node(m, "AveragePool", "p", (const char *[]){"image"}, 1);
	build_ints(m, "kernel_shape", 2, (int64_t[]){3, 2});
	op_body_window(m, 2, 1, 0, 1, 1);
	build_int(m, "count_include_pad", 1);
	build_int(m, "ceil_mode", 1);
	op_body_head(m, "p", 3 * 4 * 3);
}

static void
body_global_pool(struct model *m)
{
	op_body_conv(m, "c", "image", 5, 3, 3, 3);
	op_body_head(m,
	    build_node(m, "GlobalAveragePool", "p", (const char *[]){"c"}, 1),
	    5);
}

static void
body_residual(struct model *m)
{
	const char *a = op_body_conv(m, "a", "image", 4, 3, 3, 3), *b;

	op_body_window(m, 1, 1, 1, 1, 1);
	b = op_body_conv(m, "b", a, 4, 4, 3, 3);
	op_body_window(m, 1, 1, 1, 1, 1);
	b = build_node(m, "Add", "sum", (const char *[]){a, b}, 2);
	b = build_node(m, "Mul", "square", (const char *[]){b, a}, 2);
	b = build_node(m, "Sub", "less", (const char *[]){b, a}, 2);
	op_body_head(m, b, 4 * 7 * 6);
}

/* What is bounded is a summand, not the sum; and bounded twice. */
static void
body_bounded_summand(struct model *m)
{
	const char *v = op_body_conv(m, "a", "image", 4, 3, 1, 1), *w;

	w = op_body_conv(m, "b", v, 4, 4, 3, 3);
	op_body_window(m, 1, 1, 1, 1, 1);
	w = build_node(m, "Relu", "r", &w, 1);
	v = build_node(m, "Add", "sum", (const char *[]){v, w}, 2);
	v = op_body_conv(m, "c", v, 4, 4, 1, 1);
	v = build_node(m, "Relu", "s", &v, 1);
	v = build_node(m, "Clip", "clip", &v, 1);
	build_real(m, "min", 0.1);
	build_real(m, "max", 0.5);
	op_body_head(m, v, 4 * 7 * 6);
}

/* A sum that is broadcast over the pixels: no convolution can take it along. */
static void
body_broadcast_sum(struct model *m)
{
	const char *a = op_body_conv(m, "a", "image", 4, 3, 3, 3), *b;

	op_body_window(m, 1, 1, 1, 1, 1);
	b = build_node(
	    m, "GlobalAveragePool", "p", (const char *[]){"image"}, 1);
	b = op_body_conv(m, "b", b, 4, 3, 1, 1);
	b = build_node(m, "Add", "sum", (const char *[]){b, a}, 2);
	op_body_head(m, build_node(m, "Relu", "r", &b, 1), 4 * 7 * 6);
}

static void
body_normalise(struct model *m)
{
	size_t dim[] = {3, 1, 1};
	const char *v;

	op_body_noise(build_tensor(m, "mean", 3, dim), 3, 20, 0.1f, 0.5f);
	op_body_noise(build_tensor(m, "std", 3, dim), 3, 21, 0.05f, 0.4f);
	v = build_node(m, "Sub", "s", (const char *[]){"image", "mean"}, 2);
	v = build_node(m, "Div", "d", (const char *[]){v, "std"}, 2);
	op_body_head(m, v, 3 * 7 * 6);
}

static void
body_matmul(struct model *m)
{
	size_t features = 3 * 7 * 6;
	const char *v;

	build_node(m, "Reshape", "flat", (const char *[]){"image"}, 1);
	build_ints(m, "shape", 2, (int64_t[]){0, -1});
	op_body_noise(build_tensor(m, "w", 2, (size_t[]){features, CLASSES}),
	    features * CLASSES, 5, 0.2f, 0.0f);
	v = build_node(m, "MatMul", "mm", (const char *[]){"flat", "w"}, 2);
	op_body_noise(build_tensor(m, "b", 1, (size_t[]){CLASSES}), CLASSES, 6,
	    0.3f, 0.0f);
	v = build_node(m, "Add", "add", (const char *[]){v, "b"}, 2);
	build_end(m, v, CLASSES);
}

const char *
op_body_stem(struct model *m)
{
	op_body_conv(m, "c", "image", 4, 3, 3, 3);
	op_body_window(m, 1, 1, 1, 1, 1);
	return "c";
}

static void
body_leaky_relu(struct model *m)
{
	const char *in = op_body_conv(m, "c", "image", 4, 3, 1, 1), *v;

	v = build_node(m, "LeakyRelu", "r", &in, 1);
	build_real(m, "alpha", 0.2);
	op_body_head(m, v, 4 * 7 * 6);
}

static void
body_global_max(struct model *m)
{
	const char *in = op_body_stem(m);

	op_body_head(m, build_node(m, "GlobalMaxPool", "p", &in, 1), 4);
}

/* Space and channels; one side is cropped. */
static void
body_pad(struct model *m)
{
	const char *in = op_body_stem(m),
		   *v = build_node(m, "Pad", "p", &in, 1);

	build_ints(m, "pads", 8, (int64_t[]){0, 1, 2, -1, 0, 3, 1, 2});
	build_real(m, "value", 0.75);
	op_body_head(m, v, 8 * 10 * 7);
}

static void
body_pad_axes(struct model *m)
{
	const char *in = op_body_stem(m),
		   *v = build_node(m, "Pad", "p", &in, 1);

	build_ints(m, "pads", 4, (int64_t[]){1, 0, 0, 2});
	build_ints(m, "axes", 2, (int64_t[]){-1, 1});
	op_body_head(m, v, 6 * 7 * 7);
}

/* Slices with steps 1 and 2, joined on the channels with what they cut. */
static void
body_slice_concat(struct model *m)
{
	const char *in = op_body_stem(m), *v[3];

	v[0] = build_node(m, "Slice", "s", &in, 1);
	build_ints(m, "starts", 2, (int64_t[]){0, -6});
	build_ints(m, "ends", 2, (int64_t[]){INT64_MAX, 100});
	build_ints(m, "axes", 2, (int64_t[]){2, 3});
	build_ints(m, "steps", 2, (int64_t[]){2, 2});
	v[1] = build_node(m, "Slice", "t", &in, 1);
	build_ints(m, "starts", 3, (int64_t[]){1, 1, 2});
	build_ints(m, "ends", 3, (int64_t[]){-1, 5, 5});
	build_ints(m, "axes", 3, (int64_t[]){1, 2, -1});
	v[2] = v[0];
	v[0] = build_node(m, "Concat", "cat", v, 3);
	build_int(m, "axis", 1);
	op_body_head(m, v[0], 10 * 4 * 3);
}

static void
body_concat_width(struct model *m)
{
	const char *v[2] = {op_body_stem(m), "image"};

	v[1] = op_body_conv(m, "d", "image", 4, 3, 3, 2);
	op_body_window(m, 1, 1, 0, 1, 1);
	v[0] = build_node(m, "Concat", "cat", v, 2);
	build_int(m, "axis", -1);
	op_body_head(m, v[0], 4 * 7 * 12);
}

static void
body_reduce_mean(struct model *m)
{
	const char *in = op_body_stem(m),
		   *v = build_node(m, "ReduceMean", "m", &in, 1);

	build_ints(m, "axes", 2, (int64_t[]){2, 3});
	build_int(m, "keepdims", 1);
	op_body_head(m, v, 4);
}

/* Over one axis, which goes away, so that channels come last by themselves. */
static void
body_reduce_drop(struct model *m)
{
	const char *in = op_body_stem(m),
		   *v = build_node(m, "ReduceSum", "m", &in, 1);

	build_ints(m, "axes", 1, (int64_t[]){-2});
	build_int(m, "keepdims", 0);
	op_body_head(m, v, 4 * 6);
}

static void
body_transpose(struct model *m)
{
	const char *in = op_body_stem(m),
		   *v = build_node(m, "Transpose", "t", &in, 1);

	build_ints(m, "perm", 4, (int64_t[]){0, 3, 1, 2});
	v = build_node(m, "Relu", "r", &v, 1);
	v = build_node(m, "Transpose", "u", &v, 1);
	build_ints(m, "perm", 4, (int64_t[]){0, 2, 1, 3});
	v = op_body_conv(m, "d", v, 2, 4, 3, 3);
	op_body_head(m, v, 2 * 4 * 5);
}

/* A batch-norm of vectors, whose output meets a constant. */
static void
body_vector_norm(struct model *m)
{
	const char *v = op_body_stem(m);

	v = build_node(m, "GlobalAveragePool", "p", &v, 1);
	v = build_node(m, "Flatten", "f", &v, 1);
	op_body_batch_norm(m, "bn", v, 4);
	v = build_node(m, "Add", "sum", (const char *[]){"bn", "bn.b"}, 2);
	op_body_head(m, v, 4);
}

/* What leads nowhere takes no part. */
static void
body_dead(struct model *m)
{
	const char *v = op_body_stem(m), *dead;

	dead = build_node(m, "Relu", "dead", &v, 1);
	build_node(m, "GlobalAveragePool", "dead2", &dead, 1);
	op_body_head(m, v, 4 * 7 * 6);
}

static const struct op_body table[] = {
    {"conv 3x3", body_conv, 7, 6, 3, 3},
    {"conv 3x3 of many channels", body_conv_wide, 7, 6, 3, 3},
    {"conv 3x2 stride 2, uneven pads", body_conv_stride, 7, 6, 3, 3},
    {"conv dilated", body_conv_dilated, 6, 5, 3, 2},
    {"conv 1x1", body_conv_1x1, 7, 6, 3, 3},
    {"conv grouped and depthwise", body_conv_group, 7, 6, 3, 2},
    {"conv SAME_UPPER", body_conv_same, 7, 6, 3, 2},
    {"conv, many images a product", body_conv, 7, 6, 3, 41},
    {"batch-norm", body_batch_norm, 7, 6, 3, 3},
    {"batch-norm of 20 channels, relu", body_norm_20, 7, 6, 3, 3},
    {"batch-norm of 33 channels, relu", body_norm_33, 7, 6, 3, 3},
    {"relu", body_relu, 7, 6, 3, 3},
    {"clip", body_clip, 7, 6, 3, 3},
    {"max-pool", body_max_pool, 7, 6, 3, 3},
    {"max-pool, ceil mode", body_max_pool_ceil, 7, 6, 3, 3},
    {"average-pool", body_average_pool, 7, 6, 3, 3},
    {"average-pool, padding counted", body_average_pool_counted, 7, 6, 3, 2},
    {"global average-pool", body_global_pool, 7, 6, 3, 3},
    {"residual add, mul, sub", body_residual, 7, 6, 3, 3},
    {"sum of what is bounded", body_bounded_summand, 7, 6, 3, 3},
    {"sum broadcast over pixels", body_broadcast_sum, 7, 6, 3, 3},
    {"normalisation sub, div", body_normalise, 7, 6, 3, 3},
    {"reshape, matmul", body_matmul, 7, 6, 3, 3},
    {"leaky relu", body_leaky_relu, 7, 6, 3, 3},
    {"global max-pool", body_global_max, 7, 6, 3, 3},
    {"pad, with channels and a crop", body_pad, 7, 6, 3, 3},
    {"pad, axes given", body_pad_axes, 7, 6, 3, 3},
    {"slice, concat on channels", body_slice_concat, 7, 6, 3, 3},
    {"concat on the width", body_concat_width, 7, 6, 3, 2},
    {"reduce mean, axes kept", body_reduce_mean, 7, 6, 3, 3},
    {"reduce sum, an axis dropped", body_reduce_drop, 7, 6, 3, 3},
    {"transpose", body_transpose, 6, 7, 3, 3},
    {"batch-norm of vectors, add", body_vector_norm, 7, 6, 3, 3},
    {"dead branch", body_dead, 7, 6, 3, 3},
};
const struct op_body_set op_body_basic = {table, ARRAY_LEN(table)};
