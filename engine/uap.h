/* SPDX-License-Identifier: MIT
 * Flip radii: for each class t and geometry G, the smallest budget at which a
 * universal perturbation of shape G makes t of a given share of held-out
 * images of other classes.  Searched on FIT images, measured on TEST images.
 */
#ifndef ENGINE_UAP_H
#define ENGINE_UAP_H

#include "engine/geometry.h"

/* Share of held-out images that must flip. */
#define UAP_SHARE 0.9

struct uap_images {
	const float *x; /* n images, NHWC, in [0,1] */
	const int32_t *label;
	size_t n;
};

struct uap_config {
	size_t steps, batch;
	uint64_t seed;
};

/* What was found for one class. */
struct uap_found {
	struct trigger trigger; /* at the radius */
	double radius;          /* budget at the radius; see `reached` */
	bool reached;        /* false: not even the largest budget was enough */
	uint64_t flipped, n; /* TEST images at the radius */
};

/*
 * All classes of one model in one geometry, in parallel over classes; `found`
 * has net.classes entries, released by uap_release().  The result depends on
 * the images, the net and the configuration only.  `label` is for progress.
 */
int uap_radii(const struct net *, const struct geometry *,
    const struct uap_config *, const struct uap_images *fit,
    const struct uap_images *test, const char *label, struct uap_found *found,
    struct err *) MUST_USE;
void uap_release(struct uap_found *, size_t n);

/* Predictions of the net on TEST images under a trigger (NULL: plain). */
int uap_predict(const struct net *, const struct uap_images *,
    const struct trigger *, int32_t *pred, struct err *) MUST_USE;

#endif
