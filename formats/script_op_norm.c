/* SPDX-License-Identifier: MIT
 * Normalisations and sums over dimensions.
 */
#include "formats/script_op.h"

/* Argument i, or constants of `absent` in that shape; NULL, the error set. */
static const char *
or_same(struct script *s, const struct script_args *a, size_t i, double absent,
    const int64_t *dim, size_t rank)
{
	const struct script_value *v = script_op_arg(a, i, NULL);
	uint64_t shape[MODEL_MAX_RANK];

	if (v->type != SCRIPT_NONE)
		return script_node_input(s, v, false);
	for (size_t k = 0; k < rank; k++) {
		if (dim[k] < 1) {
			(void)!script_fail(s, a->callee,
			    "channels of which no number is known");
			return NULL;
		}
		shape[k] = (uint64_t)dim[k];
	}
	return script_node_same(s, absent, shape, rank);
}

static int
input(struct script *s, const struct script_args *a, size_t least,
    struct script_tensor **x, const char **name)
{
	int rc = script_op_input(s, a, x, name);

	return rc != 0 || (*x)->rank >= least
		   ? rc
		   : script_fail(s, a->callee, "of rank %zu", (*x)->rank);
}

/* batch_norm(x, w, b, mean, var, training, momentum, eps, cudnn) */
SCRIPT_OP(do_batch_norm)
{
	const char *in[5];
	struct script_tensor *x;
	struct onnx_node *n;
	int rc;

	(void)op;
	if ((rc = input(s, a, 2, &x, &in[0])) != 0)
		return rc;
	if (script_op_arg(a, 3, NULL)->type != SCRIPT_TENSOR ||
	    script_op_arg(a, 4, NULL)->type != SCRIPT_TENSOR)
		return script_fail(s, a->callee,
		    "by the statistics of the batch, which one image has not");
	s->trained = s->trained || script_op_int(a, 5, NULL, 0) != 0;
	for (size_t i = 1; i < 5; i++)
		if ((in[i] = or_same(s, a, i, i == 1, &a->v[3].t->dim[0], 1)) ==
		    NULL)
			return s->e->code;
	n = script_node(s, "BatchNormalization", 1, in, 5);
	if (n == NULL || script_node_real(s, n, "epsilon",
			     script_op_real(a, 7, NULL, 1e-5)) != 0)
		return s->e->code;
	if ((rc = script_node_like(s, n->out[0], x, out)) == 0) {
		out->t->dim[1] = a->v[3].t->dim[0];
		out->t->image = false;
	}
	return rc;
}

/* layer_norm(x, shape, w, b, eps, cudnn) */
SCRIPT_OP(do_layer_norm)
{
	const char *in[3];
	struct script_tensor *x;
	struct onnx_node *n;
	int64_t shape[MODEL_MAX_RANK];
	size_t rank;
	int rc;

	(void)op;
	if ((rc = input(s, a, 2, &x, &in[0])) != 0 ||
	    (rc = script_op_ints(s, a, 1, "normalized_shape", shape,
		 MODEL_MAX_RANK, &rank)) != 0)
		return rc;
	if (rank == 0 || rank >= x->rank)
		return script_fail(s, a->callee, "of %zu dimensions", rank);
	for (size_t i = 1; i < 3; i++)
		if ((in[i] = or_same(s, a, i + 1, i == 1, shape, rank)) == NULL)
			return s->e->code;
	n = script_node(s, "LayerNormalization", 1, in, 3);
	if (n == NULL || script_node_int(s, n, "axis", -(int64_t)rank) != 0 ||
	    script_node_real(
		s, n, "epsilon", script_op_real(a, 4, "eps", 1e-5)) != 0)
		return s->e->code;
	if ((rc = script_node_like(s, n->out[0], x, out)) == 0)
		out->t->image = false;
	return rc;
}

/* group_norm(x, groups, w, b, eps, cudnn) */
SCRIPT_OP(do_group_norm)
{
	const char *in[3];
	struct script_tensor *x;
	struct onnx_node *n;
	const struct script_value *w = script_op_arg(a, 2, NULL);
	int64_t groups = script_op_int(a, 1, NULL, 0), channels;
	int rc;

	(void)op;
	if ((rc = input(s, a, 3, &x, &in[0])) != 0)
		return rc;
	channels = w->type == SCRIPT_TENSOR ? w->t->dim[0] : x->dim[1];
	if (groups < 1)
		return script_fail(s, a->callee, "no groups");
	for (size_t i = 1; i < 3; i++)
		if ((in[i] = or_same(s, a, i + 1, i == 1, &channels, 1)) ==
		    NULL)
			return s->e->code;
	n = script_node(s, "GroupNormalization", 1, in, 3);
	if (n == NULL || script_node_int(s, n, "num_groups", groups) != 0 ||
	    script_node_real(
		s, n, "epsilon", script_op_real(a, 4, NULL, 1e-5)) != 0)
		return s->e->code;
	n->opset = 21;
	if ((rc = script_node_like(s, n->out[0], x, out)) == 0)
		out->t->image = false;
	return rc;
}

/* By statistics that it keeps an image's norm is that of a batch. */
static int
kept_norm(
    struct script *s, const struct script_args *a, struct script_value *out)
{
	static const struct script_op batch = {.name = "batch_norm"};
	static const char *const none[8] = {NULL};
	struct script_value v[8];
	struct script_args b = {v, none, 8, a->callee, NULL};

	for (size_t i = 0; i < 8; i++)
		v[i] = *script_op_arg(a, i, NULL);
	v[5] = (struct script_value){.type = SCRIPT_BOOL};
	return do_batch_norm(s, &b, &batch, out);
}

/* instance_norm(x, w, b, mean, var, use_input_stats, momentum, eps, cudnn) */
SCRIPT_OP(do_instance_norm)
{
	const char *in[3];
	struct script_tensor *x;
	struct onnx_node *n;
	const struct script_value *w = script_op_arg(a, 1, NULL);
	int64_t channels;
	int rc;

	(void)op;
	if ((rc = input(s, a, 3, &x, &in[0])) != 0)
		return rc;
	if (script_op_int(a, 5, NULL, 0) == 0)
		return kept_norm(s, a, out);
	channels = w->type == SCRIPT_TENSOR ? w->t->dim[0] : x->dim[1];
	for (size_t i = 1; i < 3; i++)
		if ((in[i] = or_same(s, a, i, i == 1, &channels, 1)) == NULL)
			return s->e->code;
	n = script_node(s, "InstanceNormalization", 1, in, 3);
	if (n == NULL || script_node_real(s, n, "epsilon",
			     script_op_real(a, 7, NULL, 1e-5)) != 0)
		return s->e->code;
	if ((rc = script_node_like(s, n->out[0], x, out)) == 0)
		out->t->image = false;
	return rc;
}

/* --- over dimensions ----------------------------------------------------- */

static int
over(struct script *s, const char *callee, const char *op,
    const struct script_value *v, const int64_t *d, size_t n, bool keep,
    struct script_value *out)
{
	bool sum = strcmp(op, "ReduceSum") == 0, gone[MODEL_MAX_RANK] = {0};
	const char *in[2] = {NULL, NULL};
	struct script_value of = *v;
	const struct script_tensor *x;
	int64_t axes[MODEL_MAX_RANK];
	struct onnx_node *node;
	size_t rank = 0;
	int rc;

	/* truths are counted */
	if (v->t->truth && (rc = script_node_float(s, v, &of)) != 0)
		return rc;
	x = of.t;
	in[0] = script_node_input(s, &of, false);
	for (size_t i = 0; i < n; i++) {
		axes[i] = d[i];
		if (!script_node_axis(&axes[i], x->rank) || gone[axes[i]])
			return script_fail(
			    s, callee, "a dimension that is none");
		gone[axes[i]] = true;
	}
	if (n == 0 || n > x->rank)
		return script_fail(s, callee, "over all dimensions");
	if (sum && (in[1] = script_node_whole(s, axes, n)) == NULL)
		return s->e->code;
	if (in[0] == NULL ||
	    (node = script_node(s, op, 1, in, sum ? 2 : 1)) == NULL ||
	    script_node_int(s, node, "keepdims", keep) != 0 ||
	    (!sum && script_node_ints(s, node, "axes", axes, n) != 0))
		return s->e->code;
	rc = script_node_value(
	    s, node->out[0], keep ? x->rank : x->rank - n, out);
	for (size_t i = 0; rc == 0 && i < x->rank; i++)
		if (keep || !gone[i])
			out->t->dim[rank++] = gone[i] ? 1 : x->dim[i];
	if (rc == 0)
		out->t->whole = x->whole;
	return rc;
}

/* mean(x, dims, keepdim, dtype) */
SCRIPT_OP(do_reduce)
{
	int64_t d[MODEL_MAX_RANK];
	struct script_tensor *x;
	size_t n;
	int rc;

	if ((rc = script_op_tensor(s, a, 0, &x)) != 0 ||
	    (rc = script_op_ints(s, a, 1, "dim", d, MODEL_MAX_RANK, &n)) != 0)
		return rc;
	return over(s, a->callee, op->onnx, &a->v[0], d, n,
	    script_op_int(a, 2, "keepdim", 0) != 0, out);
}

/* Of whole numbers it is no whole one. */
SCRIPT_OP(do_logsumexp)
{
	struct script_tensor *x;
	int rc = script_op_tensor(s, a, 0, &x);

	if (rc != 0)
		return rc;
	return x->whole ? script_fail(s, a->callee, "of whole numbers")
			: do_reduce(s, a, op, out);
}

/* max(x, y); max(x, dim, keepdim), of which the places are not known */
SCRIPT_OP(do_largest)
{
	const struct script_value *y = script_op_arg(a, 1, "dim");
	struct script_value v, places = {.type = SCRIPT_UNKNOWN};
	struct script_tensor *x;
	int rc;

	if ((rc = script_op_tensor(s, a, 0, &x)) != 0)
		return rc;
	if (y->type == SCRIPT_TENSOR) {
		return script_op_call(s,
		    strcmp(op->onnx, "ReduceMax") == 0 ? "torch.maximum"
						       : "torch.minimum",
		    a, out);
	}
	if (y->type != SCRIPT_INT)
		return script_fail(s, a->callee, "over all dimensions");
	if ((rc = over(s, a->callee, op->onnx, &a->v[0], &y->i, 1,
		 script_op_int(a, 2, "keepdim", 0) != 0, &v)) != 0 ||
	    (rc = script_row(s, out)) != 0 ||
	    (rc = script_row_add(s, out->list, &v)) != 0)
		return rc;
	return script_row_add(s, out->list, &places);
}

/* norm(x, p, dims, keepdim) */
SCRIPT_OP(do_norm)
{
	double p = script_op_real(a, 1, "p", 2);
	int64_t d[MODEL_MAX_RANK];
	struct script_tensor *x;
	size_t n;
	int rc;

	(void)op;
	if (p != 1 && p != 2)
		return script_fail(s, a->callee, "of the power %g", p);
	if ((rc = script_op_tensor(s, a, 0, &x)) != 0 ||
	    (rc = script_op_ints(s, a, 2, "dim", d, MODEL_MAX_RANK, &n)) != 0)
		return rc;
	return over(s, a->callee, p == 1 ? "ReduceL1" : "ReduceL2", &a->v[0], d,
	    n, script_op_int(a, 3, "keepdim", 0) != 0, out);
}

/* linalg_norm(x, ord, dim, keepdim), of one dimension */
SCRIPT_OP(do_linalg_norm)
{
	const struct script_value *p = script_op_arg(a, 1, "ord");
	int64_t d[1];
	size_t n;
	int rc;

	if (p->type != SCRIPT_NONE && p->type != SCRIPT_INT &&
	    p->type != SCRIPT_REAL)
		return script_fail(s, a->callee, "of an unknown power");
	rc = script_op_ints(s, a, 2, "dim", d, 1, &n);
	return rc != 0 ? rc : do_norm(s, a, op, out);
}

/* n / (n - less), n being how many numbers these dimensions have. */
static int
unbiased(struct script *s, const struct script_args *a, struct script_tensor *x,
    const int64_t *d, size_t n, double less, struct script_value *out)
{
	struct script_value count = {.type = SCRIPT_INT, .i = 1}, size, rest;
	struct script_value one = {.type = SCRIPT_REAL, .f = less};
	double known = 1;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		known *= (double)x->dim[d[i]];
		if ((rc = script_node_size(s, x, d[i], &size)) != 0)
			return rc;
		if (count.type == SCRIPT_INT && size.type == SCRIPT_INT &&
		    size.i < INT32_MAX && count.i < INT32_MAX)
			count.i *= size.i;
		else
			rc =
			    script_op_math_two(s, "Mul", &size, &count, &count);
	}
	if (count.type == SCRIPT_INT && (known < 0 || known <= less))
		return script_fail(s, a->callee, "of too few numbers");
	if (count.type == SCRIPT_INT) {
		*out = (struct script_value){
		    .type = SCRIPT_REAL, .f = known / (known - less)};
		return rc;
	}
	if (rc != 0 || (rc = script_node_float(s, &count, &size)) != 0 ||
	    (rc = script_op_math_two(s, "Sub", &size, &one, &rest)) != 0)
		return rc;
	return script_op_math_two(s, "Div", &size, &rest, out);
}

/* The mean of the squares around the mean, of all or all but one. */
SCRIPT_OP(do_var)
{
	struct script_value mean, v, by;
	int64_t d[MODEL_MAX_RANK];
	double less = script_op_real(
	    a, 2, "unbiased", script_op_real(a, 99, "correction", 1));
	bool keep = script_op_int(a, 3, "keepdim", 0) != 0;
	struct script_tensor *x;
	size_t n;
	int rc;

	if ((rc = script_op_tensor(s, a, 0, &x)) != 0 ||
	    (rc = script_op_ints(s, a, 1, "dim", d, MODEL_MAX_RANK, &n)) != 0 ||
	    (rc = over(
		 s, a->callee, "ReduceMean", &a->v[0], d, n, true, &mean)) != 0)
		return rc;
	for (size_t i = 0; i < n; i++)
		(void)!script_node_axis(&d[i], x->rank);
	if ((rc = script_op_math_two(s, "Sub", &a->v[0], &mean, &v)) != 0 ||
	    (rc = script_op_math_two(s, "Mul", &v, &v, &v)) != 0 ||
	    (rc = over(s, a->callee, "ReduceMean", &v, d, n, keep, out)) != 0)
		return rc;
	if (less != 0) {
		v = *out;
		if ((rc = unbiased(s, a, x, d, n, less, &by)) != 0 ||
		    (rc = script_op_math_two(s, "Mul", &v, &by, out)) != 0)
			return rc;
	}
	if (*op->onnx == '\0')
		return 0;
	return script_node_like(
	    s, script_node_one(s, op->onnx, out->t->name), out->t, out);
}

/* cosine_similarity(x, y, dim, eps): the product of both over their lengths,
 * which are eps at least */
SCRIPT_OP(do_cosine)
{
	const struct script_value eps = {
	    .type = SCRIPT_REAL, .f = script_op_real(a, 3, "eps", 1e-8)};
	int64_t d = script_op_int(a, 2, "dim", 1);
	struct script_value v, part[2];
	int rc;

	(void)op;
	for (size_t i = 0; i < 2; i++) {
		const struct script_value *p = script_op_arg(a, i, NULL);

		if (p->type != SCRIPT_TENSOR ||
		    p->t->rank != script_op_arg(a, 0, NULL)->t->rank)
			return script_fail(s, a->callee, "of unlike tensors");
		if ((rc = over(s, a->callee, "ReduceL2", p, &d, 1, true, &v)) !=
			0 ||
		    (rc = script_op_math_two(s, "Max", &v, &eps, &v)) != 0 ||
		    (rc = script_op_math_two(s, "Div", p, &v, &part[i])) != 0)
			return rc;
	}
	rc = script_op_math_two(s, "Mul", &part[0], &part[1], &v);
	return rc != 0 ? rc
		       : over(s, a->callee, "ReduceSum", &v, &d, 1, false, out);
}

/* The variance, or its root, and the mean. */
SCRIPT_OP(do_var_mean)
{
	int64_t d[MODEL_MAX_RANK];
	struct script_value v, mean;
	size_t n;
	int rc;

	if ((rc = do_var(s, a, op, &v)) != 0 ||
	    (rc = script_op_ints(s, a, 1, "dim", d, MODEL_MAX_RANK, &n)) != 0 ||
	    (rc = over(s, a->callee, "ReduceMean", &a->v[0], d, n,
		 script_op_int(a, 3, "keepdim", 0) != 0, &mean)) != 0 ||
	    (rc = script_row(s, out)) != 0 ||
	    (rc = script_row_add(s, out->list, &v)) != 0)
		return rc;
	return script_row_add(s, out->list, &mean);
}

/* By PyTorch's names; ONNX's operator, or what tells those of one
 * function apart. */
const struct script_op script_op_norm[] = {
    {"mean", "ReduceMean", do_reduce},
    {"sum", "ReduceSum", do_reduce},
    {"amax", "ReduceMax", do_reduce},
    {"amin", "ReduceMin", do_reduce},
    {"prod", "ReduceProd", do_reduce},
    {"logsumexp", "ReduceLogSumExp", do_logsumexp},
    {"max", "ReduceMax", do_largest},
    {"min", "ReduceMin", do_largest},
    {"norm", "", do_norm},
    {"frobenius_norm", "ReduceL2", do_reduce},
    {"linalg_vector_norm", "", do_norm},
    {"linalg_norm", "", do_linalg_norm},
    {"cosine_similarity", "", do_cosine},
    {"var", "", do_var},
    {"std", "Sqrt", do_var},
    {"var_mean", "", do_var_mean},
    {"std_mean", "Sqrt", do_var_mean},
    {"batch_norm", "", do_batch_norm},
    {"layer_norm", "", do_layer_norm},
    {"group_norm", "", do_group_norm},
    {"instance_norm", "", do_instance_norm},
    {NULL, NULL, NULL},
};
