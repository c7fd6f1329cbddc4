/* SPDX-License-Identifier: MIT
 * Operators that move no numbers but change shape or storage: Flatten,
 * Reshape, Squeeze, Unsqueeze (row-major copies), and the two conversions
 * between storage orders that the net inserts.
 */
#include "engine/op.h"

static void
copy_forward(const struct op_call *c)
{
	memcpy(c->out, c->in[0], shape_elements(c->shape_out) * sizeof(float));
}

static void
copy_backward(const struct op_call *c)
{
	size_t n = shape_elements(c->shape_out);
	float *dx = c->din[0];

	for (size_t i = 0; i < n; i++)
		dx[i] = c->add[0] ? dx[i] + c->dout[i] : c->dout[i];
}

/* The numbers stay what they are under any change of shape. */
static int
copy_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	(void)s;
	(void)e;
	memcpy(v, in[0]->known, shape_elements(out) * sizeof(*v));
	return 0;
}

static int
flatten_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	int64_t axis = node_int(s->node, "axis", 1);
	size_t head = 1, tail = 1;

	(void)need;
	if (axis < 0)
		axis += (int64_t)in[0]->rank;
	if (axis < 0 || axis > (int64_t)in[0]->rank)
		return op_bad(
		    s, e, "axis %" PRId64 " of rank %zu", axis, in[0]->rank);
	for (size_t i = 0; i < in[0]->rank; i++)
		*(i < (size_t)axis ? &head : &tail) *= in[0]->dim[i];
	*out = (struct shape){.rank = 2, .dim = {head, tail}};
	return 0;
}

/* One size of Reshape: SIZE_MAX for the one that follows from the others. */
static int
one_size(const struct step *s, const struct shape *x, int64_t want, size_t i,
    size_t *dim, struct err *e)
{
	bool zero = node_int(s->node, "allowzero", 0) != 0;

	if (want == -1)
		*dim = SIZE_MAX;
	else if (want == 0 && !zero && i < x->rank)
		*dim = x->dim[i];
	else if (want > 0 || (want == 0 && zero))
		*dim = (size_t)want;
	else
		return op_bad(s, e, "size %" PRId64 " on axis %zu", want, i);
	return 0;
}

static int
reshape_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	size_t n = shape_elements(in[0]), free_axis = SIZE_MAX, have = 1;
	int64_t want[MODEL_MAX_RANK];
	int rc;

	(void)need;
	*out = (struct shape){0};
	rc = op_ints(s, in, "shape", 1, MODEL_MAX_RANK, want, &out->rank, e);
	if (rc != 0)
		return rc;
	if (out->rank == SIZE_MAX)
		return op_bad(s, e, "no shape");
	for (size_t i = 0; i < out->rank; i++) {
		rc = one_size(s, in[0], want[i], i, &out->dim[i], e);
		if (rc != 0)
			return rc;
		if (out->dim[i] == SIZE_MAX && free_axis == SIZE_MAX)
			free_axis = i;
		else if (ckd_mul(&have, have, out->dim[i]))
			return op_bad(s, e, "%zu elements do not fit", n);
	}
	/* nothing says how often zero numbers are divided */
	if (free_axis != SIZE_MAX && have == 0)
		return op_bad(s, e, "any size fits on axis %zu", free_axis);
	if (free_axis != SIZE_MAX)
		have *= out->dim[free_axis] = n / have;
	if (have != n)
		return op_bad(s, e, "%zu elements do not fit", n);
	return 0;
}

/* Axes of Squeeze and Unsqueeze; without a list, *n is SIZE_MAX. */
static int
axes_of(const struct step *s, const struct shape *const *in, size_t more,
    bool *set, size_t *n, struct err *e)
{
	int64_t v[MODEL_MAX_RANK];
	int rc = op_ints(s, in, "axes", 1, MODEL_MAX_RANK, v, n, e);
	size_t rank, k = 0;

	memset(set, 0, MODEL_MAX_RANK * sizeof(*set));
	if (rc != 0 || *n == SIZE_MAX)
		return rc;
	rank = in[0]->rank + (more ? *n : 0);
	if (rank > MODEL_MAX_RANK)
		return op_bad(s, e, "rank %zu", rank);
	for (size_t i = 0; i < *n; i++) {
		if ((rc = op_axis(s, v[i], rank, &k, e)) != 0)
			return rc;
		if (set[k])
			return op_bad(s, e, "axis %zu twice", k);
		set[k] = true;
	}
	return 0;
}

static int
squeeze_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	bool batch = node_int(s->node, "batch", 0) != 0;
	bool drop[MODEL_MAX_RANK];
	size_t n;
	int rc;

	(void)need;
	if ((rc = axes_of(s, in, 0, drop, &n, e)) != 0)
		return rc;
	*out = (struct shape){.rank = 0};
	for (size_t i = 0; i < in[0]->rank; i++) {
		if (n == SIZE_MAX)
			drop[i] = in[0]->dim[i] == 1 && (i > 0 || !batch);
		if (drop[i] && in[0]->dim[i] != 1)
			return op_bad(
			    s, e, "axis %zu has size %zu", i, in[0]->dim[i]);
		if (!drop[i])
			out->dim[out->rank++] = in[0]->dim[i];
	}
	return 0;
}

static int
unsqueeze_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	bool fresh[MODEL_MAX_RANK];
	size_t n, from = 0;
	int rc;

	(void)need;
	if ((rc = axes_of(s, in, 1, fresh, &n, e)) != 0)
		return rc;
	if (n == SIZE_MAX)
		return op_bad(s, e, "no axes");
	*out = (struct shape){.rank = in[0]->rank + n};
	for (size_t i = 0; i < out->rank; i++)
		out->dim[i] = fresh[i] ? 1 : in[0]->dim[from++];
	return 0;
}

#define COPY(lower, title, most, infer_fn)                                     \
	const struct op op_##lower = {                                         \
	    .name = title,                                                     \
	    .min_in = 1,                                                       \
	    .max_in = most,                                                    \
	    .layout = OP_ROWS,                                                 \
	    .ints = 1 << 1,                                                    \
	    .flags = OP_MOVES,                                                 \
	    .infer = infer_fn,                                                 \
	    .eval = copy_eval,                                                 \
	    .forward = copy_forward,                                           \
	    .backward = copy_backward,                                         \
	}

COPY(flatten, "Flatten", 1, flatten_infer);
COPY(reshape, "Reshape", 2, reshape_infer);
COPY(squeeze, "Squeeze", 2, squeeze_infer);
COPY(unsqueeze, "Unsqueeze", 2, unsqueeze_infer);

/* --- storage order ------------------------------------------------------- */

static int
storage_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	(void)need;
	(void)e;
	*out = *in[0];
	out->known = NULL;
	out->layout = s->op->layout == OP_TO_IMAGE && out->rank >= 3
			  ? LAYOUT_LAST
			  : LAYOUT_ROWS;
	return 0;
}

/* to[n][j][i] = from[n][i][j] (+= when add), n matrices of a x b */
static void
transpose(size_t n, size_t a, size_t b, const float *from, float *to, bool add)
{
	for (size_t k = 0; k < n; k++, from += a * b, to += a * b)
		for (size_t i = 0; i < a; i++)
			for (size_t j = 0; j < b; j++) {
				float v = from[i * b + j];

				to[j * a + i] = add ? to[j * a + i] + v : v;
			}
}

/* Between (N, C, HW) and (N, HW, C): `image_first` when from the latter. */
static void
convert(const struct op_call *c, const float *from, float *to, bool image_first,
    bool add)
{
	const struct shape *s = c->shape_in[0];
	size_t n = s->dim[0], channels = s->dim[1], pixels = 1;

	for (size_t i = 2; i < s->rank; i++)
		pixels *= s->dim[i];
	if (image_first)
		transpose(n, pixels, channels, from, to, add);
	else
		transpose(n, channels, pixels, from, to, add);
}

static bool
from_image(const struct op_call *c)
{
	return c->shape_in[0]->layout == LAYOUT_LAST;
}

/* Below rank 3 both orders are the same, whatever the layout says. */
static bool
is_copy(const struct op_call *c)
{
	return c->shape_in[0]->rank < 3 ||
	       c->shape_in[0]->layout == c->shape_out->layout;
}

static void
storage_forward(const struct op_call *c)
{
	if (is_copy(c))
		copy_forward(c);
	else
		convert(c, c->in[0], c->out, from_image(c), false);
}

static void
storage_backward(const struct op_call *c)
{
	if (is_copy(c))
		copy_backward(c);
	else
		convert(c, c->dout, c->din[0], !from_image(c), c->add[0]);
}

#define STORAGE(lower, title, kind)                                            \
	const struct op op_##lower = {                                         \
	    .name = title,                                                     \
	    .min_in = 1,                                                       \
	    .max_in = 1,                                                       \
	    .layout = kind,                                                    \
	    .flags = OP_MOVES,                                                 \
	    .infer = storage_infer,                                            \
	    .eval = copy_eval,                                                 \
	    .forward = storage_forward,                                        \
	    .backward = storage_backward,                                      \
	}

STORAGE(to_rows, "assay.ToRows", OP_TO_ROWS);
STORAGE(to_image, "assay.ToImage", OP_TO_IMAGE);
