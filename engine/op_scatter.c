/* SPDX-License-Identifier: MIT
 * ScatterND, ScatterElements, GatherElements with indices known when the plan
 * is made.  All are row-major: update i is `run` numbers, from number
 * slot(i) of the data on.
 */
#include "base/limits.h"
#include "engine/op.h"

enum how {
	HOW_SET,
	HOW_ADD,
	HOW_MUL,
	HOW_MIN,
	HOW_MAX
};

static int
reduction(const struct step *s, enum how *how, struct err *e)
{
	static const char *const name[] = {"none", "add", "mul", "min", "max"};
	const struct attr *a = node_attr(s->node, "reduction");

	for (size_t i = 0; i < ARRAY_LEN(name); i++)
		if (a == NULL ||
		    (a->kind == ATTR_TEXT && strcmp(a->s, name[i]) == 0)) {
			*how = (enum how)i;
			return 0;
		}
	return op_bad(s, e, "unknown reduction");
}

/* The updates: of single elements along an axis, or of slices. */
struct slots {
	bool elements;
	size_t m, run; /* updates, numbers in each */
	size_t axis;
	size_t depth; /* indices that make one slot */
	size_t stride[MODEL_MAX_RANK];
	const struct shape *x, *index;
};

static int
index_at(const struct step *s, const struct slots *t, size_t i, size_t axis,
    size_t *out, struct err *e)
{
	int64_t k = t->index->known[i].i, len = (int64_t)t->x->dim[axis];

	if (k < -len || k >= len)
		return op_bad(s, e, "index %" PRId64 " of %" PRId64, k, len);
	*out = (size_t)(k < 0 ? k + len : k);
	return 0;
}

/* Where update i goes; an error only when the indices are checked first. */
static int
slot(const struct step *s, const struct slots *t, size_t i, size_t *at,
    struct err *e)
{
	size_t k = 0, rest = i;
	int rc = 0;

	*at = 0;
	for (size_t d = 0; !t->elements && rc == 0 && d < t->depth; d++) {
		rc = index_at(s, t, i * t->depth + d, d, &k, e);
		*at += k * t->stride[d];
	}
	if (!t->elements || (rc = index_at(s, t, i, t->axis, &k, e)) != 0)
		return rc;
	for (size_t d = t->index->rank; d-- > 0;) {
		*at +=
		    (d == t->axis ? k : rest % t->index->dim[d]) * t->stride[d];
		rest /= t->index->dim[d];
	}
	return 0;
}

static size_t
sure_slot(const struct step *s, const struct slots *t, size_t i)
{
	struct err e;
	size_t at = 0;

	if (slot(s, t, i, &at, &e) != 0)
		BUG(e.msg);
	return at;
}

static int
slots_of(const struct step *s, const struct shape *const *in, bool elements,
    struct slots *t, struct err *e)
{
	const struct shape *x = in[0], *index = in[1];
	size_t last = index->rank - 1;
	int rc = 0;

	*t = (struct slots){
	    .elements = elements, .m = 1, .run = 1, .x = x, .index = index};
	if (index->known == NULL || shape_real(index))
		return op_bad(s, e, "the indices depend on the image");
	if (index->rank == 0 || x->rank == 0 ||
	    (elements ? index->rank != x->rank : index->dim[last] > x->rank))
		return op_bad(s, e, "indices that do not fit");
	shape_row_strides(x, t->stride);
	if (elements) {
		t->m = shape_elements(index);
		rc = op_axis(
		    s, node_int(s->node, "axis", 0), x->rank, &t->axis, e);
		for (size_t d = 0; rc == 0 && d < x->rank; d++)
			if (d != t->axis && index->dim[d] > x->dim[d])
				return op_bad(s, e, "indices beyond the data");
		return rc;
	}
	t->depth = index->dim[last];
	for (size_t d = 0; d < last; d++)
		if (ckd_mul(&t->m, t->m, index->dim[d]) ||
		    t->m > LIMIT_FOLD_ELEMENTS)
			return op_bad(s, e, "too many updates");
	for (size_t d = t->depth; d < x->rank; d++)
		t->run *= x->dim[d];
	return 0;
}

static struct slots
sure_slots(const struct op_call *c, bool elements)
{
	struct slots t;
	struct err e;

	if (slots_of(c->step, c->shape_in, elements, &t, &e) != 0)
		BUG(e.msg);
	return t;
}

/* All indices within the data, once and for all. */
static int
check_slots(const struct step *s, const struct slots *t, struct err *e)
{
	size_t at;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < t->m; i++)
		rc = slot(s, t, i, &at, e);
	return rc;
}

/* --- ScatterND, ScatterElements ------------------------------------------ */

static bool
fits(const struct slots *t, const struct shape *update)
{
	size_t lead = t->elements ? t->index->rank : t->index->rank - 1;
	size_t tail = t->elements ? 0 : t->x->rank - t->depth;

	if (update->rank != lead + tail)
		return false;
	for (size_t d = 0; d < update->rank; d++)
		if (update->dim[d] != (d < lead
					      ? t->index->dim[d]
					      : t->x->dim[t->depth + d - lead]))
			return false;
	return true;
}

static int
scatter_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, bool elements, struct err *e)
{
	enum how how = HOW_SET;
	struct slots t;
	int rc;

	if ((rc = reduction(s, &how, e)) != 0 ||
	    (rc = slots_of(s, in, elements, &t, e)) != 0)
		return rc;
	if (!fits(&t, in[2]) || shape_real(in[0]) != shape_real(in[2]))
		return op_bad(s, e, "updates that do not fit");
	if ((rc = check_slots(s, &t, e)) != 0)
		return rc;
	if (how > HOW_ADD && (in[0]->known == NULL || in[2]->known == NULL))
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "node '%.64s' (%s): only constants are multiplied or "
		    "compared",
		    s->name, s->op->name);
	need->scratch = shape_elements(in[0]);
	return op_same(s, in, out, need, e);
}

static bool
combine(enum how how, bool real, union number u, union number *to)
{
	if (how == HOW_SET)
		*to = u;
	else if (how == HOW_ADD && real)
		to->f += u.f;
	else if (how == HOW_ADD)
		return !ckd_add(&to->i, to->i, u.i);
	else if (how == HOW_MUL && real)
		to->f *= u.f;
	else if (how == HOW_MUL)
		return !ckd_mul(&to->i, to->i, u.i);
	else if (real ? (how == HOW_MIN ? u.f < to->f : u.f > to->f) ||
			    u.f != u.f
		      : (how == HOW_MIN ? u.i < to->i : u.i > to->i))
		*to = u;
	return true;
}

static int
scatter_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, bool elements, struct err *e)
{
	enum how how = HOW_SET;
	struct slots t;
	int rc;

	if ((rc = reduction(s, &how, e)) != 0 ||
	    (rc = slots_of(s, in, elements, &t, e)) != 0)
		return rc;
	for (size_t i = 0; i < shape_elements(out); i++)
		v[i] = in[0]->known[i];
	for (size_t i = 0; i < t.m; i++) {
		size_t at = sure_slot(s, &t, i);

		for (size_t k = 0; k < t.run; k++)
			if (!combine(how, shape_real(out),
				in[2]->known[i * t.run + k], &v[at + k]))
				return op_bad(s, e, "the result is too large");
	}
	return 0;
}

static void
scatter_forward(const struct op_call *c, bool elements)
{
	struct slots t = sure_slots(c, elements);
	enum how how = HOW_SET;
	struct err e;

	if (reduction(c->step, &how, &e) != 0)
		BUG(e.msg);
	memcpy(
	    c->out, c->in[0], shape_elements(c->shape_out) * sizeof(*c->out));
	for (size_t i = 0; i < t.m; i++) {
		const float *u = c->in[2] + i * t.run;
		float *to = c->out + sure_slot(c->step, &t, i);

		for (size_t k = 0; k < t.run; k++)
			to[k] = how == HOW_ADD ? to[k] + u[k] : u[k];
	}
}

VECTOR static void
pass(size_t n, const float *restrict from, float *restrict to, bool add)
{
	for (size_t i = 0; i < n; i++)
		to[i] = add ? to[i] + from[i] : from[i];
}

/* What is set takes the gradient from what was there, the last one first. */
static void
scatter_backward(const struct op_call *c, bool elements)
{
	struct slots t = sure_slots(c, elements);
	size_t n = shape_elements(c->shape_out);
	enum how how = HOW_SET;
	float *g = c->scratch;
	struct err e;

	if (reduction(c->step, &how, &e) != 0)
		BUG(e.msg);
	memcpy(g, c->dout, n * sizeof(*g));
	for (size_t i = t.m; i-- > 0;) {
		float *at = g + sure_slot(c->step, &t, i);

		if (c->din[2] != NULL)
			pass(t.run, at, c->din[2] + i * t.run, c->add[2]);
		if (how == HOW_SET)
			memset(at, 0, t.run * sizeof(*at));
	}
	if (c->din[0] != NULL)
		pass(n, g, c->din[0], c->add[0]);
}

#define SCATTER(lower, title, elements)                                        \
	static int lower##_infer(const struct step *s,                         \
	    const struct shape *const *in, struct shape *out,                  \
	    struct op_need *need, struct err *e)                               \
	{                                                                      \
		return scatter_infer(s, in, out, need, elements, e);           \
	}                                                                      \
	static int lower##_eval(const struct step *s,                          \
	    const struct shape *const *in, const struct shape *out,            \
	    union number *v, struct err *e)                                    \
	{                                                                      \
		return scatter_eval(s, in, out, v, elements, e);               \
	}                                                                      \
	static void lower##_forward(const struct op_call *c)                   \
	{                                                                      \
		scatter_forward(c, elements);                                  \
	}                                                                      \
	static void lower##_backward(const struct op_call *c)                  \
	{                                                                      \
		scatter_backward(c, elements);                                 \
	}                                                                      \
	const struct op op_##lower = {                                         \
	    .name = title,                                                     \
	    .min_in = 3,                                                       \
	    .max_in = 3,                                                       \
	    .layout = OP_ROWS,                                                 \
	    .ints = 1 << 1,                                                    \
	    .infer = lower##_infer,                                            \
	    .eval = lower##_eval,                                              \
	    .forward = lower##_forward,                                        \
	    .backward = lower##_backward,                                      \
	}

SCATTER(scatter_nd, "ScatterND", false);
SCATTER(scatter_elements, "ScatterElements", true);

/* --- GatherElements ------------------------------------------------------ */

static int
pick_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	struct slots t;
	int rc;

	(void)need;
	if ((rc = slots_of(s, in, true, &t, e)) != 0 ||
	    (rc = check_slots(s, &t, e)) != 0)
		return rc;
	*out = *in[1];
	out->known = NULL;
	out->layout = in[0]->layout;
	return 0;
}

static int
pick_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	struct slots t;
	int rc = slots_of(s, in, true, &t, e);

	(void)out;
	for (size_t i = 0; rc == 0 && i < t.m; i++)
		v[i] = in[0]->known[sure_slot(s, &t, i)];
	return rc;
}

static void
pick_forward(const struct op_call *c)
{
	struct slots t = sure_slots(c, true);

	for (size_t i = 0; i < t.m; i++)
		c->out[i] = c->in[0][sure_slot(c->step, &t, i)];
}

static void
pick_backward(const struct op_call *c)
{
	struct slots t = sure_slots(c, true);

	if (!c->add[0])
		memset(c->din[0], 0,
		    shape_elements(c->shape_in[0]) * sizeof(*c->din[0]));
	for (size_t i = 0; i < t.m; i++)
		c->din[0][sure_slot(c->step, &t, i)] += c->dout[i];
}

const struct op op_gather_elements = {
    .name = "GatherElements",
    .min_in = 2,
    .max_in = 2,
    .layout = OP_ROWS,
    .ints = 1 << 1,
    .flags = OP_MOVES,
    .infer = pick_infer,
    .eval = pick_eval,
    .forward = pick_forward,
    .backward = pick_backward,
};
