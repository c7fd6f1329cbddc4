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

/* The integers stay what they are under any change of shape. */
static int
copy_fold(const struct step *s, const struct shape *const *in,
    struct shape *out, struct arena *a, struct err *e)
{
	(void)s;
	(void)a;
	(void)e;
	out->known = in[0]->known;
	return 0;
}

static int
flatten_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	int64_t axis = node_int(s->node, "axis", 1);
	size_t head = 1, n = shape_elements(in[0]);

	(void)need;
	if (axis < 0)
		axis += (int64_t)in[0]->rank;
	if (axis < 0 || axis > (int64_t)in[0]->rank || n == 0)
		return op_bad(
		    s, e, "axis %" PRId64 " of rank %zu", axis, in[0]->rank);
	for (size_t i = 0; i < (size_t)axis; i++)
		head *= in[0]->dim[i];
	*out = (struct shape){.rank = 2, .dim = {head, n / head}};
	return 0;
}

/* The requested sizes: attribute `shape`, or input 1 when it is known. */
static int
wanted(const struct step *s, const struct shape *const *in,
    const int64_t **want, size_t *rank, struct err *e)
{
	const struct attr *a = node_attr(s->node, "shape");

	if (a != NULL && a->kind == ATTR_INTS) {
		*want = a->ints;
		*rank = a->n;
	} else if (s->nin > 1 && in[1] != NULL && in[1]->known != NULL) {
		*want = in[1]->known;
		*rank = shape_elements(in[1]);
	} else {
		return op_bad(s, e, "the shape depends on the image");
	}
	if (*rank > MODEL_MAX_RANK)
		return op_bad(s, e, "rank %zu", *rank);
	return 0;
}

static int
reshape_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	size_t n = shape_elements(in[0]), free_axis = SIZE_MAX;
	size_t rank = 0, have = 1;
	const int64_t *want = NULL;
	int rc;

	(void)need;
	if ((rc = wanted(s, in, &want, &rank, e)) != 0)
		return rc;
	*out = (struct shape){.rank = rank};
	for (size_t i = 0; i < rank; i++) {
		if (want[i] == -1 && free_axis == SIZE_MAX) {
			free_axis = i;
			out->dim[i] = 1;
			continue;
		}
		if (want[i] == 0 && i < in[0]->rank)
			out->dim[i] = in[0]->dim[i];
		else if (want[i] > 0 && (uint64_t)want[i] <= n)
			out->dim[i] = (size_t)want[i];
		else
			return op_bad(s, e, "size %" PRId64 " of %zu elements",
			    want[i], n);
		have *= out->dim[i];
		if (have > n)
			break;
	}
	if (have == 0 || have > n || n % have != 0 ||
	    (free_axis == SIZE_MAX && have != n))
		return op_bad(s, e, "%zu elements do not fit", n);
	if (free_axis != SIZE_MAX)
		out->dim[free_axis] = n / have;
	return 0;
}

/* Axes of Squeeze and Unsqueeze, sorted out against `rank`. */
static int
axes_of(const struct step *s, size_t rank, bool *set, struct err *e)
{
	const struct attr *a = node_attr(s->node, "axes");

	if (a == NULL || a->kind != ATTR_INTS)
		return op_bad(s, e, "no constant axes");
	memset(set, 0, MODEL_MAX_RANK * sizeof(*set));
	for (size_t i = 0; i < a->n; i++) {
		int64_t v =
		    a->ints[i] < 0 ? a->ints[i] + (int64_t)rank : a->ints[i];

		if (v < 0 || v >= (int64_t)rank || set[v])
			return op_bad(
			    s, e, "axis %" PRId64 " of rank %zu", v, rank);
		set[v] = true;
	}
	return 0;
}

static int
squeeze_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	bool drop[MODEL_MAX_RANK];
	int rc;

	(void)need;
	if ((rc = axes_of(s, in[0]->rank, drop, e)) != 0)
		return rc;
	*out = (struct shape){.rank = 0};
	for (size_t i = 0; i < in[0]->rank; i++) {
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
	const struct attr *a = node_attr(s->node, "axes");
	size_t rank = in[0]->rank + (a != NULL ? a->n : 0), from = 0;
	bool fresh[MODEL_MAX_RANK];
	int rc;

	(void)need;
	if (rank > MODEL_MAX_RANK)
		return op_bad(s, e, "rank %zu", rank);
	if ((rc = axes_of(s, rank, fresh, e)) != 0)
		return rc;
	*out = (struct shape){.rank = rank};
	for (size_t i = 0; i < rank; i++)
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
	    .infer = infer_fn,                                                 \
	    .fold = copy_fold,                                                 \
	    .forward = copy_forward,                                           \
	    .backward = copy_backward,                                         \
	}

COPY(flatten, "Flatten", 1, flatten_infer);
COPY(reshape, "Reshape", 2, reshape_infer);
COPY(squeeze, "Squeeze", 1, squeeze_infer);
COPY(unsqueeze, "Unsqueeze", 1, unsqueeze_infer);

/* --- storage order ------------------------------------------------------- */

static int
storage_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	(void)need;
	(void)e;
	*out = *in[0];
	out->layout = s->op->layout == OP_TO_IMAGE && out->rank == 4
			  ? LAYOUT_NHWC
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

/* Between (N, C, HW) and (N, HW, C): `image_first` when from NHWC. */
static void
convert(const struct op_call *c, const float *from, float *to, bool image_first,
    bool add)
{
	const struct shape *s = c->shape_in[0];
	size_t pixels = s->rank == 4 ? s->dim[2] * s->dim[3] : 1;
	size_t channels = s->rank == 4 ? s->dim[1] : shape_elements(s);
	size_t n = s->rank == 4 ? s->dim[0] : 1;

	if (image_first)
		transpose(n, pixels, channels, from, to, add);
	else
		transpose(n, channels, pixels, from, to, add);
}

static bool
from_image(const struct op_call *c)
{
	return c->shape_in[0]->layout == LAYOUT_NHWC;
}

static void
storage_forward(const struct op_call *c)
{
	if (c->shape_in[0]->layout == c->shape_out->layout)
		copy_forward(c);
	else
		convert(c, c->in[0], c->out, from_image(c), false);
}

static void
storage_backward(const struct op_call *c)
{
	if (c->shape_in[0]->layout == c->shape_out->layout)
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
	    .infer = storage_infer,                                            \
	    .fold = copy_fold,                                                 \
	    .forward = storage_forward,                                        \
	    .backward = storage_backward,                                      \
	}

STORAGE(to_rows, "assay.ToRows", OP_TO_ROWS);
STORAGE(to_image, "assay.ToImage", OP_TO_IMAGE);
