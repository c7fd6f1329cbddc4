/* SPDX-License-Identifier: MIT
 * Geometries of universal perturbations: shapes of one small common change
 * that pushes many images into a class.  engine/geometry.def lists them; each
 * file has the search for one.  engine/uap.h turns what a search finds into a
 * flip radius on held-out images.
 *
 * All but the patch share one search (geometry_descend): momentum descent in
 * a ball whose budget shrinks while enough of a batch becomes the target and
 * grows otherwise, so that it ends near the smallest budget that works.  They
 * differ in their parameters: how these change an image, and their norm.
 */
#ifndef ENGINE_GEOMETRY_H
#define ENGINE_GEOMETRY_H

#include "base/rng.h"
#include "engine/run.h"
#include "formats/trigger.h"

/* Where a patch may lie, in pixels; h == 0: anywhere.  Only patches heed it. */
struct geometry_frame {
	size_t top, left, h, w;
};

/* One search: one model, one cell, in one thread. */
struct geometry_job {
	struct run *run; /* of `batch` images, PLAN_DATA */
	size_t batch, steps;
	const float *x;        /* all FIT images */
	const uint32_t *index; /* n of them that are to be pushed */
	size_t n, target;
	struct geometry_frame frame;
	size_t
	    lost; /* steps without a gradient to follow, or with a part of it */
	bool inside; /* slopes are asked for inside of [0,1] (engine/kink.h) */
	struct rng rng;
	float *plain, *images, *grad; /* batch images each */
	struct arena *arena;          /* for the geometry's own state */
};

struct geometry {
	const char *name, *summary;
	const char *unit; /* of the budget and the radius */
	/*
	 * Find the smallest perturbation that pushes the FIT images into the
	 * target, as a trigger (initialised, with its parts allocated here);
	 * returns its budget, > 0.
	 */
	double (*search)(struct geometry_job *, struct trigger *);
	/* to = from at `scale` times its budget; both of the same shape */
	void (*scale)(
	    const struct trigger *from, double scale, struct trigger *to);
	/* budget of a scaled trigger; NULL: it grows like the scale */
	double (*budget)(const struct trigger *);
	/* budget from which on a change is no longer small: radii are searched
	 * and compared up to it */
	double (*largest)(const struct trigger *);
};

#define GEOMETRY(x) extern const struct geometry geometry_##x;
#include "engine/geometry.def"
#undef GEOMETRY
/* Neural Cleanse's own size of a patch; not in the table. */
extern const struct geometry geometry_mask;

extern const struct geometry *const geometry_table[];
extern const size_t geometry_count;

/* NULL when there is none of that name. */
const struct geometry *geometry_find(const char *name);

/* Share of a batch that must become the target while searching. */
#define GEOMETRY_ENOUGH 0.9

/* For searches: n zeroed floats that live as long as the search. */
float *geometry_floats(struct geometry_job *, size_t n);
/* Fill job->plain with `batch` random images of those to be pushed. */
void geometry_draw(struct geometry_job *);
/*
 * Forward job->images, gradient of the mean cross-entropy towards the target
 * into job->grad, where what is not finite is zero; returns the share of images
 * that became the target.
 */
double geometry_gradient(struct geometry_job *);

/* Whether a batch with this share of flips shows that the budget is enough:
 * the smoothed share, which it moves, must be nearly so. */
bool geometry_enough(double flips, size_t step, double *smooth);

/* --- the common search --------------------------------------------------- */

struct descent {
	size_t n; /* parameters */
	/* job->images from job->plain */
	void (*apply)(struct geometry_job *, struct descent *);
	/* gradient of the parameters from job->grad */
	void (*pull)(struct geometry_job *, struct descent *);
	/* the parameters against `momentum` by a part of the budget, then
	 * back into the ball */
	void (*move)(struct descent *);
	double budget, largest; /* where the search starts, and its bound */
	float *p, *g, *momentum, *kept;
	void *shape; /* the geometry's own */
};

/* Allocates p, g, momentum, kept (p is zero) unless the caller has filled p;
 * leaves the best parameters in `kept` and returns their budget. */
double geometry_descend(struct geometry_job *, struct descent *);

/* Moves in common norms. */
void geometry_move_sign(struct descent *);
void geometry_move_l2(struct descent *);
void geometry_move_l1(struct descent *);

/* job->images = clip(job->plain + d) for one additive image d; and the sum of
 * job->grad over the batch, as if nothing had been clipped. */
void geometry_add(struct geometry_job *, const float *d);
void geometry_add_pull(struct geometry_job *, float *sum);

/* For additive geometries. */
void geometry_scale_delta(
    const struct trigger *from, double scale, struct trigger *to);

#endif
