/* SPDX-License-Identifier: MIT
 * What every cmocka suite includes.
 */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include "base/err.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A row is a test: its name shows in the output, its data arrives in *state. */
/* clang-format off */
#define ROW(fn, row) {(row).name, fn, NULL, NULL, (void *)(uintptr_t)&(row)}
/* clang-format on */

/* Fails with the worst place unless |got - want| <= atol + rtol * |want|. */
static inline void
assert_close(
    const float *got, const float *want, size_t n, double rtol, double atol)
{
	double worst = 0.0;
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		double d = fabs((double)got[i] - (double)want[i]);
		double r = d / (atol + rtol * fabs((double)want[i]));

		if (!(r <= worst)) {
			worst = isnan(r) ? (double)INFINITY : r;
			at = i;
		}
	}
	if (worst > 1.0)
		fail_msg("element %zu of %zu: got %.9g, want %.9g (%g times "
			 "the tolerance)",
		    at, n, (double)got[at], (double)want[at], worst);
}

/* In double: cmocka's assert_float_equal rounds both to float. */
#define assert_near(got, want, tolerance)                                      \
	do {                                                                   \
		double got_ = (double)(got), want_ = (double)(want);           \
		if (!(fabs(got_ - want_) <= (tolerance)))                      \
			fail_msg(                                              \
			    "%s: got %.17g, want %.17g", #got, got_, want_);   \
	} while (0)

/* The call succeeded; else its message. */
#define assert_ok(rc, e)                                                       \
	do {                                                                   \
		int rc_ = (rc);                                                \
		if (rc_ != 0)                                                  \
			fail_msg("%s: %s (%s)", #rc, (e)->msg, err_name(rc_)); \
	} while (0)

#endif
