/* SPDX-License-Identifier: MIT
 * What becomes constant when a plan binds the input's shape: Shape, Size,
 * ConstantOfShape, Range.  They have no kernels.
 */
#include "base/limits.h"
#include "engine/fold.h"

#include <math.h>

/* --- Shape, Size --------------------------------------------------------- */

/* The part of the axes that Shape is asked for (from 15 on). */
static void
shape_range(const struct step *s, const struct shape *x, size_t *lo, size_t *hi)
{
	int64_t rank = (int64_t)x->rank;
	int64_t a = node_int(s->node, "start", 0);
	int64_t b = node_int(s->node, "end", rank);

	a = MIN(a < 0 ? MAX(a, -rank) + rank : a, rank);
	b = MIN(b < 0 ? MAX(b, -rank) + rank : b, rank);
	*lo = (size_t)a;
	*hi = (size_t)MAX(a, b);
}

static int
shape_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	size_t lo, hi;

	(void)need;
	(void)e;
	shape_range(s, in[0], &lo, &hi);
	*out = (struct shape){.rank = 1, .dim = {hi - lo}, .type = DTYPE_I64};
	return 0;
}

static int
shape_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	size_t lo, hi;

	(void)out;
	(void)e;
	shape_range(s, in[0], &lo, &hi);
	for (size_t i = lo; i < hi; i++)
		v[i - lo].i = (int64_t)in[0]->dim[i];
	return 0;
}

const struct op op_shape = {
    .name = "Shape",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_ANY_TO_ROWS,
    .flags = OP_TYPED | OP_OF_SHAPE | OP_FLAT,
    .infer = shape_infer,
    .eval = shape_eval,
};

static int
size_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	(void)s;
	(void)in;
	(void)need;
	(void)e;
	*out = (struct shape){.type = DTYPE_I64};
	return 0;
}

static int
size_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	(void)s;
	(void)out;
	(void)e;
	v->i = (int64_t)shape_elements(in[0]);
	return 0;
}

const struct op op_size = {
    .name = "Size",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_ANY_TO_ROWS,
    .flags = OP_TYPED | OP_OF_SHAPE | OP_FLAT,
    .infer = size_infer,
    .eval = size_eval,
};

/* --- ConstantOfShape ----------------------------------------------------- */

static int
fill_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	const struct attr *type = node_attr(s->node, "dtype");
	int64_t dim[MODEL_MAX_RANK];
	int rc;

	(void)need;
	*out = (struct shape){.type = DTYPE_F32};
	rc = op_ints(s, in, "shape", 0, MODEL_MAX_RANK, dim, &out->rank, e);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < out->rank; i++) {
		if (dim[i] < 0 || dim[i] > (int64_t)LIMIT_FOLD_ELEMENTS)
			return op_bad(s, e, "size %" PRId64, dim[i]);
		out->dim[i] = (size_t)dim[i];
	}
	if (type != NULL && type->kind == ATTR_TEXT)
		out->type = fold_type(dtype_parse(type->s));
	if (out->type == DTYPE_COUNT)
		return op_bad(s, e, "type '%s'", type->s);
	return 0;
}

static int
fill_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	double value = node_real(s->node, "value", 0.0);
	bool real = shape_real(out);

	(void)in;
	if (!real && !(value >= -0x1p62 && value <= 0x1p62))
		return op_bad(s, e, "the value is too large");
	for (size_t i = 0; i < shape_elements(out); i++) {
		if (real)
			v[i].f = value;
		else
			v[i].i = (int64_t)value;
	}
	return 0;
}

const struct op op_constant_of_shape = {
    .name = "ConstantOfShape",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_ROWS,
    .ints = 1 << 0,
    .flags = OP_TYPED | OP_FLAT,
    .infer = fill_infer,
    .eval = fill_eval,
};

/* --- Range --------------------------------------------------------------- */

static int
range_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	double v[3], n;

	(void)need;
	for (size_t i = 0; i < 3; i++) {
		if (in[i]->known == NULL || shape_elements(in[i]) != 1)
			return op_bad(s, e, "bounds that are no constants");
		v[i] = shape_real(in[i]) ? in[i]->known[0].f
					 : (double)in[i]->known[0].i;
	}
	n = ceil((v[1] - v[0]) / v[2]);
	if (!(n <= (double)LIMIT_FOLD_ELEMENTS))
		return op_bad(s, e, "%g elements", n);
	*out = (struct shape){.rank = 1, .dim = {n > 0.0 ? (size_t)n : 0}};
	return 0;
}

static int
range_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	(void)s;
	(void)e;
	for (size_t i = 0; i < out->dim[0]; i++) {
		if (shape_real(out))
			v[i].f =
			    in[0]->known[0].f + (double)i * in[2]->known[0].f;
		else
			/* wraps like the type, should the bounds be absurd */
			v[i].i = (int64_t)((uint64_t)in[0]->known[0].i +
					   i * (uint64_t)in[2]->known[0].i);
	}
	return 0;
}

const struct op op_range = {
    .name = "Range",
    .min_in = 3,
    .max_in = 3,
    .layout = OP_ROWS,
    .ints = 7,
    .flags = OP_FLAT,
    .infer = range_infer,
    .eval = range_eval,
};
