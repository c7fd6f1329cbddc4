/* SPDX-License-Identifier: MIT
 * ReduceMean, ReduceSum, ReduceMax, ... over any axes.  The input is read once
 * from front to back, in lines along which the place in the output (which is
 * row-major) stays or moves by a fixed step.
 */
#include "engine/reduction.h"

#include <math.h>

static int
reduce_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	bool keep = node_int(s->node, "keepdims", 1) != 0;
	bool set[MODEL_MAX_RANK];
	int rc;

	if ((rc = reduction_axes(s, in, set, e)) != 0)
		return rc;
	*out = (struct shape){.rank = 0};
	need->scratch = 2; /* two numbers for each output */
	need->taps = 1;
	for (size_t i = 0; i < in[0]->rank; i++) {
		if (!set[i] || keep)
			out->dim[out->rank++] = set[i] ? 1 : in[0]->dim[i];
		if (ckd_mul(set[i] ? &need->taps : &need->scratch,
			set[i] ? need->taps : need->scratch, in[0]->dim[i]))
			return op_bad(s, e, "the input is too large");
	}
	return 0;
}

/* --- lines --------------------------------------------------------------- */

/* n elements of the input from x; of the output from y, by `step`. */
struct sweep {
	size_t n, step, x, y;
	size_t rank, dim[MODEL_MAX_RANK], by[MODEL_MAX_RANK];
	size_t index[MODEL_MAX_RANK];
};

/* Add an axis inside of those there are, merged with the last if that goes. */
static void
push(struct sweep *w, size_t dim, size_t by)
{
	size_t k = w->rank;

	if (dim == 1)
		return;
	if (k > 0 && w->by[k - 1] == by * dim) {
		k--;
		dim *= w->dim[k];
	} else {
		w->rank++;
	}
	w->dim[k] = dim;
	w->by[k] = by;
}

static struct sweep
sweep(const struct op_call *c)
{
	const struct shape *x = c->shape_in[0];
	bool last = x->layout == LAYOUT_LAST && x->rank >= 3;
	size_t by[MODEL_MAX_RANK], run = 1;
	bool set[MODEL_MAX_RANK];
	struct sweep w = {.n = 1};
	struct err e;

	if (reduction_axes(c->step, c->shape_in, set, &e) != 0)
		BUG(e.msg);
	for (size_t i = x->rank; i-- > 0;) {
		by[i] = set[i] ? 0 : run;
		run *= set[i] ? 1 : x->dim[i];
	}
	for (size_t i = 0; i < x->rank; i++) {
		size_t k = !last || i == 0 ? i : i + 1 < x->rank ? i + 1 : 1;

		push(&w, x->dim[k], by[k]);
	}
	if (w.rank > 0) {
		w.rank--;
		w.n = w.dim[w.rank];
		w.step = w.by[w.rank];
	}
	return w;
}

static bool
sweep_next(struct sweep *w)
{
	w->x += w->n;
	for (size_t k = w->rank; k-- > 0;) {
		w->y += w->by[k];
		if (++w->index[k] < w->dim[k])
			return true;
		w->y -= w->dim[k] * w->by[k];
		w->index[k] = 0;
	}
	return false;
}

/* --- forward ------------------------------------------------------------- */

typedef void line_fn(
    size_t n, const float *x, const float *z, float *y, size_t step);

#define LANES 16

/*
 * y = JOIN of a = y and b = V, for each v of x; z is a second number of each
 * output.  Into one output in lanes, which vectorise and are joined in a fixed
 * order.
 */
#define SPREAD(V, JOIN, at)                                                    \
	for (; i < n; i++) {                                                   \
		float v = x[i], z = pz[at], a = py[at], b = V;                 \
		(void)z;                                                       \
		py[at] = JOIN;                                                 \
	}

#define GATHER(V, JOIN, k)                                                     \
	{                                                                      \
		float v = x[i + k], z = *pz, a = lane[k], b = V;               \
		(void)z;                                                       \
		lane[k] = JOIN;                                                \
	}

#define LINE(name, NONE, V, JOIN)                                              \
	VECTOR static void name##_line(                                        \
	    size_t n, const float *x, const float *pz, float *py, size_t step) \
	{                                                                      \
		float lane[LANES];                                             \
		size_t i = 0;                                                  \
		if (step == 1) {                                               \
			SPREAD(V, JOIN, i)                                     \
			return;                                                \
		}                                                              \
		if (step != 0) {                                               \
			SPREAD(V, JOIN, i *step)                               \
			return;                                                \
		}                                                              \
		for (size_t k = 0; k < LANES; k++)                             \
			lane[k] = NONE;                                        \
		for (; i + LANES <= n; i += LANES)                             \
			for (size_t k = 0; k < LANES; k++)                     \
				GATHER(V, JOIN, k)                             \
		for (size_t k = 0; i + k < n; k++)                             \
			GATHER(V, JOIN, k)                                     \
		for (size_t w = LANES / 2; w > 0; w /= 2)                      \
			for (size_t k = 0; k < w; k++) {                       \
				float a = lane[k], b = lane[k + w];            \
				lane[k] = JOIN;                                \
			}                                                      \
		{                                                              \
			float a = *py, b = lane[0];                            \
			*py = JOIN;                                            \
		}                                                              \
	}

LINE(sum, 0.0f, v, a + b)
LINE(size, 0.0f, fabsf(v), a + b)
LINE(square, 0.0f, v *v, a + b)
LINE(product, 1.0f, v, a *b)
LINE(most, -INFINITY, v, b > a || isnan(b) ? b : a)
LINE(least, INFINITY, v, b < a || isnan(b) ? b : a)
LINE(exps, 0.0f, expf(v - z), a + b)
LINE(zeros, 0.0f, v == 0.0f ? 1.0f : 0.0f, a + b)
LINE(nonzero, 1.0f, v == 0.0f ? 1.0f : v, a *b)

static void
fold(const struct op_call *c, line_fn *f, float none, const float *z, float *y)
{
	struct sweep w = sweep(c);

	for (size_t i = 0; i < shape_elements(c->shape_out); i++)
		y[i] = none;
	do {
		f(w.n, c->in[0] + w.x, z + w.y, y + w.y, w.step);
	} while (sweep_next(&w));
}

/* Inputs for each output. */
static float
population(const struct op_call *c)
{
	return (float)(shape_elements(c->shape_in[0]) /
		       shape_elements(c->shape_out));
}

/* The maximum is taken out before exp, unless it is infinite. */
static void
log_sum_exp(const struct op_call *c)
{
	size_t n = shape_elements(c->shape_out);
	float *most = c->scratch;

	fold(c, most_line, -INFINITY, most, most);
	for (size_t i = 0; i < n; i++)
		most[i] = isinf(most[i]) ? 0.0f : most[i];
	fold(c, exps_line, 0.0f, most, c->out);
	for (size_t i = 0; i < n; i++)
		c->out[i] = most[i] + logf(c->out[i]);
}

static void
reduce_forward(enum reduction kind, const struct op_call *c)
{
	static line_fn *const line[] = {
	    [REDUCTION_L1] = size_line,
	    [REDUCTION_L2] = square_line,
	    [REDUCTION_LOG_SUM] = sum_line,
	    [REDUCTION_LOG_SUM_EXP] = exps_line,
	    [REDUCTION_MAX] = most_line,
	    [REDUCTION_MEAN] = sum_line,
	    [REDUCTION_MIN] = least_line,
	    [REDUCTION_PROD] = product_line,
	    [REDUCTION_SUM] = sum_line,
	    [REDUCTION_SUM_SQUARE] = square_line,
	};
	size_t n = shape_elements(c->shape_out);
	float none = kind == REDUCTION_PROD  ? 1.0f
		     : kind == REDUCTION_MAX ? -INFINITY
		     : kind == REDUCTION_MIN ? INFINITY
					     : 0.0f;

	if (kind == REDUCTION_LOG_SUM_EXP) {
		log_sum_exp(c);
		return;
	}
	fold(c, line[kind], none, c->out, c->out);
	for (size_t i = 0; kind == REDUCTION_MEAN && i < n; i++)
		c->out[i] /= population(c);
	for (size_t i = 0; kind == REDUCTION_L2 && i < n; i++)
		c->out[i] = sqrtf(c->out[i]);
	for (size_t i = 0; kind == REDUCTION_LOG_SUM && i < n; i++)
		c->out[i] = logf(c->out[i]);
}

/* --- backward ------------------------------------------------------------ */

typedef void back_fn(size_t n, const float *x, const float *y, const float *dy,
    float *z, size_t step, float *dx, bool add);

/* dx = D, of v from x; y, dy and z as the output is stored. */
#define EACH(D, at)                                                            \
	for (size_t i = 0; i < n; i++) {                                       \
		float v = px[i], y = py[at], dy = pdy[at], *z = &pz[at];       \
		float d = D;                                                   \
		(void)v;                                                       \
		(void)y;                                                       \
		(void)z;                                                       \
		dx[i] = add ? dx[i] + d : d;                                   \
	}

#define BACK(name, D)                                                          \
	VECTOR static void name##_back(size_t n, const float *px,              \
	    const float *py, const float *pdy, float *pz, size_t step,         \
	    float *restrict dx, bool add)                                      \
	{                                                                      \
		if (step == 0)                                                 \
			EACH(D, 0)                                             \
		else if (step == 1)                                            \
			EACH(D, i)                                             \
		else                                                           \
			EACH(D, i *step)                                       \
	}

/* the gradient to the first one, which z counts */
static float
first(float v, float y, float dy, float *z)
{
	if (*z != 0.0f || !(v == y || isnan(v)))
		return 0.0f;
	*z = 1.0f;
	return dy;
}

BACK(l1, v > 0.0f ? dy : v < 0.0f ? -dy : v == 0.0f ? 0.0f : v)
BACK(l2, y != 0.0f ? dy * v / y : 0.0f)
BACK(log_sum, dy / *z)
BACK(log_sum_exp, isinf(y) && v == y ? dy : dy * expf(v - y))
BACK(first, first(v, y, dy, z))
BACK(square, 2.0f * dy * v)
/* z: the product of what is not zero, unless there is a zero elsewhere */
BACK(product, dy *(v == 0.0f ? y : *z / v))

/* Of a sum and a mean: no operand is read. */
VECTOR static void
share(size_t n, const float *dy, size_t step, float by, float *dx, bool add)
{
	if (step == 0) {
		float d = *dy * by;

		for (size_t i = 0; i < n; i++)
			dx[i] = add ? dx[i] + d : d;
	} else if (step == 1) {
		for (size_t i = 0; i < n; i++)
			dx[i] = add ? dx[i] + dy[i] * by : dy[i] * by;
	} else {
		for (size_t i = 0; i < n; i++)
			dx[i] =
			    add ? dx[i] + dy[i * step] * by : dy[i * step] * by;
	}
}

static void
share_backward(const struct op_call *c, float by)
{
	struct sweep w = sweep(c);

	do {
		share(
		    w.n, c->dout + w.y, w.step, by, c->din[0] + w.x, c->add[0]);
	} while (sweep_next(&w));
}

/*
 * What the product of the others is: z for those that are not zero (times 1
 * over themselves), y for those that are.
 */
static void
others(const struct op_call *c, float *z, float *y)
{
	fold(c, nonzero_line, 1.0f, z, z);
	fold(c, zeros_line, 0.0f, z, y);
	for (size_t i = 0; i < shape_elements(c->shape_out); i++) {
		float zeros = y[i];

		y[i] = zeros == 1.0f ? z[i] : 0.0f;
		z[i] = zeros == 0.0f ? z[i] : 0.0f;
	}
}

static void
reduce_backward(enum reduction kind, const struct op_call *c)
{
	static back_fn *const back[] = {
	    [REDUCTION_L1] = l1_back,
	    [REDUCTION_L2] = l2_back,
	    [REDUCTION_LOG_SUM] = log_sum_back,
	    [REDUCTION_LOG_SUM_EXP] = log_sum_exp_back,
	    [REDUCTION_MAX] = first_back,
	    [REDUCTION_MIN] = first_back,
	    [REDUCTION_PROD] = product_back,
	    [REDUCTION_SUM_SQUARE] = square_back,
	};
	size_t n = shape_elements(c->shape_out);
	float *z = c->scratch;
	const float *y = c->out;
	struct sweep w;

	if (kind == REDUCTION_SUM || kind == REDUCTION_MEAN) {
		share_backward(
		    c, kind == REDUCTION_MEAN ? 1.0f / population(c) : 1.0f);
		return;
	}
	memset(z, 0, n * sizeof(*z));
	if (kind == REDUCTION_LOG_SUM)
		fold(c, sum_line, 0.0f, z, z);
	if (kind == REDUCTION_PROD) {
		others(c, z, z + n);
		y = z + n;
	}
	w = sweep(c);
	do {
		back[kind](w.n, c->in[0] + w.x, y + w.y, c->dout + w.y, z + w.y,
		    w.step, c->din[0] + w.x, c->add[0]);
	} while (sweep_next(&w));
}

/* --- the operators ------------------------------------------------------- */

#define KEEP_IN (OP_KEEP_IN_FOR_DATA | OP_KEEP_IN_FOR_WEIGHTS)

#define REDUCE(lower, title, kind, kept)                                       \
	static int lower##_eval(const struct step *s,                          \
	    const struct shape *const *in, const struct shape *out,            \
	    union number *v, struct err *e)                                    \
	{                                                                      \
		(void)out;                                                     \
		return reduction_eval(kind, s, in, v, e);                      \
	}                                                                      \
	static void lower##_forward(const struct op_call *c)                   \
	{                                                                      \
		reduce_forward(kind, c);                                       \
	}                                                                      \
	static void lower##_backward(const struct op_call *c)                  \
	{                                                                      \
		reduce_backward(kind, c);                                      \
	}                                                                      \
	const struct op op_reduce_##lower = {                                  \
	    .name = title,                                                     \
	    .min_in = 1,                                                       \
	    .max_in = 2,                                                       \
	    .layout = OP_ANY_TO_ROWS,                                          \
	    .ints = 1 << 1,                                                    \
	    .keep = kept,                                                      \
	    .infer = reduce_infer,                                             \
	    .eval = lower##_eval,                                              \
	    .forward = lower##_forward,                                        \
	    .backward = lower##_backward,                                      \
	}

REDUCE(l1, "ReduceL1", REDUCTION_L1, KEEP_IN);
REDUCE(l2, "ReduceL2", REDUCTION_L2, KEEP_IN | OP_KEEP_OUT);
REDUCE(log_sum, "ReduceLogSum", REDUCTION_LOG_SUM, KEEP_IN);
REDUCE(log_sum_exp, "ReduceLogSumExp", REDUCTION_LOG_SUM_EXP,
    KEEP_IN | OP_KEEP_OUT);
REDUCE(max, "ReduceMax", REDUCTION_MAX, KEEP_IN | OP_KEEP_OUT);
REDUCE(mean, "ReduceMean", REDUCTION_MEAN, 0);
REDUCE(min, "ReduceMin", REDUCTION_MIN, KEEP_IN | OP_KEEP_OUT);
REDUCE(prod, "ReduceProd", REDUCTION_PROD, KEEP_IN);
REDUCE(sum, "ReduceSum", REDUCTION_SUM, 0);
REDUCE(sum_square, "ReduceSumSquare", REDUCTION_SUM_SQUARE, KEEP_IN);
