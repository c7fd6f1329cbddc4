/* SPDX-License-Identifier: MIT
 * Each function is reduced to a short interval and a polynomial there; the
 * coefficients are minimax fits (Remez exchange, in 40 digits, rounded) whose
 * error is stated.  All branches are computed and one is selected, so that
 * loops have none.
 */
#include "engine/vmath.h"

#include "engine/vector.h"

#include <float.h>
#include <math.h>

/* log(2) in two parts, the first short enough to be exact times an integer */
#define LN2_HIGH 0.693359375f
#define LN2_LOW  -2.12194440e-4f

static inline uint32_t
bits_of(float x)
{
	uint32_t i;

	memcpy(&i, &x, sizeof(i));
	return i;
}

static inline float
float_of(uint32_t i)
{
	float x;

	memcpy(&x, &i, sizeof(x));
	return x;
}

/* exp(r) - 1, |r| <= log(2) / 2: to 3e-9 of exp(r) */
static inline float
short_expm1(float r)
{
	float p = 1.3814433e-3f;

	p = p * r + 8.3687967e-3f;
	p = p * r + 4.1668396e-2f;
	p = p * r + 1.6666520e-1f;
	p = p * r + 4.9999994e-1f;
	return r + r * r * p;
}

/*
 * exp(x) = 2^k exp(r), |r| <= log(2) / 2.
 * Adding 1.5 * 2^23 rounds to an integer, which then is in the low bits.  2^k
 * is applied in two halves: neither overflows, and the last step rounds.
 */
static inline float
exp_one(float x)
{
	const float magic = 12582912.0f;
	float t = x > 104.0f ? 104.0f : x, n, k, r, p;
	uint32_t i, half;

	t = t < -104.0f ? -104.0f : t;
	n = t * 1.44269504f + magic;
	k = n - magic;
	r = t - k * LN2_HIGH - k * LN2_LOW;
	p = 1.0f + short_expm1(r);
	i = bits_of(n) - bits_of(magic);
	half = (uint32_t)((int32_t)i >> 1);
	return p * float_of((half + 127u) << 23) *
	       float_of((i - half + 127u) << 23);
}

static inline float
expm1_one(float x)
{
	float e = exp_one(x) - 1.0f, p = short_expm1(x);

	return fabsf(x) < 0.34657f ? p : e;
}

/* 2 atanh(s) for |s| <= 1/3: (atanh(s) / s - 1) / s^2 to 1e-10 */
static inline float
twice_atanh(float s)
{
	float z = s * s, p = 1.2145197e-1f;

	p = p * z + 1.0715260e-1f;
	p = p * z + 1.4308308e-1f;
	p = p * z + 1.9999444e-1f;
	p = p * z + 3.3333337e-1f;
	return 2.0f * s + 2.0f * s * (z * p);
}

/* x = 2^k m, sqrt(1/2) <= m < sqrt(2); log(m) = 2 atanh((m - 1) / (m + 1)) */
static inline float
log_one(float x)
{
	const uint32_t root = 0x3f3504f3; /* sqrt(1/2) */
	float v = x < FLT_MIN ? x * 8388608.0f : x, k, m, y;
	uint32_t i = bits_of(v) - root;

	k = (float)((int32_t)i >> 23) - (x < FLT_MIN ? 23.0f : 0.0f);
	m = float_of((i & 0x7fffff) + root);
	y = twice_atanh((m - 1.0f) / (m + 1.0f));
	y = k * LN2_HIGH + (k * LN2_LOW + y);
	y = x < 0.0f ? NAN : y;
	y = x == 0.0f ? -INFINITY : y;
	return x <= FLT_MAX ? y : x; /* else infinity or NaN */
}

/* Below 0.625, (tanh(x) / x - 1) / x^2 to 4e-9 */
static inline float
tanh_one(float x)
{
	float a = fabsf(x), z = x * x, p = -5.7029491e-3f, q;

	p = p * z + 2.0637188e-2f;
	p = p * z - 5.3739108e-2f;
	p = p * z + 1.3331434e-1f;
	p = p * z - 3.3333281e-1f;
	p = x + x * (z * p);
	q = copysignf(1.0f - 2.0f / (exp_one(2.0f * a) + 1.0f), x);
	return a < 0.625f ? p : q;
}

/* Below 1, erf(x) / x to 1e-9; up to 4, log(1 - erf(x)), erf being to 1e-9 */
static inline float
erf_one(float x)
{
	float a = fabsf(x), t = a > 4.0f ? 4.0f : a, z = x * x;
	float p = 7.8538607e-5f, q = 1.8637897e-4f;

	p = p * z - 8.0101937e-4f;
	p = p * z + 5.1883277e-3f;
	p = p * z - 2.6853811e-2f;
	p = p * z + 1.1283585e-1f;
	p = p * z - 3.7612626e-1f;
	p = p * z + 1.2837917e-1f;
	p = x + x * p;
	q = q * t - 2.9476562e-3f;
	q = q * t + 2.1838056e-2f;
	q = q * t - 1.0310674e-1f;
	q = q * t - 6.3814485e-1f;
	q = q * t - 1.1270891f;
	q = q * t - 3.4152525e-4f;
	q = copysignf(1.0f - exp_one(q), x);
	return a < 1.0f ? p : q;
}

static inline float
sigmoid_one(float x)
{
	float t = exp_one(-fabsf(x));

	return (x < 0.0f ? t : 1.0f) / (1.0f + t);
}

/* log(1 + t) = 2 atanh(t / (2 + t)) */
static inline float
softplus_one(float x)
{
	float t = exp_one(-fabsf(x));

	return (x < 0.0f ? 0.0f : x) + twice_atanh(t / (2.0f + t));
}

static inline float
gelu_one(float x)
{
	return 0.5f * x * (1.0f + erf_one(x * 0.70710678f));
}

static inline float
gelu_slope_one(float x)
{
	float density = 0.39894228f * exp_one(-0.5f * x * x);

	return 0.5f * (1.0f + erf_one(x * 0.70710678f)) + x * density;
}

/* no element depends on another one, even where x == y */
#define ARRAY(name)                                                            \
	VECTOR void vmath_##name(size_t n, const float *x, float *y)           \
	{                                                                      \
		_Pragma("omp simd") for (size_t i = 0; i < n; i++) y[i] =      \
		    name##_one(x[i]);                                          \
	}

ARRAY(exp)
ARRAY(expm1)
ARRAY(log)
ARRAY(tanh)
ARRAY(erf)
ARRAY(sigmoid)
ARRAY(softplus)
ARRAY(gelu)
ARRAY(gelu_slope)
