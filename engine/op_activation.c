/* SPDX-License-Identifier: MIT
 * Activations: Celu, Elu, Gelu, HardSigmoid, HardSwish, LeakyRelu, Mish, Selu,
 * Shrink, Sigmoid, Softplus, Softsign, Swish, Tanh, ThresholdedRelu.  (Relu and Clip
 * are in engine/op_relu.c.)  p, q: the attributes in the order of `param`.
 */
#include "engine/unary.h"
#include "engine/vmath.h"

#include <math.h>

#define IN_FOR_DATA OP_KEEP_IN_FOR_DATA
#define ONE(name, absent)                                                      \
	{                                                                      \
		{name, absent},                                                \
		{                                                              \
			NULL, 0                                                \
		}                                                              \
	}

static double
logistic(double x)
{
	return 1.0 / (1.0 + exp(-x));
}

static double
soft(double x)
{
	return (x < 0.0 ? 0.0 : x) + log1p(exp(-fabs(x)));
}

/* --- exponential ramps --------------------------------------------------- */

/* y = x above zero, alpha (exp(x / alpha) - 1) below */
VECTOR static void
celu_line(size_t n, const float *restrict x, float *restrict y, const float *q)
{
	for (size_t i = 0; i < n; i++)
		y[i] = x[i] / q[0];
	vmath_expm1(n, y, y);
	for (size_t i = 0; i < n; i++)
		y[i] = x[i] > 0.0f ? x[i] : q[0] * y[i];
}

VECTOR static void
celu_slope(size_t n, const float *restrict x, float *restrict d, const float *q)
{
	for (size_t i = 0; i < n; i++)
		d[i] = x[i] / q[0];
	vmath_exp(n, d, d);
	for (size_t i = 0; i < n; i++)
		d[i] = x[i] > 0.0f ? 1.0f : d[i];
}

UNARY_REAL(celu, x > 0.0 ? x : p[0] * expm1(x / p[0]))
static const struct unary f_celu = {
    celu_real, NULL, celu_line, celu_slope, ONE("alpha", 1.0), false};
UNARY(celu, "Celu", UNARY_BACK, 0, IN_FOR_DATA);

/* y = gamma x above zero, gamma alpha (exp(x) - 1) below */
VECTOR static void
selu_line(size_t n, const float *restrict x, float *restrict y, const float *q)
{
	vmath_expm1(n, x, y);
	for (size_t i = 0; i < n; i++)
		y[i] = q[1] * (x[i] > 0.0f ? x[i] : q[0] * y[i]);
}

VECTOR static void
selu_slope(size_t n, const float *restrict x, float *restrict d, const float *q)
{
	vmath_exp(n, x, d);
	for (size_t i = 0; i < n; i++)
		d[i] = q[1] * (x[i] > 0.0f ? 1.0f : q[0] * d[i]);
}

UNARY_REAL(selu, p[1] * (x > 0.0 ? x : p[0] * expm1(x)))
static const struct unary f_selu = {selu_real, NULL, selu_line, selu_slope,
    {{"alpha", 1.67326319217681884765625},
	{"gamma", 1.05070102214813232421875}},
    false};
UNARY(selu, "Selu", UNARY_BACK, 0, IN_FOR_DATA);

/* Selu with gamma 1 */
static void
elu_line(size_t n, const float *restrict x, float *restrict y, const float *q)
{
	selu_line(n, x, y, (const float[]){q[0], 1.0f});
}

static void
elu_slope(size_t n, const float *restrict x, float *restrict d, const float *q)
{
	selu_slope(n, x, d, (const float[]){q[0], 1.0f});
}

UNARY_REAL(elu, x > 0.0 ? x : p[0] * expm1(x))
static const struct unary f_elu = {
    elu_real, NULL, elu_line, elu_slope, ONE("alpha", 1.0), false};
UNARY(elu, "Elu", UNARY_BACK, 0, IN_FOR_DATA);

/* --- Gelu ---------------------------------------------------------------- */

static void
gelu_line(size_t n, const float *restrict x, float *restrict y, const float *q)
{
	(void)q;
	vmath_gelu(n, x, y);
}

static void
gelu_slope(size_t n, const float *restrict x, float *restrict d, const float *q)
{
	(void)q;
	vmath_gelu_slope(n, x, d);
}

UNARY_REAL(gelu, 0.5 * x * (1.0 + erf(x * 0.70710678118654752)))
static const struct unary f_gelu = {
    gelu_real, NULL, gelu_line, gelu_slope, UNARY_NONE, false};

/* x (1 + tanh(u)) / 2, u = A (x + B x^3) */
#define GELU_A 0.79788456080286536 /* sqrt(2 / pi) */
#define GELU_B 0.044715

VECTOR static void
inner(size_t n, const float *restrict x, float *restrict t)
{
	const float a = (float)GELU_A, b = (float)GELU_B;

	for (size_t i = 0; i < n; i++)
		t[i] = a * (x[i] + b * x[i] * x[i] * x[i]);
	vmath_tanh(n, t, t);
}

VECTOR static void
gelu_tanh_line(
    size_t n, const float *restrict x, float *restrict y, const float *q)
{
	(void)q;
	inner(n, x, y);
	for (size_t i = 0; i < n; i++)
		y[i] = 0.5f * x[i] * (1.0f + y[i]);
}

VECTOR static void
gelu_tanh_slope(
    size_t n, const float *restrict x, float *restrict d, const float *q)
{
	const float a = (float)GELU_A, b = 3.0f * (float)GELU_B;

	(void)q;
	inner(n, x, d);
	for (size_t i = 0; i < n; i++) {
		float t = d[i], u = a * (1.0f + b * x[i] * x[i]);

		d[i] = 0.5f * (1.0f + t) + 0.5f * x[i] * (1.0f - t * t) * u;
	}
}

UNARY_REAL(gelu_tanh, 0.5 * x * (1.0 + tanh(GELU_A * (x + GELU_B * x * x * x))))
static const struct unary f_gelu_tanh = {
    gelu_tanh_real, NULL, gelu_tanh_line, gelu_tanh_slope, UNARY_NONE, false};

static int
gelu_build(struct step *s, const struct node *n, struct arena *a, struct err *e)
{
	const struct attr *how = node_attr(n, "approximate");
	bool tanh = how != NULL && how->kind == ATTR_TEXT &&
		    strcmp(how->s, "tanh") == 0;

	if (how != NULL && !tanh &&
	    (how->kind != ATTR_TEXT || strcmp(how->s, "none") != 0))
		return op_bad(s, e, "unknown 'approximate'");
	return unary_build(tanh ? &f_gelu_tanh : &f_gelu, s, n, a, e);
}

UNARY_OP(gelu, "Gelu", UNARY_BACK, 0, IN_FOR_DATA);

/* --- piecewise linear ---------------------------------------------------- */

static inline float
unit(float v)
{
	v = v < 0.0f ? 0.0f : v;
	return v > 1.0f ? 1.0f : v;
}

static double
real_unit(double v)
{
	v = v < 0.0 ? 0.0 : v;
	return v > 1.0 ? 1.0 : v;
}

UNARY_REAL(hard_sigmoid, real_unit(p[0] * x + p[1]))
UNARY_EACH(hard_sigmoid_line, unit(q[0] * x + q[1]))
UNARY_EACH(hard_sigmoid_slope, x <= 0.0f || x >= 1.0f ? 0.0f : q[0])
static const struct unary f_hard_sigmoid = {hard_sigmoid_real, NULL,
    hard_sigmoid_line, hard_sigmoid_slope, {{"alpha", 0.2}, {"beta", 0.5}},
    false};
UNARY(hard_sigmoid, "HardSigmoid", UNARY_BACK, 0, OP_KEEP_OUT);

#define SIXTH (1.0f / 6.0f)

UNARY_REAL(hard_swish, x *real_unit(x / 6.0 + 0.5))
UNARY_EACH(hard_swish_line, x *unit(x *SIXTH + 0.5f))
UNARY_EACH(hard_swish_slope,
    x <= -3.0f ? 0.0f : (x >= 3.0f ? 1.0f : x * (2.0f * SIXTH) + 0.5f))
static const struct unary f_hard_swish = {hard_swish_real, NULL,
    hard_swish_line, hard_swish_slope, UNARY_NONE, false};
UNARY(hard_swish, "HardSwish", UNARY_BACK, 0, IN_FOR_DATA);

UNARY_REAL(leaky_relu, x < 0.0 ? p[0] * x : x)
UNARY_EACH(leaky_relu_line, x < 0.0f ? q[0] * x : x)
UNARY_EACH(leaky_relu_slope, x > 0.0f ? 1.0f : q[0])
static const struct unary f_leaky_relu = {leaky_relu_real, NULL,
    leaky_relu_line, leaky_relu_slope, ONE("alpha", 0.01), false};
UNARY(leaky_relu, "LeakyRelu", UNARY_BACK, 0, IN_FOR_DATA);

/* NaN passes through */
UNARY_REAL(thresholded_relu, x <= p[0] ? 0.0 : x)
UNARY_EACH(thresholded_relu_line, x <= q[0] ? 0.0f : x)
UNARY_EACH(thresholded_relu_slope, x <= q[0] ? 0.0f : 1.0f)
static const struct unary f_thresholded_relu = {thresholded_relu_real, NULL,
    thresholded_relu_line, thresholded_relu_slope, ONE("alpha", 1.0), false};
UNARY(thresholded_relu, "ThresholdedRelu", UNARY_BACK, 0, IN_FOR_DATA);

/* Towards zero by the bias, and zero within lambd of it.  NaN passes through. */
UNARY_REAL(shrink, x<-p[0] ? x + p[1] : x> p[0] ? x - p[1] : x * 0.0)
UNARY_EACH(shrink_line, x<-q[0] ? x + q[1] : x> q[0] ? x - q[1] : x * 0.0f)
UNARY_EACH(shrink_slope, x<-q[0] || x> q[0] ? 1.0f : 0.0f)
static const struct unary f_shrink = {shrink_real, NULL, shrink_line,
    shrink_slope, {{"lambd", 0.5}, {"bias", 0}}, false};
UNARY(shrink, "Shrink", UNARY_BACK, 0, IN_FOR_DATA);

/* --- Sigmoid and what is made of it -------------------------------------- */

static void
sigmoid_line(
    size_t n, const float *restrict x, float *restrict y, const float *q)
{
	(void)q;
	vmath_sigmoid(n, x, y);
}

UNARY_REAL(sigmoid, logistic(x))
UNARY_EACH(sigmoid_slope, x *(1.0f - x))
static const struct unary f_sigmoid = {
    sigmoid_real, NULL, sigmoid_line, sigmoid_slope, UNARY_NONE, false};
UNARY(sigmoid, "Sigmoid", UNARY_BACK, 0, OP_KEEP_OUT);

static void
softplus_line(
    size_t n, const float *restrict x, float *restrict y, const float *q)
{
	(void)q;
	vmath_softplus(n, x, y);
}

UNARY_REAL(softplus, soft(x))
static const struct unary f_softplus = {
    softplus_real, NULL, softplus_line, sigmoid_line, UNARY_NONE, false};
UNARY(softplus, "Softplus", UNARY_BACK, 0, IN_FOR_DATA);

/* x sigmoid(alpha x) */
VECTOR static void
swish_line(size_t n, const float *restrict x, float *restrict y, const float *q)
{
	for (size_t i = 0; i < n; i++)
		y[i] = q[0] * x[i];
	vmath_sigmoid(n, y, y);
	for (size_t i = 0; i < n; i++)
		y[i] *= x[i];
}

VECTOR static void
swish_slope(
    size_t n, const float *restrict x, float *restrict d, const float *q)
{
	for (size_t i = 0; i < n; i++)
		d[i] = q[0] * x[i];
	vmath_sigmoid(n, d, d);
	for (size_t i = 0; i < n; i++)
		d[i] *= 1.0f + q[0] * x[i] * (1.0f - d[i]);
}

UNARY_REAL(swish, x *logistic(p[0] * x))
static const struct unary f_swish = {
    swish_real, NULL, swish_line, swish_slope, ONE("alpha", 1.0), false};
UNARY(swish, "Swish", UNARY_BACK, 0, IN_FOR_DATA);

/* x tanh(softplus(x)) */
VECTOR static void
mish_line(size_t n, const float *restrict x, float *restrict y, const float *q)
{
	(void)q;
	vmath_softplus(n, x, y);
	vmath_tanh(n, y, y);
	for (size_t i = 0; i < n; i++)
		y[i] *= x[i];
}

VECTOR static void
mish_slope(size_t n, const float *restrict x, float *restrict d, const float *q)
{
	float s[UNARY_BLOCK];

	(void)q;
	vmath_softplus(n, x, d);
	vmath_tanh(n, d, d);
	vmath_sigmoid(n, x, s);
	for (size_t i = 0; i < n; i++)
		d[i] += x[i] * (1.0f - d[i] * d[i]) * s[i];
}

UNARY_REAL(mish, x *tanh(soft(x)))
static const struct unary f_mish = {
    mish_real, NULL, mish_line, mish_slope, UNARY_NONE, false};
UNARY(mish, "Mish", UNARY_BACK, 0, IN_FOR_DATA);

/* --- others that saturate ------------------------------------------------ */

UNARY_REAL(softsign, x / (1.0 + fabs(x)))
UNARY_EACH(softsign_line, x / (1.0f + fabsf(x)))
UNARY_EACH(softsign_slope, 1.0f / ((1.0f + fabsf(x)) * (1.0f + fabsf(x))))
static const struct unary f_softsign = {
    softsign_real, NULL, softsign_line, softsign_slope, UNARY_NONE, false};
UNARY(softsign, "Softsign", UNARY_BACK, 0, IN_FOR_DATA);

static void
tanh_line(size_t n, const float *restrict x, float *restrict y, const float *q)
{
	(void)q;
	vmath_tanh(n, x, y);
}

UNARY_REAL(tanh, tanh(x))
UNARY_EACH(tanh_slope, 1.0f - x * x)
static const struct unary f_tanh = {
    tanh_real, NULL, tanh_line, tanh_slope, UNARY_NONE, false};
UNARY(tanh, "Tanh", UNARY_BACK, 0, OP_KEEP_OUT);
