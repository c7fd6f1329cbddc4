/* SPDX-License-Identifier: MIT
 * Expand, Tile, DepthToSpace, SpaceToDepth: numbers repeated, or moved
 * between channels and space.
 */
#include "engine/move.h"
#include "engine/walk.h"

/* dx += the sum of what was made of each element */
static void
give_back(const struct op_call *c, const struct box *b)
{
	struct box t = box_turned(b);

	box_move(&t, c->dout, c->din[0], 1.0f, true);
}

static void
clear_unless_added(const struct op_call *c)
{
	if (!c->add[0])
		memset(c->din[0], 0,
		    shape_elements(c->shape_in[0]) * sizeof(*c->din[0]));
}

/* --- Expand: broadcast against a shape ----------------------------------- */

static int
expand_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	int64_t dim[MODEL_MAX_RANK];
	struct shape want = {0};
	int rc;

	(void)need;
	rc = op_ints(s, in, "shape", 1, MODEL_MAX_RANK, dim, &want.rank, e);
	if (rc != 0)
		return rc;
	if (want.rank == SIZE_MAX)
		return op_bad(s, e, "no shape");
	for (size_t i = 0; i < want.rank; i++) {
		if (dim[i] < 0)
			return op_bad(s, e, "size %" PRId64, dim[i]);
		want.dim[i] = (size_t)dim[i];
	}
	return walk_infer(s, in[0], &want, out, e);
}

static struct box
expand_box(const struct shape *x, const struct shape *y, bool rows)
{
	struct box b = {.rank = y->rank};
	size_t pad = y->rank - x->rank;
	struct box_side from;

	box_strides(&from, x, rows);
	box_strides(&b.to, y, rows);
	for (size_t i = 0; i < b.rank; i++) {
		b.dim[i] = y->dim[i];
		if (i >= pad && x->dim[i - pad] != 1)
			b.from.stride[i] = from.stride[i - pad];
	}
	return b;
}

static int
expand_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	struct box b = expand_box(in[0], out, true);

	(void)s;
	(void)e;
	box_numbers(&b, in[0]->known, v);
	return 0;
}

static void
expand_forward(const struct op_call *c)
{
	struct box b = expand_box(c->shape_in[0], c->shape_out, false);

	box_move(&b, c->in[0], c->out, 1.0f, false);
}

static void
expand_backward(const struct op_call *c)
{
	struct box b = expand_box(c->shape_in[0], c->shape_out, false);

	clear_unless_added(c);
	give_back(c, &b);
}

const struct op op_expand = {
    .name = "Expand",
    .min_in = 1,
    .max_in = 2,
    .layout = OP_ANY,
    .ints = 1 << 1,
    .flags = OP_MOVES,
    .infer = expand_infer,
    .eval = expand_eval,
    .forward = expand_forward,
    .backward = expand_backward,
};

/* --- Tile: a box for each copy ------------------------------------------- */

static int
tile_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	int64_t times[MODEL_MAX_RANK];
	size_t n;
	int rc;

	(void)need;
	rc = op_ints(s, in, "repeats", 1, MODEL_MAX_RANK, times, &n, e);
	if (rc != 0)
		return rc;
	*out = *in[0];
	out->known = NULL;
	if (n != out->rank)
		return op_bad(s, e, "%zu repeats of rank %zu", n, out->rank);
	for (size_t i = 0; i < n; i++)
		if (times[i] < 0 ||
		    ckd_mul(&out->dim[i], out->dim[i], (size_t)times[i]))
			return op_bad(s, e, "%" PRId64 " repeats", times[i]);
	return 0;
}

/* Whether an axis is repeated as a whole: single elements are broadcast. */
static bool
tile_many(const struct shape *x, const struct shape *y, size_t i)
{
	return x->dim[i] > 1 && y->dim[i] > x->dim[i];
}

static size_t
tile_count(const struct shape *x, const struct shape *y)
{
	size_t n = 1;

	for (size_t i = 0; i < y->rank; i++) {
		if (y->dim[i] == 0)
			return 0;
		n *= tile_many(x, y, i) ? y->dim[i] / x->dim[i] : 1;
	}
	return n;
}

static struct box
tile_box(const struct shape *x, const struct shape *y, size_t copy, bool rows)
{
	struct box b = {.rank = y->rank};

	box_strides(&b.from, x, rows);
	box_strides(&b.to, y, rows);
	for (size_t i = 0; i < b.rank; i++) {
		size_t times = y->dim[i] / x->dim[i];

		b.dim[i] = x->dim[i] == 1 ? y->dim[i] : x->dim[i];
		if (x->dim[i] == 1)
			b.from.stride[i] = 0;
		if (!tile_many(x, y, i))
			continue;
		b.to.base += copy % times * x->dim[i] * (size_t)b.to.stride[i];
		copy /= times;
	}
	return b;
}

static int
tile_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	(void)s;
	(void)e;
	for (size_t i = 0; i < tile_count(in[0], out); i++) {
		struct box b = tile_box(in[0], out, i, true);

		box_numbers(&b, in[0]->known, v);
	}
	return 0;
}

static void
tile_forward(const struct op_call *c)
{
	const struct shape *x = c->shape_in[0];

	for (size_t i = 0; i < tile_count(x, c->shape_out); i++) {
		struct box b = tile_box(x, c->shape_out, i, false);

		box_move(&b, c->in[0], c->out, 1.0f, false);
	}
}

static void
tile_backward(const struct op_call *c)
{
	const struct shape *x = c->shape_in[0];

	clear_unless_added(c);
	for (size_t i = 0; i < tile_count(x, c->shape_out); i++) {
		struct box b = tile_box(x, c->shape_out, i, false);

		give_back(c, &b);
	}
}

const struct op op_tile = {
    .name = "Tile",
    .min_in = 1,
    .max_in = 2,
    .layout = OP_ANY,
    .ints = 1 << 1,
    .flags = OP_MOVES,
    .infer = tile_infer,
    .eval = tile_eval,
    .forward = tile_forward,
    .backward = tile_backward,
};

/* --- DepthToSpace, SpaceToDepth ------------------------------------------ */

/* The block and, for a depth that is (c, row, column), true in *crd. */
static int
depth_block(const struct step *s, const struct shape *x, size_t *b, bool *crd,
    struct err *e)
{
	int64_t n = node_int(s->node, "blocksize", 0);
	const struct attr *mode = node_attr(s->node, "mode");

	*crd = mode != NULL && mode->kind == ATTR_TEXT &&
	       strcmp(mode->s, "CRD") == 0;
	if (x->rank != 4)
		return op_bad(s, e, "rank %zu", x->rank);
	if (n < 1 || n > 4096)
		return op_bad(s, e, "blocks of %" PRId64, n);
	if (mode != NULL && !*crd &&
	    (mode->kind != ATTR_TEXT || strcmp(mode->s, "DCR") != 0))
		return op_bad(s, e, "unknown mode");
	*b = (size_t)n;
	return 0;
}

/* Between `deep` (N, C b^2, H, W) and `wide` (N, C, H b, W b). */
static struct box
deep_box(const struct step *s, const struct shape *deep,
    const struct shape *wide, bool rows)
{
	struct box_side d, w;
	size_t n = 0, c = wide->dim[1];
	ptrdiff_t b, row, column, each;
	struct err e;
	bool crd = false;

	if (depth_block(s, deep, &n, &crd, &e) != 0)
		BUG(e.msg);
	box_strides(&d, deep, rows);
	box_strides(&w, wide, rows);
	b = (ptrdiff_t)n;
	each = crd ? b * b : 1;
	row = crd ? b : b * (ptrdiff_t)c;
	column = crd ? 1 : (ptrdiff_t)c;
	return (struct box){
	    .rank = 6,
	    .dim = {deep->dim[0], c, n, n, deep->dim[2], deep->dim[3]},
	    .from = {0, {d.stride[0], each * d.stride[1], row * d.stride[1],
			    column * d.stride[1], d.stride[2], d.stride[3]}},
	    .to = {0, {w.stride[0], w.stride[1], w.stride[2], w.stride[3],
			  b * w.stride[2], b * w.stride[3]}},
	};
}

static struct box
depth_box(const struct step *s, const struct shape *const *in,
    const struct shape *out, bool rows)
{
	return deep_box(s, in[0], out, rows);
}

static int
depth_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	size_t b = 1;
	bool crd = false;
	int rc = depth_block(s, in[0], &b, &crd, e);

	(void)need;
	if (rc != 0)
		return rc;
	*out = *in[0];
	out->known = NULL;
	out->dim[1] /= b * b;
	if (in[0]->dim[1] % (b * b) != 0 ||
	    ckd_mul(&out->dim[2], out->dim[2], b) ||
	    ckd_mul(&out->dim[3], out->dim[3], b))
		return op_bad(s, e, "%zu channels", in[0]->dim[1]);
	return 0;
}

const struct op op_depth_to_space = {
    .name = "DepthToSpace",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_ANY,
    .flags = OP_MOVES,
    .infer = depth_infer,
    .eval = move_eval,
    .move = depth_box,
    .forward = move_forward,
    .backward = move_backward,
};

static int
space_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	size_t b = 1;
	bool crd = false;
	int rc = depth_block(s, in[0], &b, &crd, e);

	(void)need;
	if (rc != 0)
		return rc;
	*out = *in[0];
	out->known = NULL;
	out->dim[2] /= b;
	out->dim[3] /= b;
	if (in[0]->dim[2] % b != 0 || in[0]->dim[3] % b != 0 ||
	    ckd_mul(&out->dim[1], out->dim[1], b * b))
		return op_bad(s, e, "%zu x %zu in blocks of %zu", in[0]->dim[2],
		    in[0]->dim[3], b);
	return 0;
}

static struct box
space_box(const struct step *s, const struct shape *const *in,
    const struct shape *out, bool rows)
{
	struct box b = deep_box(s, out, in[0], rows);

	return box_turned(&b);
}

const struct op op_space_to_depth = {
    .name = "SpaceToDepth",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_ANY,
    .flags = OP_MOVES,
    .infer = space_infer,
    .eval = move_eval,
    .move = space_box,
    .forward = move_forward,
    .backward = move_backward,
};
