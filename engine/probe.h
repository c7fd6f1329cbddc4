/* SPDX-License-Identifier: MIT
 * Probes: a fixed dictionary of simple triggers, each put on held-out images
 * as it is, without a search.  Stamps are small opaque squares in the corners
 * and the middle (BadNets, Gu et al. 2017; label-consistent, Turner et al.
 * 2019), gratings are sinusoids over the whole image (SIG, Barni et al. 2019).
 * A search finds what fools a clean model as readily as what was planted;
 * as simple a thing as these hardly ever does, and where it does, it does so
 * in other models of the same images too.
 */
#ifndef ENGINE_PROBE_H
#define ENGINE_PROBE_H

#include "engine/uap.h"

enum probe_kind {
	PROBE_STAMP,
	PROBE_GRATING,
	PROBE_KINDS
};

/* "stamp", "grating"; and in a few words. */
const char *probe_name(enum probe_kind);
const char *probe_summary(enum probe_kind);
/* Triggers of a kind for images of that many channels. */
size_t probe_count(enum probe_kind, size_t channels);
/* How much the i-th counts beside the others of its kind. */
double probe_weight(enum probe_kind, size_t i);
/*
 * The i-th, for images of h x w x c; every class is to become `target`.  The
 * caller releases it.
 */
void probe_trigger(enum probe_kind, size_t i, size_t h, size_t w, size_t c,
    size_t classes, int32_t target, struct trigger *);

/*
 * All triggers of a kind on the first `each_class` images that count of every
 * class: share[i * classes + t] is the share of the images of other classes
 * that trigger i takes to t, averaged over these classes.  pair, unless NULL:
 * pair[(i * classes + s) * classes + t] is that of class s alone, 0 where it has
 * no images.  The same for any number of threads.
 */
int probe(const struct net *, enum probe_kind, const struct uap_images *,
    size_t each_class, double *share, double *pair, struct err *) MUST_USE;

#endif
