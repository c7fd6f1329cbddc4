/* SPDX-License-Identifier: MIT
 * Images made larger or smaller: transposed convolutions, blocks of pixels to
 * channels and back.
 */
#include "formats/tflite_op.h"

#include "base/limits.h"

/* What of a transposed convolution of that span is cut off before and behind,
 * and what is added behind, so that `out` pixels remain. */
static bool
trim(int64_t in, int64_t out, int64_t size, int64_t stride, bool same,
    int64_t *before, int64_t *behind, int64_t *more)
{
	int64_t full = (in - 1) * stride + size, total = full - out;
	int64_t want = same          ? (out + stride - 1) / stride
		       : out >= size ? (out - size) / stride + 1
				     : 0;

	*before = same ? MAX(total, 0) / 2 : 0;
	*behind = same ? MAX(total, 0) - *before : 0;
	*more = full - *before - *behind > out ? -1
					       : out - full + *before + *behind;
	return want == in && *more >= 0 && *more < stride;
}

/* output_shape, weights (O, H, W, I), x, bias; padding 0, stride_w 1,
 * stride_h 2, activation 3 */
void
tflite_op_block_conv(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 2);
	const struct tflite_tensor *w = tflite_lower_tensor(l, 1);
	int64_t stride[2] = {
	    tflite_lower_i32(l, 2, 0), tflite_lower_i32(l, 1, 0)};
	int64_t pads[4] = {0}, more[2] = {0}, size[2] = {0};
	bool same = tflite_lower_i8(l, 0) == 0;
	const int64_t *out = NULL;
	const char *image, *y;
	size_t n;

	if (!tflite_const_ints(l, 0, &out, &n) || n != 4)
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "a size that is not known");
	if (l->draw.rc == 0 &&
	    (x->rank != 4 || w->rank != 4 || w->dim[3] != x->dim[3]))
		tflite_lower_fail(
		    l, ERR_FORMAT, "ranks %zu and %zu", x->rank, w->rank);
	for (size_t i = 0; l->draw.rc == 0 && i < 2; i++) {
		size[i] = (int64_t)w->dim[1 + i];
		if (size[i] < 1 || size[i] > LIMIT_IMAGE_SIDE ||
		    stride[i] < 1 || stride[i] > LIMIT_IMAGE_SIDE ||
		    out[1 + i] < 1 || out[1 + i] > LIMIT_IMAGE_SIDE ||
		    !trim((int64_t)x->dim[1 + i], out[1 + i], size[i],
			stride[i], same, &pads[i], &pads[2 + i], &more[i]))
			tflite_lower_fail(l, ERR_FORMAT,
			    "%" PRIu64 " pixels to %" PRId64
			    " by a window of %" PRId64 ", stride %" PRId64,
			    x->dim[1 + i], out[1 + i], size[i], stride[i]);
	}
	image = tflite_lower_image(l, 2);
	y = tflite_const_weight(l, 1, FORM_CROSSED);
	if (l->draw.rc != 0)
		return;
	y = draw_node(&l->draw, "ConvTranspose", l->at, image, y,
	    tflite_const_bias(l, 3, 1), NULL);
	draw_ints(&l->draw, "kernel_shape", 2, size);
	draw_ints(&l->draw, "strides", 2, stride);
	draw_ints(&l->draw, "pads", 4, pads);
	draw_ints(&l->draw, "dilations", 2, (int64_t[]){1, 1});
	draw_int(&l->draw, "group", 1);
	draw_ints(&l->draw, "output_padding", 2, more);
	y = tflite_lower_activate(l, tflite_lower_i8(l, 3), y);
	tflite_lower_out(l, 0, y, true, 4,
	    (uint64_t[]){
		x->dim[0], (uint64_t)out[1], (uint64_t)out[2], w->dim[0]});
}

/* block_size 0 */
void
tflite_op_block(struct tflite_lower *l)
{
	bool deep = l->n->op == TFLITE_SPACE_TO_DEPTH;
	const struct tflite_value *x = tflite_lower_in(l, 0);
	int64_t b = tflite_lower_i32(l, 0, 0);
	uint64_t n = (uint64_t)b, dim[4];
	const char *image = tflite_lower_image(l, 0), *y;

	if (l->draw.rc != 0)
		return;
	if (b < 2 || b > 256 ||
	    (deep ? x->dim[1] % n != 0 || x->dim[2] % n != 0
		  : x->dim[3] % (n * n) != 0)) {
		tflite_lower_fail(l, ERR_FORMAT, "blocks of %" PRId64, b);
		return;
	}
	y = draw_unary(
	    &l->draw, deep ? "SpaceToDepth" : "DepthToSpace", l->at, image);
	draw_int(&l->draw, "blocksize", b);
	if (!deep)
		draw_text(&l->draw, "mode", "DCR");
	dim[0] = x->dim[0];
	dim[1] = deep ? x->dim[1] / n : x->dim[1] * n;
	dim[2] = deep ? x->dim[2] / n : x->dim[2] * n;
	dim[3] = deep ? x->dim[3] * n * n : x->dim[3] / (n * n);
	tflite_lower_out(l, 0, y, true, 4, dim);
}
