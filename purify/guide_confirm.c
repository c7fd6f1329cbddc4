/* SPDX-License-Identifier: MIT */
#include "purify/guide_part.h"

#include <math.h>

/* Of what the scan saw above the easiest reference, what a search for it again
 * must show: other images, and fewer, show less. */
#define CONFIRMED (1.0 / 3.0)

/* Mean ease of some questions over searches like the scan's. */
static int
search_again(const struct guide *g, const struct net *net,
    const struct uap_images *images, const size_t *of, size_t n, uint64_t seed,
    double *mean, struct err *e)
{
	struct uap_cell cell[GUIDE_MAX];
	struct uap_found found[GUIDE_MAX];
	int rc;

	for (size_t k = 0; n > 0 && k < GUIDE_CONFIRM; k++) {
		for (size_t i = 0; i < n; i++) {
			const struct guide_question *q = &g->question[of[i]];

			cell[i] = (struct uap_cell){.geometry = q->geometry,
			    .source = q->source,
			    .target = q->target,
			    .seed = seed + k};
		}
		rc = uap_search(
		    net, &guide_how, images, images, cell, n, NULL, found, e);
		if (rc != 0)
			return rc;
		for (size_t i = 0; i < n; i++)
			mean[i] += guide_ease(&found[i]) / GUIDE_CONFIRM;
		uap_release(found, n);
	}
	return 0;
}

/* What else sees a target goes with what sees it best. */
static bool
best_closed(const struct guide *g, const struct guide_question *q)
{
	bool closed = false;

	for (size_t i = 0; i < g->n; i++) {
		const struct guide_question *b = &g->question[i];

		if (!b->best || b->target != q->target ||
		    b->source != q->source)
			continue;
		if (!b->closed)
			return false;
		closed = true;
	}
	return closed;
}

static size_t
close_others(struct guide *g)
{
	size_t left = 0;

	for (size_t i = 0; i < g->n; i++) {
		struct guide_question *q = &g->question[i];

		if (!q->best)
			q->closed = best_closed(g, q);
		if (q->closed)
			q->ease = -INFINITY;
		left += !q->closed;
	}
	return left;
}

static bool
is_comparable(const struct guide_question *q, const struct uap_images *images)
{
	double than = q->mapped ? (double)-INFINITY : q->easiest + GUIDE_ODD;

	return q->best && isfinite(q->natural) && q->claimed >= than &&
	       guide_has_images(q, images);
}

/* Questions of[0..n) were found again with these means. */
static void
close_map(struct guide *g, const size_t *of, size_t n, const double *mean)
{
	double claimed = 0.0, found = 0.0, count = 0.0;

	for (size_t i = 0; i < n; i++) {
		const struct guide_question *q = &g->question[of[i]];

		if (!q->mapped)
			continue;
		claimed += q->claimed - q->natural;
		found += mean[i] - q->natural;
		count++;
	}
	if (claimed < GUIDE_ODD * count || found >= CONFIRMED * claimed)
		return;
	for (size_t i = 0; i < g->n; i++)
		if (g->question[i].mapped)
			g->question[i].closed = true;
}

int
guide_confirm(struct guide *g, const struct net *net,
    const struct uap_images *images, uint64_t seed, size_t *left, struct err *e)
{
	double mean[GUIDE_MAX] = {0};
	size_t of[GUIDE_MAX] = {0}, n = 0;
	int rc;

	for (size_t i = 0; i < g->n; i++)
		if (is_comparable(&g->question[i], images))
			of[n++] = i;
	rc = search_again(g, net, images, of, n, seed, mean, e);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		struct guide_question *q = &g->question[of[i]];

		q->closed =
		    !q->mapped && mean[i] - q->easiest <
				      CONFIRMED * (q->claimed - q->easiest);
	}
	close_map(g, of, n, mean);
	*left = close_others(g);
	return 0;
}
