/* SPDX-License-Identifier: MIT
 * What the parts of purify/guide.h share.
 */
#ifndef PURIFY_GUIDE_PART_H
#define PURIFY_GUIDE_PART_H

#include "purify/guide.h"

/* A geometry is asked about when the suspect's ease is above the references'
 * by this much: two thirds of the radius. */
#define GUIDE_ODD 0.4

/* Parts of an image that a patch is searched in, so many down and across, and
 * a search of one. */
#define GUIDE_ACROSS      4
#define GUIDE_FRAMES      (GUIDE_ACROSS * GUIDE_ACROSS)
#define GUIDE_FRAME_STEPS 96
#define GUIDE_FRAME_BATCH 16

/* As the scan's own searches, on fewer images: what they find is compared with
 * its numbers. */
extern const struct uap_config guide_how;

/* The scan's measure of how easily a model is pushed. */
double guide_ease(const struct uap_found *);
/* Whether a question is about images of this class, and of any of these. */
bool guide_pushes(const struct guide_question *, int32_t label);
bool guide_has_images(const struct guide_question *, const struct uap_images *);

/* Puts what was found into the pool, which owns it then, with so many others
 * like it. */
void guide_keep(struct guide_question *, struct uap_found *, size_t variants,
    uint64_t seed);

/*
 * Of a patch that was found in the whole image, others in one part of it at a
 * time, each flipping as many images; those that the suspect is pushed by much
 * more easily than its references are kept.  Other geometries have no place.
 */
int guide_search_frames(struct guide_question *, const struct net *,
    const struct uap_images *, uint64_t seed, struct err *) MUST_USE;

#endif
