/* SPDX-License-Identifier: MIT
 * Functions of arrays against the double precision of the C library.
 */
#include "tests/test.h"

#include "engine/vmath.h"

#include <float.h>
#include <math.h>

#define BLOCK 1021 /* odd, so that loops have a rest */

struct row {
	const char *name;
	void (*fn)(size_t, const float *, float *);
	double (*want)(double);
	float from, to;
	double ulp;              /* bound in units in the last place */
	double absolute;         /* or, unless 0, for max(|x|, 1) = 1 */
	float at_minus, at_plus; /* what infinities give */
};

static double
sigmoid(double x)
{
	return 1.0 / (1.0 + exp(-x));
}

static double
softplus(double x)
{
	return fmax(x, 0.0) + log1p(exp(-fabs(x)));
}

static double
gelu(double x)
{
	return 0.5 * x * (1.0 + erf(x / sqrt(2.0)));
}

static double
gelu_slope(double x)
{
	return 0.5 * (1.0 + erf(x / sqrt(2.0))) +
	       x * exp(-0.5 * x * x) / sqrt(2.0 * acos(-1.0));
}

/* The distance of floats at v, also where they are denormal. */
static double
spacing(double v)
{
	float a = fabsf((float)v);

	if (a < FLT_MIN)
		return 0x1p-149;
	return (double)nextafterf(a, INFINITY) - (double)a;
}

static double
check(const struct row *r, const float *x, float *y, size_t n)
{
	double worst = 0.0;

	r->fn(n, x, y);
	for (size_t i = 0; i < n; i++) {
		double want = r->want((double)x[i]), d;
		double at_most = r->absolute * fmax(fabs((double)x[i]), 1.0);

		if (fabs(want) > (double)FLT_MAX) {
			assert_true(y[i] == (float)want);
			continue;
		}
		d = fabs((double)y[i] - want);
		if (r->absolute == 0.0) {
			d /= spacing(want);
			at_most = r->ulp;
		}
		worst = fmax(worst,
		    d / (r->absolute == 0.0 ? 1.0
					    : fmax(fabs((double)x[i]), 1.0)));
		if (!(d <= at_most))
			fail_msg("%s(%.9g) = %.9g, expected %.9g (%.3g)",
			    r->name, (double)x[i], (double)y[i], want, d);
	}
	return worst;
}

/* Even steps through the range, then floats of every magnitude in it. */
static void
test_range(void **state)
{
	const struct row *r = *state;
	float x[BLOCK], y[BLOCK];
	const size_t blocks = 1500, stride = 2741;
	double worst = 0.0;
	uint32_t bits = 0;

	for (size_t b = 0; b < blocks; b++) {
		for (size_t i = 0; i < BLOCK; i++)
			x[i] = r->from + (r->to - r->from) *
					     (float)(b * BLOCK + i) /
					     (float)(blocks * BLOCK);
		worst = fmax(worst, check(r, x, y, BLOCK));
	}
	for (size_t n = 0; bits < UINT32_MAX - 2 * stride;) {
		bits += (uint32_t)stride;
		memcpy(&x[n], &bits, sizeof(bits));
		n += x[n] >= r->from && x[n] <= r->to;
		if (n == BLOCK) {
			worst = fmax(worst, check(r, x, y, n));
			n = 0;
		}
	}
	print_message("%s: largest error %.3g\n", r->name, worst);
}

static void
test_special(void **state)
{
	const struct row *r = *state;
	float x[] = {NAN, -NAN, -INFINITY, INFINITY, -0.0f, 0.0f}, y[6];

	r->fn(6, x, y);
	assert_true(isnan(y[0]) && isnan(y[1]));
	assert_true(y[2] == r->at_minus || (isnan(r->at_minus) && isnan(y[2])));
	assert_true(y[3] == r->at_plus || (isnan(r->at_plus) && isnan(y[3])));
	assert_true(y[4] == (float)r->want(-0.0));
	assert_true(y[5] == (float)r->want(0.0));
}

/* In place, and of any length: the same bits. */
static void
test_in_place(void **state)
{
	const struct row *r = *state;
	float x[BLOCK], y[BLOCK], one;

	for (size_t i = 0; i < BLOCK; i++)
		x[i] = r->from + (r->to - r->from) * (float)i / BLOCK;
	r->fn(BLOCK, x, y);
	for (size_t i = 0; i < BLOCK; i++) {
		r->fn(1, &x[i], &one);
		assert_memory_equal(&one, &y[i], sizeof(one));
	}
	r->fn(BLOCK, x, x);
	assert_memory_equal(x, y, sizeof(x));
}

static const struct row rows[] = {
    {"exp", vmath_exp, exp, -110, 95, 1.5, 0, 0, INFINITY},
    {"expm1", vmath_expm1, expm1, -110, 95, 3.5, 0, -1, INFINITY},
    {"log", vmath_log, log, 0, FLT_MAX, 2.5, 0, NAN, INFINITY},
    {"tanh", vmath_tanh, tanh, -20, 20, 2.5, 0, -1, 1},
    {"erf", vmath_erf, erf, -10, 10, 2.5, 0, -1, 1},
    {"sigmoid", vmath_sigmoid, sigmoid, -110, 110, 2.5, 0, 0, 1},
    {"softplus", vmath_softplus, softplus, -110, 110, 3, 0, 0, INFINITY},
    {"gelu", vmath_gelu, gelu, -20, 20, 0, 2e-7, NAN, INFINITY},
    {"gelu slope", vmath_gelu_slope, gelu_slope, -20, 20, 0, 2e-7, NAN, NAN},
};

int
main(void)
{
	static struct CMUnitTest tests[3 * ARRAY_LEN(rows)];
	static char name[3 * ARRAY_LEN(rows)][40];
	void (*const fn[])(void **) = {test_range, test_special, test_in_place};
	static const char *const what[] = {"range", "special", "in place"};

	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		snprintf(name[i], sizeof(name[i]), "%s: %s", rows[i / 3].name,
		    what[i % 3]);
		tests[i] = (struct CMUnitTest){name[i], fn[i % 3], NULL, NULL,
		    (void *)(uintptr_t)&rows[i / 3]};
	}
	return _cmocka_run_group_tests(
	    "vmath", tests, ARRAY_LEN(tests), NULL, NULL);
}
