/* SPDX-License-Identifier: MIT
 * Flip radii: the smallest budget at which a universal perturbation of some
 * geometry makes class t of a given share of held-out images.  Searched on
 * FIT images, measured on TEST images.  A *cell* is one such question: a
 * geometry, a target, and one source class or all others together.
 */
#ifndef ENGINE_UAP_H
#define ENGINE_UAP_H

#include "engine/geometry.h"

/* Share of held-out images that must flip at the radius. */
#define UAP_SHARE 0.9
/* The shares at which the scale is known, and which of them is UAP_SHARE.  A
 * trigger takes along the classes that are far from the target, which a
 * natural weakness does not: large shares tell the two apart. */
#define UAP_SHARES 3
#define UAP_RADIUS 1
extern const double uap_share[UAP_SHARES];

struct uap_images {
	const float *x; /* n images, NHWC, in [0,1] */
	const int32_t *label;
	size_t n;
	const bool *use; /* which of them count; NULL: all */
};

/* Images of a class, from which on shares of these say something: of one image
 * nothing or all of it moves, by chance. */
#define UAP_LEAST 4
/*
 * The same where no class but t has as many: what the largest of them has (0
 * where none has any).  n: how many images of each class there are.
 */
uint64_t uap_least(const uint64_t *n, size_t classes, size_t t);

#define UAP_ALL (-1)

struct uap_cell {
	const struct geometry *geometry;
	int32_t source; /* a class, or UAP_ALL but the target */
	int32_t target;
	uint64_t seed;
	bool longer; /* twice the steps: it is to be known better */
	struct geometry_frame frame;
};

struct uap_config {
	size_t steps, batch; /* of the search */
	size_t count;        /* TEST images at most */
	/* steps for patches and for warps; 0: as the others */
	size_t patch_steps, warp_steps;
};

struct uap_found {
	struct trigger trigger; /* at the radius */
	/* budgets at which uap_share[] of the TEST images flip; where not even
	 * the largest budget tried was enough, that budget; `reached` is
	 * about the radius */
	double radius[UAP_SHARES];
	bool reached;
	/* in most steps of the search gradients were zero or not finite: there
	 * may be a far smaller change, and a radius says nothing */
	bool blind;
	/* 95 % interval of the radius from the number of TEST images
	 * (Wilson); 0 and infinity where the curve does not reach so far */
	double lo, hi;
	uint64_t flipped, n; /* TEST images at the radius */
};

/*
 * ncell cells of one model, in parallel; found has as many entries, released
 * by uap_release().  Each result depends on its cell, the images, the net and
 * the configuration only.  Collective where there are several ranks
 * (base/ranks.h), which share out the cells; an error is every rank's.
 * `label` is for progress, NULL for none.  ERR_USAGE where a cell has no
 * images.
 */
int uap_search(const struct net *, const struct uap_config *,
    const struct uap_images *fit, const struct uap_images *test,
    const struct uap_cell *cell, size_t ncell, const char *label,
    struct uap_found *found, struct err *) MUST_USE;
void uap_release(struct uap_found *, size_t n);

/*
 * Predictions of the net under a trigger (NULL: plain) for the images
 * index[0..n) (NULL: the first n).
 */
int uap_predict(const struct net *, const struct uap_images *,
    const uint32_t *index, size_t n, const struct trigger *, int32_t *pred,
    struct err *) MUST_USE;

#endif
