/* SPDX-License-Identifier: MIT
 * Numbers of another type.
 */
#include "formats/script_op.h"

/* To another type: to floats, of truths to whole numbers, or to what it is. */
static int
to_type(struct script *s, const struct script_args *a,
    const struct script_value *v, int64_t type, struct script_value *out)
{
	const char *name;
	struct onnx_node *n;
	int rc;

	if (type >= 5 && type <= 7) /* half, float, double */
		return script_node_float(s, v, out);
	*out = *v;
	if (type == 11 && v->t->truth) /* bool */
		return 0;
	if (type != 4 || !v->t->whole) /* long */
		return script_fail(s, a->callee, "to no floats");
	if (!v->t->truth)
		return 0;
	name = script_node_input(s, v, true);
	if (name == NULL || (n = script_node(s, "Cast", 1, &name, 1)) == NULL ||
	    script_node_int(s, n, "to", 7) != 0)
		return s->e->code;
	rc = script_node_like(s, n->out[0], v->t, out);
	if (rc == 0)
		out->t->truth = false;
	return rc;
}

static int
to_number(struct script *s, const struct script_args *a,
    const struct script_value *v, int64_t type, struct script_value *out)
{
	*out = *v;
	if (type >= 5 && type <= 7) {
		*out = (struct script_value){.type = SCRIPT_REAL,
		    .f = v->type == SCRIPT_REAL ? v->f : (double)v->i};
		return 0;
	}
	return type == 4 && v->type == SCRIPT_INT
		   ? 0
		   : script_fail(s, a->callee, "to no floats");
}

/* As a tensor of the type of y. */
static int
as_type_of(struct script *s, const struct script_args *a,
    const struct script_value *v, const struct script_tensor *y,
    struct script_value *out)
{
	return to_type(s, a, v, y->truth ? 11 : y->whole ? 4 : 6, out);
}

/* to(x, type), to(x, device, type), to(x, y): the type may be by its name */
SCRIPT_OP(do_to)
{
	const struct script_value *x = script_op_arg(a, 0, NULL);
	const struct script_value *y = script_op_arg(a, 1, "other");
	const struct script_value *type =
	    y->type == SCRIPT_INT ? y : script_op_arg(a, 2, "dtype");

	(void)op;
	if (x->type == SCRIPT_INT || x->type == SCRIPT_REAL)
		return type->type == SCRIPT_INT
			   ? to_number(s, a, x, type->i, out)
			   : script_fail(s, a->callee, "to no known type");
	if (x->type != SCRIPT_TENSOR)
		return script_fail(s, a->callee, "of what is no tensor");
	if (y->type == SCRIPT_TENSOR)
		return as_type_of(s, a, x, y->t, out);
	if (type->type == SCRIPT_INT)
		return to_type(s, a, x, type->i, out);
	*out = *x;
	return 0;
}

SCRIPT_OP(do_type_as)
{
	struct script_tensor *x, *y;
	int rc;

	(void)op;
	if ((rc = script_op_tensor(s, a, 0, &x)) != 0 ||
	    (rc = script_op_tensor(s, a, 1, &y)) != 0)
		return rc;
	return as_type_of(s, a, &a->v[0], y, out);
}

const struct script_op script_op_type[] = {
    {"to", "", do_to},
    {"type_as", "", do_type_as},
    {NULL, NULL, NULL},
};
