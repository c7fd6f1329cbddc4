/* SPDX-License-Identifier: MIT
 * Images with a part of another image in them (Yun et al., "CutMix", ICCV
 * 2019), of which a suspect is asked what it sees.
 */
#ifndef PURIFY_MIXTURE_H
#define PURIFY_MIXTURE_H

#include "base/rng.h"

/* What an image is made of: this share of its area is its own, the rest of
 * another. */
struct mixture {
	uint32_t other;
	float share;
};

/*
 * to[i] = x[i] (h x w x c) with a rectangle out of another of the n images, in
 * the same place, as m[i] then says: anywhere within, of the image's
 * proportions and a part of its area that is uniform in [0, 1].
 */
void mixture_make(struct rng *, const float *x, size_t n, size_t h, size_t w,
    size_t c, float *to, struct mixture *m);

/*
 * A mixture may hold what looks like a trigger, and a suspect's answer to it
 * would teach the backdoor again.  `mixed` and `plain` are probabilities, n
 * times `classes`: of the classes marked in `held`, mixed[i] is brought down to
 * what the mixture of the answers to the two images is, where it is more;
 * then it sums to 1 again.
 */
void mixture_hold(const struct mixture *, size_t n, size_t classes,
    const bool *held, const float *plain, float *mixed);

#endif
