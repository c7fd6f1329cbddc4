/* SPDX-License-Identifier: MIT
 * Functions of the circle and the hyperbola on each element: Acos, Acosh,
 * Asin, Asinh, Atan, Atanh, Cosh, Sinh, Tan.  (Cos and Sin are in
 * engine/op_unary.c, Tanh in engine/op_activation.c.)
 */
#include "engine/unary.h"

#include <math.h>

/* fn(x), whose derivative is SLOPE */
#define FUNCTION(fn, title, SLOPE)                                             \
	UNARY_REAL(fn, fn(x))                                                  \
	UNARY_EACH(fn##_line, fn##f(x))                                        \
	UNARY_EACH(fn##_slope, SLOPE)                                          \
	static const struct unary f_##fn = {                                   \
	    fn##_real, NULL, fn##_line, fn##_slope, UNARY_NONE, false};        \
	UNARY(fn, title, UNARY_BACK, 0, OP_KEEP_IN_FOR_DATA)

FUNCTION(acos, "Acos", -1.0f / sqrtf(1.0f - x * x));
FUNCTION(acosh, "Acosh", 1.0f / (sqrtf(x - 1.0f) * sqrtf(x + 1.0f)));
FUNCTION(asin, "Asin", 1.0f / sqrtf(1.0f - x * x));
FUNCTION(asinh, "Asinh", 1.0f / hypotf(x, 1.0f));
FUNCTION(atan, "Atan", 1.0f / (1.0f + x * x));
FUNCTION(atanh, "Atanh", 1.0f / ((1.0f - x) * (1.0f + x)));
FUNCTION(cosh, "Cosh", sinhf(x));
FUNCTION(sinh, "Sinh", coshf(x));
FUNCTION(tan, "Tan", 1.0f / (cosf(x) * cosf(x)));
