/* SPDX-License-Identifier: MIT
 * What a scan found, as perturbations that are to be unlearned: for each
 * target of a scan document the geometries that saw it.  They begin as the
 * scan's own and are searched again on the model as it moves; the last few
 * of each are kept, so that what was unlearned stays so.
 */
#ifndef PURIFY_GUIDE_H
#define PURIFY_GUIDE_H

#include "base/json.h"
#include "engine/uap.h"

/* Of one question; the oldest found gives way. */
#define GUIDE_POOL 4
/* Questions at most: maps of many classes are thinned evenly. */
#define GUIDE_MAX 64

struct guide_question {
	const struct geometry *geometry;
	int32_t target, source; /* UAP_ALL: all other classes */
	struct trigger pool[GUIDE_POOL];
	size_t n;
	double radius; /* of the last search; 0: none yet */
};

struct guide {
	struct guide_question *question;
	size_t n;
};

/*
 * The questions of a scan document ("assay-scan/1") for a model of so many
 * classes and images of h x w x c; lives in the arena.  ERR_FORMAT where the
 * document names a class that the model does not have.  A scan without
 * targets gives none.
 */
int guide_read(struct guide *, const json_t *scan, const struct net *,
    struct arena *, struct err *) MUST_USE;
void guide_release(struct guide *);

/* Search all questions on the model as it is, with these images. */
int guide_search(struct guide *, const struct net *, const struct uap_images *,
    uint64_t seed, struct err *) MUST_USE;

/* A perturbation for an image of this class, by a number that chooses among
 * them; NULL where no question is about the class. */
const struct trigger *guide_trigger(
    const struct guide *, int32_t label, uint64_t choice);

#endif
