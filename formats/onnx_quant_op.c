/* SPDX-License-Identifier: MIT
 * Inputs and attributes: github.com/onnx/onnx, docs/Operators.md, and
 * github.com/microsoft/onnxruntime, docs/ContribOperators.md.
 */
#include "formats/onnx_quant_op.h"

#include "formats/onnx_fact.h"
#include "formats/onnx_quant.h"

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

	if ((rc = onnx_quant_operand(l, from, 0, &q)) != 0)
		return rc;
	if (forgotten(l, from))
		return 0;
	q.axis = onnx_lower_get_int(l, from, "axis", 1);       /* 13 */
	said = onnx_lower_get_int(l, from, "output_dtype", 0); /* 21 */
	if (onnx_lower_get_int(l, from, "block_size", 0) != 0)
		return onnx_lower_fail(
		    l, from, ERR_UNSUPPORTED, "quantised in blocks");
	if (said != 0)
		type = onnx_tensor_dtype(said);
	if (q.zero != NULL)
		type = q.zero->dtype;
	if (onnx_lower_const(l, q.x) != NULL)
		return onnx_quant_quantise_constant(
		    l, from, &q, type, from->out[0]);
	return onnx_quant_quantise(l, from, &q, type, from->out[0]);
}

static int
dequantize_linear(struct onnx_lower *l, const struct onnx_node *from)
{
	struct quant q;
	int rc;

	if ((rc = onnx_quant_operand(l, from, 0, &q)) != 0)
		return rc;
	if (forgotten(l, from))
		return 0;
	q.axis = onnx_lower_get_int(l, from, "axis", 1);
	if (onnx_lower_get_int(l, from, "block_size", 0) != 0)
		return onnx_lower_fail(
		    l, from, ERR_UNSUPPORTED, "quantised in blocks");
	if (onnx_lower_const(l, q.x) != NULL)
		return onnx_quant_dequantise_constant(
		    l, from, &q, 1, from->out[0]);
	return onnx_quant_dequantise(l, from, &q, from->out[0]);
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
finish(
    struct onnx_lower *l, const struct onnx_node *from, const char *x, size_t i)
{
	struct quant q = {.x = x};
	int rc;

	if ((rc = onnx_quant_parameter(l, from, i, true, &q.scale)) != 0 ||
	    (rc = onnx_quant_parameter(l, from, i + 1, false, &q.zero)) != 0)
		return rc;
	if (onnx_quant_count(q.scale) != 1 || onnx_quant_count(q.zero) > 1)
		return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
		    "its output has a scale for each channel");
	return onnx_quant_quantise(l, from, &q,
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
	if (onnx_lower_const(l, b.x) == NULL || onnx_quant_count(x->scale) != 1)
		return onnx_lower_fail(
		    l, from, ERR_UNSUPPORTED, "input %zu is computed", i);
	*out = onnx_lower_fresh(l, from->out[0], "bias");
	return onnx_quant_dequantise_constant(
	    l, from, &b, tensor_real(x->scale, 0), *out);
}

static int
qlinear_conv(struct onnx_lower *l, const struct onnx_node *from)
{
	const char *in[3], *y = onnx_lower_fresh(l, from->out[0], "sum");
	struct quant x, w;
	int rc;

	if ((rc = onnx_quant_operand(l, from, 0, &x)) != 0 ||
	    (rc = onnx_quant_operand(l, from, 3, &w)) != 0 ||
	    (rc = onnx_quant_floats(l, from, &x, "image", &in[0])) != 0 ||
	    (rc = onnx_quant_floats(l, from, &w, "weight", &in[1])) != 0 ||
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

	if ((rc = onnx_quant_operand(l, from, 0, &a)) != 0 ||
	    (rc = onnx_quant_operand(l, from, 3, &b)) != 0)
		return rc;
	a.axis = -2;
	b.axis = -1;
	if ((rc = onnx_quant_floats(l, from, &a, "left", &in[0])) != 0 ||
	    (rc = onnx_quant_floats(l, from, &b, "right", &in[1])) != 0 ||
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

	if ((rc = onnx_quant_operand(l, from, 0, &a)) != 0 ||
	    (rc = onnx_quant_operand(l, from, 3, &b)) != 0)
		return rc;
	b.axis = turned ? 0 : 1;
	if ((rc = onnx_quant_floats(l, from, &a, "left", &in[0])) != 0 ||
	    (rc = onnx_quant_floats(l, from, &b, "right", &in[1])) != 0 ||
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
		    onnx_quant_ours(l, q[i].x)) {
			in[i] = onnx_lower_fresh(l, from->out[0], "less");
			(void)onnx_quant_emit(l, from, "Sub", q[i].x,
			    onnx_lower_name(l, zero), in[i]);
			continue;
		}
		if ((rc = onnx_quant_parameter(
			 l, from, i + 2, false, &q[i].zero)) != 0 ||
		    (rc = onnx_quant_floats(l, from, &q[i],
			 i == 0 ? "left" : "right", &in[i])) != 0)
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

	if ((rc = onnx_quant_operand(l, from, 0, &a)) != 0 ||
	    (rc = onnx_quant_operand(l, from, 3, &b)) != 0 ||
	    (rc = onnx_quant_floats(l, from, &a, "left", &in[0])) != 0 ||
	    (rc = onnx_quant_floats(l, from, &b, "right", &in[1])) != 0 ||
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
	if ((rc = onnx_quant_operand(l, from, 0, &x)) != 0 ||
	    (rc = onnx_quant_floats(l, from, &x, "image", &in[0])) != 0 ||
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
	const char **in = arena_alloc(&l->m->arena, n + 1, sizeof(*in));
	struct quant x;
	int rc;

	if (in == NULL)
		return onnx_lower_fail(l, from, ERR_LIMIT, "model too large");
	if (n == 0 || from->nin != 3 * n + 2)
		return onnx_lower_fail(
		    l, from, ERR_FORMAT, "it has %zu inputs", from->nin);
	for (size_t i = 0; i < n; i++)
		if ((rc = onnx_quant_operand(l, from, 3 * i + 2, &x)) != 0 ||
		    (rc = onnx_quant_floats(l, from, &x, "part", &in[i])) != 0)
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

	n = onnx_quant_emit(
	    l, from, max ? "ReduceMax" : "ReduceMin", x, NULL, most);
	if (n == NULL)
		return bound;
	onnx_lower_put_ints(n, "axes", axes, rank - 1);
	onnx_lower_put_int(n, "keepdims", 1);
	onnx_fact_node(l, n);
	(void)onnx_quant_emit(l, from, max ? "Max" : "Min", most, zero, bound);
	return bound;
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
	most = extreme(l, from, x, f.rank, true, onnx_lower_scalar(l, from, 0));
	least =
	    extreme(l, from, x, f.rank, false, onnx_lower_scalar(l, from, 0));
	span = onnx_lower_fresh(l, out[0], "span");
	raw = onnx_lower_fresh(l, out[0], "raw");
	(void)onnx_quant_emit(l, from, "Sub", most, least, span);
	(void)onnx_quant_emit(
	    l, from, "Div", span, onnx_lower_scalar(l, from, 255), raw);
	/* an image of zeros */
	(void)onnx_quant_emit(
	    l, from, "Max", raw, onnx_lower_scalar(l, from, 1e-30), out[1]);
	low = onnx_lower_fresh(l, out[0], "low");
	high = onnx_lower_fresh(l, out[0], "high");
	cut = onnx_lower_fresh(l, out[0], "cut");
	(void)onnx_quant_emit(l, from, "Div", least, out[1], low);
	(void)onnx_quant_emit(l, from, "Neg", low, NULL, high);
	if ((n = onnx_quant_emit(l, from, "Clip", high, NULL, cut)) != NULL) {
		onnx_lower_put_real(n, "min", 0);
		onnx_lower_put_real(n, "max", 255);
	}
	(void)onnx_quant_emit(l, from, "StraightRound", cut, NULL, out[2]);
	l->alone = true;
	return onnx_quant_round(l, from, x, out[1], out[2], DTYPE_U8, out[0]);
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
onnx_quant_op_find(const char *domain, const char *op)
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
