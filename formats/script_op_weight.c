/* SPDX-License-Identifier: MIT
 * What torch.nn.utils makes the weights of a layer of, each time anew, and
 * numbers at equal distances.
 */
#include "formats/script_op.h"

#include <math.h>

static int
call(struct script *s, const char *name, const struct script_value *v, size_t n,
    struct script_value *out)
{
	static const char *const none[4] = {NULL};
	const struct script_args a = {v, none, n, name, NULL};

	return script_op_call(s, name, &a, out);
}

/* weight_norm: _weight_norm(v, g, dim) = g v / |v|, the norm over all
 * dimensions but that one */
SCRIPT_OP(do_weight_norm)
{
	int64_t d = script_op_int(a, 2, "dim", 0);
	struct script_value v[4], by, size = {.type = SCRIPT_INT};
	struct script_tensor *x;
	int rc;

	(void)op;
	if ((rc = script_op_tensor(s, a, 0, &x)) != 0)
		return rc;
	if (!script_node_axis(&d, x->rank))
		return script_fail(s, a->callee, "an odd dimension");
	v[0] = a->v[0];
	v[1] = (struct script_value){.type = SCRIPT_INT, .i = 2};
	v[3] = (struct script_value){.type = SCRIPT_BOOL, .i = 1};
	if ((rc = script_row(s, &v[2])) != 0)
		return rc;
	for (size.i = 0; rc == 0 && size.i < (int64_t)x->rank; size.i++)
		if (size.i != d)
			rc = script_row_add(s, v[2].list, &size);
	if (rc != 0 || (rc = call(s, "torch.norm", v, 4, &by)) != 0 ||
	    (rc = script_op_math_two(
		 s, "Div", script_op_arg(a, 1, "g"), &by, &by)) != 0)
		return rc;
	return script_op_math_two(s, "Mul", &a->v[0], &by, out);
}

/* dot(x, y), of vectors: spectral_norm */
SCRIPT_OP(do_dot)
{
	struct script_value v[2];
	struct script_tensor *x, *y;
	int rc;

	(void)op;
	if ((rc = script_op_tensor(s, a, 0, &x)) != 0 ||
	    (rc = script_op_tensor(s, a, 1, &y)) != 0)
		return rc;
	if (x->rank != 1 || y->rank != 1)
		return script_fail(s, a->callee, "of what are no vectors");
	if ((rc = script_op_math_two(s, "Mul", &a->v[0], &a->v[1], &v[0])) != 0)
		return rc;
	v[1] = (struct script_value){.type = SCRIPT_INT, .i = 0};
	return call(s, "torch.sum", v, 2, out);
}

/* linspace(start, end, steps) */
SCRIPT_OP(do_linspace)
{
	const struct script_value *n = script_op_arg(a, 2, "steps");
	const struct script_value one = {.type = SCRIPT_REAL, .f = 1};
	double from = script_op_real(a, 0, "start", NAN);
	struct script_value v, gaps = *n, p = {.type = SCRIPT_REAL};
	int rc;

	(void)op;
	p.f = script_op_real(a, 1, "end", NAN) - from;
	if (!isfinite(p.f) || (n->type == SCRIPT_INT && n->i == 1))
		return script_fail(s, a->callee, "of one number, or none");
	if ((rc = call(s, "torch.arange", n, 1, &v)) != 0)
		return rc;
	if (n->type == SCRIPT_INT)
		gaps = (struct script_value){
		    .type = SCRIPT_REAL, .f = (double)n->i - 1};
	else if ((rc = script_node_float(s, n, &gaps)) != 0 ||
		 (rc = script_op_math_two(s, "Sub", &gaps, &one, &gaps)) != 0)
		return rc;
	if ((rc = script_op_math_two(s, "Mul", &v, &p, &v)) != 0 ||
	    (rc = script_op_math_two(s, "Div", &v, &gaps, &v)) != 0)
		return rc;
	p.f = from;
	return script_op_math_two(s, "Add", &v, &p, out);
}

const struct script_op script_op_weight[] = {
    {"_weight_norm", "", do_weight_norm},
    {"dot", "", do_dot},
    {"vdot", "", do_dot},
    {"linspace", "", do_linspace},
    {NULL, NULL, NULL},
};
