/* SPDX-License-Identifier: MIT
 * Where a trigger moves an image in the features that the last layer reads:
 * the mean difference between triggered and clean images, in the model before
 * and after purification.  A direction that is still there is a backdoor that
 * only the last layers have forgotten.
 */
#ifndef PURIFY_DIRECTION_H
#define PURIFY_DIRECTION_H

#include "purify/push.h"

struct direction {
	uint64_t n;    /* images */
	size_t size;   /* features; 0: could not be had */
	bool logits;   /* the features are the logits */
	double cosine; /* between the two mean differences; NaN: one is none */
	/* their lengths, by the root mean square length of clean features */
	double before, after;
};

/* Over at most DIRECTION_IMAGES that the push means to become another class. */
#define DIRECTION_IMAGES 256

int direction_measure(const struct net *h0, const struct net *h,
    const struct uap_images *, const struct push *, struct direction *,
    struct err *) MUST_USE;

#endif
