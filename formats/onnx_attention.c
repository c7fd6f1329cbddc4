/* SPDX-License-Identifier: MIT */
#include "formats/onnx_attention.h"

#include "formats/onnx_fact.h"

#include <math.h>

/* --- nodes ---------------------------------------------------------------- */

static bool
has(const struct onnx_node *from, size_t i)
{
	return i < from->nin && *from->in[i] != '\0';
}

/* ERR_UNSUPPORTED when one of the inputs from..to is there. */
static int
none_of(struct onnx_lower *l, const struct onnx_node *n, size_t from, size_t to)
{
	for (size_t i = from; i <= to; i++)
		if (has(n, i))
			return onnx_lower_fail(l, n, ERR_UNSUPPORTED,
			    "input %zu, '%.60s'", i, n->in[i]);
	return 0;
}

static const char *
unary(struct onnx_lower *l, const struct onnx_node *from, const char *op,
    const char *x, const char *suffix)
{
	const char *y = onnx_lower_fresh(l, from->out[0], suffix);

	return onnx_lower_insert(l, from, op, x, y) != NULL ? y : "";
}

static struct node *
last(struct onnx_lower *l)
{
	return l->full ? NULL : &l->m->node[l->m->nnode - 1];
}

static const char *
binary(struct onnx_lower *l, const struct onnx_node *from, const char *op,
    const char *x, const char *y, const char *suffix)
{
	const char *z = unary(l, from, op, x, suffix);
	struct node *n = last(l);

	if (n != NULL)
		n->in[n->nin++] = y;
	return z;
}

static void
ints(struct onnx_lower *l, const char *name, size_t n, const int64_t *v)
{
	struct node *at = last(l);
	int64_t *copy = arena_alloc(&l->m->arena, n + 1, sizeof(*copy));

	if (at == NULL || copy == NULL) {
		l->full = true;
		return;
	}
	memcpy(copy, v, n * sizeof(*v));
	onnx_lower_put_ints(at, name, copy, n);
}

/* Numbers from..to of one axis. */
static const char *
slice(struct onnx_lower *l, const struct onnx_node *from, const char *x,
    int64_t axis, int64_t at, int64_t to)
{
	const char *y = unary(l, from, "Slice", x, "part");

	ints(l, "starts", 1, &at);
	ints(l, "ends", 1, &to);
	ints(l, "axes", 1, &axis);
	ints(l, "steps", 1, (int64_t[]){1});
	return y;
}

static const char *
transpose(struct onnx_lower *l, const struct onnx_node *from, const char *x,
    size_t n, const int64_t *perm)
{
	const char *y = unary(l, from, "Transpose", x, "turned");

	ints(l, "perm", n, perm);
	return y;
}

static const char *
reshape(struct onnx_lower *l, const struct onnx_node *from, const char *x,
    size_t n, const int64_t *shape)
{
	const char *y = unary(l, from, "Reshape", x, "shaped");

	ints(l, "shape", n, shape);
	if (last(l) != NULL)
		onnx_lower_put_int(last(l), "allowzero", 0);
	return y;
}

/* The last node gives what the node of the file gives. */
static int
finish(struct onnx_lower *l, const struct onnx_node *from)
{
	if (last(l) != NULL)
		last(l)->out[0] = from->out[0];
	return 0;
}

/* --- attention ------------------------------------------------------------ */

/* (N, tokens, heads x size) to (N, heads, tokens, size), or the last two
 * exchanged. */
static const char *
heads(struct onnx_lower *l, const struct onnx_node *from, const char *x,
    int64_t n, bool turn)
{
	static const int64_t plain[] = {0, 2, 1, 3}, turned[] = {0, 2, 3, 1};

	x = reshape(l, from, x, 4, (int64_t[]){0, 0, n, -1});
	return transpose(l, from, x, 4, turn ? turned : plain);
}

/* Of queries, keys and values of three axes; size: of a head's queries. */
static int
attend(struct onnx_lower *l, const struct onnx_node *from,
    const char *const x[3], int64_t n, int64_t size)
{
	double scale = onnx_lower_get_real(l, from, "scale", 0.0);
	const char *q = heads(l, from, x[0], n, false);
	const char *k = heads(l, from, x[1], n, true);
	const char *v = heads(l, from, x[2], n, false), *y;

	if (!(scale > 0.0))
		scale = 1.0 / sqrt((double)size);
	y = binary(l, from, "MatMul", q, k, "scores");
	y = binary(
	    l, from, "Mul", y, onnx_lower_scalar(l, from, scale), "scaled");
	y = unary(l, from, "Softmax", y, "weights");
	if (last(l) != NULL)
		onnx_lower_put_int(last(l), "axis", -1);
	y = binary(l, from, "MatMul", y, v, "mixed");
	y = transpose(l, from, y, 4, (int64_t[]){0, 2, 1, 3});
	(void)reshape(l, from, y, 3, (int64_t[]){0, 0, -1});
	return finish(l, from);
}

static int
check_heads(struct onnx_lower *l, const struct onnx_node *from, int64_t *n)
{
	*n = onnx_lower_get_int(l, from, "num_heads", 0);
	if (*n < 1 || *n > 4096)
		return onnx_lower_fail(
		    l, from, ERR_FORMAT, "%" PRId64 " heads", *n);
	if (onnx_lower_get_int(l, from, "unidirectional", 0) != 0 ||
	    onnx_lower_get_int(l, from, "do_rotary", 0) != 0)
		return onnx_lower_fail(
		    l, from, ERR_UNSUPPORTED, "attention of texts");
	for (size_t i = 1; i < from->nout; i++)
		if (onnx_lower_used(l, from, i))
			return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
			    "its output %zu is used", i);
	return 0;
}

/* Columns of queries, keys and values. */
static int
widths(struct onnx_lower *l, const struct onnx_node *from, int64_t all,
    int64_t n, int64_t w[3])
{
	const int64_t *own;
	size_t k;

	w[0] = w[1] = w[2] = all / 3;
	if (onnx_lower_get_ints(l, from, "qkv_hidden_sizes", &own, &k)) {
		if (k != 3)
			return onnx_lower_fail(
			    l, from, ERR_FORMAT, "qkv_hidden_sizes of %zu", k);
		memcpy(w, own, 3 * sizeof(*w));
	}
	for (size_t i = 0; i < 3; i++)
		if (w[i] < 1 || w[i] > all || w[i] % n != 0)
			return onnx_lower_fail(l, from, ERR_FORMAT,
			    "%" PRId64 " columns for %" PRId64 " heads", w[i],
			    n);
	if (w[0] + w[1] + w[2] != all || w[0] != w[1])
		return onnx_lower_fail(
		    l, from, ERR_FORMAT, "weights of %" PRId64 " columns", all);
	return 0;
}

/* x, weights (in, queries keys values), bias */
static int
attention(struct onnx_lower *l, const struct onnx_node *from)
{
	const struct tensor *w;
	const char *x, *part[3];
	int64_t n, size[3], at = 0;
	int rc;

	if ((rc = onnx_lower_need(l, from, 2)) != 0 ||
	    (rc = check_heads(l, from, &n)) != 0 ||
	    (rc = none_of(l, from, 3, 6)) != 0)
		return rc;
	w = onnx_lower_const(l, from->in[1]);
	if (w == NULL || w->rank != 2 || w->dim[1] > INT32_MAX)
		return onnx_lower_fail(
		    l, from, ERR_UNSUPPORTED, "weights that are computed");
	if ((rc = widths(l, from, (int64_t)w->dim[1], n, size)) != 0)
		return rc;
	x = binary(l, from, "MatMul", onnx_lower_name(l, from->in[0]),
	    onnx_lower_name(l, from->in[1]), "projected");
	if (has(from, 2))
		x = binary(
		    l, from, "Add", x, onnx_lower_name(l, from->in[2]), "qkv");
	for (size_t i = 0; i < 3; at += size[i++])
		part[i] = slice(l, from, x, 2, at, at + size[i]);
	return attend(l, from, part, n, size[0] / n);
}

/* The width of the queries: that of a bias, or of the layer before. */
static int64_t
width_of(const struct onnx_lower *l, const char *name)
{
	for (size_t i = l->m->nnode; i-- > 0;) {
		const struct node *n = &l->m->node[i];
		const struct tensor *w;

		if (n->nout == 0 || strcmp(n->out[0], name) != 0)
			continue;
		if (strcmp(n->op, "Add") == 0 && n->nin == 2) {
			name = onnx_lower_const(l, n->in[0]) != NULL ? n->in[1]
								     : n->in[0];
			continue;
		}
		w = strcmp(n->op, "MatMul") == 0 && n->nin == 2
			? onnx_lower_const(l, n->in[1])
			: NULL;
		return w != NULL && w->rank == 2 && w->dim[1] <= INT32_MAX
			   ? (int64_t)w->dim[1]
			   : 0;
	}
	return 0;
}

/* query, key, value, bias of all three */
static int
multi_head(struct onnx_lower *l, const struct onnx_node *from)
{
	const struct tensor *b;
	const char *part[3];
	int64_t n, size, at = 0, width[3];
	int rc;

	if ((rc = onnx_lower_need(l, from, 3)) != 0 ||
	    (rc = check_heads(l, from, &n)) != 0 ||
	    (rc = none_of(l, from, 4, 9)) != 0)
		return rc;
	for (size_t i = 0; i < 3; i++) {
		struct onnx_fact f = onnx_fact_of(l, from->in[i]);

		part[i] = onnx_lower_name(l, from->in[i]);
		if (*part[i] == '\0' || (f.ranked && f.rank != 3))
			return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
			    "queries, keys and values that are packed");
	}
	size = width_of(l, part[0]);
	b = has(from, 3) ? onnx_lower_const(l, from->in[3]) : NULL;
	if (size == 0 && b != NULL && b->rank == 1 && b->dim[0] % 3 == 0)
		size = (int64_t)(b->dim[0] / 3);
	if (size < 1 || size % n != 0)
		return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
		    "queries of an unknown number of columns");
	/* keys are as wide as queries; values may be otherwise */
	width[0] = width[1] = size;
	if (b != NULL && b->rank == 1 && b->dim[0] <= INT32_MAX)
		width[2] = (int64_t)b->dim[0] - 2 * size;
	if (has(from, 3) && (b == NULL || width[2] < 1))
		return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
		    "a bias that does not fit, or is computed");
	for (size_t i = 0; i < 3 && has(from, 3); at += width[i++])
		part[i] = binary(l, from, "Add", part[i],
		    slice(l, from, onnx_lower_name(l, from->in[3]), 0, at,
			at + width[i]),
		    "biased");
	return attend(l, from, part, n, size / n);
}

/* --- norms, products, Gelu ------------------------------------------------ */

/* x, what is added, gamma, beta, bias; output 3: the sum */
static int
skip_norm(struct onnx_lower *l, const struct onnx_node *from)
{
	const char *sum, *y;
	struct node *n;
	int rc;

	if ((rc = onnx_lower_need(l, from, 3)) != 0)
		return rc;
	for (size_t i = 1; i < 3; i++)
		if (onnx_lower_used(l, from, i))
			return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
			    "its output %zu is used", i);
	sum = binary(l, from, "Add", onnx_lower_name(l, from->in[0]),
	    onnx_lower_name(l, from->in[1]), "skip");
	if (has(from, 4))
		sum = binary(l, from, "Add", sum,
		    onnx_lower_name(l, from->in[4]), "biased");
	if (from->nout > 3 && onnx_lower_used(l, from, 3)) {
		if (last(l) != NULL)
			last(l)->out[0] = from->out[3];
		sum = from->out[3];
	}
	y = binary(l, from, "LayerNormalization", sum,
	    onnx_lower_name(l, from->in[2]), "normalised");
	n = last(l);
	if (n == NULL || *y == '\0')
		return 0;
	if (has(from, 3))
		n->in[n->nin++] = onnx_lower_name(l, from->in[3]);
	onnx_lower_put_int(n, "axis", -1);
	onnx_lower_put_real(
	    n, "epsilon", onnx_lower_get_real(l, from, "epsilon", 1e-12));
	return finish(l, from);
}

/* x over the root of its mean square along the last axis, times input `scale`. */
static void
root_mean_square(struct onnx_lower *l, const struct onnx_node *from,
    const char *x, size_t scale, double epsilon)
{
	const char *y = binary(l, from, "Mul", x, x, "squares");

	y = unary(l, from, "ReduceMean", y, "mean");
	ints(l, "axes", 1, (int64_t[]){-1});
	if (last(l) != NULL)
		onnx_lower_put_int(last(l), "keepdims", 1);
	y = binary(
	    l, from, "Add", y, onnx_lower_scalar(l, from, epsilon), "above");
	y = unary(l, from, "Sqrt", y, "root");
	y = binary(l, from, "Div", x, y, "normalised");
	(void)binary(
	    l, from, "Mul", y, onnx_lower_name(l, from->in[scale]), "scaled");
}

/* x, scale */
static int
simple_norm(struct onnx_lower *l, const struct onnx_node *from)
{
	int rc;

	if ((rc = onnx_lower_need(l, from, 2)) != 0)
		return rc;
	if (onnx_lower_get_int(l, from, "axis", -1) != -1 ||
	    onnx_lower_used(l, from, 1))
		return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
		    "an axis that is not the last, or a second output");
	root_mean_square(l, from, onnx_lower_name(l, from->in[0]), 1,
	    onnx_lower_get_real(l, from, "epsilon", 1e-5));
	return finish(l, from);
}

/* Its last two axes exchanged where the node says so. */
static int
operand(struct onnx_lower *l, const struct onnx_node *from, size_t i,
    const char *turn, const char **out)
{
	struct onnx_fact f = onnx_fact_of(l, from->in[i]);
	int64_t perm[MODEL_MAX_RANK];

	*out = onnx_lower_name(l, from->in[i]);
	if (onnx_lower_get_int(l, from, turn, 0) == 0)
		return 0;
	if (!f.ranked || f.rank < 2 || f.rank > MODEL_MAX_RANK)
		return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
		    "an operand of unknown rank is transposed");
	for (size_t k = 0; k < f.rank; k++)
		perm[k] = (int64_t)k;
	perm[f.rank - 1] = (int64_t)f.rank - 2;
	perm[f.rank - 2] = (int64_t)f.rank - 1;
	*out = transpose(l, from, *out, f.rank, perm);
	return 0;
}

static int
fused_matmul(struct onnx_lower *l, const struct onnx_node *from)
{
	double alpha = onnx_lower_get_real(l, from, "alpha", 1.0);
	const char *a, *b, *y;
	int rc;

	if ((rc = onnx_lower_need(l, from, 2)) != 0)
		return rc;
	if (onnx_lower_get_int(l, from, "transBatchA", 0) != 0 ||
	    onnx_lower_get_int(l, from, "transBatchB", 0) != 0)
		return onnx_lower_fail(
		    l, from, ERR_UNSUPPORTED, "a batch that is transposed");
	if ((rc = operand(l, from, 0, "transA", &a)) != 0 ||
	    (rc = operand(l, from, 1, "transB", &b)) != 0)
		return rc;
	y = binary(l, from, "MatMul", a, b, "product");
	if (alpha != 1.0)
		(void)binary(l, from, "Mul", y,
		    onnx_lower_scalar(l, from, alpha), "scaled");
	return finish(l, from);
}

/* x sigmoid(alpha x) */
static int
quick_gelu(struct onnx_lower *l, const struct onnx_node *from)
{
	double alpha = onnx_lower_get_real(l, from, "alpha", 1.702);
	const char *x, *y;
	int rc;

	if ((rc = onnx_lower_need(l, from, 1)) != 0)
		return rc;
	y = x = onnx_lower_name(l, from->in[0]);
	if (alpha != 1.0)
		y = binary(l, from, "Mul", x, onnx_lower_scalar(l, from, alpha),
		    "scaled");
	y = unary(l, from, "Sigmoid", y, "gate");
	(void)binary(l, from, "Mul", x, y, "gated");
	return finish(l, from);
}

onnx_lower_fn *
onnx_attention_find(const char *op)
{
	static const struct {
		const char *op;
		onnx_lower_fn *fn;
	} table[] = {
	    {"Attention", attention},
	    {"FusedMatMul", fused_matmul},
	    {"MultiHeadAttention", multi_head},
	    {"QuickGelu", quick_gelu},
	    {"SimplifiedLayerNormalization", simple_norm},
	    {"SkipLayerNormalization", skip_norm},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strcmp(table[i].op, op) == 0)
			return table[i].fn;
	return NULL;
}
