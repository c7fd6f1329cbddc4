/* SPDX-License-Identifier: MIT
 * Other shapes, other orders, other names.
 */
#include "formats/tflite_op.h"

#include "base/limits.h"

/*
 * QUANTIZE, DEQUANTIZE and CAST between numbers that stand for the same ones:
 * rounding is left out.  A cast to integers would matter.
 */
void
tflite_op_move_alias(struct tflite_lower *l)
{
	int64_t to;

	if (l->n->op == TFLITE_CAST && l->n->nout > 0 &&
	    !tflite_lower_in(l, 0)->constant &&
	    tflite_lower_in(l, 0)->ints == NULL) {
		to = l->f->tensor[l->n->out[0]].type;
		if (to != TFLITE_F32 && to != TFLITE_F16)
			tflite_lower_fail(
			    l, ERR_UNSUPPORTED, "a cast to type %" PRId64, to);
	}
	tflite_lower_alias(l);
}

/* --- other shapes, the same order ---------------------------------------- */

/* Whether height and width are 1, so that NHWC and NCHW are the same bytes. */
static bool
is_point(const uint64_t *dim, size_t rank)
{
	return rank == 4 && dim[1] == 1 && dim[2] == 1;
}

/*
 * To `dim`, which has as many elements.  A first dimension that stays is
 * whatever it is when the model runs, so that any number of images will do;
 * one that does not is what is left.
 */
static void
reshape(struct tflite_lower *l, size_t rank, const uint64_t *dim)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	bool from_point =
	    tflite_lower_is_image(l, 0) && is_point(x->dim, x->rank);
	bool to_point = is_point(dim, rank);
	int64_t to[MODEL_MAX_RANK];
	const char *y;

	if (l->draw.rc != 0)
		return;
	if (x->constant || rank == 0 || x->rank == 0) {
		tflite_lower_fail(l, ERR_UNSUPPORTED,
		    "from rank %zu to rank %zu", x->rank, rank);
		return;
	}
	for (size_t i = 0; i < rank; i++)
		to[i] = (int64_t)dim[i];
	to[0] = dim[0] == x->dim[0] ? 0 : -1;
	if (to_point) {
		to[1] = (int64_t)dim[3];
		to[3] = 1;
	}
	y = from_point ? tflite_lower_image(l, 0) : tflite_lower_plain(l, 0);
	if (rank == 2 && to[0] == 0)
		y = draw_flatten(&l->draw, l->at, y);
	else
		y = draw_reshape(&l->draw, l->at, y, rank, to);
	tflite_lower_out(l, 0, y, to_point, rank, dim);
}

/* The target of RESHAPE: input 1, else ReshapeOptions.new_shape 0. */
static size_t
target(struct tflite_lower *l, int64_t *v)
{
	struct flatbuf_vector list;
	const int64_t *known = NULL;
	size_t n = 0;

	if (tflite_lower_has(l, 1)) {
		if (!tflite_const_ints(l, 1, &known, &n))
			tflite_lower_fail(l, ERR_UNSUPPORTED,
			    "a shape that is not known before it runs");
	} else {
		list = flatbuf_vector(
		    &l->f->fb, &l->n->options, 0, 4, MODEL_MAX_RANK);
		for (n = 0; n < list.n; n++)
			v[n] = flatbuf_int_at(&l->f->fb, &list, n);
	}
	if (n > MODEL_MAX_RANK)
		tflite_lower_fail(l, ERR_UNSUPPORTED, "to rank %zu", n);
	for (size_t i = 0; l->draw.rc == 0 && known != NULL && i < n; i++)
		v[i] = known[i];
	return l->draw.rc == 0 ? n : 0;
}

void
tflite_op_move_reshape(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	uint64_t all = tflite_lower_count(x->dim, x->rank), rest = 1;
	uint64_t dim[MODEL_MAX_RANK];
	int64_t v[MODEL_MAX_RANK];
	size_t n = target(l, v), open = SIZE_MAX;

	for (size_t i = 0; l->draw.rc == 0 && i < n; i++) {
		if (v[i] == -1 && open == SIZE_MAX)
			open = i;
		else if (v[i] <= 0 || ckd_mul(&rest, rest, (uint64_t)v[i]))
			tflite_lower_fail(l, ERR_FORMAT,
			    "dimension %zu is %" PRId64, i, v[i]);
		dim[i] = (uint64_t)v[i];
	}
	if (l->draw.rc != 0)
		return;
	if (open != SIZE_MAX && all % rest == 0) {
		dim[open] = all / rest;
		rest = all;
	}
	if (rest != all)
		tflite_lower_fail(l, ERR_FORMAT,
		    "%" PRIu64 " elements to a shape of %" PRIu64, all, rest);
	else
		reshape(l, n, dim);
}

/* squeeze_dims 0; none: all that are 1, but the images */
void
tflite_op_move_squeeze(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	struct flatbuf_vector list =
	    flatbuf_vector(&l->f->fb, &l->n->options, 0, 4, MODEL_MAX_RANK);
	bool gone[MODEL_MAX_RANK] = {false};
	uint64_t dim[MODEL_MAX_RANK];
	size_t rank = 0;

	for (size_t i = 0; l->draw.rc == 0 && i < list.n; i++)
		gone[tflite_lower_axis(
		    l, flatbuf_int_at(&l->f->fb, &list, i), x->rank)] = true;
	for (size_t i = 0; i < x->rank; i++) {
		if (list.n == 0)
			gone[i] = x->dim[i] == 1;
		if (!gone[i])
			dim[rank++] = x->dim[i];
		else if (x->dim[i] != 1 || i == 0)
			tflite_lower_fail(l, ERR_UNSUPPORTED,
			    "axis %zu of length %" PRIu64 " is to go", i,
			    x->dim[i]);
	}
	if (l->draw.rc == 0)
		reshape(l, rank, dim);
}

void
tflite_op_move_expand(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	uint64_t dim[MODEL_MAX_RANK];
	const int64_t *v = NULL;
	size_t n, at;

	if (!tflite_const_ints(l, 1, &v, &n) || n != 1 ||
	    x->rank == MODEL_MAX_RANK)
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "an axis that is not constant");
	if (l->draw.rc != 0)
		return;
	at = tflite_lower_axis(l, v[0], x->rank + 1);
	for (size_t i = 0, k = 0; i <= x->rank; i++)
		dim[i] = i == at ? 1 : x->dim[k++];
	if (at == 0)
		tflite_lower_fail(l, ERR_UNSUPPORTED, "it hides the images");
	reshape(l, x->rank + 1, dim);
}

/* --- other orders -------------------------------------------------------- */

/* From or to NCHW: another name for what is there. */
static bool
is_turn(struct tflite_lower *l, const int64_t *perm, const uint64_t *dim)
{
	static const int64_t first[] = {0, 3, 1, 2}, last[] = {0, 2, 3, 1};
	const struct tflite_value *x = tflite_lower_in(l, 0);

	if (x->rank != 4 || x->constant)
		return false;
	if (memcmp(perm, first, sizeof(first)) == 0 &&
	    tflite_lower_is_image(l, 0))
		tflite_lower_out(l, 0, x->image, false, 4, dim);
	else if (memcmp(perm, last, sizeof(last)) == 0 && x->plain != NULL)
		tflite_lower_out(l, 0, x->plain, true, 4, dim);
	else
		return false;
	return true;
}

void
tflite_op_move_transpose(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	uint64_t dim[MODEL_MAX_RANK];
	bool seen[MODEL_MAX_RANK] = {false};
	const int64_t *perm = NULL;
	size_t n;

	if (!tflite_const_ints(l, 1, &perm, &n) || n != x->rank || n == 0)
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "an order that is not constant");
	for (size_t i = 0; l->draw.rc == 0 && i < n; i++) {
		size_t from = tflite_lower_axis(l, perm[i], n);

		if (seen[from] || perm[i] < 0)
			tflite_lower_fail(l, ERR_FORMAT, "no permutation");
		seen[from] = true;
		dim[i] = x->dim[from];
	}
	if (l->draw.rc == 0 && perm[0] != 0)
		tflite_lower_fail(l, ERR_UNSUPPORTED, "it moves the images");
	if (l->draw.rc != 0 || is_turn(l, perm, dim))
		return;
	tflite_lower_out(l, 0,
	    draw_transpose(&l->draw, l->at, tflite_lower_plain(l, 0), n, perm),
	    false, n, dim);
}

/* --- together ------------------------------------------------------------ */

static const char *
input(struct tflite_lower *l, size_t k, bool image)
{
	return image ? tflite_lower_image(l, k) : tflite_lower_plain(l, k);
}

/* A constant beside values of images (the token of a transformer): one for
 * each image, as many as input `like` has. */
static const char *
repeat(struct tflite_lower *l, const char *x, size_t k, size_t like, bool image)
{
	const struct tflite_value *v = tflite_lower_in(l, k);
	const char *y = input(l, like, image), *shape;
	int64_t dim[MODEL_MAX_RANK];
	struct draw *d = &l->draw;

	if (d->rc != 0)
		return "";
	for (size_t i = 1; i < v->rank; i++)
		dim[(image ? (size_t)tflite_lower_turn(i) : i) - 1] =
		    (int64_t)v->dim[i];
	shape = draw_unary(d, "Shape", l->at, y);
	shape = draw_unary(d, "Slice", l->at, shape);
	draw_ints(d, "starts", 1, (int64_t[]){0});
	draw_ints(d, "ends", 1, (int64_t[]){1});
	draw_ints(d, "axes", 1, (int64_t[]){0});
	draw_ints(d, "steps", 1, (int64_t[]){1});
	shape = draw_binary(d, "Concat", l->at, shape,
	    draw_integers(d, draw_path(d, "assay.rest.%zu", d->m->ntensor),
		v->rank - 1, dim));
	draw_int(d, "axis", 0);
	return draw_binary(d, "Expand", l->at, x, shape);
}

/* An input that is there; sizes that differ are an operator that is not. */
void
tflite_op_move_broadcast(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	bool tile = l->n->op == TFLITE_TILE;
	const int64_t *v = NULL;
	size_t n;

	if (!tflite_const_ints(l, 1, &v, &n) || n != x->rank)
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "a shape of another rank");
	for (size_t i = 0; l->draw.rc == 0 && i < n; i++)
		if (v[i] != (tile ? 1 : (int64_t)x->dim[i]))
			tflite_lower_fail(l, ERR_UNSUPPORTED,
			    "axis %zu of length %" PRIu64 " %s %" PRId64, i,
			    x->dim[i], tile ? "times" : "to", v[i]);
	tflite_lower_alias(l);
}

static const char *
part(struct tflite_lower *l, size_t k, bool image)
{
	const char *x = input(l, k, image);
	size_t like = 0;

	while (like < l->n->nin && tflite_lower_in(l, like)->constant)
		like++;
	if (like == l->n->nin || !tflite_lower_in(l, k)->constant)
		return x;
	return repeat(l, x, k, like, image);
}

/* In pieces: a node that draw_node makes has few inputs. */
static const char *
concat(struct tflite_lower *l, bool image, size_t axis)
{
	int64_t at = image ? tflite_lower_turn(axis) : (int64_t)axis;
	const char *y = part(l, 0, image);

	for (size_t k = 1; l->draw.rc == 0 && k < l->n->nin; k += 3) {
		const char *more[3] = {NULL, NULL, NULL};

		for (size_t i = 0; i < 3 && k + i < l->n->nin; i++)
			more[i] = part(l, k + i, image);
		y = draw_node(&l->draw, "Concat", l->at, y, more[0], more[1],
		    more[2], NULL);
		draw_int(&l->draw, "axis", at);
	}
	return y;
}

/* axis 0, activation 1 */
void
tflite_op_move_concat(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	size_t axis = tflite_lower_axis(l, tflite_lower_i32(l, 0, 0), x->rank);
	uint64_t dim[MODEL_MAX_RANK];
	bool image = false;
	const char *y;

	memcpy(dim, x->dim, sizeof(dim));
	if (axis == 0)
		tflite_lower_fail(l, ERR_UNSUPPORTED, "it joins images");
	for (size_t k = 0; l->draw.rc == 0 && k < l->n->nin; k++) {
		const struct tflite_value *v = tflite_lower_in(l, k);

		image = image || tflite_lower_is_image(l, k);
		if (v->rank != x->rank)
			tflite_lower_fail(l, ERR_FORMAT, "ranks %zu and %zu",
			    x->rank, v->rank);
		for (size_t i = 0; l->draw.rc == 0 && i < x->rank; i++)
			if (i != axis && v->dim[i] != x->dim[i])
				tflite_lower_fail(
				    l, ERR_FORMAT, "shapes that do not fit");
		/* dimensions are below 2^32, inputs few */
		dim[axis] += k > 0 ? v->dim[axis] : 0;
	}
	if (l->draw.rc != 0)
		return;
	y = concat(l, image, axis);
	y = tflite_lower_activate(l, tflite_lower_i8(l, 1), y);
	tflite_lower_out(l, 0, y, image, x->rank, dim);
}

/* --- borders ------------------------------------------------------------- */

static bool
take_pads(struct tflite_lower *l, const struct tflite_value *x, bool image,
    int64_t *pads, uint64_t *dim)
{
	const int64_t *v = NULL;
	size_t n, r = x->rank;

	if (!tflite_const_ints(l, 1, &v, &n) || n != 2 * r || r == 0)
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "borders that are not constant");
	for (size_t i = 0; l->draw.rc == 0 && i < r; i++) {
		size_t at = image ? (size_t)tflite_lower_turn(i) : i;

		if (v[2 * i] < 0 || v[2 * i] > LIMIT_IMAGE_SIDE ||
		    v[2 * i + 1] < 0 || v[2 * i + 1] > LIMIT_IMAGE_SIDE ||
		    (i == 0 && (v[0] != 0 || v[1] != 0)))
			tflite_lower_fail(l, ERR_UNSUPPORTED,
			    "borders of %" PRId64 " and %" PRId64
			    " at axis %zu",
			    v[2 * i], v[2 * i + 1], i);
		pads[at] = v[2 * i];
		pads[at + r] = v[2 * i + 1];
		dim[i] =
		    x->dim[i] + (uint64_t)v[2 * i] + (uint64_t)v[2 * i + 1];
	}
	return l->draw.rc == 0;
}

/* MirrorPadOptions: mode 0 (0 without the border itself) */
void
tflite_op_move_pad(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	bool mirror = l->n->op == TFLITE_MIRROR_PAD;
	bool image = tflite_lower_is_image(l, 0);
	int64_t pads[2 * MODEL_MAX_RANK];
	uint64_t dim[MODEL_MAX_RANK];
	double value =
	    l->n->op == TFLITE_PADV2 ? tflite_const_number(l, 2) : 0.0;
	const char *y;

	if (mirror && tflite_lower_i8(l, 0) != 0)
		tflite_lower_fail(l, ERR_UNSUPPORTED, "symmetric borders");
	if (!take_pads(l, x, image, pads, dim))
		return;
	y = draw_unary(&l->draw, "Pad", l->at, input(l, 0, image));
	draw_text(&l->draw, "mode", mirror ? "reflect" : "constant");
	draw_ints(&l->draw, "pads", 2 * x->rank, pads);
	draw_real(&l->draw, "value", value);
	tflite_lower_out(l, 0, y, image, x->rank, dim);
}
