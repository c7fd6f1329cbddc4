/* SPDX-License-Identifier: MIT
 * Re-tuning: does a purified model learn its old trigger again from a handful
 * of poisoned images (Min et al., NeurIPS 2024: 5 images, 5 epochs)?
 */
#ifndef PURIFY_RETUNE_H
#define PURIFY_RETUNE_H

#include "purify/push.h"

#define RETUNE_POISONED 5
#define RETUNE_EPOCHS   5
/* Clean images at most, and images a step. */
#define RETUNE_IMAGES 512
#define RETUNE_BATCH  32

/*
 * Trains the net on clean images and, unless p is NULL, on RETUNE_POISONED
 * more that carry p's trigger and the class that it means.  Not *done: there
 * are too few images for a step, or the weights are no numbers any more.
 */
int retune(struct net *, const struct uap_images *, const struct push *p,
    uint64_t seed, bool *done, struct err *) MUST_USE;

/*
 * A yardstick: a square of random dots somewhere, an eighth of the image's
 * side, that means the same classes as `goal`; to be released.
 */
void retune_yardstick(
    const struct trigger *goal, uint64_t seed, struct trigger *);

#endif
