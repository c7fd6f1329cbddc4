/* SPDX-License-Identifier: MIT
 * Arithmetic on each element: Abs, Ceil, Cos, Erf, Exp, Expm1, Floor,
 * Identity, IsInf, IsNaN, Log, Log1p, Neg, Not, Reciprocal, Round, Sign, Sin,
 * Sqrt, StraightRound.
 */
#include "engine/unary.h"
#include "engine/vmath.h"

#include <math.h>

#define IN_FOR_DATA OP_KEEP_IN_FOR_DATA
/* Integers. */
static bool
whole_same(int64_t x, int64_t *y)
{
	*y = x;
	return true;
}

static bool
whole_abs(int64_t x, int64_t *y)
{
	if (x == INT64_MIN)
		return false;
	*y = x < 0 ? -x : x;
	return true;
}

static bool
whole_neg(int64_t x, int64_t *y)
{
	return !ckd_sub(y, (int64_t)0, x);
}

static bool
whole_sign(int64_t x, int64_t *y)
{
	*y = (x > 0) - (x < 0);
	return true;
}

static bool
whole_not(int64_t x, int64_t *y)
{
	*y = x == 0;
	return true;
}

UNARY_REAL(abs, fabs(x))
UNARY_EACH(abs_line, fabsf(x))
UNARY_EACH(abs_slope, x<0.0f ? -1.0f : x> 0.0f ? 1.0f : x)
static const struct unary f_abs = {
    abs_real, whole_abs, abs_line, abs_slope, UNARY_NONE, false};
UNARY(abs, "Abs", UNARY_BACK, 0, IN_FOR_DATA);

UNARY_REAL(ceil, ceil(x))
UNARY_EACH(ceil_line, ceilf(x))
static const struct unary f_ceil = {
    ceil_real, NULL, ceil_line, NULL, UNARY_NONE, false};
UNARY(ceil, "Ceil", UNARY_FLAT, OP_FLAT, 0);

UNARY_REAL(cos, cos(x))
UNARY_EACH(cos_line, cosf(x))
UNARY_EACH(cos_slope, -sinf(x))
static const struct unary f_cos = {
    cos_real, NULL, cos_line, cos_slope, UNARY_NONE, false};
UNARY(cos, "Cos", UNARY_BACK, 0, IN_FOR_DATA);

static void
erf_line(size_t n, const float *restrict x, float *restrict y, const float *q)
{
	(void)q;
	vmath_erf(n, x, y);
}

static void
erf_slope(size_t n, const float *restrict x, float *restrict d, const float *q)
{
	(void)q;
	for (size_t i = 0; i < n; i++)
		d[i] = -x[i] * x[i];
	vmath_exp(n, d, d);
	for (size_t i = 0; i < n; i++)
		d[i] *= 1.12837917f; /* 2 / sqrt(pi) */
}

UNARY_REAL(erf, erf(x))
static const struct unary f_erf = {
    erf_real, NULL, erf_line, erf_slope, UNARY_NONE, false};
UNARY(erf, "Erf", UNARY_BACK, 0, IN_FOR_DATA);

static void
exp_line(size_t n, const float *restrict x, float *restrict y, const float *q)
{
	(void)q;
	vmath_exp(n, x, y);
}

UNARY_REAL(exp, exp(x))
UNARY_EACH(exp_slope, x)
static const struct unary f_exp = {
    exp_real, NULL, exp_line, exp_slope, UNARY_NONE, false};
UNARY(exp, "Exp", UNARY_BACK, 0, OP_KEEP_OUT);

/* exp(x) - 1, to all digits near zero */
static void
expm1_line(size_t n, const float *restrict x, float *restrict y, const float *q)
{
	(void)q;
	vmath_expm1(n, x, y);
}

UNARY_REAL(expm1, expm1(x))
UNARY_EACH(expm1_slope, x + 1.0f)
static const struct unary f_expm1 = {
    expm1_real, NULL, expm1_line, expm1_slope, UNARY_NONE, false};
UNARY(expm1, "Expm1", UNARY_BACK, 0, OP_KEEP_OUT);

UNARY_REAL(floor, floor(x))
UNARY_EACH(floor_line, floorf(x))
static const struct unary f_floor = {
    floor_real, NULL, floor_line, NULL, UNARY_NONE, false};
UNARY(floor, "Floor", UNARY_FLAT, OP_FLAT, 0);

UNARY_REAL(identity, x)
UNARY_EACH(identity_line, x)
UNARY_EACH(identity_slope, ((void)x, 1.0f))
static const struct unary f_identity = {identity_real, whole_same,
    identity_line, identity_slope, UNARY_NONE, false};
UNARY(identity, "Identity", UNARY_BACK, OP_MOVES, 0);

/* p: whether that below, and above, counts */
UNARY_REAL(is_inf, isinf(x) && (x < 0.0 ? p[0] : p[1]) != 0.0 ? 1.0 : 0.0)
UNARY_EACH(
    is_inf_line, isinf(x) && (x < 0.0f ? q[0] : q[1]) != 0.0f ? 1.0f : 0.0f)
static const struct unary f_is_inf = {is_inf_real, NULL, is_inf_line, NULL,
    {{"detect_negative", 1}, {"detect_positive", 1}}, true};
UNARY(is_inf, "IsInf", UNARY_FLAT, OP_FLAT | OP_TYPED, 0);

UNARY_REAL(is_nan, isnan(x) ? 1.0 : 0.0)
UNARY_EACH(is_nan_line, isnan(x) ? 1.0f : 0.0f)
static const struct unary f_is_nan = {
    is_nan_real, NULL, is_nan_line, NULL, UNARY_NONE, true};
UNARY(is_nan, "IsNaN", UNARY_FLAT, OP_FLAT | OP_TYPED, 0);

static void
log_line(size_t n, const float *restrict x, float *restrict y, const float *q)
{
	(void)q;
	vmath_log(n, x, y);
}

UNARY_REAL(log, log(x))
UNARY_EACH(log_slope, 1.0f / x)
static const struct unary f_log = {
    log_real, NULL, log_line, log_slope, UNARY_NONE, false};
UNARY(log, "Log", UNARY_BACK, 0, IN_FOR_DATA);

/* log(1 + x), to all digits near zero */
UNARY_REAL(log1p, log1p(x))
UNARY_EACH(log1p_line, log1pf(x))
UNARY_EACH(log1p_slope, 1.0f / (1.0f + x))
static const struct unary f_log1p = {
    log1p_real, NULL, log1p_line, log1p_slope, UNARY_NONE, false};
UNARY(log1p, "Log1p", UNARY_BACK, 0, IN_FOR_DATA);

UNARY_REAL(neg, -x)
UNARY_EACH(neg_line, -x)
UNARY_EACH(neg_slope, ((void)x, -1.0f))
static const struct unary f_neg = {
    neg_real, whole_neg, neg_line, neg_slope, UNARY_NONE, false};
UNARY(neg, "Neg", UNARY_BACK, 0, 0);

UNARY_EACH(not_line, x == 0.0f ? 1.0f : 0.0f)
static const struct unary f_not = {
    NULL, whole_not, not_line, NULL, UNARY_NONE, true};
UNARY(not, "Not", UNARY_FLAT, OP_FLAT | OP_TYPED, 0);

UNARY_REAL(reciprocal, 1.0 / x)
UNARY_EACH(reciprocal_line, 1.0f / x)
UNARY_EACH(reciprocal_slope, -x *x)
static const struct unary f_reciprocal = {reciprocal_real, NULL,
    reciprocal_line, reciprocal_slope, UNARY_NONE, false};
UNARY(reciprocal, "Reciprocal", UNARY_BACK, 0, OP_KEEP_OUT);

/* Halves to the even neighbour, which is the rounding mode that we run in. */
UNARY_REAL(round, rint(x))
UNARY_EACH(round_line, rintf(x))
static const struct unary f_round = {
    round_real, NULL, round_line, NULL, UNARY_NONE, false};
UNARY(round, "Round", UNARY_FLAT, OP_FLAT, 0);

/* The same with the derivative of what it rounds: 1 (formats/onnx_quant.h). */
UNARY_EACH(straight_slope, ((void)x, 1.0f))
static const struct unary f_straight_round = {
    round_real, NULL, round_line, straight_slope, UNARY_NONE, false};
UNARY(straight_round, "StraightRound", UNARY_BACK, 0, 0);

UNARY_REAL(sign, x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x)
UNARY_EACH(sign_line, x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x)
static const struct unary f_sign = {
    sign_real, whole_sign, sign_line, NULL, UNARY_NONE, false};
UNARY(sign, "Sign", UNARY_FLAT, OP_FLAT, 0);

UNARY_REAL(sin, sin(x))
UNARY_EACH(sin_line, sinf(x))
UNARY_EACH(sin_slope, cosf(x))
static const struct unary f_sin = {
    sin_real, NULL, sin_line, sin_slope, UNARY_NONE, false};
UNARY(sin, "Sin", UNARY_BACK, 0, IN_FOR_DATA);

UNARY_REAL(sqrt, sqrt(x))
UNARY_EACH(sqrt_line, sqrtf(x))
UNARY_EACH(sqrt_slope, 0.5f / x)
static const struct unary f_sqrt = {
    sqrt_real, NULL, sqrt_line, sqrt_slope, UNARY_NONE, false};
UNARY(sqrt, "Sqrt", UNARY_BACK, 0, OP_KEEP_OUT);
