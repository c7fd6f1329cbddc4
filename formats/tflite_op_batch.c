/* SPDX-License-Identifier: MIT
 * Blocks of pixels as images: what TensorFlow writes for a convolution with
 * holes.  SPACE_TO_BATCH_ND takes every b-th row and column as an image of its
 * own, a convolution of stride 1 goes over these, BATCH_TO_SPACE_ND puts them
 * together.  Here the image stays whole, and the convolution has the holes.
 * Nothing else may be done to such blocks.
 */
#include "formats/tflite_op.h"

#include "base/limits.h"

/* Two numbers for rows and columns each; false, the failure set. */
static bool
numbers(struct tflite_lower *l, size_t k, size_t n, const int64_t **v)
{
	size_t got = 0;

	if (!tflite_const_ints(l, k, v, &got) || got != n)
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "input %zu is not %zu constants", k, n);
	for (size_t i = 0; l->draw.rc == 0 && i < n; i++)
		if ((*v)[i] < (n == 2) || (*v)[i] > LIMIT_IMAGE_SIDE)
			tflite_lower_fail(l, ERR_FORMAT,
			    "input %zu has a %" PRId64, k, (*v)[i]);
	return l->draw.rc == 0;
}

/* x, block (2), borders (2 x 2) */
void
tflite_op_batch_space(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	const int64_t *block = NULL, *pad = NULL;
	const char *image = tflite_lower_image(l, 0);
	uint64_t dim[4];

	if (!numbers(l, 1, 2, &block) || !numbers(l, 2, 4, &pad))
		return;
	memcpy(dim, x->dim, sizeof(dim));
	for (size_t i = 0; i < 2; i++) {
		dim[1 + i] += (uint64_t)pad[2 * i] + (uint64_t)pad[2 * i + 1];
		if (dim[1 + i] % (uint64_t)block[i] != 0) {
			tflite_lower_fail(l, ERR_FORMAT,
			    "%" PRIu64 " pixels in blocks of %" PRId64,
			    dim[1 + i], block[i]);
			return;
		}
		dim[1 + i] /= (uint64_t)block[i];
		dim[0] *= (uint64_t)block[i];
	}
	if (pad[0] != 0 || pad[1] != 0 || pad[2] != 0 || pad[3] != 0) {
		int64_t *pads = tflite_lower_room(l, 8, sizeof(*pads));

		if (pads == NULL)
			return;
		pads[2] = pad[0];
		pads[6] = pad[1];
		pads[3] = pad[2];
		pads[7] = pad[3];
		image = draw_unary(&l->draw, "Pad", l->at, image);
		draw_text(&l->draw, "mode", "constant");
		draw_ints(&l->draw, "pads", 8, pads);
		draw_real(&l->draw, "value", 0.0);
	}
	tflite_lower_out(l, 0, image, true, 4, dim);
	tflite_lower_in_blocks(l, block);
}

/* Without the rows and columns that are cut off. */
static const char *
crop(struct tflite_lower *l, const char *image, const int64_t cut[4],
    const uint64_t dim[4])
{
	int64_t from[2], to[2];

	for (size_t i = 0; i < 2; i++) {
		from[i] = cut[2 * i];
		to[i] = cut[2 * i] + (int64_t)dim[1 + i];
	}
	if (cut[0] == 0 && cut[1] == 0 && cut[2] == 0 && cut[3] == 0)
		return image;
	image = draw_unary(&l->draw, "Slice", l->at, image);
	draw_ints(&l->draw, "starts", 2, from);
	draw_ints(&l->draw, "ends", 2, to);
	draw_ints(&l->draw, "axes", 2, (int64_t[]){2, 3});
	draw_ints(&l->draw, "steps", 2, (int64_t[]){1, 1});
	return image;
}

/* x, block (2), what is cut off (2 x 2) */
void
tflite_op_batch_back(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	const int64_t *block = NULL, *cut = NULL;
	uint64_t dim[4];

	if (!numbers(l, 1, 2, &block) || !numbers(l, 2, 4, &cut))
		return;
	if (x->block[0] != block[0] || x->block[1] != block[1]) {
		tflite_lower_fail(l, ERR_UNSUPPORTED,
		    "of what are no blocks of pixels, or others");
		return;
	}
	memcpy(dim, x->dim, sizeof(dim));
	for (size_t i = 0; i < 2; i++) {
		uint64_t off = (uint64_t)cut[2 * i] + (uint64_t)cut[2 * i + 1];

		dim[0] /= (uint64_t)block[i];
		dim[1 + i] *= (uint64_t)block[i];
		if (off >= dim[1 + i]) {
			tflite_lower_fail(l, ERR_FORMAT,
			    "%" PRIu64 " of %" PRIu64 " pixels are cut off",
			    off, dim[1 + i]);
			return;
		}
		dim[1 + i] -= off;
	}
	tflite_lower_out(l, 0, crop(l, x->image, cut, dim), true, 4, dim);
}
