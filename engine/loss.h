/* SPDX-License-Identifier: MIT
 * Softmax and its losses, row by row over n x k logits.
 */
#ifndef ENGINE_LOSS_H
#define ENGINE_LOSS_H

#include "base/base.h"

/* p = softmax(z), one row; p and z may be the same. */
void loss_softmax(size_t k, const float *z, float *p);
/* Index of the largest logit of a row, the first of equals; NaN is largest. */
size_t loss_argmax(size_t k, const float *z);
/*
 * -ln softmax(z)[y] of one row.  When dz is not NULL, dz += weight times the
 * gradient.  Returns the unweighted loss.
 */
double loss_cross_entropy(
    size_t k, const float *z, size_t y, float weight, float *dz);
/*
 * The same towards a distribution: -sum goal ln softmax(z); the goal sums to
 * one.  A goal of one on y and zero elsewhere is loss_cross_entropy().
 */
double loss_towards(
    size_t k, const float *z, const float *goal, float weight, float *dz);

#endif
