/* SPDX-License-Identifier: MIT
 * Inputs and attributes: github.com/onnx/onnx, docs/Operators.md, and
 * github.com/microsoft/onnxruntime, docs/ContribOperators.md.
 */
#include "formats/onnx_quant.h"

#include "base/le.h"
#include "formats/onnx_fact.h"

#include <math.h>

/* What an integer type holds. */
static bool
range(enum dtype type, double *least, double *most)
{
	switch (type) {
	case DTYPE_U8:
		*least = 0;
		*most = 255;
		return true;
	case DTYPE_I8:
		*least = -128;
		*most = 127;
		return true;
	case DTYPE_I16:
		*least = -32768;
		*most = 32767;
		return true;
	case DTYPE_F32:
	case DTYPE_F64:
	case DTYPE_F16:
	case DTYPE_BF16:
	case DTYPE_I64:
	case DTYPE_I32:
	case DTYPE_BOOL:
	case DTYPE_COUNT:
		break;
	}
	return false;
}

uint64_t
onnx_quant_budget(const struct onnx_file *f)
{
	uint64_t bytes = (uint64_t)1 << 20;

	/* four for one of an int8, twice */
	for (size_t i = 0; i < f->ntensor; i++)
		bytes += 8 * (uint64_t)f->tensor[i].t.size;
	return bytes;
}

/* --- parameters ---------------------------------------------------------- */

uint64_t
onnx_quant_count(const struct tensor *t)
{
	uint64_t n = 0;

	return t != NULL && tensor_elements(t, &n) ? n : 0;
}

/* The constant at input i: one number, or a vector.  NULL: an error, or it is
 * absent and may be. */
int
onnx_quant_parameter(struct onnx_lower *l, const struct onnx_node *from,
    size_t i, bool needed, const struct tensor **out)
{
	const struct tensor *t;

	*out = NULL;
	if (i >= from->nin || *from->in[i] == '\0') {
		if (!needed)
			return 0;
		return onnx_lower_fail(
		    l, from, ERR_FORMAT, "input %zu is missing", i);
	}
	t = onnx_lower_const(l, from->in[i]);
	if (t == NULL || t->dtype == DTYPE_COUNT)
		return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
		    "input %zu is %s", i,
		    t == NULL ? "computed" : "of a type that is not known");
	if (t->rank > 1 && onnx_quant_count(t) != 1)
		return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
		    "input %zu has rank %zu: quantised in blocks", i, t->rank);
	if (onnx_quant_count(t) == 0)
		return onnx_lower_fail(
		    l, from, ERR_FORMAT, "input %zu is empty", i);
	*out = t;
	return 0;
}

/* A value with scale and zero at the inputs after it. */
int
onnx_quant_operand(struct onnx_lower *l, const struct onnx_node *from, size_t i,
    struct quant *q)
{
	int rc;

	q->axis = 0;
	if ((rc = onnx_lower_need(l, from, i + 1)) != 0 ||
	    (rc = onnx_quant_parameter(l, from, i + 1, true, &q->scale)) != 0 ||
	    (rc = onnx_quant_parameter(l, from, i + 2, false, &q->zero)) != 0)
		return rc;
	q->x = onnx_lower_name(l, from->in[i]);
	return 0;
}

/* Element c of a vector; the one there is of a single number. */
static double
at(const struct tensor *t, uint64_t c, double absent)
{
	if (t == NULL)
		return absent;
	return tensor_real(t, onnx_quant_count(t) == 1 ? 0 : c);
}

static bool
is_zero(const struct tensor *t)
{
	for (uint64_t i = 0; i < onnx_quant_count(t); i++)
		if (tensor_real(t, i) != 0.0)
			return false;
	return true;
}

/* --- constants ----------------------------------------------------------- */

static void
put_float(uint8_t *p, double v)
{
	float f = (float)v;
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	le_put(p, 4, bits);
}

/* Room for a constant of this shape; NULL: *rc says why. */
static uint8_t *
room(struct onnx_lower *l, const struct onnx_node *from, struct tensor *t,
    enum dtype type, int *rc)
{
	uint8_t *data;

	t->dtype = type;
	t->size = (size_t)onnx_quant_count(t) * dtype_width(type);
	t->stride = NULL;
	if (t->size > l->budget) {
		*rc = onnx_lower_fail(l, from, ERR_LIMIT,
		    "more quantised weights than the file has");
		return NULL;
	}
	l->budget -= t->size;
	t->data = data = arena_alloc(&l->m->arena, t->size + 1, 1);
	if (data == NULL)
		*rc = onnx_lower_fail(l, from, ERR_LIMIT, "model too large");
	return data;
}

/* Which element of a vector belongs to element i: *inner apart on the axis. */
static int
along(struct onnx_lower *l, const struct onnx_node *from,
    const struct tensor *t, const struct quant *q, uint64_t *inner,
    uint64_t *len)
{
	int64_t axis = q->axis < 0 ? q->axis + (int64_t)t->rank : q->axis;
	uint64_t ns = q->scale != NULL ? onnx_quant_count(q->scale) : 1;
	uint64_t nz = q->zero != NULL ? onnx_quant_count(q->zero) : 1;

	*inner = *len = 1;
	if (ns == 1 && nz == 1)
		return 0;
	if (axis < 0 || (uint64_t)axis >= t->rank)
		return onnx_lower_fail(l, from, ERR_FORMAT,
		    "axis %" PRId64 " of rank %zu", q->axis, t->rank);
	*len = t->dim[axis];
	for (size_t k = (size_t)axis + 1; k < t->rank; k++)
		*inner *= t->dim[k];
	if ((ns != 1 && ns != *len) || (nz != 1 && nz != *len))
		return onnx_lower_fail(l, from, ERR_FORMAT,
		    "%" PRIu64 " scales and %" PRIu64
		    " zeros for a dimension of %" PRIu64,
		    ns, nz, *len);
	return 0;
}

/* out = (q - zero) * scale, times `unit`, of a constant, as a constant. */
int
onnx_quant_dequantise_constant(struct onnx_lower *l,
    const struct onnx_node *from, const struct quant *q, double unit,
    const char *out)
{
	struct tensor t = *onnx_lower_const(l, q->x);
	const struct tensor x = t;
	uint64_t inner, len, n = onnx_quant_count(&t);
	uint8_t *p;
	int rc;

	if (x.dtype == DTYPE_COUNT)
		return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
		    "weights of a type that is not known");
	if ((rc = along(l, from, &t, q, &inner, &len)) != 0 ||
	    (p = room(l, from, &t, DTYPE_F32, &rc)) == NULL)
		return rc;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t c = i / inner % len;

		put_float(p + 4 * i, (tensor_real(&x, i) - at(q->zero, c, 0)) *
					 (at(q->scale, c, 1) * unit));
	}
	t.name = out;
	onnx_lower_tensor(l, &t);
	l->dequantised++;
	return 0;
}

/* A constant that the file stores as floats and quantises itself. */
int
onnx_quant_quantise_constant(struct onnx_lower *l, const struct onnx_node *from,
    const struct quant *q, enum dtype type, const char *out)
{
	struct tensor t = *onnx_lower_const(l, q->x);
	const struct tensor x = t;
	uint64_t inner, len, n = onnx_quant_count(&t);
	size_t width = dtype_width(type);
	double least, most;
	uint8_t *p;
	int rc;

	if (x.dtype == DTYPE_COUNT || !range(type, &least, &most))
		return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
		    "weights of a type that is not known");
	if ((rc = along(l, from, &t, q, &inner, &len)) != 0 ||
	    (p = room(l, from, &t, type, &rc)) == NULL)
		return rc;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t c = i / inner % len;
		float scaled =
		    (float)tensor_real(&x, i) / (float)at(q->scale, c, 1);
		double v = rint((double)scaled) + at(q->zero, c, 0);

		/* NaN becomes the least */
		v = v > least ? MIN(v, most) : least;
		le_put(p + width * i, width, (uint64_t)(int64_t)v);
	}
	t.name = out;
	onnx_lower_tensor(l, &t);
	return 0;
}

/*
 * Scale or zero as a constant float that broadcasts over a value of the given
 * rank: ones behind the axis.
 */
static int
spread(struct onnx_lower *l, const struct onnx_node *from,
    const struct tensor *t, const struct quant *q, const char *suffix,
    const char **out)
{
	struct onnx_fact x = onnx_fact_of(l, q->x);
	int64_t axis = q->axis < 0 ? q->axis + (int64_t)x.rank : q->axis;
	const struct tensor old = *t;
	uint64_t n = onnx_quant_count(t);
	enum dtype type;
	struct tensor s = {.name = onnx_lower_fresh(l, from->out[0], suffix)};
	uint8_t *p;
	int rc = 0;

	if (n > 1) {
		if (!x.ranked)
			return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
			    "scales along an axis of unknown rank");
		if (axis < 0 || (uint64_t)axis >= x.rank ||
		    x.rank > MODEL_MAX_RANK)
			return onnx_lower_fail(l, from, ERR_FORMAT,
			    "axis %" PRId64 " of rank %zu", q->axis, x.rank);
		s.rank = x.rank - (size_t)axis;
		for (size_t k = 0; k < s.rank; k++)
			s.dim[k] = k == 0 ? n : 1;
	}
	/* doubles: a vector of floats would pass for weights (engine/role.h) */
	type = n > 1 ? DTYPE_F64 : DTYPE_F32;
	if ((p = room(l, from, &s, type, &rc)) == NULL)
		return rc;
	for (uint64_t i = 0; i < n; i++) {
		double v = tensor_real(&old, i);
		uint64_t bits;

		memcpy(&bits, &v, sizeof(bits));
		if (type == DTYPE_F64)
			le_put(p + 8 * i, 8, bits);
		else
			put_float(p + 4 * i, v);
	}
	*out = s.name;
	onnx_lower_tensor(l, &s);
	return 0;
}

/* --- nodes --------------------------------------------------------------- */

/* One more node; b NULL: of one input. */
struct node *
onnx_quant_emit(struct onnx_lower *l, const struct onnx_node *from,
    const char *op, const char *a, const char *b, const char *out)
{
	struct node *n = onnx_lower_insert(l, from, op, a, out);

	if (n == NULL)
		return NULL;
	if (b != NULL)
		n->in[n->nin++] = b;
	onnx_fact_node(l, n);
	return n;
}

/* x / scale, rounded, + zero, cut to the type's range; names are values. */
int
onnx_quant_round(struct onnx_lower *l, const struct onnx_node *from,
    const char *x, const char *scale, const char *zero, enum dtype type,
    const char *out)
{
	const char *scaled = onnx_lower_fresh(l, out, "scaled");
	const char *rounded = onnx_lower_fresh(l, out, "rounded");
	const char *moved = onnx_lower_fresh(l, out, "moved");
	double least, most;
	struct node *n;

	if (!range(type, &least, &most))
		return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
		    "quantising to %s",
		    type == DTYPE_COUNT ? "a type that is not known"
					: dtype_name(type));
	(void)onnx_quant_emit(l, from, "Div", x, scale, scaled);
	(void)onnx_quant_emit(l, from, "StraightRound", scaled, NULL, rounded);
	if (zero != NULL)
		(void)onnx_quant_emit(l, from, "Add", rounded, zero, moved);
	n = onnx_quant_emit(
	    l, from, "Clip", zero != NULL ? moved : rounded, NULL, out);
	if (n == NULL)
		return 0;
	onnx_lower_put_real(n, "min", least);
	onnx_lower_put_real(n, "max", most);
	if (map_put(&l->whole, out, 0) < 0)
		l->full = true;
	l->rounded++;
	return 0;
}

/* q->x is a float here. */
int
onnx_quant_quantise(struct onnx_lower *l, const struct onnx_node *from,
    const struct quant *q, enum dtype type, const char *out)
{
	const char *scale, *zero = NULL;
	int rc;

	if ((rc = spread(l, from, q->scale, q, "scale", &scale)) != 0)
		return rc;
	if (!is_zero(q->zero) &&
	    (rc = spread(l, from, q->zero, q, "zero", &zero)) != 0)
		return rc;
	return onnx_quant_round(l, from, q->x, scale, zero, type, out);
}

bool
onnx_quant_ours(const struct onnx_lower *l, const char *name)
{
	return map_get(&l->whole, name) != SIZE_MAX;
}

/* A value as floats: ours already is, others may be integers of the file. */
static const char *
as_float(struct onnx_lower *l, const struct onnx_node *from, const char *x)
{
	const char *real;
	struct node *n;

	if (onnx_quant_ours(l, x))
		return x;
	real = onnx_lower_fresh(l, from->out[0], "float");
	if ((n = onnx_quant_emit(l, from, "Cast", x, NULL, real)) != NULL)
		onnx_lower_put_int(n, "to", onnx_tensor_type(DTYPE_F32));
	return real;
}

/* scale NULL: of 1 */
int
onnx_quant_dequantise(struct onnx_lower *l, const struct onnx_node *from,
    const struct quant *q, const char *out)
{
	const char *x = as_float(l, from, q->x), *scale, *zero, *less;
	int rc;

	if (!is_zero(q->zero)) {
		if ((rc = spread(l, from, q->zero, q, "zero", &zero)) != 0)
			return rc;
		less = q->scale == NULL
			   ? out
			   : onnx_lower_fresh(l, from->out[0], "less");
		(void)onnx_quant_emit(l, from, "Sub", x, zero, less);
		x = less;
	}
	if (q->scale == NULL) {
		if (x != out)
			(void)onnx_quant_emit(
			    l, from, "Identity", x, NULL, out);
		return 0;
	}
	if ((rc = spread(l, from, q->scale, q, "scale", &scale)) != 0)
		return rc;
	(void)onnx_quant_emit(l, from, "Mul", x, scale, out);
	return 0;
}

/* Of a constant a constant, else nodes; *out is a new name. */
int
onnx_quant_floats(struct onnx_lower *l, const struct onnx_node *from,
    const struct quant *q, const char *suffix, const char **out)
{
	*out = onnx_lower_fresh(l, from->out[0], suffix);
	if (onnx_lower_const(l, q->x) != NULL)
		return onnx_quant_dequantise_constant(l, from, q, 1, *out);
	return onnx_quant_dequantise(l, from, q, *out);
}
