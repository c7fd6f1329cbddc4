/* SPDX-License-Identifier: MIT
 * Places of a value by a constant list, and values put together along a new
 * axis.
 */
#include "formats/tflite_op.h"

/* Of whole numbers that are known. */
static void
pick(struct tflite_lower *l, const int64_t *at, size_t n, bool one)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	int64_t v[MODEL_MAX_RANK];

	if (n > ARRAY_LEN(v)) {
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "a list of sizes that long");
		return;
	}
	for (size_t i = 0; i < n; i++)
		v[i] = x->ints[at[i]];
	tflite_lower_known(l, v, n, one);
}

/* x, places (of rank 0 or 1); axis 0, batch_dims 1 */
void
tflite_op_gather(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	size_t axis = tflite_lower_axis(l, tflite_lower_i32(l, 0, 0), x->rank);
	bool one = tflite_lower_in(l, 1)->rank == 0;
	uint64_t dim[MODEL_MAX_RANK];
	const int64_t *at = NULL, *sizes;
	struct draw *d = &l->draw;
	const char *y;
	bool image;
	size_t n = 0, nsizes;

	if (!tflite_const_ints(l, 1, &at, &n) || n == 0 ||
	    tflite_lower_in(l, 1)->rank > 1 || tflite_lower_i32(l, 1, 0) != 0)
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "places that are not a constant list");
	for (size_t i = 0; d->rc == 0 && i < n; i++)
		if (at[i] < 0 || (uint64_t)at[i] >= x->dim[axis])
			tflite_lower_fail(l, ERR_FORMAT,
			    "place %" PRId64 " of %" PRIu64, at[i],
			    x->dim[axis]);
	if (d->rc != 0)
		return;
	if (x->rank == 1 && tflite_const_ints(l, 0, &sizes, &nsizes)) {
		pick(l, at, n, one);
		return;
	}
	if (axis == 0 || x->constant) {
		tflite_lower_fail(l, ERR_UNSUPPORTED, "it moves the images");
		return;
	}
	image = tflite_lower_is_image(l, 0);
	y = draw_binary(d, "Gather", l->at,
	    image ? tflite_lower_image(l, 0) : tflite_lower_plain(l, 0),
	    draw_integers(
		d, draw_path(d, "assay.places.%zu", d->m->ntensor), n, at));
	draw_int(d, "axis", image ? tflite_lower_turn(axis) : (int64_t)axis);
	memcpy(dim, x->dim, sizeof(dim));
	dim[axis] = n;
	if (one) { /* the axis, of length 1, goes */
		int64_t gone = image ? tflite_lower_turn(axis) : (int64_t)axis;

		y = draw_unary(d, "Squeeze", l->at, y);
		draw_ints(d, "axes", 1, &gone);
		if (image && axis != 3) /* (N, C, W) is not (N, W, C) */
			y = draw_transpose(
			    d, l->at, y, 3, (int64_t[]){0, 2, 1});
		for (size_t i = axis; i + 1 < x->rank; i++)
			dim[i] = dim[i + 1];
	}
	tflite_lower_out(l, 0, y, image && !one, x->rank - one, dim);
}

/* Values of one shape along a new axis behind the images. */
void
tflite_op_gather_pack(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	uint64_t dim[MODEL_MAX_RANK];
	struct draw *d = &l->draw;
	const char *y = NULL;
	int64_t at;

	if (d->rc == 0 && x->rank == MODEL_MAX_RANK)
		tflite_lower_fail(l, ERR_UNSUPPORTED, "of rank %zu", x->rank);
	at = (int64_t)tflite_lower_axis(
	    l, tflite_lower_i32(l, 1, 0), x->rank + 1);
	if (d->rc == 0 && at == 0)
		tflite_lower_fail(l, ERR_UNSUPPORTED, "it joins images");
	for (size_t k = 0; d->rc == 0 && k < l->n->nin; k++) {
		const struct tflite_value *v = tflite_lower_in(l, k);
		const char *z;

		if (d->rc == 0 &&
		    (v->constant || v->rank != x->rank ||
			memcmp(v->dim, x->dim, x->rank * sizeof(*dim)) != 0))
			tflite_lower_fail(
			    l, ERR_UNSUPPORTED, "shapes that do not fit");
		z = draw_unary(d, "Unsqueeze", l->at, tflite_lower_plain(l, k));
		draw_ints(d, "axes", 1, &at);
		if (y == NULL) {
			y = z;
			continue;
		}
		y = draw_binary(d, "Concat", l->at, y, z);
		draw_int(d, "axis", at);
	}
	if (d->rc != 0)
		return;
	for (size_t i = 0; i <= x->rank; i++)
		dim[i] = i < (size_t)at    ? x->dim[i]
			 : i == (size_t)at ? l->n->nin
					   : x->dim[i - 1];
	tflite_lower_out(l, 0, y, false, x->rank + 1, dim);
}
