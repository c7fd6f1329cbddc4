/* SPDX-License-Identifier: MIT
 * Add, Sub, Mul, Div, Pow, Min, Max, Mod, PRelu of two operands that are
 * broadcast against each other.  Each side is read with its own strides, so
 * that its storage order is its own affair.  Sums of a gradient over
 * broadcast axes are taken line by line in storage order.
 */
#include "engine/walk.h"

#include <math.h>

/* y, and what dy contributes to the gradients of both operands */
typedef void line_fn(
    size_t n, const float *a, size_t sa, const float *b, size_t sb, float *y);
typedef void back_fn(size_t n, const float *a, size_t sa, const float *b,
    size_t sb, const float *dy, float *d, size_t sd);

/* operands are not read by the gradients of Add and Sub: they may be absent */
#define READ(p, i) ((p) != NULL ? (p)[i] : 0.0f)

#define LINE(name, Y)                                                          \
	VECTOR static void name##_line(size_t n, const float *pa, size_t sa,   \
	    const float *pb, size_t sb, float *restrict y)                     \
	{                                                                      \
		if (sa == 1 && sb == 1) {                                      \
			for (size_t i = 0; i < n; i++) {                       \
				float a = pa[i], b = pb[i];                    \
				y[i] = Y;                                      \
			}                                                      \
		} else if (sa == 1 && sb == 0) {                               \
			float b = *pb;                                         \
			for (size_t i = 0; i < n; i++) {                       \
				float a = pa[i];                               \
				y[i] = Y;                                      \
			}                                                      \
		} else {                                                       \
			for (size_t i = 0; i < n; i++) {                       \
				float a = pa[i * sa], b = pb[i * sb];          \
				y[i] = Y;                                      \
			}                                                      \
		}                                                              \
	}

#define BACK(name, D)                                                          \
	VECTOR static void name(size_t n, const float *pa, size_t sa,          \
	    const float *pb, size_t sb, const float *pdy, float *restrict d,   \
	    size_t sd)                                                         \
	{                                                                      \
		float sum = 0.0f;                                              \
		if (sd == 1 && sa == 1 && sb == 1 && pa != NULL) {             \
			for (size_t i = 0; i < n; i++) {                       \
				float a = pa[i], b = pb[i], dy = pdy[i];       \
				(void)a;                                       \
				(void)b;                                       \
				d[i] += D;                                     \
			}                                                      \
			return;                                                \
		}                                                              \
		if (sd == 1 && pa == NULL) {                                   \
			float a = 0.0f, b = 0.0f;                              \
			(void)a;                                               \
			(void)b;                                               \
			for (size_t i = 0; i < n; i++) {                       \
				float dy = pdy[i];                             \
				d[i] += D;                                     \
			}                                                      \
			return;                                                \
		}                                                              \
		for (size_t i = 0; i < n; i++) {                               \
			float a = READ(pa, i * sa), b = READ(pb, i * sb);      \
			float dy = pdy[i];                                     \
			(void)a;                                               \
			(void)b;                                               \
			if (sd == 0)                                           \
				sum += D;                                      \
			else                                                   \
				d[i * sd] += D;                                \
		}                                                              \
		if (sd == 0)                                                   \
			*d += sum;                                             \
	}

LINE(add, a + b)
BACK(add_back, dy)
LINE(sub, a - b)
BACK(sub_back, -dy)
LINE(mul, a *b)
BACK(mul_back_a, dy *b)
BACK(mul_back_b, dy *a)
LINE(div, a / b)
BACK(div_back_a, dy / b)
BACK(div_back_b, -dy *a / (b * b))
LINE(pow, b == 2.0f ? a * a : powf(a, b))

/* Of a constant it is zero, also where a^-1 is infinite. */
static float
pow_slope(float a, float b)
{
	return b == 0.0f ? 0.0f : b * powf(a, b - 1.0f);
}

BACK(pow_back_a, b == 2.0f ? dy * 2.0f * a : dy * pow_slope(a, b))
BACK(pow_back_b, dy *powf(a, b) * logf(a))
/* NaN of either side passes */
LINE(min, a < b || isnan(a) ? a : b)
BACK(min_back_a, a <= b ? dy : 0.0f)
BACK(min_back_b, a <= b ? 0.0f : dy)
LINE(max, a > b || isnan(a) ? a : b)
BACK(max_back_a, a >= b ? dy : 0.0f)
BACK(max_back_b, a >= b ? 0.0f : dy)
LINE(mod, fmodf(a, b))

/* of integers: the sign of the divisor, as Python has it */
static float
float_mod(float a, float b)
{
	float r = fmodf(a, b);

	return r != 0.0f && (r < 0.0f) != (b < 0.0f) ? r + b : r;
}

LINE(floor_mod, float_mod(a, b))
BACK(mod_back_b, -dy *truncf(a / b))
LINE(prelu, a < 0.0f ? a * b : a)
BACK(prelu_back_a, a > 0.0f ? dy : dy * b)
BACK(prelu_back_b, a < 0.0f ? dy * a : 0.0f)

static double
real_add(double a, double b)
{
	return a + b;
}

static double
real_sub(double a, double b)
{
	return a - b;
}

static double
real_mul(double a, double b)
{
	return a * b;
}

static double
real_div(double a, double b)
{
	return a / b;
}

static double
real_min(double a, double b)
{
	return a < b || isnan(a) ? a : b;
}

static double
real_max(double a, double b)
{
	return a > b || isnan(a) ? a : b;
}

static double
real_prelu(double a, double b)
{
	return a < 0.0 ? a * b : a;
}

/* Integers: false where the result does not exist. */
static bool
whole_add(int64_t a, int64_t b, int64_t *y)
{
	return !ckd_add(y, a, b);
}

static bool
whole_sub(int64_t a, int64_t b, int64_t *y)
{
	return !ckd_sub(y, a, b);
}

static bool
whole_mul(int64_t a, int64_t b, int64_t *y)
{
	return !ckd_mul(y, a, b);
}

static bool
whole_div(int64_t a, int64_t b, int64_t *y)
{
	if (b == 0 || (a == INT64_MIN && b == -1))
		return false;
	*y = a / b;
	return true;
}

static bool
whole_pow(int64_t a, int64_t b, int64_t *y)
{
	if (b < 0)
		return false;
	for (*y = 1; b > 0; b--) {
		if (ckd_mul(y, *y, a))
			return false;
		if (*y == a && (a == 0 || a == 1))
			break;
		if (a == -1 && b > 2)
			b = 2 + b % 2;
	}
	return true;
}

static bool
whole_min(int64_t a, int64_t b, int64_t *y)
{
	*y = MIN(a, b);
	return true;
}

static bool
whole_max(int64_t a, int64_t b, int64_t *y)
{
	*y = MAX(a, b);
	return true;
}

/* The sign of the divisor, as Python has it. */
static bool
whole_mod(int64_t a, int64_t b, int64_t *y)
{
	if (b == 0)
		return false;
	*y = b == -1 ? 0 : a % b;
	if (*y != 0 && (*y < 0) != (b < 0))
		*y += b;
	return true;
}

static bool
whole_fmod(int64_t a, int64_t b, int64_t *y)
{
	if (b == 0)
		return false;
	*y = b == -1 ? 0 : a % b;
	return true;
}

struct kind {
	line_fn *line;
	back_fn *back[2];
	double (*real)(double, double);
	bool (*whole)(int64_t, int64_t, int64_t *);
	bool reads; /* the gradient reads the operands */
};

static int
binary_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	(void)need;
	return walk_infer(s, in[0], in[1], out, e);
}

static double
as_real(const struct shape *s, union number v)
{
	return shape_real(s) ? v.f : (double)v.i;
}

static int
binary_eval(const struct kind *k, const struct step *s,
    const struct shape *const *in, const struct shape *out, union number *v,
    struct err *e)
{
	const struct shape *a = in[0], *b = in[1];
	bool real = shape_real(a) || shape_real(b);
	struct walk w;

	walk_begin(&w, a, b, out, true);
	if (w.done)
		return 0;
	do {
		for (size_t i = 0; i < w.n; i++) {
			union number x = a->known[w.at[0] + i * w.step[0]];
			union number y = b->known[w.at[1] + i * w.step[1]];
			union number *to = &v[w.out + i];
			double r;

			if (!real && !k->whole(x.i, y.i, &to->i))
				return op_bad(s, e,
				    "%" PRId64 " and %" PRId64
				    " have no result",
				    x.i, y.i);
			if (!real)
				continue;
			r = k->real(as_real(a, x), as_real(b, y));
			if (shape_real(out))
				to->f = r;
			else if (r >= -0x1p62 && r <= 0x1p62)
				to->i = (int64_t)r;
			else
				return op_bad(s, e, "the result is too large");
		}
	} while (walk_next(&w));
	return 0;
}

static void
binary_forward(const struct kind *k, const struct op_call *c)
{
	bool whole = !shape_real(c->shape_out);
	struct walk w;

	walk_begin(&w, c->shape_in[0], c->shape_in[1], c->shape_out, false);
	do {
		k->line(w.n, c->in[0] + w.at[0], w.step[0], c->in[1] + w.at[1],
		    w.step[1], c->out + w.out);
		/* division and powers of integers round towards zero */
		for (size_t i = 0; whole && i < w.n; i++)
			c->out[w.out + i] = truncf(c->out[w.out + i]);
	} while (walk_next(&w));
}

static void
binary_backward(const struct kind *k, const struct op_call *c)
{
	for (size_t i = 0; i < 2; i++) {
		float *d = c->din[i];
		struct walk w;

		if (d == NULL)
			continue;
		if (!c->add[i])
			memset(
			    d, 0, shape_elements(c->shape_in[i]) * sizeof(*d));
		walk_begin(
		    &w, c->shape_in[0], c->shape_in[1], c->shape_out, false);
		do {
			k->back[i](w.n, k->reads ? c->in[0] + w.at[0] : NULL,
			    w.step[0], k->reads ? c->in[1] + w.at[1] : NULL,
			    w.step[1], c->dout + w.out, d + w.at[i], w.step[i]);
		} while (walk_next(&w));
	}
}

#define KEEP_BOTH (OP_KEEP_IN_FOR_DATA | OP_KEEP_IN_FOR_WEIGHTS)

/* weights: bit i where a constant operand i is a parameter of a network */
#define BINARY(lower, title, operand, kept)                                    \
	static int lower##_eval(const struct step *s,                          \
	    const struct shape *const *in, const struct shape *out,            \
	    union number *v, struct err *e)                                    \
	{                                                                      \
		return binary_eval(&kind_##lower, s, in, out, v, e);           \
	}                                                                      \
	static void lower##_forward(const struct op_call *c)                   \
	{                                                                      \
		binary_forward(&kind_##lower, c);                              \
	}                                                                      \
	static void lower##_backward(const struct op_call *c)                  \
	{                                                                      \
		binary_backward(&kind_##lower, c);                             \
	}                                                                      \
	const struct op op_##lower = {                                         \
	    .name = title,                                                     \
	    .min_in = 2,                                                       \
	    .max_in = 2,                                                       \
	    .layout = OP_ANY,                                                  \
	    .weights = operand,                                                \
	    .flags = OP_OPERAND,                                               \
	    .keep = kept,                                                      \
	    .infer = binary_infer,                                             \
	    .eval = lower##_eval,                                              \
	    .forward = lower##_forward,                                        \
	    .backward = lower##_backward,                                      \
	}

static const struct kind kind_add = {
    add_line, {add_back, add_back}, real_add, whole_add, false};
static const struct kind kind_sub = {
    sub_line, {add_back, sub_back}, real_sub, whole_sub, false};
static const struct kind kind_mul = {
    mul_line, {mul_back_a, mul_back_b}, real_mul, whole_mul, true};
static const struct kind kind_div = {
    div_line, {div_back_a, div_back_b}, real_div, whole_div, true};
static const struct kind kind_pow = {
    pow_line, {pow_back_a, pow_back_b}, pow, whole_pow, true};
static const struct kind kind_min = {
    min_line, {min_back_a, min_back_b}, real_min, whole_min, true};
static const struct kind kind_max = {
    max_line, {max_back_a, max_back_b}, real_max, whole_max, true};
static const struct kind kind_mod = {
    mod_line, {add_back, mod_back_b}, fmod, whole_fmod, true};
static const struct kind kind_floor_mod = {
    floor_mod_line, {add_back, mod_back_b}, fmod, whole_mod, true};
static const struct kind kind_prelu = {
    prelu_line, {prelu_back_a, prelu_back_b}, real_prelu, whole_mul, true};

BINARY(add, "Add", 3, 0);
BINARY(sub, "Sub", 0, 0);
BINARY(mul, "Mul", 3, KEEP_BOTH);
BINARY(div, "Div", 0, KEEP_BOTH);
BINARY(pow, "Pow", 0, KEEP_BOTH);
BINARY(min, "Min", 0, KEEP_BOTH);
BINARY(max, "Max", 0, KEEP_BOTH);

/* --- PRelu: the slope is a weight wherever it stands --------------------- */

static int
prelu_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	return binary_eval(&kind_prelu, s, in, out, v, e);
}

static void
prelu_forward(const struct op_call *c)
{
	binary_forward(&kind_prelu, c);
}

static void
prelu_backward(const struct op_call *c)
{
	binary_backward(&kind_prelu, c);
}

const struct op op_prelu = {
    .name = "PRelu",
    .min_in = 2,
    .max_in = 2,
    .layout = OP_ANY,
    .weights = 1 << 1,
    .keep = KEEP_BOTH,
    .infer = binary_infer,
    .eval = prelu_eval,
    .forward = prelu_forward,
    .backward = prelu_backward,
};

/* --- Mod: of reals only with fmod ---------------------------------------- */

static int
mod_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	if (node_int(s->node, "fmod", 0) == 0 && shape_real(in[0]))
		return op_bad(s, e, "reals without fmod");
	return binary_infer(s, in, out, need, e);
}

static int
mod_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	bool fmod = node_int(s->node, "fmod", 0) != 0;

	return binary_eval(
	    fmod ? &kind_mod : &kind_floor_mod, s, in, out, v, e);
}

static void
mod_forward(const struct op_call *c)
{
	bool fmod = node_int(c->step->node, "fmod", 0) != 0;

	binary_forward(fmod ? &kind_mod : &kind_floor_mod, c);
}

static void
mod_backward(const struct op_call *c)
{
	binary_backward(&kind_mod, c);
}

const struct op op_mod = {
    .name = "Mod",
    .min_in = 2,
    .max_in = 2,
    .layout = OP_ANY,
    .keep = KEEP_BOTH,
    .infer = mod_infer,
    .eval = mod_eval,
    .forward = mod_forward,
    .backward = mod_backward,
};
