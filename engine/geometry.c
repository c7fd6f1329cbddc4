/* SPDX-License-Identifier: MIT */
#include "engine/geometry.h"

#include "engine/loss.h"

const struct geometry *const geometry_table[] = {
#define GEOMETRY(x) &geometry_##x,
#include "engine/geometry.def"
#undef GEOMETRY
};
const size_t geometry_count = ARRAY_LEN(geometry_table);

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
		memcpy(j->images + i * image,
		    j->x + rng_below(&j->rng, j->n) * image,
		    image * sizeof(*j->x));
}

double
geometry_gradient(struct geometry_job *j)
{
	size_t k = j->run->plan.net->classes, hit = 0;
	const float *z = run_forward(j->run, j->images);
	float *dz = run_dlogits(j->run);
	float weight = 1.0f / (float)j->batch;

	memset(dz, 0, j->batch * k * sizeof(*dz));
	for (size_t i = 0; i < j->batch; i++) {
		hit += loss_argmax(k, z + i * k) == j->target;
		loss_cross_entropy(k, z + i * k, j->target, weight, dz + i * k);
	}
	run_backward(j->run, j->grad, NULL);
	return (double)hit / (double)j->batch;
}
