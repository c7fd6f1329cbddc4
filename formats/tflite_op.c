/* SPDX-License-Identifier: MIT
 * Convolutions, pools, products, resizing.
 */
#include "formats/tflite_op.h"

#include "base/limits.h"

struct window {
	int64_t padding; /* 0 SAME, 1 VALID */
	int64_t size[2], stride[2], dilation[2];
	int64_t act;
};

/* --- windows ------------------------------------------------------------- */

static bool
sane(const int64_t v[2])
{
	return v[0] > 0 && v[1] > 0 && v[0] <= LIMIT_IMAGE_SIDE &&
	       v[1] <= LIMIT_IMAGE_SIDE;
}

/* Pixels out of `in`: SAME covers all, VALID what fits. */
static uint64_t
reach(struct tflite_lower *l, const struct window *w, size_t i, uint64_t in)
{
	uint64_t span = (uint64_t)((w->size[i] - 1) * w->dilation[i] + 1);
	uint64_t stride = (uint64_t)w->stride[i];

	if (w->padding == 0)
		return (in + stride - 1) / stride;
	if (span > in) {
		tflite_lower_fail(l, ERR_FORMAT,
		    "a window of %" PRIu64 " over %" PRIu64 " pixels", span,
		    in);
		return 0;
	}
	return (in - span) / stride + 1;
}

static bool
check_window(struct tflite_lower *l, const struct window *w)
{
	if (!sane(w->size) || !sane(w->stride) || !sane(w->dilation) ||
	    w->padding < 0 || w->padding > 1)
		tflite_lower_fail(l, ERR_FORMAT,
		    "a window of %" PRId64 " x %" PRId64 ", strides %" PRId64
		    " %" PRId64 ", dilations %" PRId64 " %" PRId64
		    ", padding %" PRId64,
		    w->size[0], w->size[1], w->stride[0], w->stride[1],
		    w->dilation[0], w->dilation[1], w->padding);
	return l->draw.rc == 0;
}

static void
put_window(struct tflite_lower *l, const struct window *w)
{
	struct draw *d = &l->draw;

	draw_ints(d, "kernel_shape", 2, w->size);
	draw_ints(d, "strides", 2, w->stride);
	if (w->padding == 0) /* TensorFlow's: what is odd goes behind */
		draw_text(d, "auto_pad", "SAME_UPPER");
	else
		draw_ints(d, "pads", 4, (int64_t[]){0, 0, 0, 0});
	draw_ints(d, "dilations", 2, w->dilation);
}

static void
finish(struct tflite_lower *l, const struct window *w,
    const struct tflite_value *x, uint64_t channels, const char *y)
{
	uint64_t dim[4] = {x->dim[0], reach(l, w, 0, x->dim[1]),
	    reach(l, w, 1, x->dim[2]), channels};

	tflite_lower_out(
	    l, 0, tflite_lower_activate(l, w->act, y), true, 4, dim);
}

/* Over blocks of pixels: the image that these are of, with holes. */
static const char *
holes(struct tflite_lower *l, const struct window *w, struct window *own,
    int64_t block[2])
{
	const char *image = tflite_lower_blocks(l, 0, block);

	*own = *w;
	if (image == NULL)
		return tflite_lower_image(l, 0);
	if (w->padding != 1 || w->stride[0] != 1 || w->stride[1] != 1 ||
	    w->dilation[0] != 1 || w->dilation[1] != 1)
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "strides or edges of blocks of pixels");
	own->dilation[0] = block[0];
	own->dilation[1] = block[1];
	return image;
}

static void
convolve(struct tflite_lower *l, const struct window *w, enum tflite_form form,
    uint64_t group, uint64_t channels)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	struct window own;
	int64_t block[2];
	const char *image = holes(l, w, &own, block);
	const char *weight = tflite_const_weight(l, 1, form);
	const char *bias = tflite_const_bias(l, 2, 1);
	const char *y;

	if (l->draw.rc != 0)
		return;
	y = draw_node(&l->draw, "Conv", l->at, image, weight, bias, NULL);
	put_window(l, &own);
	draw_int(&l->draw, "group", (int64_t)group);
	finish(l, w, x, channels, y);
	tflite_lower_in_blocks(l, block);
}

/* padding 0, stride_w 1, stride_h 2, activation 3, dilation_w 4, _h 5 */
void
tflite_op_conv(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	const struct tflite_tensor *k = tflite_lower_tensor(l, 1);
	struct window w = {.padding = tflite_lower_i8(l, 0),
	    .stride = {tflite_lower_i32(l, 2, 0), tflite_lower_i32(l, 1, 0)},
	    .dilation = {tflite_lower_i32(l, 5, 1), tflite_lower_i32(l, 4, 1)},
	    .act = tflite_lower_i8(l, 3)};
	uint64_t in, out;

	if (l->draw.rc != 0)
		return;
	if (x->rank != 4 || k->rank != 4) {
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "ranks %zu and %zu", x->rank, k->rank);
		return;
	}
	w.size[0] = (int64_t)k->dim[1];
	w.size[1] = (int64_t)k->dim[2];
	in = k->dim[3];
	out = k->dim[0];
	if (!check_window(l, &w))
		return;
	if (in == 0 || x->dim[3] % in != 0 || out % (x->dim[3] / in) != 0)
		tflite_lower_fail(l, ERR_FORMAT,
		    "%" PRIu64 " channels meet weights of %" PRIu64
		    " for %" PRIu64,
		    x->dim[3], in, out);
	else
		convolve(l, &w, FORM_IMAGE, x->dim[3] / in, out);
}

/*
 * padding 0, stride_w 1, stride_h 2, depth_multiplier 3 (follows from the
 * weights), activation 4, dilation_w 5, _h 6
 */
void
tflite_op_depthwise(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	const struct tflite_tensor *k = tflite_lower_tensor(l, 1);
	struct window w = {.padding = tflite_lower_i8(l, 0),
	    .stride = {tflite_lower_i32(l, 2, 0), tflite_lower_i32(l, 1, 0)},
	    .dilation = {tflite_lower_i32(l, 6, 1), tflite_lower_i32(l, 5, 1)},
	    .act = tflite_lower_i8(l, 4)};

	if (l->draw.rc != 0)
		return;
	if (x->rank != 4 || k->rank != 4 || k->dim[0] != 1) {
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "ranks %zu and %zu", x->rank, k->rank);
		return;
	}
	w.size[0] = (int64_t)k->dim[1];
	w.size[1] = (int64_t)k->dim[2];
	if (!check_window(l, &w))
		return;
	if (k->dim[3] == 0 || k->dim[3] % x->dim[3] != 0)
		tflite_lower_fail(l, ERR_FORMAT,
		    "%" PRIu64 " channels meet weights of %" PRIu64, x->dim[3],
		    k->dim[3]);
	else
		convolve(l, &w, FORM_DEPTH, x->dim[3], k->dim[3]);
}

/* padding 0, stride_w 1, stride_h 2, filter_width 3, _height 4, act. 5 */
void
tflite_op_pool(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	bool average = l->n->op == TFLITE_AVERAGE_POOL_2D;
	struct window w = {.padding = tflite_lower_i8(l, 0),
	    .stride = {tflite_lower_i32(l, 2, 0), tflite_lower_i32(l, 1, 0)},
	    .size = {tflite_lower_i32(l, 4, 0), tflite_lower_i32(l, 3, 0)},
	    .dilation = {1, 1},
	    .act = tflite_lower_i8(l, 5)};
	const char *image = tflite_lower_image(l, 0), *y;

	if (l->draw.rc != 0 || !check_window(l, &w))
		return;
	y = draw_unary(
	    &l->draw, average ? "AveragePool" : "MaxPool", l->at, image);
	put_window(l, &w);
	draw_int(&l->draw, "ceil_mode", 0);
	if (average) /* what lies outside does not count */
		draw_int(&l->draw, "count_include_pad", 0);
	finish(l, &w, x, x->dim[3], y);
}

/* --- products ------------------------------------------------------------ */

/* The input of FULLY_CONNECTED as (anything, in). */
static const char *
as_rows(struct tflite_lower *l, const struct tflite_value *x, uint64_t in)
{
	struct draw *d = &l->draw;

	if (x->rank == 2 && x->dim[1] == in)
		return tflite_lower_plain(l, 0);
	if (x->rank < 2 || tflite_lower_count(x->dim + 1, x->rank - 1) != in)
		return draw_reshape(d, l->at, tflite_lower_plain(l, 0), 2,
		    (int64_t[]){-1, (int64_t)in});
	if (tflite_lower_is_image(l, 0) && x->dim[1] == 1 && x->dim[2] == 1)
		return draw_flatten(d, l->at, tflite_lower_image(l, 0));
	return draw_flatten(d, l->at, tflite_lower_plain(l, 0));
}

static const char *
gemm(struct tflite_lower *l, const char *x)
{
	const char *weight = tflite_const_weight(l, 1, FORM_PLAIN);
	const char *bias = tflite_const_bias(l, 2, 1);
	const char *y;

	if (l->draw.rc != 0)
		return "";
	y = draw_node(&l->draw, "Gemm", l->at, x, weight, bias, NULL);
	draw_real(&l->draw, "alpha", 1.0);
	draw_real(&l->draw, "beta", 1.0);
	draw_int(&l->draw, "transA", 0);
	draw_int(&l->draw, "transB", 1);
	return y;
}

static const char *
product(struct tflite_lower *l)
{
	const char *x = tflite_lower_plain(l, 0);
	const char *weight = tflite_const_weight(l, 1, FORM_TURNED);
	const char *bias = tflite_const_bias(l, 2, 1);
	const char *y;

	if (l->draw.rc != 0)
		return "";
	y = draw_binary(&l->draw, "MatMul", l->at, x, weight);
	return bias == NULL ? y : draw_binary(&l->draw, "Add", l->at, y, bias);
}

/* activation 0, weights_format 1, keep_num_dims 2 */
void
tflite_op_dense(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	const struct tflite_tensor *w = tflite_lower_tensor(l, 1);
	bool keep = tflite_lower_i8(l, 2) != 0 && x->rank > 2;
	uint64_t dim[MODEL_MAX_RANK], all, in;
	const char *y;

	if (l->draw.rc == 0 && (w->rank != 2 || tflite_lower_i8(l, 1) != 0))
		tflite_lower_fail(l, ERR_UNSUPPORTED,
		    "weights of rank %zu, format %" PRId64, w->rank,
		    tflite_lower_i8(l, 1));
	if (l->draw.rc != 0)
		return;
	in = w->dim[1];
	all = tflite_lower_count(x->dim, x->rank);
	if (x->rank == 0 || in == 0 || all % in != 0 ||
	    (keep && x->dim[x->rank - 1] != in)) {
		tflite_lower_fail(l, ERR_FORMAT,
		    "%" PRIu64 " values meet weights of %" PRIu64, all, in);
		return;
	}
	memcpy(dim, x->dim, sizeof(dim));
	dim[keep ? x->rank - 1 : 1] = w->dim[0];
	if (!keep)
		dim[0] = all / in;
	y = keep ? product(l) : gemm(l, as_rows(l, x, in));
	y = tflite_lower_activate(l, tflite_lower_i8(l, 0), y);
	tflite_lower_out(l, 0, y, false, keep ? x->rank : 2, dim);
}

/* One operand, its last two axes exchanged where that is asked for. */
static const char *
operand(struct tflite_lower *l, size_t k, bool turn, uint64_t dim[2])
{
	const struct tflite_value *x = tflite_lower_in(l, k);
	int64_t perm[MODEL_MAX_RANK];
	const char *name;

	if (l->draw.rc == 0 && x->rank < 2)
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "an operand of rank %zu", x->rank);
	if (l->draw.rc != 0)
		return "";
	dim[0] = x->dim[x->rank - (turn ? 1 : 2)];
	dim[1] = x->dim[x->rank - (turn ? 2 : 1)];
	if (turn && x->constant)
		return tflite_const_weight(l, k, FORM_TURNED);
	name = tflite_lower_plain(l, k);
	if (!turn)
		return name;
	for (size_t i = 0; i < x->rank; i++)
		perm[i] = (int64_t)i;
	perm[x->rank - 1] = (int64_t)x->rank - 2;
	perm[x->rank - 2] = (int64_t)x->rank - 1;
	return draw_transpose(&l->draw, l->at, name, x->rank, perm);
}

/* adj_x 0, adj_y 1; the axes in front are the same, or of one operand only */
void
tflite_op_matmul(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	const struct tflite_value *y = tflite_lower_in(l, 1);
	uint64_t dx[2], dy[2], dim[MODEL_MAX_RANK];
	const char *a = operand(l, 0, tflite_lower_i8(l, 0) != 0, dx);
	const char *b = operand(l, 1, tflite_lower_i8(l, 1) != 0, dy);
	bool front;

	if (l->draw.rc != 0)
		return;
	front = y->rank == 2 ||
		(x->rank == y->rank &&
		    memcmp(x->dim, y->dim, (x->rank - 2) * sizeof(*dim)) == 0);
	if (!front || x->constant || dx[1] != dy[0]) {
		tflite_lower_fail(l, ERR_UNSUPPORTED,
		    "operands of ranks %zu and %zu that do not fit", x->rank,
		    y->rank);
		return;
	}
	memcpy(dim, x->dim, sizeof(dim));
	dim[x->rank - 2] = dx[0];
	dim[x->rank - 1] = dy[1];
	tflite_lower_out(l, 0, draw_binary(&l->draw, "MatMul", l->at, a, b),
	    false, x->rank, dim);
}

/* --- resizing ------------------------------------------------------------ */

/*
 * align_corners, half_pixel_centers: 2 and 3 of ResizeBilinearOptions, 0 and 1
 * of ResizeNearestNeighborOptions
 */
void
tflite_op_resize(struct tflite_lower *l)
{
	bool near = l->n->op == TFLITE_RESIZE_NEAREST_NEIGHBOR;
	bool corners = tflite_lower_i8(l, near ? 0 : 2) != 0;
	bool half = tflite_lower_i8(l, near ? 1 : 3) != 0;
	const struct tflite_value *x = tflite_lower_in(l, 0);
	const char *image = tflite_lower_image(l, 0), *y;
	const int64_t *size = NULL;
	struct draw *d = &l->draw;
	size_t n;

	if (!tflite_const_ints(l, 1, &size, &n) || n != 2 || !sane(size) ||
	    (corners && half))
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "a size that is not two constants");
	if (l->draw.rc != 0)
		return;
	y = draw_node(d, "Resize", l->at, image, NULL);
	draw_text(d, "mode", near ? "nearest" : "linear");
	draw_text(d, "coordinate_transformation_mode",
	    corners ? "align_corners"
	    : !half ? "asymmetric"
	    : near  ? "tf_half_pixel_for_nn"
		    : "half_pixel");
	draw_text(
	    d, "nearest_mode", near && corners ? "round_prefer_ceil" : "floor");
	draw_ints(d, "sizes", 2, size);
	draw_ints(d, "axes", 2, (int64_t[]){2, 3});
	tflite_lower_out(l, 0, y, true, 4,
	    (uint64_t[]){
		x->dim[0], (uint64_t)size[0], (uint64_t)size[1], x->dim[3]});
}
