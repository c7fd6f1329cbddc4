/* SPDX-License-Identifier: MIT
 * What a scan found, as perturbations that are to be unlearned.  For each
 * target of a scan document there is a question for each geometry in which the
 * suspect lets itself be pushed there far more easily than its references.
 * Questions are searched anew on the model as it moves, until it is as hard to
 * push as the references; what was found is kept in a pool, with variants, so
 * that what was unlearned stays so.
 */
#ifndef PURIFY_GUIDE_H
#define PURIFY_GUIDE_H

#include "base/json.h"
#include "engine/uap.h"

/* Perturbations of one question.  Those of the first search, of the suspect,
 * stay; of later ones the oldest give way. */
#define GUIDE_POOL 120
/* Questions at most: maps of many classes are thinned evenly, and what sees
 * each target best goes before what else sees it. */
#define GUIDE_MAX 64

/* A search: of the first, and of later ones. */
#define GUIDE_FIRST_STEPS 200
#define GUIDE_FIRST_BATCH 16
#define GUIDE_STEPS       48
#define GUIDE_BATCH       4
/* Searches of guide_confirm(), which are like later ones. */
#define GUIDE_CONFIRM 3

struct guide_question {
	const struct geometry *geometry;
	int32_t target, source; /* UAP_ALL: all other classes */
	/* how easily the references are pushed (the scan's "ease"); -inf where
	 * there is none */
	double natural;
	double easiest; /* the easiest of the references */
	double claimed; /* the suspect's; NAN where the scan has none */
	bool best;      /* it sees its target best, or is the only one to */
	bool mapped;    /* of a map of all classes, which stands as one */
	bool closed;    /* not found again, or with what sees its target best */
	double ease;    /* of the easiest last found; +inf before */
	struct trigger pool[GUIDE_POOL];
	size_t n, first; /* in the pool; of the first search */
};

struct guide {
	struct guide_question *question;
	size_t n;
	size_t left_out; /* targets and questions that were too many */
	double accuracy; /* of the suspect on the scan's images; NAN: unsaid */
};

/*
 * The questions of a scan document ("assay-scan/1") for this model's classes
 * and images; they live in the arena.  ERR_FORMAT where the document names a
 * class that does not exist.  A scan without targets gives none.
 */
int guide_read(struct guide *, const json_t *scan, const struct net *,
    struct arena *, struct err *) MUST_USE;
void guide_release(struct guide *);

/*
 * Searches again, as the scan did but on these images, what sees each target
 * best and was far easier there than in the easiest reference.  Where, in the
 * mean of three searches, less than a third is left of what the scan saw above
 * that reference, it is not this model's: the questions of that target are
 * closed; those of a map all together, by their mean above the mean of the
 * references.  What cannot be compared stays.  *left: questions not closed.
 */
int guide_confirm(struct guide *, const struct net *, const struct uap_images *,
    uint64_t seed, size_t *left, struct err *) MUST_USE;

/*
 * Search the questions that are still open on the model as it is, with these
 * images, `seeds` times each; those that no image is about stay as they are.
 * `first`: thoroughly, as is to be done before the model moves, patches in one
 * part of the image at a time as well.
 */
int guide_search(struct guide *, const struct net *, const struct uap_images *,
    size_t seeds, bool first, uint64_t seed, struct err *) MUST_USE;
/* How many times as much as a later search of `seeds` the first one of so many
 * computes. */
double guide_first_times(
    const struct guide *, size_t first_seeds, size_t seeds);
/* ERR_USAGE, for a question that has no perturbation after a search: there are
 * no images that it is about. */
int guide_idle(const struct guide_question *, struct err *);

/* A perturbation for an image of this class, by a number that chooses among
 * questions, most often the one that sees its target best, and in their pools; NULL where no question is about the class. */
const struct trigger *guide_trigger(
    const struct guide *, int32_t label, uint64_t choice);

#endif
