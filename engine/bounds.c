/* SPDX-License-Identifier: MIT */
#include "engine/bounds.h"

#include <math.h>

struct bounds
bounds_read(struct step *s, const struct node *n)
{
	double lo = node_real(n, "lowest", -(double)INFINITY);
	double hi = node_real(n, "highest", (double)INFINITY);
	struct bounds b = {.lo = (float)lo, .hi = (float)hi};

	b.on = isfinite(lo) || isfinite(hi);
	if (b.on)
		s->keep |= OP_KEEP_OUT;
	return b;
}

bool
bounds_relu(const struct bounds *b)
{
	return b->lo == 0.0f && isinf(b->hi);
}

VECTOR void
bounds_apply(const struct bounds *b, float *y, size_t n)
{
	float lo = b->lo, hi = b->hi;

	if (!b->on)
		return;
	for (size_t i = 0; i < n; i++) {
		float v = y[i] < lo ? lo : y[i];

		y[i] = v > hi ? hi : v;
	}
}

void
bounds_eval(const struct bounds *b, union number *v, size_t n)
{
	for (size_t i = 0; b->on && i < n; i++) {
		double x = v[i].f < (double)b->lo ? (double)b->lo : v[i].f;

		v[i].f = x > (double)b->hi ? (double)b->hi : x;
	}
}

VECTOR void
bounds_mask(const struct bounds *b, const float *y, float *dy, size_t n)
{
	float lo = b->lo, hi = b->hi;

	if (!b->on)
		return;
	for (size_t i = 0; i < n; i++)
		dy[i] = y[i] <= lo || y[i] >= hi ? 0.0f : dy[i];
}
