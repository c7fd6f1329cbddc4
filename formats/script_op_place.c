/* SPDX-License-Identifier: MIT
 * Images at places that are computed: grid_sampler, and the grid of an affine
 * map (aten/src/ATen/native/AffineGridGenerator.cpp).
 */
#include "formats/script_op.h"

/* grid_sampler(x, grid, mode, padding, align_corners) */
SCRIPT_OP(do_sample)
{
	static const char *const modes[] = {"bilinear", "nearest"};
	static const char *const edges[] = {"zeros", "border", "reflection"};
	int64_t mode = script_op_int(a, 2, "interpolation_mode", -1);
	int64_t edge = script_op_int(a, 3, "padding_mode", -1);
	struct script_tensor *x, *g;
	const char *in[2];
	struct onnx_node *n;
	int rc;

	if ((rc = script_op_input(s, a, &x, &in[0])) != 0 ||
	    (rc = script_op_tensor(s, a, 1, &g)) != 0)
		return rc;
	if (x->rank != 4 || g->rank != 4 || mode < 0 || mode > 1 || edge < 0 ||
	    edge > 2)
		return script_fail(s, a->callee, "an unknown form");
	if ((in[1] = script_node_input(s, &a->v[1], false)) == NULL ||
	    (n = script_node(s, op->onnx, 1, in, 2)) == NULL ||
	    script_node_text(s, n, "mode", modes[mode]) != 0 ||
	    script_node_text(s, n, "padding_mode", edges[edge]) != 0 ||
	    script_node_int(s, n, "align_corners",
		script_op_int(a, 4, "align_corners", 0) != 0) != 0)
		return s->e->code;
	if ((rc = script_node_like(s, n->out[0], x, out)) != 0)
		return rc;
	out->t->dim[2] = g->dim[1];
	out->t->dim[3] = g->dim[2];
	return 0;
}

/* --- the grid of an affine map ------------------------------------------- */

static int
call(struct script *s, const char *name, const struct script_value *x,
    const struct script_value *y, const struct script_value *z,
    struct script_value *out)
{
	static const char *const none[3] = {NULL};
	const struct script_value v[3] = {*x,
	    y != NULL ? *y : (struct script_value){.type = SCRIPT_NONE},
	    z != NULL ? *z : (struct script_value){.type = SCRIPT_NONE}};
	const struct script_args a = {
	    v, none, z != NULL ? 3 : (y != NULL ? 2 : 1), name, NULL};

	return script_op_call(s, name, &a, out);
}

static int
unsqueezed(struct script *s, struct script_value *v, int64_t d, size_t times)
{
	const struct script_value at = {.type = SCRIPT_INT, .i = d};
	int rc = 0;

	while (rc == 0 && times-- > 0)
		rc = call(s, "torch.unsqueeze", v, &at, NULL, v);
	return rc;
}

/* Of n pixels: from -1 to 1, their middles there (corners), or their edges. */
static int
line(struct script *s, const struct script_value *n, bool corners,
    struct script_value *out)
{
	const struct script_value one = {.type = SCRIPT_REAL, .f = 1};
	const struct script_value two = {.type = SCRIPT_REAL, .f = 2};
	struct script_value v, by = *n;
	int rc;

	if (n->type == SCRIPT_INT && n->i == 1 && corners)
		return script_fail(s, "affine_grid", "of one pixel");
	if ((rc = call(s, "torch.arange", n, NULL, NULL, &v)) != 0 ||
	    (rc = script_op_math_two(s, "Mul", &v, &two, &v)) != 0)
		return rc;
	if (n->type == SCRIPT_INT)
		by = (struct script_value){
		    .type = SCRIPT_REAL, .f = (double)(n->i - corners)};
	else if ((rc = script_node_float(s, n, &by)) != 0 ||
		 (corners &&
		     (rc = script_op_math_two(s, "Sub", &by, &one, &by)) != 0))
		return rc;
	if (!corners && (rc = script_op_math_two(s, "Add", &v, &one, &v)) != 0)
		return rc;
	if ((rc = script_op_math_two(s, "Div", &v, &by, &v)) != 0)
		return rc;
	return script_op_math_two(s, "Sub", &v, &one, out);
}

/* The column i of theta (N, 2, 3) as (N, 1, 1, 2), times v. */
static int
column(struct script *s, struct script_tensor *theta, int64_t i,
    const struct script_value *v, struct script_value *out)
{
	int rc = script_node_select(s, theta, 2, i, out);

	if (rc == 0)
		rc = unsqueezed(s, out, 1, 2);
	return rc == 0 && v != NULL ? script_op_math_two(s, "Mul", out, v, out)
				    : rc;
}

/* affine_grid_generator(theta, size, align_corners) */
SCRIPT_OP(do_affine)
{
	const struct script_value *size = script_op_arg(a, 1, "size");
	bool corners = script_op_int(a, 2, "align_corners", 0) != 0;
	struct script_value row, col, part[3];
	struct script_tensor *theta;
	int rc;

	(void)op;
	if ((rc = script_op_tensor(s, a, 0, &theta)) != 0)
		return rc;
	if (theta->rank != 3 || size->type != SCRIPT_ROW || size->list->n != 4)
		return script_fail(s, a->callee, "an unknown form");
	if ((rc = line(s, &size->list->v[2], corners, &row)) != 0 ||
	    (rc = unsqueezed(s, &row, -1, 2)) != 0 ||
	    (rc = line(s, &size->list->v[3], corners, &col)) != 0 ||
	    (rc = unsqueezed(s, &col, -1, 1)) != 0 ||
	    (rc = column(s, theta, 0, &col, &part[0])) != 0 ||
	    (rc = column(s, theta, 1, &row, &part[1])) != 0 ||
	    (rc = column(s, theta, 2, NULL, &part[2])) != 0 ||
	    (rc = script_op_math_two(s, "Add", &part[0], &part[1], &part[0])) !=
		0)
		return rc;
	return script_op_math_two(s, "Add", &part[0], &part[2], out);
}

const struct script_op script_op_place[] = {
    {"grid_sampler", "GridSample", do_sample},
    {"grid_sampler_2d", "GridSample", do_sample},
    {"affine_grid_generator", "", do_affine},
    {NULL, NULL, NULL},
};
