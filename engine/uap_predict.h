/* SPDX-License-Identifier: MIT
 * Predictions of one net under triggers, in one thread, a few images at a time.
 */
#ifndef ENGINE_UAP_PREDICT_H
#define ENGINE_UAP_PREDICT_H

#include "engine/uap.h"

#include "engine/run.h"

struct uap_predictor {
	struct run whole, rest; /* full chunks, and what remains */
	size_t chunk, remains;  /* images of each; remains: 0 for none */
	struct arena arena;
	float *images; /* a chunk of them */
};

/* `most` images are usual in one call (any number is right, that one fast);
 * ERR_LIMIT where they do not fit in memory. */
int uap_predictor_init(struct uap_predictor *, const struct net *, size_t most,
    struct err *) MUST_USE;
void uap_predictor_release(struct uap_predictor *);
/* Of images index[0..n) under the trigger (NULL: plain). */
void uap_predictor_classes(struct uap_predictor *, const struct uap_images *,
    const uint32_t *index, size_t n, const struct trigger *, int32_t *pred);

#endif
