/* SPDX-License-Identifier: MIT
 * Along one dimension, in its order or in that of the numbers.
 */
#include "formats/script_op.h"

static int
input(struct script *s, const struct script_args *a, int64_t *d,
    struct script_tensor **x, const char **in)
{
	int rc = script_op_math_float(s, a, x, in);

	if (rc == 0 && !script_node_axis(d, (*x)->rank))
		return script_fail(s, a->callee, "a dimension that is none");
	return rc;
}

/* cumsum(x, dim) */
SCRIPT_OP(do_cumsum)
{
	int64_t d = script_op_int(a, 1, "dim", 99);
	struct script_tensor *x;
	const char *in;
	int rc;

	if ((rc = input(s, a, &d, &x, &in)) != 0)
		return rc;
	rc = script_node_like(s,
	    script_node_two(s, op->onnx, in, script_node_integer(s, d)), x,
	    out);
	if (rc == 0)
		out->t->image = false;
	return rc;
}

/* The k largest or smallest in their order; where they are is not known. */
static int
most(struct script *s, const struct script_args *a, int64_t k, int64_t d,
    bool largest, struct script_value *out)
{
	struct script_value v, count, places = {.type = SCRIPT_UNKNOWN};
	struct script_tensor *x;
	const char *in[2];
	struct onnx_node *n;
	int rc;

	if ((rc = input(s, a, &d, &x, &in[0])) != 0)
		return rc;
	if (k == -1) { /* all */
		if ((rc = script_row(s, &v)) != 0 ||
		    (rc = script_node_size(s, x, d, &count)) != 0 ||
		    (rc = script_row_add(s, v.list, &count)) != 0)
			return rc;
		k = x->dim[d];
		in[1] = script_node_sizes(s, v.list);
	} else {
		in[1] = script_node_whole(s, &k, 1);
	}
	if (in[1] == NULL || (n = script_node(s, "TopK", 2, in, 2)) == NULL ||
	    script_node_int(s, n, "axis", d) != 0 ||
	    script_node_int(s, n, "largest", largest) != 0)
		return s->e->code;
	if ((rc = script_node_like(s, n->out[0], x, &v)) != 0 ||
	    (rc = script_row(s, out)) != 0)
		return rc;
	v.t->dim[d] = k;
	v.t->image = false;
	if ((rc = script_row_add(s, out->list, &v)) != 0)
		return rc;
	return script_row_add(s, out->list, &places);
}

/* topk(x, k, dim, largest, sorted) */
SCRIPT_OP(do_topk)
{
	int64_t k = script_op_int(a, 1, "k", 0);

	(void)op;
	if (script_op_int(a, 4, "sorted", 1) == 0)
		return script_fail(s, a->callee, "in any order");
	return k < 1 ? script_fail(s, a->callee, "of no known number")
		     : most(s, a, k, script_op_int(a, 2, "dim", -1),
			   script_op_int(a, 3, "largest", 1) != 0, out);
}

/* sort(x, dim, descending); with `stable`, all are keywords */
SCRIPT_OP(do_sort)
{
	const struct script_value *d = script_op_arg(a, 1, "dim");

	(void)op;
	(void)script_op_arg(a, 99, "stable");
	if (d->type != SCRIPT_INT && d->type != SCRIPT_NONE)
		return script_fail(s, a->callee, "along no known dimension");
	return most(s, a, -1, d->type == SCRIPT_INT ? d->i : -1,
	    script_op_int(a, 2, "descending", 0) != 0, out);
}

const struct script_op script_op_scan[] = {
    {"cumsum", "CumSum", do_cumsum},
    {"topk", "", do_topk},
    {"sort", "", do_sort},
    {NULL, NULL, NULL},
};
