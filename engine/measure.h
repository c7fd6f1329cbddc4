/* SPDX-License-Identifier: MIT
 * What a classifier does on a data set, plain and under a trigger.
 */
#ifndef ENGINE_MEASURE_H
#define ENGINE_MEASURE_H

#include "engine/net.h"
#include "formats/dataset.h"
#include "formats/trigger.h"

struct measure_count {
	uint64_t hit, n;
};

/*
 * Predicted class of images [first, first + n); with a trigger, of the
 * triggered images.  pred: n entries.
 */
int measure_predict(const struct net *, const struct dataset *, size_t first,
    size_t n, const struct trigger *, int32_t *pred, struct err *) MUST_USE;

/* Accuracy on images [first, first + n); the data has labels. */
int measure_accuracy(const struct net *, const struct dataset *, size_t first,
    size_t n, struct measure_count *, struct err *) MUST_USE;

/*
 * Over the images that the trigger's map sends to another class: how many are
 * predicted as that class (attack success), and how many still as their own
 * (robust, or recovered, accuracy).  by_class: the successes by the images'
 * own class, an entry for each of the trigger's, or NULL.
 */
int measure_attack(const struct net *, const struct dataset *, size_t first,
    size_t n, const struct trigger *, struct measure_count *success,
    struct measure_count *recovered, struct measure_count *by_class,
    struct err *) MUST_USE;

/*
 * Whether a share of right answers is so low that the labels are probably not
 * the model's, or the images not what it was trained on: surely (all of its
 * 95 % interval) below three times what guessing gives, or with few classes a
 * third of the way from there to 1.
 */
bool measure_near_chance(uint64_t hit, uint64_t n, size_t classes);
/* What tools say then: of path and percentage. */
#define MEASURE_NEAR_CHANCE                                                    \
	"%s: accuracy %.1f %% is near chance: labels or preprocessing may be " \
	"wrong (--classes, --preprocess)"

/* That data and net, trigger and data fit together; says what does not. */
int measure_fits(const struct net *, const struct dataset *,
    const struct trigger *, struct err *) MUST_USE;

#endif
