/* SPDX-License-Identifier: MIT */
#include "engine/geometry.h"

#include "engine/kink.h"
#include "engine/loss.h"

#include <math.h>

/* Budget factors while enough flip and while not, and the steps that only
 * find a direction. */
#define SHRINK   0.88
#define GROW     1.10
#define WARM     8
#define SMALLEST 1e-4
#define MOMENTUM 0.8f
/* A step, as a part of the budget. */
#define STEP_SIGN (1.0 / 6)
#define STEP_L2   (1.0 / 5)
#define STEP_L1   (1.0 / 3)

const struct geometry *const geometry_table[] = {
#define GEOMETRY(x) &geometry_##x,
#include "engine/geometry.def"
#undef GEOMETRY
};
const size_t geometry_count = ARRAY_LEN(geometry_table);

const struct geometry *
geometry_find(const char *name)
{
	for (size_t i = 0; i < geometry_count; i++)
		if (strcmp(geometry_table[i]->name, name) == 0)
			return geometry_table[i];
	return NULL;
}

static size_t
image_floats(const struct geometry_job *j)
{
	const struct net *n = j->run->plan.net;

	return n->h * n->w * n->c;
}

float *
geometry_floats(struct geometry_job *j, size_t n)
{
	float *p = arena_alloc(j->arena, n, sizeof(*p));

	if (p == NULL)
		BUG("search does not fit in memory");
	return p;
}

void
geometry_draw(struct geometry_job *j)
{
	size_t image = image_floats(j);

	for (size_t i = 0; i < j->batch; i++)
		memcpy(j->plain + i * image,
		    j->x + j->index[rng_below(&j->rng, j->n)] * image,
		    image * sizeof(*j->x));
}

/* What is not finite says nothing and would spread to all that is found:
 * zero instead.  Whether there was any, or nothing but zeros. */
static bool
mend(float *g, size_t n)
{
	bool odd = false, any = false;

	for (size_t i = 0; i < n; i++) {
		if (!isfinite(g[i])) {
			g[i] = 0.0f;
			odd = true;
		}
		any = any || g[i] != 0.0f;
	}
	return odd || !any;
}

double
geometry_gradient(struct geometry_job *j)
{
	size_t k = j->run->plan.net->classes, hit = 0;
	float weight = 1.0f / (float)j->batch, *dz;
	const float *z;

	if (j->inside)
		kink_move(j->images, j->batch * image_floats(j));
	z = run_forward(j->run, j->images);
	dz = run_dlogits(j->run);
	memset(dz, 0, j->batch * k * sizeof(*dz));
	for (size_t i = 0; i < j->batch; i++) {
		hit += loss_argmax(k, z + i * k) == j->target;
		loss_cross_entropy(k, z + i * k, j->target, weight, dz + i * k);
	}
	run_backward(j->run, j->grad, NULL);
	if (mend(j->grad, j->batch * image_floats(j)) && hit < j->batch)
		j->lost++;
	return (double)hit / (double)j->batch;
}

bool
geometry_enough(double flips, size_t step, double *smooth)
{
	*smooth = step == 0 ? flips : 0.6 * *smooth + 0.4 * flips;
	return flips >= GEOMETRY_ENOUGH && *smooth >= GEOMETRY_ENOUGH - 0.05;
}

/* --- the common search --------------------------------------------------- */

static void
keep(struct descent *d)
{
	memcpy(d->kept, d->p, d->n * sizeof(*d->p));
}

double
geometry_descend(struct geometry_job *j, struct descent *d)
{
	double best = 0.0, smooth = 0.0;

	if (d->p == NULL)
		d->p = geometry_floats(j, d->n);
	d->g = geometry_floats(j, d->n);
	d->momentum = geometry_floats(j, d->n);
	d->kept = geometry_floats(j, d->n);
	for (size_t i = 0; i < j->steps; i++) {
		double flips;

		geometry_draw(j);
		d->apply(j, d);
		flips = geometry_gradient(j);
		if (geometry_enough(flips, i, &smooth) &&
		    (best == 0.0 || d->budget < best)) {
			best = d->budget;
			keep(d);
		}
		memset(d->g, 0, d->n * sizeof(*d->g));
		d->pull(j, d);
		if (i >= WARM)
			d->budget = flips >= GEOMETRY_ENOUGH
					? fmax(d->budget * SHRINK, SMALLEST)
					: fmin(d->budget * GROW, d->largest);
		d->move(d);
	}
	if (best == 0.0) { /* never enough: the last one, as it is */
		best = d->budget;
		keep(d);
	}
	return best;
}

/* --- moves --------------------------------------------------------------- */

/* momentum += g / size, size being the mean absolute value. */
void
geometry_move_sign(struct descent *d)
{
	float step = (float)(d->budget * STEP_SIGN), b = (float)d->budget;
	double size = 0.0;

	for (size_t i = 0; i < d->n; i++)
		size += fabs((double)d->g[i]);
	size = size / (double)d->n + 1e-20;
	for (size_t i = 0; i < d->n; i++) {
		float m = MOMENTUM * d->momentum[i] + d->g[i] / (float)size, v;

		d->momentum[i] = m;
		v = d->p[i] - (m > 0 ? step : m < 0 ? -step : 0.0f);
		d->p[i] = v > b ? b : v < -b ? -b : v;
	}
}

static double
l2_norm(const float *v, size_t n)
{
	double sum = 0.0;

	for (size_t i = 0; i < n; i++)
		sum += (double)v[i] * (double)v[i];
	return sqrt(sum);
}

/* momentum += g / |g|, which sums up to 1 / (1 - MOMENTUM) at most. */
static void
gather_momentum(struct descent *d)
{
	double size = l2_norm(d->g, d->n) + 1e-20;

	for (size_t i = 0; i < d->n; i++)
		d->momentum[i] =
		    MOMENTUM * d->momentum[i] + d->g[i] / (float)size;
}

void
geometry_move_l2(struct descent *d)
{
	double norm;
	float step;

	gather_momentum(d);
	step = (float)(d->budget * STEP_L2);
	for (size_t i = 0; i < d->n; i++)
		d->p[i] -= step * d->momentum[i];
	norm = l2_norm(d->p, d->n);
	if (norm > d->budget)
		for (size_t i = 0; i < d->n; i++)
			d->p[i] *= (float)(d->budget / norm);
}

/* The soft threshold that brings the sum of absolute values to `budget`
 * (bisection: 40 halvings are exact to a float). */
static void
project_l1(float *p, size_t n, double budget)
{
	double lo = 0.0, hi = 0.0, sum = 0.0;

	for (size_t i = 0; i < n; i++) {
		double v = fabs((double)p[i]);

		sum += v;
		hi = fmax(hi, v);
	}
	if (sum <= budget)
		return;
	for (int k = 0; k < 40; k++) {
		double mid = 0.5 * (lo + hi);

		sum = 0.0;
		for (size_t i = 0; i < n; i++)
			sum += fmax(fabs((double)p[i]) - mid, 0.0);
		if (sum > budget)
			lo = mid;
		else
			hi = mid;
	}
	for (size_t i = 0; i < n; i++) {
		double v = fmax(fabs((double)p[i]) - hi, 0.0);

		p[i] = (float)(p[i] < 0 ? -v : v);
	}
}

/* Steepest descent in L1 moves the largest entries: the step is taken along
 * the momentum as it is, and the projection keeps what gained most. */
void
geometry_move_l1(struct descent *d)
{
	double largest = 0.0;
	float step;

	gather_momentum(d);
	for (size_t i = 0; i < d->n; i++)
		largest = fmax(largest, fabs((double)d->momentum[i]));
	step = (float)(d->budget * STEP_L1 / (largest + 1e-20));
	for (size_t i = 0; i < d->n; i++)
		d->p[i] -= step * d->momentum[i];
	project_l1(d->p, d->n, d->budget);
}

/* --- additive images ----------------------------------------------------- */

void
geometry_add(struct geometry_job *j, const float *d)
{
	size_t image = image_floats(j);

	for (size_t i = 0; i < j->batch; i++)
		for (size_t k = 0; k < image; k++) {
			float v = j->plain[i * image + k] + d[k];

			j->images[i * image + k] = v < 0.0f   ? 0.0f
						   : v > 1.0f ? 1.0f
							      : v;
		}
}

void
geometry_add_pull(struct geometry_job *j, float *sum)
{
	size_t image = image_floats(j);

	for (size_t i = 0; i < j->batch; i++)
		for (size_t k = 0; k < image; k++)
			sum[k] += j->grad[i * image + k];
}

void
geometry_scale_delta(
    const struct trigger *from, double scale, struct trigger *to)
{
	for (size_t i = 0; i < from->h * from->w * from->c; i++)
		to->delta[i] = (float)((double)from->delta[i] * scale);
}
