/* SPDX-License-Identifier: MIT
 * Inputs and attributes: github.com/onnx/onnx, docs/Operators.md, and
 * github.com/microsoft/onnxruntime, docs/ContribOperators.md.
 */
#include "formats/onnx_quant.h"

#include "formats/onnx_fact.h"

#include <math.h>

/* A quantised value: its name, and the constants that go with it. */
struct quant {
	const char *x;
	const struct tensor *scale, *zero; /* zero NULL: 0 */
	int64_t axis;                      /* of a scale that is a vector */
};

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

static uint64_t
count(const struct tensor *t)
{
	uint64_t n = 0;

	return t != NULL && tensor_elements(t, &n) ? n : 0;
}

/* The constant at input i: one number, or a vector.  NULL: an error, or it is
 * absent and may be. */
static int
parameter(struct onnx_lower *l, const struct onnx_node *from, size_t i,
    bool needed, const struct tensor **out)
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
	if (t->rank > 1 && count(t) != 1)
		return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
		    "input %zu has rank %zu: quantised in blocks", i, t->rank);
	if (count(t) == 0)
		return onnx_lower_fail(
		    l, from, ERR_FORMAT, "input %zu is empty", i);
	*out = t;
	return 0;
}

/* A value with scale and zero at the inputs after it. */
static int
operand(struct onnx_lower *l, const struct onnx_node *from, size_t i,
    struct quant *q)
{
	int rc;

	q->axis = 0;
	if ((rc = onnx_lower_need(l, from, i + 1)) != 0 ||
	    (rc = parameter(l, from, i + 1, true, &q->scale)) != 0 ||
	    (rc = parameter(l, from, i + 2, false, &q->zero)) != 0)
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
	return tensor_real(t, count(t) == 1 ? 0 : c);
}

static bool
is_zero(const struct tensor *t)
{
	for (uint64_t i = 0; i < count(t); i++)
		if (tensor_real(t, i) != 0.0)
			return false;
	return true;
}

/* --- constants ----------------------------------------------------------- */

static void
put_bits(uint8_t *p, uint64_t bits, size_t width)
{
	for (size_t k = 0; k < width; k++, bits >>= 8)
		p[k] = (uint8_t)bits;
}

static void
put_float(uint8_t *p, double v)
{
	float f = (float)v;
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	put_bits(p, bits, 4);
}

/* Room for a constant of this shape; NULL: *rc says why. */
static uint8_t *
room(struct onnx_lower *l, const struct onnx_node *from, struct tensor *t,
    enum dtype type, int *rc)
{
	uint8_t *data;

	t->dtype = type;
	t->size = (size_t)count(t) * dtype_width(type);
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
	uint64_t ns = q->scale != NULL ? count(q->scale) : 1;
	uint64_t nz = q->zero != NULL ? count(q->zero) : 1;

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
static int
dequantise_constant(struct onnx_lower *l, const struct onnx_node *from,
    const struct quant *q, double unit, const char *out)
{
	struct tensor t = *onnx_lower_const(l, q->x);
	const struct tensor x = t;
	uint64_t inner, len, n = count(&t);
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

		put_float(p + 4 * i,
		    (tensor_real(&x, i) - at(q->zero, c, 0)) *
			(at(q->scale, c, 1) * unit));
	}
	t.name = out;
	onnx_lower_tensor(l, &t);
	l->dequantised++;
	return 0;
}

/* A constant that the file stores as floats and quantises itself. */
static int
quantise_constant(struct onnx_lower *l, const struct onnx_node *from,
    const struct quant *q, enum dtype type, const char *out)
{
	struct tensor t = *onnx_lower_const(l, q->x);
	const struct tensor x = t;
	uint64_t inner, len, n = count(&t);
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
		put_bits(p + width * i, (uint64_t)(int64_t)v, width);
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
	uint64_t n = count(t);
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
			put_bits(p + 8 * i, bits, 8);
		else
			put_float(p + 4 * i, v);
	}
	*out = s.name;
	onnx_lower_tensor(l, &s);
	return 0;
}

/* --- nodes --------------------------------------------------------------- */

/* One more node; b NULL: of one input. */
static struct node *
emit(struct onnx_lower *l, const struct onnx_node *from, const char *op,
    const char *a, const char *b, const char *out)
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
static int
round_to(struct onnx_lower *l, const struct onnx_node *from, const char *x,
    const char *scale, const char *zero, enum dtype type, const char *out)
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
	(void)emit(l, from, "Div", x, scale, scaled);
	(void)emit(l, from, "StraightRound", scaled, NULL, rounded);
	if (zero != NULL)
		(void)emit(l, from, "Add", rounded, zero, moved);
	n = emit(l, from, "Clip", zero != NULL ? moved : rounded, NULL, out);
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
static int
quantise(struct onnx_lower *l, const struct onnx_node *from,
    const struct quant *q, enum dtype type, const char *out)
{
	const char *scale, *zero = NULL;
	int rc;

	if ((rc = spread(l, from, q->scale, q, "scale", &scale)) != 0)
		return rc;
	if (!is_zero(q->zero) &&
	    (rc = spread(l, from, q->zero, q, "zero", &zero)) != 0)
		return rc;
	return round_to(l, from, q->x, scale, zero, type, out);
}

static bool
ours(const struct onnx_lower *l, const char *name)
{
	return map_get(&l->whole, name) != SIZE_MAX;
}

/* A value as floats: ours already is, others may be integers of the file. */
static const char *
as_float(struct onnx_lower *l, const struct onnx_node *from, const char *x)
{
	const char *real;
	struct node *n;

	if (ours(l, x))
		return x;
	real = onnx_lower_fresh(l, from->out[0], "float");
	if ((n = emit(l, from, "Cast", x, NULL, real)) != NULL)
		onnx_lower_put_int(n, "to", onnx_tensor_type(DTYPE_F32));
	return real;
}

/* scale NULL: of 1 */
static int
dequantise(struct onnx_lower *l, const struct onnx_node *from,
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
		(void)emit(l, from, "Sub", x, zero, less);
		x = less;
	}
	if (q->scale == NULL) {
		if (x != out)
			(void)emit(l, from, "Identity", x, NULL, out);
		return 0;
	}
	if ((rc = spread(l, from, q->scale, q, "scale", &scale)) != 0)
		return rc;
	(void)emit(l, from, "Mul", x, scale, out);
	return 0;
}

/* Of a constant a constant, else nodes; *out is a new name. */
static int
floats(struct onnx_lower *l, const struct onnx_node *from,
    const struct quant *q, const char *suffix, const char **out)
{
	*out = onnx_lower_fresh(l, from->out[0], suffix);
	if (onnx_lower_const(l, q->x) != NULL)
		return dequantise_constant(l, from, q, 1, *out);
	return dequantise(l, from, q, *out);
}

/* --- QuantizeLinear, DequantizeLinear ------------------------------------ */

/* Behind the softmax that is left out there are logits, no probabilities. */
static bool
forgotten(struct onnx_lower *l, const struct onnx_node *from)
{
	if (map_get(&l->behind, from->out[0]) == SIZE_MAX)
		return false;
	onnx_lower_alias(l, from->out[0], from->in[0]);
	return true;
}

static int
quantize_linear(struct onnx_lower *l, const struct onnx_node *from)
{
	enum dtype type = DTYPE_U8;
	int64_t said;
	struct quant q;
	int rc;

	if ((rc = operand(l, from, 0, &q)) != 0)
		return rc;
	if (forgotten(l, from))
		return 0;
	q.axis = onnx_lower_get_int(l, from, "axis", 1); /* 13 */
	said = onnx_lower_get_int(l, from, "output_dtype", 0); /* 21 */
	if (onnx_lower_get_int(l, from, "block_size", 0) != 0)
		return onnx_lower_fail(
		    l, from, ERR_UNSUPPORTED, "quantised in blocks");
	if (said != 0)
		type = onnx_tensor_dtype(said);
	if (q.zero != NULL)
		type = q.zero->dtype;
	if (onnx_lower_const(l, q.x) != NULL)
		return quantise_constant(l, from, &q, type, from->out[0]);
	return quantise(l, from, &q, type, from->out[0]);
}

static int
dequantize_linear(struct onnx_lower *l, const struct onnx_node *from)
{
	struct quant q;
	int rc;

	if ((rc = operand(l, from, 0, &q)) != 0)
		return rc;
	if (forgotten(l, from))
		return 0;
	q.axis = onnx_lower_get_int(l, from, "axis", 1);
	if (onnx_lower_get_int(l, from, "block_size", 0) != 0)
		return onnx_lower_fail(
		    l, from, ERR_UNSUPPORTED, "quantised in blocks");
	if (onnx_lower_const(l, q.x) != NULL)
		return dequantise_constant(l, from, &q, 1, from->out[0]);
	return dequantise(l, from, &q, from->out[0]);
}

/* --- layers -------------------------------------------------------------- */

/* A node of the file's kind over floats, lowered as any of its operator. */
static int
layer(struct onnx_lower *l, const struct onnx_node *from, const char *op,
    const char **in, size_t nin, const char *out)
{
	struct onnx_node n = *from;
	size_t first = l->m->nnode;
	const char *outs[1] = {out};
	onnx_lower_fn *fn = onnx_lower_find(op);
	int rc;

	n.attr = arena_alloc(&l->m->arena, n.nattr + 1, sizeof(*n.attr));
	n.nattr = 0;
	if (n.attr == NULL)
		return onnx_lower_fail(l, from, ERR_LIMIT, "model too large");
	for (size_t i = 0; i < from->nattr; i++)
		if (strcmp(from->attr[i].name, "channels_last") != 0)
			n.attr[n.nattr++] = from->attr[i];
	n.op = op;
	n.in = in;
	n.nin = nin;
	n.out = outs;
	n.nout = 1;
	if ((rc = fn(l, &n)) != 0)
		return rc;
	for (size_t i = first; i < l->m->nnode && !l->full; i++)
		onnx_fact_node(l, &l->m->node[i]);
	return 0;
}

/* What ends a layer: scale and zero at inputs i and i + 1. */
static int
finish(struct onnx_lower *l, const struct onnx_node *from, const char *x,
    size_t i)
{
	struct quant q = {.x = x};
	int rc;

	if ((rc = parameter(l, from, i, true, &q.scale)) != 0 ||
	    (rc = parameter(l, from, i + 1, false, &q.zero)) != 0)
		return rc;
	if (count(q.scale) != 1 || count(q.zero) > 1)
		return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
		    "its output has a scale for each channel");
	return quantise(l, from, &q,
	    q.zero != NULL ? q.zero->dtype : DTYPE_U8, from->out[0]);
}

/* A bias of integers, whose scale is the product of the others'. */
static int
bias(struct onnx_lower *l, const struct onnx_node *from, size_t i,
    const struct quant *x, const struct quant *w, const char **out)
{
	struct quant b = {.scale = w->scale};

	*out = "";
	if (i >= from->nin || *from->in[i] == '\0')
		return 0;
	b.x = onnx_lower_name(l, from->in[i]);
	if (onnx_lower_const(l, b.x) == NULL || count(x->scale) != 1)
		return onnx_lower_fail(
		    l, from, ERR_UNSUPPORTED, "input %zu is computed", i);
	*out = onnx_lower_fresh(l, from->out[0], "bias");
	return dequantise_constant(
	    l, from, &b, tensor_real(x->scale, 0), *out);
}

static int
qlinear_conv(struct onnx_lower *l, const struct onnx_node *from)
{
	const char *in[3], *y = onnx_lower_fresh(l, from->out[0], "sum");
	struct quant x, w;
	int rc;

	if ((rc = operand(l, from, 0, &x)) != 0 ||
	    (rc = operand(l, from, 3, &w)) != 0 ||
	    (rc = floats(l, from, &x, "image", &in[0])) != 0 ||
	    (rc = floats(l, from, &w, "weight", &in[1])) != 0 ||
	    (rc = bias(l, from, 8, &x, &w, &in[2])) != 0 ||
	    (rc = layer(l, from, "Conv", in, *in[2] != '\0' ? 3 : 2, y)) != 0)
		return rc;
	return finish(l, from, y, 6);
}

static int
qlinear_matmul(struct onnx_lower *l, const struct onnx_node *from)
{
	const char *in[2], *y = onnx_lower_fresh(l, from->out[0], "sum");
	struct quant a, b;
	int rc;

	if ((rc = operand(l, from, 0, &a)) != 0 ||
	    (rc = operand(l, from, 3, &b)) != 0)
		return rc;
	a.axis = -2;
	b.axis = -1;
	if ((rc = floats(l, from, &a, "left", &in[0])) != 0 ||
	    (rc = floats(l, from, &b, "right", &in[1])) != 0 ||
	    (rc = layer(l, from, "MatMul", in, 2, y)) != 0)
		return rc;
	return finish(l, from, y, 6);
}

/* com.microsoft; B is (K, N), with transB (N, K) */
static int
qgemm(struct onnx_lower *l, const struct onnx_node *from)
{
	const char *in[3], *y = onnx_lower_fresh(l, from->out[0], "sum");
	bool turned = onnx_lower_get_int(l, from, "transB", 0) != 0;
	struct quant a, b;
	int rc;

	if ((rc = operand(l, from, 0, &a)) != 0 ||
	    (rc = operand(l, from, 3, &b)) != 0)
		return rc;
	b.axis = turned ? 0 : 1;
	if ((rc = floats(l, from, &a, "left", &in[0])) != 0 ||
	    (rc = floats(l, from, &b, "right", &in[1])) != 0 ||
	    (rc = bias(l, from, 6, &a, &b, &in[2])) != 0 ||
	    (rc = layer(l, from, "Gemm", in, *in[2] != '\0' ? 3 : 2, y)) != 0)
		return rc;
	if (from->nin < 8 || *from->in[7] == '\0') { /* floats come out */
		onnx_lower_alias(l, from->out[0], y);
		return 0;
	}
	return finish(l, from, y, 7);
}

/* ConvInteger, MatMulInteger: without scales, and so is what comes out */
static int
of_integers(struct onnx_lower *l, const struct onnx_node *from)
{
	bool conv = strcmp(from->op, "ConvInteger") == 0;
	struct quant q[2] = {{.axis = conv ? 0 : -2}, {.axis = conv ? 0 : -1}};
	const char *in[2];
	int rc;

	if ((rc = onnx_lower_need(l, from, 2)) != 0)
		return rc;
	for (size_t i = 0; i < 2; i++) {
		const char *zero = i + 2 < from->nin ? from->in[i + 2] : "";

		q[i].x = onnx_lower_name(l, from->in[i]);
		/* that of DynamicQuantizeLinear is computed */
		if (*zero != '\0' && onnx_lower_const(l, zero) == NULL &&
		    ours(l, q[i].x)) {
			in[i] = onnx_lower_fresh(l, from->out[0], "less");
			(void)emit(l, from, "Sub", q[i].x,
			    onnx_lower_name(l, zero), in[i]);
			continue;
		}
		if ((rc = parameter(l, from, i + 2, false, &q[i].zero)) != 0 ||
		    (rc = floats(l, from, &q[i], i == 0 ? "left" : "right",
			 &in[i])) != 0)
			return rc;
	}
	rc = layer(l, from, conv ? "Conv" : "MatMul", in, 2, from->out[0]);
	if (rc == 0 && map_put(&l->whole, from->out[0], 0) < 0)
		l->full = true;
	return rc;
}

/* com.microsoft: two operands, and scale and zero of the result */
static int
qlinear_binary(struct onnx_lower *l, const struct onnx_node *from)
{
	const char *in[2], *y = onnx_lower_fresh(l, from->out[0], "sum");
	struct quant a, b;
	int rc;

	if ((rc = operand(l, from, 0, &a)) != 0 ||
	    (rc = operand(l, from, 3, &b)) != 0 ||
	    (rc = floats(l, from, &a, "left", &in[0])) != 0 ||
	    (rc = floats(l, from, &b, "right", &in[1])) != 0 ||
	    (rc = layer(l, from, from->op + strlen("QLinear"), in, 2, y)) != 0)
		return rc;
	return finish(l, from, y, 6);
}

/* com.microsoft: one operand, and scale and zero of the result */
static int
qlinear_unary(struct onnx_lower *l, const struct onnx_node *from)
{
	const char *in[1], *y = onnx_lower_fresh(l, from->out[0], "sum");
	struct quant x;
	int rc;

	if (onnx_lower_get_int(l, from, "channels_last", 0) != 0)
		return onnx_lower_fail(
		    l, from, ERR_UNSUPPORTED, "channels stand last");
	if ((rc = operand(l, from, 0, &x)) != 0 ||
	    (rc = floats(l, from, &x, "image", &in[0])) != 0 ||
	    (rc = layer(l, from, from->op + strlen("QLinear"), in, 1, y)) != 0)
		return rc;
	return finish(l, from, y, 3);
}

/* com.microsoft: scale and zero of the result, then three for each operand */
static int
qlinear_concat(struct onnx_lower *l, const struct onnx_node *from)
{
	const char *y = onnx_lower_fresh(l, from->out[0], "joint");
	size_t n = from->nin > 2 ? (from->nin - 2) / 3 : 0;
	const char **in =
	    arena_alloc(&l->m->arena, n + 1, sizeof(*in));
	struct quant x;
	int rc;

	if (in == NULL)
		return onnx_lower_fail(l, from, ERR_LIMIT, "model too large");
	if (n == 0 || from->nin != 3 * n + 2)
		return onnx_lower_fail(
		    l, from, ERR_FORMAT, "it has %zu inputs", from->nin);
	for (size_t i = 0; i < n; i++)
		if ((rc = operand(l, from, 3 * i + 2, &x)) != 0 ||
		    (rc = floats(l, from, &x, "part", &in[i])) != 0)
			return rc;
	if ((rc = layer(l, from, "Concat", in, n, y)) != 0)
		return rc;
	return finish(l, from, y, 0);
}

/* --- DynamicQuantizeLinear ----------------------------------------------- */

/* The largest (or least) number of each image, and 0. */
static const char *
extreme(struct onnx_lower *l, const struct onnx_node *from, const char *x,
    size_t rank, bool max, const char *zero)
{
	static const int64_t axes[MODEL_MAX_RANK] = {1, 2, 3, 4, 5, 6, 7};
	const char *most = onnx_lower_fresh(l, from->out[0], "extreme");
	const char *bound = onnx_lower_fresh(l, from->out[0], "bound");
	struct node *n;

	n = emit(l, from, max ? "ReduceMax" : "ReduceMin", x, NULL, most);
	if (n == NULL)
		return bound;
	onnx_lower_put_ints(n, "axes", axes, rank - 1);
	onnx_lower_put_int(n, "keepdims", 1);
	onnx_fact_node(l, n);
	(void)emit(l, from, max ? "Max" : "Min", most, zero, bound);
	return bound;
}

static const char *
number(struct onnx_lower *l, const struct onnx_node *from, double v)
{
	const char *name = onnx_lower_fresh(l, from->out[0], "number");

	onnx_lower_number(l, name, DTYPE_F32, 0, v);
	return name;
}

/*
 * The range of the values makes the scale.  In the file it is that of the
 * whole batch; here each image has its own, as if it came alone, for what is
 * said of an image must not depend on its neighbours.
 */
static int
dynamic_quantize_linear(struct onnx_lower *l, const struct onnx_node *from)
{
	const char *x, *most, *least, *span, *raw, *low, *high, *cut, *out[3];
	struct onnx_fact f;
	struct node *n;
	int rc;

	if ((rc = onnx_lower_need(l, from, 1)) != 0)
		return rc;
	x = onnx_lower_name(l, from->in[0]);
	f = onnx_fact_of(l, x);
	if (!f.ranked || !f.batch || f.rank < 2 || f.rank > MODEL_MAX_RANK)
		return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
		    "values that are not known to be one image's each");
	for (size_t i = 0; i < 3; i++)
		out[i] = i < from->nout && *from->out[i] != '\0'
			     ? from->out[i]
			     : onnx_lower_fresh(l, from->out[0], "unused");
	most = extreme(l, from, x, f.rank, true, number(l, from, 0));
	least = extreme(l, from, x, f.rank, false, number(l, from, 0));
	span = onnx_lower_fresh(l, out[0], "span");
	raw = onnx_lower_fresh(l, out[0], "raw");
	(void)emit(l, from, "Sub", most, least, span);
	(void)emit(l, from, "Div", span, number(l, from, 255), raw);
	/* an image of zeros */
	(void)emit(l, from, "Max", raw, number(l, from, 1e-30), out[1]);
	low = onnx_lower_fresh(l, out[0], "low");
	high = onnx_lower_fresh(l, out[0], "high");
	cut = onnx_lower_fresh(l, out[0], "cut");
	(void)emit(l, from, "Div", least, out[1], low);
	(void)emit(l, from, "Neg", low, NULL, high);
	if ((n = emit(l, from, "Clip", high, NULL, cut)) != NULL) {
		onnx_lower_put_real(n, "min", 0);
		onnx_lower_put_real(n, "max", 255);
	}
	(void)emit(l, from, "StraightRound", cut, NULL, out[2]);
	l->alone = true;
	return round_to(l, from, x, out[1], out[2], DTYPE_U8, out[0]);
}

/* --- the table ----------------------------------------------------------- */

enum {
	OWN = 1,
	MICROSOFT = 2
};

static const struct {
	const char *op;
	unsigned domains;
	onnx_lower_fn *fn;
} op_table[] = {
    {"ConvInteger", OWN, of_integers},
    {"DequantizeLinear", OWN | MICROSOFT, dequantize_linear},
    {"DynamicQuantizeLinear", OWN, dynamic_quantize_linear},
    {"MatMulInteger", OWN, of_integers},
    {"QGemm", MICROSOFT, qgemm},
    {"QLinearAdd", MICROSOFT, qlinear_binary},
    {"QLinearConcat", MICROSOFT, qlinear_concat},
    {"QLinearConv", OWN, qlinear_conv},
    {"QLinearGlobalAveragePool", MICROSOFT, qlinear_unary},
    {"QLinearLeakyRelu", MICROSOFT, qlinear_unary},
    {"QLinearMatMul", OWN, qlinear_matmul},
    {"QLinearMul", MICROSOFT, qlinear_binary},
    {"QLinearSigmoid", MICROSOFT, qlinear_unary},
    {"QuantizeLinear", OWN | MICROSOFT, quantize_linear},
};

onnx_lower_fn *
onnx_quant_find(const char *domain, const char *op)
{
	unsigned in = strcmp(domain, "com.microsoft") == 0 ? MICROSOFT : 0;

	if (*domain == '\0' || strcmp(domain, "ai.onnx") == 0)
		in = OWN;
	for (size_t i = 0; i < ARRAY_LEN(op_table); i++)
		if (strcmp(op_table[i].op, op) == 0 &&
		    (op_table[i].domains & in) != 0)
			return op_table[i].fn;
	return NULL;
}
