/* SPDX-License-Identifier: MIT
 * What a purification did to the answers on clean images: h0 is the model
 * before, h after it.
 *
 * Expected calibration error (Guo et al., ICML 2017): the images in 15 equal
 * bins by the probability of the predicted class, the mean over images of
 * |accuracy - mean probability| of their bins.  Brier score (Brier 1950): mean
 * of sum_c (p_c - [c = y])^2, 0 to 2.  Divergence: mean of KL(h0 || h) in nats.
 */
#ifndef PURIFY_HARM_H
#define PURIFY_HARM_H

#include "base/json.h"
#include "engine/net.h"
#include "formats/dataset.h"

#define HARM_BINS 15

struct harm_side {
	uint64_t correct;
	double calibration, brier;
};

struct harm_class {
	uint64_t n, before, after; /* images, right answers */
};

struct harm {
	uint64_t n, same; /* images, and those whose class is the same */
	double divergence;
	struct harm_side before, after;
	size_t classes;
	struct harm_class *of; /* per class, in the arena */
};

/* From the logits z0 of h0 and z of h, n x classes each; n > 0. */
void harm_compare(struct harm *, const float *z0, const float *z,
    const int32_t *label, size_t n, size_t classes, struct arena *);
/* n images in memory. */
int harm_measure(struct harm *, const struct net *h0, const struct net *h,
    const float *x, const int32_t *label, size_t n, struct arena *,
    struct err *) MUST_USE;
/* A data set that fits the nets. */
int harm_measure_data(struct harm *, const struct net *h0, const struct net *h,
    const struct dataset *, struct arena *, struct err *) MUST_USE;

/* The class that lost the largest share of its right answers, the first of
 * equals; SIZE_MAX where none lost any. */
size_t harm_worst(const struct harm *);

/* Classes are named as the data names them. */
json_t *harm_json(const struct harm *, const struct dataset *);
/* Two lines for people. */
void harm_print(const struct harm *, const struct dataset *, const char *which);

#endif
