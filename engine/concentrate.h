/* SPDX-License-Identifier: MIT
 * Where untargeted adversarial examples land: in a backdoored model they
 * gather in the target class (Mu et al., CVPR 2023).  One L_inf PGD per image
 * against its own label, without anything universal.
 */
#ifndef ENGINE_CONCENTRATE_H
#define ENGINE_CONCENTRATE_H

#include "engine/uap.h"

struct concentrate_config {
	double eps; /* pixels in [0,1]; steps are a quarter of it */
	size_t steps, count;
};

/* How many of n[s] images of class s landed in t: count[s * classes + t]. */
struct concentrate_counts {
	uint64_t *count, *n; /* the caller's, classes^2 and classes */
};

/*
 * Over the first cfg.count images that count.  The same for any number of
 * threads.
 */
int concentrate(const struct net *, const struct concentrate_config *,
    const struct uap_images *, struct concentrate_counts *,
    struct err *) MUST_USE;

/* The share that lands in t, averaged over the source classes other than t
 * that have at least uap_least() images. */
double concentrate_share(
    const struct concentrate_counts *, size_t classes, size_t t);

#endif
