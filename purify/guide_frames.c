/* SPDX-License-Identifier: MIT
 * A search over the whole image ends where a patch pushes the suspect most
 * easily, which need not be where the trigger was stamped: convolutions answer
 * to its pattern elsewhere too, in the emptier corners better than in its
 * place.  To unlearn it there leaves it awake where it is.
 */
#include "purify/guide_part.h"

#include <math.h>

/* Parts overlap: each has sides of this share of the image's. */
#define SHARE 0.4
/* Of the way from the references to the easiest patch. */
#define NEAR 0.5
/* Without references: below the easiest. */
#define NEAR_ALONE 1.0
#define VARIANTS   4
#define SEED       7919

static const struct uap_config how = {
    .steps = GUIDE_FRAME_STEPS, .batch = GUIDE_FRAME_BATCH, .count = 64};

/* Part i of GUIDE_ACROSS of so many pixels. */
static size_t
part(size_t i, size_t pixels, size_t *start)
{
	size_t side = MAX((size_t)(SHARE * (double)pixels + 0.5), 1);

	*start = i * (pixels - side) / (GUIDE_ACROSS - 1);
	return side;
}

static double
least_ease(const struct guide_question *q, const struct uap_found *found)
{
	double best = q->ease;

	for (size_t i = 0; i < GUIDE_FRAMES; i++)
		if (found[i].reached)
			best = fmax(best, guide_ease(&found[i]));
	if (!isfinite(q->natural))
		return best - NEAR_ALONE;
	return q->natural + NEAR * (best - q->natural);
}

int
guide_search_frames(struct guide_question *q, const struct net *net,
    const struct uap_images *images, uint64_t seed, struct err *e)
{
	struct uap_cell cell[GUIDE_FRAMES];
	struct uap_found found[GUIDE_FRAMES];
	double least;
	int rc;

	if (q->geometry != geometry_find("patch"))
		return 0;
	for (size_t i = 0; i < GUIDE_FRAMES; i++) {
		struct geometry_frame *f = &cell[i].frame;

		cell[i] = (struct uap_cell){.geometry = q->geometry,
		    .source = q->source,
		    .target = q->target,
		    .seed = seed + SEED + i};
		f->h = part(i / GUIDE_ACROSS, net->h, &f->top);
		f->w = part(i % GUIDE_ACROSS, net->w, &f->left);
	}
	rc = uap_search(
	    net, &how, images, images, cell, GUIDE_FRAMES, NULL, found, e);
	if (rc != 0)
		return rc;
	least = least_ease(q, found);
	for (size_t i = 0; i < GUIDE_FRAMES; i++)
		if (found[i].reached && guide_ease(&found[i]) >= least)
			guide_keep(q, &found[i], VARIANTS, cell[i].seed);
	uap_release(found, GUIDE_FRAMES);
	return 0;
}
