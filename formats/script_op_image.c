/* SPDX-License-Identifier: MIT
 * Edges, sizes and channels of images.
 */
#include "formats/script_op.h"

#include <math.h>

/* --- edges --------------------------------------------------------------- */

static const char *
edges(const struct script_args *a, const struct script_op *op)
{
	static const char *const names[][2] = {{"constant", "constant"},
	    {"reflect", "reflect"}, {"replicate", "edge"},
	    {"circular", "wrap"}};
	const struct script_value *mode = script_op_arg(a, 2, "mode");

	if (strcmp(op->onnx, "Pad") != 0)
		return op->onnx;
	if (mode->type == SCRIPT_NONE)
		return names[0][1];
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (mode->type == SCRIPT_TEXT &&
		    strcmp(mode->s, names[i][0]) == 0)
			return names[i][1];
	return NULL;
}

/* The edges in ONNX's order: of PyTorch's the last dimension comes first. */
static const char *
ordered(struct script *s, const struct script_args *a, size_t rank,
    struct script_row *to)
{
	const struct script_value *p = script_op_arg(a, 1, "pad");
	struct script_value none = {.type = SCRIPT_INT};

	for (size_t i = 0; i < 2 * rank; i++)
		if (script_row_add(s, to, &none) != 0)
			return NULL;
	if (p->type != SCRIPT_ROW || p->list->n % 2 != 0 ||
	    p->list->n / 2 > rank) {
		(void)!script_fail(s, a->callee, "odd edges");
		return NULL;
	}
	for (size_t i = 0; i < p->list->n; i++)
		to->v[rank - 1 - i / 2 + (i % 2) * rank] = p->list->v[i];
	return script_node_sizes(s, to);
}

/* pad(x, pads, mode, value); constant_pad_nd(x, pads, value) */
SCRIPT_OP(do_pad)
{
	size_t place = strcmp(op->onnx, "Pad") == 0 ? 3 : 2;
	const char *mode = edges(a, op), *in[3] = {NULL, NULL, NULL};
	struct script_value row;
	struct script_tensor *x;
	struct onnx_node *node;
	int rc;

	if ((rc = script_op_input(s, a, &x, &in[0])) != 0 ||
	    (rc = script_row(s, &row)) != 0)
		return rc;
	if (mode == NULL)
		return script_fail(s, a->callee, "unknown edges");
	if ((in[1] = ordered(s, a, x->rank, row.list)) == NULL)
		return s->e->code;
	if (strcmp(mode, "constant") == 0)
		in[2] =
		    script_node_scalar(s, script_op_real(a, place, "value", 0));
	node = script_node(s, "Pad", 1, in, in[2] != NULL ? 3 : 2);
	if (node == NULL || script_node_text(s, node, "mode", mode) != 0)
		return s->e->code;
	node->opset = 19;
	if ((rc = script_node_like(s, node->out[0], x, out)) != 0)
		return rc;
	for (size_t i = 0; i < x->rank; i++) {
		const struct script_value *p = &row.list->v[i];
		const struct script_value *q = p + x->rank;
		bool known = p->type == SCRIPT_INT && q->type == SCRIPT_INT &&
			     p->i >= INT32_MIN && p->i <= INT32_MAX &&
			     q->i >= INT32_MIN && q->i <= INT32_MAX;

		out->t->image = out->t->image &&
				(i > 1 || (known && p->i == 0 && q->i == 0));
		out->t->dim[i] =
		    known && x->dim[i] >= 0 ? x->dim[i] + p->i + q->i : -1;
	}
	return 0;
}

/* --- sizes --------------------------------------------------------------- */

static int
resized(struct script *s, const struct script_args *a, const char *mode,
    const char *const in[4], const char *where, struct script_value *out)
{
	static const int64_t axes[] = {2, 3};
	struct onnx_node *n =
	    script_node(s, "Resize", 1, in, in[3] != NULL ? 4 : 3);
	int rc;

	if (n == NULL || script_node_text(s, n, "mode", mode) != 0 ||
	    script_node_ints(s, n, "axes", axes, 2) != 0 ||
	    script_node_text(s, n, "coordinate_transformation_mode", where) !=
		0 ||
	    script_node_text(s, n, "nearest_mode", "floor") != 0 ||
	    script_node_real(s, n, "cubic_coeff_a", -0.75) != 0)
		return s->e->code;
	n->opset = 18;
	rc = script_node_like(s, n->out[0], a->v[0].t, out);
	if (rc == 0)
		out->t->dim[2] = out->t->dim[3] = -1;
	return rc;
}

/* An image that is made a thousand times as wide is no classifier's. */
#define MOST_SCALE 1000

static const char *
scales(struct script *s, const struct script_value *v)
{
	float *f = arena_alloc(s->arena, 2, sizeof(*f));
	struct tensor *t = arena_alloc(s->arena, 1, sizeof(*t));

	if (f == NULL || t == NULL || v->type != SCRIPT_ROW || v->list->n != 2)
		return NULL;
	for (size_t i = 0; i < 2; i++) {
		const struct script_value *x = &v->list->v[i];

		f[i] = x->type == SCRIPT_REAL  ? (float)x->f
		       : x->type == SCRIPT_INT ? (float)x->i
					       : 0;
		if (!(f[i] > 0 && f[i] <= MOST_SCALE))
			return NULL;
	}
	*t = (struct tensor){
	    .name = arena_printf(s->arena, "assay.scales:%zu", s->fresh++),
	    .dtype = DTYPE_F32,
	    .rank = 1,
	    .dim = {2},
	    .data = (const uint8_t *)f,
	    .size = 2 * sizeof(*f)};
	return script_node_list(s, t) == 0 ? t->name : NULL;
}

/* upsample_nearest2d(x, size, scales); bilinear and bicubic have
 * align_corners between the two.  Scales by one number each are those that
 * the size came from. */
SCRIPT_OP(do_resize)
{
	bool nearest = strcmp(op->onnx, "nearest") == 0;
	bool corners = !nearest && script_op_int(a, 2, "align_corners", 0) != 0;
	const struct script_value *size = script_op_arg(a, 1, NULL);
	const struct script_value *by =
	    script_op_arg(a, nearest ? 2 : 3, "scale_factors");
	const char *in[4] = {NULL, NULL, NULL, NULL};
	struct script_tensor *x;
	int rc;

	if ((rc = script_op_input(s, a, &x, &in[0])) != 0)
		return rc;
	if (x->rank != 4)
		return script_fail(s, a->callee, "of rank %zu", x->rank);
	if (by->type == SCRIPT_ROW)
		in[2] = scales(s, by);
	else if (by->type == SCRIPT_NONE && size->type == SCRIPT_ROW &&
		 size->list->n == 2)
		in[3] = script_node_sizes(s, size->list);
	if (in[2] == NULL && in[3] == NULL)
		return s->e->code != 0
			   ? s->e->code
			   : script_fail(s, a->callee, "to no known size");
	rc = resized(s, a, op->onnx, in,
	    nearest   ? "asymmetric"
	    : corners ? "align_corners"
		      : "pytorch_half_pixel",
	    out);
	for (size_t i = 0; rc == 0 && in[3] != NULL && i < 2; i++)
		if (size->list->v[i].type == SCRIPT_INT)
			out->t->dim[i + 2] = size->list->v[i].i;
	for (size_t i = 0; rc == 0 && in[2] != NULL && i < 2; i++)
		if (x->dim[i + 2] > 0)
			out->t->dim[i + 2] =
			    (int64_t)floor((double)x->dim[i + 2] *
					   (by->list->v[i].type == SCRIPT_REAL
						   ? by->list->v[i].f
						   : (double)by->list->v[i].i));
	return rc;
}

/* --- channels ------------------------------------------------------------ */

/* Channels of x in another order: the i-th is the from[i]-th. */
static int
sorted(struct script *s, const struct script_args *a, const char *x,
    const int64_t *from, size_t n, struct script_value *out)
{
	const char *in[2] = {x, script_node_whole(s, from, n)};
	struct onnx_node *node;

	if (in[0] == NULL || in[1] == NULL ||
	    (node = script_node(s, "Gather", 1, in, 2)) == NULL ||
	    script_node_int(s, node, "axis", 1) != 0)
		return s->e->code;
	return script_node_like(s, node->out[0], a->v[0].t, out);
}

SCRIPT_OP(do_pixel_shuffle)
{
	int64_t r = script_op_int(a, 1, "upscale_factor", 0);
	struct script_tensor *x;
	struct onnx_node *n;
	const char *in;
	int rc;

	if ((rc = script_op_input(s, a, &x, &in)) != 0)
		return rc;
	if (x->rank != 4 || r < 1 || r > 64)
		return script_fail(s, a->callee, "of rank %zu", x->rank);
	if ((n = script_node(s, op->onnx, 1, &in, 1)) == NULL ||
	    script_node_int(s, n, "blocksize", r) != 0 ||
	    script_node_text(s, n, "mode", "CRD") != 0)
		return s->e->code;
	if ((rc = script_node_like(s, n->out[0], x, out)) != 0)
		return rc;
	out->t->image = false;
	out->t->dim[1] = x->dim[1] > 0 ? x->dim[1] / (r * r) : -1;
	for (size_t i = 2; i < 4; i++)
		out->t->dim[i] = x->dim[i] > 0 ? x->dim[i] * r : -1;
	return 0;
}

/* ONNX has the places of a block in front of the channels, PyTorch behind. */
SCRIPT_OP(do_pixel_unshuffle)
{
	int64_t r = script_op_int(a, 1, "downscale_factor", 0), *from, c;
	struct script_tensor *x;
	struct onnx_node *n;
	const char *in;
	int rc;

	if ((rc = script_op_input(s, a, &x, &in)) != 0)
		return rc;
	c = x->image && x->dim[1] < 0 ? 3 : x->dim[1];
	if (x->rank != 4 || r < 1 || r > 64 || c < 1 || c > 65536 / (r * r))
		return script_fail(
		    s, a->callee, "of channels of which no number is known");
	if (x->image)
		s->input.dim[1] = c;
	if ((from = arena_alloc(
		 s->arena, (size_t)(c * r * r), sizeof(*from))) == NULL)
		return script_full(s);
	for (int64_t i = 0; i < c * r * r; i++)
		from[i] = i % (r * r) * c + i / (r * r);
	if ((n = script_node(s, op->onnx, 1, &in, 1)) == NULL ||
	    script_node_int(s, n, "blocksize", r) != 0)
		return s->e->code;
	rc = sorted(s, a, n->out[0], from, (size_t)(c * r * r), out);
	if (rc != 0)
		return rc;
	out->t->image = false;
	out->t->dim[1] = c * r * r;
	for (size_t i = 2; i < 4; i++)
		out->t->dim[i] = x->dim[i] > 0 ? x->dim[i] / r : -1;
	return 0;
}

SCRIPT_OP(do_channel_shuffle)
{
	int64_t g = script_op_int(a, 1, "groups", 0), *from;
	struct script_tensor *x;
	const char *in;
	int rc;

	(void)op;
	if ((rc = script_op_input(s, a, &x, &in)) != 0)
		return rc;
	if (x->rank < 3 || g < 1 || x->dim[1] < 1 || x->dim[1] > 65536 ||
	    x->dim[1] % g != 0)
		return script_fail(
		    s, a->callee, "of channels of which no number is known");
	if ((from = arena_alloc(s->arena, (size_t)x->dim[1], sizeof(*from))) ==
	    NULL)
		return script_full(s);
	for (int64_t i = 0; i < x->dim[1]; i++)
		from[i] = i % g * (x->dim[1] / g) + i / g;
	rc = sorted(s, a, in, from, (size_t)x->dim[1], out);
	if (rc == 0)
		out->t->image = false;
	return rc;
}

/* By PyTorch's names; ONNX's operator, or what tells those of one
 * function apart. */
const struct script_op script_op_image[] = {
    {"pad", "Pad", do_pad},
    {"constant_pad_nd", "constant", do_pad},
    {"reflection_pad2d", "reflect", do_pad},
    {"replication_pad2d", "edge", do_pad},
    {"pixel_shuffle", "DepthToSpace", do_pixel_shuffle},
    {"pixel_unshuffle", "SpaceToDepth", do_pixel_unshuffle},
    {"channel_shuffle", "Gather", do_channel_shuffle},
    {"native_channel_shuffle", "Gather", do_channel_shuffle},
    {"upsample_nearest2d", "nearest", do_resize},
    {"upsample_bilinear2d", "linear", do_resize},
    {"upsample_bicubic2d", "cubic", do_resize},
    {NULL, NULL, NULL},
};
