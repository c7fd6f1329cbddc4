/* SPDX-License-Identifier: MIT
 * What the parts of purify/guide.h share.
 */
#ifndef PURIFY_GUIDE_PART_H
#define PURIFY_GUIDE_PART_H

#include "purify/guide.h"

/* A geometry is asked about when the suspect's ease is above the references'
 * by this much: two thirds of the radius. */
#define GUIDE_ODD 0.4

/* As the scan's own searches, on fewer images: what they find is compared with
 * its numbers. */
extern const struct uap_config guide_how;

/* The scan's measure of how easily a model is pushed. */
double guide_ease(const struct uap_found *);
/* Whether a question is about images of this class, and of any of these. */
bool guide_pushes(const struct guide_question *, int32_t label);
bool guide_has_images(const struct guide_question *, const struct uap_images *);

/* Puts what was found into the pool, which owns it then, with variants. */
void guide_keep(struct guide_question *, struct uap_found *, uint64_t seed);

#endif
