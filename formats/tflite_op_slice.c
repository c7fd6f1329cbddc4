/* SPDX-License-Identifier: MIT
 * Parts of a value; and what converters make of shapes: SHAPE, STRIDED_SLICE,
 * PACK over whole numbers, which are known here.
 */
#include "formats/tflite_op.h"

#include "base/limits.h"

/* end -1 with a negative step: down to the first */
struct range {
	int64_t begin[MODEL_MAX_RANK], end[MODEL_MAX_RANK];
	int64_t step[MODEL_MAX_RANK];
	bool gone[MODEL_MAX_RANK]; /* the axis, of length 1, is dropped */
};

/* --- of values ----------------------------------------------------------- */

/* What is left of axis i. */
static uint64_t
span(const struct range *r, size_t i)
{
	int64_t step = r->step[i] < 0 ? -r->step[i] : r->step[i];
	int64_t n =
	    r->step[i] < 0 ? r->begin[i] - r->end[i] : r->end[i] - r->begin[i];

	return n <= 0 ? 0 : (uint64_t)((n + step - 1) / step);
}

static bool
whole(const struct range *r, const struct tflite_value *x, size_t i)
{
	return r->begin[i] == 0 && r->end[i] == (int64_t)x->dim[i] &&
	       r->step[i] == 1 && !r->gone[i];
}

static const char *
slice(struct tflite_lower *l, const struct tflite_value *x, bool image,
    const struct range *r)
{
	int64_t begin[MODEL_MAX_RANK], end[MODEL_MAX_RANK];
	int64_t step[MODEL_MAX_RANK], axes[MODEL_MAX_RANK];
	const char *y =
	    image ? tflite_lower_image(l, 0) : tflite_lower_plain(l, 0);
	size_t n = 0;

	for (size_t i = 0; i < x->rank; i++) {
		if (r->begin[i] == 0 && r->end[i] == (int64_t)x->dim[i] &&
		    r->step[i] == 1)
			continue;
		axes[n] = image ? tflite_lower_turn(i) : (int64_t)i;
		begin[n] = r->begin[i];
		/* before the first, which -1 would not mean */
		end[n] = r->end[i] < 0 ? INT32_MIN : r->end[i];
		step[n++] = r->step[i];
	}
	if (n == 0)
		return y;
	y = draw_unary(&l->draw, "Slice", l->at, y);
	draw_ints(&l->draw, "starts", n, begin);
	draw_ints(&l->draw, "ends", n, end);
	draw_ints(&l->draw, "axes", n, axes);
	draw_ints(&l->draw, "steps", n, step);
	return y;
}

/* Output k as that part of input 0. */
static void
take(struct tflite_lower *l, size_t k, const struct range *r)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	bool image = tflite_lower_is_image(l, 0);
	uint64_t dim[MODEL_MAX_RANK];
	int64_t to[MODEL_MAX_RANK];
	const char *y;
	size_t rank = 0;

	if (l->draw.rc == 0 && (x->rank == 0 || !whole(r, x, 0)))
		tflite_lower_fail(l, ERR_UNSUPPORTED, "it cuts images off");
	if (l->draw.rc != 0)
		return;
	for (size_t i = 0; i < x->rank; i++)
		if (!r->gone[i])
			dim[rank++] = span(r, i);
	image = image && rank == 4;
	y = slice(l, x, image, r);
	for (size_t i = 0; i < rank; i++)
		to[i] = i == 0 ? 0 : (int64_t)dim[i];
	if (rank != x->rank)
		y = draw_reshape(&l->draw, l->at, y, rank, to);
	tflite_lower_out(l, k, y, image, rank, dim);
}

/* --- of whole numbers ---------------------------------------------------- */

/* The same of a list. */
static void
take_known(struct tflite_lower *l, const struct range *r)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	int64_t v[MODEL_MAX_RANK];
	size_t n = 0;

	for (int64_t i = r->begin[0], k = (int64_t)span(r, 0); k > 0;
	     i += r->step[0], k--) {
		if (n == ARRAY_LEN(v)) {
			tflite_lower_fail(
			    l, ERR_UNSUPPORTED, "a list of sizes that long");
			return;
		}
		v[n++] = x->ints[i];
	}
	tflite_lower_known(l, v, n, r->gone[0]);
}

static void
either(struct tflite_lower *l, const struct range *r)
{
	const int64_t *v;
	size_t n;

	if (tflite_lower_in(l, 0)->rank == 1 && tflite_const_ints(l, 0, &v, &n))
		take_known(l, r);
	else
		take(l, 0, r);
}

/* ShapeOptions; the runtime's own shapes, as worked out here */
void
tflite_op_slice_shape(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	int64_t v[MODEL_MAX_RANK];

	if (l->draw.rc != 0)
		return;
	for (size_t i = 0; i < x->rank; i++)
		v[i] = (int64_t)x->dim[i];
	tflite_lower_known(l, v, x->rank, false);
}

/* Scalars to a list; values_count 0, axis 1 */
void
tflite_op_slice_pack(struct tflite_lower *l)
{
	int64_t v[MODEL_MAX_RANK];
	const int64_t *one = NULL;
	size_t n;

	if (!tflite_const_ints(l, 0, &one, &n)) {
		tflite_op_gather_pack(l);
		return;
	}
	if (l->n->nin > ARRAY_LEN(v) || tflite_lower_i32(l, 1, 0) != 0)
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "of %zu values", l->n->nin);
	for (size_t i = 0; l->draw.rc == 0 && i < l->n->nin; i++) {
		if (!tflite_const_ints(l, i, &one, &n) || n != 1)
			tflite_lower_fail(
			    l, ERR_UNSUPPORTED, "of more than known sizes");
		else
			v[i] = one[0];
	}
	if (l->draw.rc == 0)
		tflite_lower_known(l, v, l->n->nin, false);
}

/* --- the operators ------------------------------------------------------- */

static const int64_t *
list(struct tflite_lower *l, size_t k, size_t rank)
{
	const int64_t *v = NULL;
	size_t n;

	if (!tflite_const_ints(l, k, &v, &n) || n != rank)
		tflite_lower_fail(l, ERR_UNSUPPORTED,
		    "input %zu is not one constant for each axis", k);
	return l->draw.rc == 0 ? v : NULL;
}

/* begin, size (-1: the rest) */
void
tflite_op_slice(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	const int64_t *begin = list(l, 1, x->rank), *size = list(l, 2, x->rank);
	struct range r = {{0}, {0}, {0}, {false}};

	for (size_t i = 0; l->draw.rc == 0 && i < x->rank; i++) {
		int64_t n = (int64_t)x->dim[i];

		r.begin[i] = begin[i];
		r.end[i] = size[i] == -1 ? n : size[i];
		if (begin[i] < 0 || begin[i] > n || r.end[i] < 0 ||
		    r.end[i] > n ||
		    (size[i] != -1 && (r.end[i] += begin[i]) > n))
			tflite_lower_fail(l, ERR_FORMAT,
			    "%" PRId64 " from %" PRId64 " of %" PRId64, size[i],
			    begin[i], n);
		r.step[i] = 1;
	}
	if (l->draw.rc == 0)
		either(l, &r);
}

static int64_t
clamp(int64_t v, int64_t n, bool back)
{
	if (v < 0)
		v += n;
	return back ? MIN(MAX(v, -1), n - 1) : MIN(MAX(v, 0), n);
}

/*
 * begin, end, strides; begin_mask 0, end_mask 1, ellipsis_mask 2,
 * new_axis_mask 3, shrink_axis_mask 4, offset 5
 */
void
tflite_op_slice_strided(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	const int64_t *begin = list(l, 1, x->rank), *end = list(l, 2, x->rank);
	const int64_t *step = list(l, 3, x->rank);
	int64_t from = tflite_lower_i32(l, 0, 0),
		to = tflite_lower_i32(l, 1, 0);
	int64_t shrink = tflite_lower_i32(l, 4, 0);
	struct range r = {{0}, {0}, {0}, {false}};

	if (tflite_lower_i32(l, 2, 0) != 0 || tflite_lower_i32(l, 3, 0) != 0 ||
	    tflite_lower_i8(l, 5) != 0)
		tflite_lower_fail(l, ERR_UNSUPPORTED, "new axes or ellipses");
	for (size_t i = 0; l->draw.rc == 0 && i < x->rank; i++) {
		int64_t n = (int64_t)x->dim[i];

		bool back = step[i] < 0;

		r.step[i] = step[i];
		r.begin[i] = (from >> i & 1) != 0 ? (back ? n - 1 : 0)
						  : clamp(begin[i], n, back);
		r.end[i] = (to >> i & 1) != 0 ? (back ? -1 : n)
					      : clamp(end[i], n, back);
		r.gone[i] = (shrink >> i & 1) != 0;
		if (r.gone[i])
			r.end[i] = r.begin[i] + 1;
		if (step[i] == 0 || step[i] > n || step[i] < -n ||
		    (r.gone[i] && back) || r.end[i] > n)
			tflite_lower_fail(l, ERR_UNSUPPORTED,
			    "steps of %" PRId64
			    " at axis %zu of length %" PRId64,
			    step[i], i, n);
	}
	if (l->draw.rc == 0)
		either(l, &r);
}

/*
 * From here on the value is input 0, as for the others; `own` is the node with
 * nothing else.  The axis is input k of what it was.
 */
static size_t
only_value(struct tflite_lower *l, struct tflite_node *own, int64_t *in,
    size_t value, size_t k)
{
	const int64_t *axis = NULL;
	size_t n;

	if (!tflite_const_ints(l, k, &axis, &n) || n != 1)
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "an axis that is not constant");
	*own = *l->n;
	*in = own->nin > value ? own->in[value] : -1;
	own->in = in;
	own->nin = 1;
	l->n = own;
	return tflite_lower_axis(
	    l, l->draw.rc == 0 ? axis[0] : 0, tflite_lower_in(l, 0)->rank);
}

/* All of it. */
static struct range
all(const struct tflite_value *x)
{
	struct range r = {{0}, {0}, {0}, {false}};

	for (size_t i = 0; i < x->rank; i++) {
		r.end[i] = (int64_t)x->dim[i];
		r.step[i] = 1;
	}
	return r;
}

/* SPLIT: axis, x (equal parts); SPLIT_V: x, sizes (-1: the rest), axis */
void
tflite_op_slice_split(struct tflite_lower *l)
{
	bool sized = l->n->op == TFLITE_SPLIT_V;
	const int64_t *size = sized ? list(l, 1, l->n->nout) : NULL;
	struct tflite_node own;
	int64_t in, from = 0, length, given = 0;
	size_t at = only_value(l, &own, &in, sized ? 0 : 1, sized ? 2 : 0);
	const struct tflite_value *x = tflite_lower_in(l, 0);

	length = l->draw.rc == 0 ? (int64_t)x->dim[at] : 0;
	for (size_t k = 0; l->draw.rc == 0 && sized && k < own.nout; k++) {
		if (size[k] > length)
			tflite_lower_fail(l, ERR_FORMAT,
			    "a part of %" PRId64 " of %" PRId64, size[k],
			    length);
		given += MAX(size[k], 0);
	}
	if (l->draw.rc == 0 && !sized && length % (int64_t)own.nout != 0)
		tflite_lower_fail(l, ERR_FORMAT, "%" PRId64 " in %zu parts",
		    length, own.nout);
	for (size_t k = 0; l->draw.rc == 0 && k < own.nout; k++) {
		struct range r = all(x);
		int64_t n = !sized        ? length / (int64_t)own.nout
			    : size[k] < 0 ? length - given
					  : size[k];

		r.begin[at] = from;
		r.end[at] = from += n;
		if (n < 1 || from > length)
			tflite_lower_fail(
			    l, ERR_FORMAT, "parts that do not fit");
		else
			take(l, k, &r);
	}
}

/* num 0, axis 1 */
void
tflite_op_slice_unpack(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	size_t at = tflite_lower_axis(l, tflite_lower_i32(l, 1, 0), x->rank);

	if (l->draw.rc == 0 && x->dim[at] != l->n->nout)
		tflite_lower_fail(l, ERR_FORMAT, "%" PRIu64 " in %zu parts",
		    x->dim[at], l->n->nout);
	for (size_t k = 0; l->draw.rc == 0 && k < l->n->nout; k++) {
		struct range r = all(x);

		r.begin[at] = (int64_t)k;
		r.end[at] = (int64_t)k + 1;
		r.gone[at] = true;
		take(l, k, &r);
	}
}

/* x, axis (one) */
void
tflite_op_slice_reverse(struct tflite_lower *l)
{
	struct tflite_node own;
	int64_t in;
	size_t at = only_value(l, &own, &in, 0, 1);
	const struct tflite_value *x = tflite_lower_in(l, 0);
	struct range r = all(x);

	if (l->draw.rc != 0)
		return;
	r.begin[at] = r.end[at] - 1;
	r.end[at] = -1;
	r.step[at] = -1;
	take(l, 0, &r);
}
