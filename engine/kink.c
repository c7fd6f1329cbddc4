/* SPDX-License-Identifier: MIT */
#include "engine/kink.h"

#define INSIDE (1.0f / 512)
#define FEW    64 /* pixels that say something */
#define MOST   0.9
#define HALF   0.5

enum place {
	BLACK,
	BETWEEN,
	WHITE,
	PLACES
};

struct tally {
	uint64_t n[PLACES], flat[PLACES];
};

static void
set_margin(struct run *r, const int32_t *label)
{
	size_t k = r->plan.net->classes;
	float *dz = run_dlogits(r);

	for (size_t i = 0; i < r->plan.n * k; i++)
		dz[i] = i % k == (size_t)label[i / k] ? 1.0f
						      : -1.0f / (float)(k - 1);
}

/* Also of pixels that were moved. */
static enum place
place_of(float x)
{
	if (x <= INSIDE)
		return BLACK;
	return x >= 1.0f - INSIDE ? WHITE : BETWEEN;
}

static struct tally
count(const float *x, const float *dx, size_t n)
{
	struct tally t = {0};

	for (size_t i = 0; i < n; i++) {
		enum place p = place_of(x[i]);

		t.n[p]++;
		t.flat[p] += dx[i] == 0.0f;
	}
	return t;
}

static bool
is_flat(const struct tally *t, enum place p)
{
	return t->n[p] >= FEW && (double)t->flat[p] > MOST * (double)t->n[p];
}

bool
kink_hides(const float *x, const float *dx, size_t n)
{
	struct tally t = count(x, dx, n);

	return (is_flat(&t, BLACK) || is_flat(&t, WHITE)) &&
	       (double)t.flat[BETWEEN] <= HALF * (double)t.n[BETWEEN];
}

bool
kink_shows(const float *x, const float *dx, size_t n)
{
	struct tally t = count(x, dx, n);

	return (double)(t.flat[BLACK] + t.flat[WHITE]) <=
	       HALF * (double)(t.n[BLACK] + t.n[WHITE]);
}

static void
slopes(struct run *r, const float *x, const int32_t *label, float *dx)
{
	(void)run_forward(r, x);
	set_margin(r, label);
	run_backward(r, dx, NULL);
}

bool
kink_bounded(struct run *r, float *x, const int32_t *label, float *dx)
{
	const struct net *net = r->plan.net;
	size_t n = r->plan.n * net->h * net->w * net->c;

	if (net->classes < 2)
		return false;
	slopes(r, x, label, dx);
	if (!kink_hides(x, dx, n))
		return false;
	kink_move(x, n);
	slopes(r, x, label, dx);
	return kink_shows(x, dx, n);
}

void
kink_move(float *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		x[i] = x[i] < INSIDE ? INSIDE : x[i];
		x[i] = x[i] > 1.0f - INSIDE ? 1.0f - INSIDE : x[i];
	}
}
