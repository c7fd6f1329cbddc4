/* SPDX-License-Identifier: MIT
 * Images under a trigger and a small universal perturbation together, which
 * may wake a backdoor that purification left asleep (Zhu, Liang and Wu,
 * NeurIPS 2024).
 */
#ifndef PURIFY_PUSH_H
#define PURIFY_PUSH_H

#include "engine/measure.h"
#include "engine/uap.h"

/* What is done to an image, and what class it is meant to become. */
struct push {
	const struct trigger *goal;    /* its map says the class */
	const struct trigger *trigger; /* put on, or NULL */
	const float *delta;            /* then added, one image, or NULL */
};

/* The class that an image of class y is meant to become, -1: none other. */
int32_t push_goal(const struct push *, int32_t y);
/* to = pushed x, in [0,1]; `floats` of one image; not overlapping. */
void push_image(const struct push *, size_t floats, const float *x, float *to);
/* How many of the images that are meant to become another class become it. */
int push_count(const struct net *, const struct uap_images *,
    const struct push *, struct measure_count *, struct err *) MUST_USE;

/* Steps of the search, and images a step: its cost. */
#define PUSH_STEPS 64
#define PUSH_BATCH 32

/*
 * The best universal perturbation found on top of p->trigger, every pixel
 * within `norm`: delta has one image.  Momentum descent of the cross-entropy
 * towards the classes meant, by its sign, in steps that shrink to nothing.
 * Zeros where no image is meant to become another class.
 */
int push_search(const struct net *, const struct uap_images *,
    const struct push *, double norm, uint64_t seed, float *delta,
    struct err *) MUST_USE;

#endif
