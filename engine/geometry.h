/* SPDX-License-Identifier: MIT
 * Geometries of universal perturbations: shapes of one small common change
 * that pushes many images into a class.  engine/geometry.def lists them; each
 * file has the search for one.  engine/uap.h turns what a search finds into a
 * flip radius on held-out images.
 */
#ifndef ENGINE_GEOMETRY_H
#define ENGINE_GEOMETRY_H

#include "base/rng.h"
#include "engine/run.h"
#include "formats/trigger.h"

/* One search: one model, one class, in one thread. */
struct geometry_job {
	struct run *run; /* of `batch` images, PLAN_DATA */
	size_t batch, steps;
	const float *x; /* FIT images of other classes */
	size_t n;
	size_t target;
	struct rng rng;
	float *images, *grad; /* batch images each */
	struct arena *arena;  /* for the geometry's own state */
};

struct geometry {
	const char *name, *summary;
	const char *unit; /* of the budget and the radius */
	double largest;   /* budget that covers everything; 0: all pixels */
	/*
	 * Find the smallest perturbation that pushes the FIT images into the
	 * target, as a trigger (initialised, with its parts allocated here);
	 * returns its budget.
	 */
	double (*search)(struct geometry_job *, struct trigger *);
	/* to = from at `scale` times its budget; both of the same shape */
	void (*scale)(
	    const struct trigger *from, double scale, struct trigger *to);
};

#define GEOMETRY(x) extern const struct geometry geometry_##x;
#include "engine/geometry.def"
#undef GEOMETRY

extern const struct geometry *const geometry_table[];
extern const size_t geometry_count;

/* For searches: n zeroed floats that live as long as the search. */
float *geometry_floats(struct geometry_job *, size_t n);
/*
 * For searches: fill job->images with `batch` random FIT images.
 */
void geometry_draw(struct geometry_job *);
/*
 * Forward job->images, gradient of the mean cross-entropy towards the target
 * into job->grad; returns the share of images that became the target.
 */
double geometry_gradient(struct geometry_job *);

#endif
