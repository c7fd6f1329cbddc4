/* SPDX-License-Identifier: MIT
 * Expected Transferability (Xiang, Miller, Kesidis, ICLR 2022).  For class t
 * and images of other classes, the smallest change that sends image i to t is
 * applied to every other image j of the set; T_ij says whether j goes to t as
 * well.  ET_t is the mean of T over ordered pairs.  What moves one image of a
 * clean model rarely moves another; a trigger moves them all.  The threshold
 * 1/2 needs no reference and no other class.
 *
 * ET is a U-statistic with the kernel (T_ij + T_ji) / 2; its standard error is
 * that of the jackknife over images.
 */
#ifndef ENGINE_TRANSFER_H
#define ENGINE_TRANSFER_H

#include "engine/uap.h"

/* Above it a class is a backdoor's target, in the paper. */
#define TRANSFER_THRESHOLD 0.5

enum transfer_shape {
	TRANSFER_L2,    /* additive, smallest L2 norm */
	TRANSFER_PATCH, /* pixels mixed with a pattern, smallest sum of mask */
};

struct transfer_config {
	enum transfer_shape shape;
	size_t images; /* of other classes, for each class; 3 or more */
	size_t steps;  /* gradients of each */
	/* what is found is enlarged by this share of itself before it is
	 * tried on others: two images that the same change moves would else
	 * never both move with the smaller of their two changes */
	double margin;
	uint64_t seed;
};

/* Patch, 20 images of 25 steps: 520 gradients and 400 looks a class. */
struct transfer_config transfer_defaults(void);

struct transfer_class {
	double et, se;   /* NaN when there were less than three images */
	double size;     /* median norm or mask sum of what was found, or NaN */
	size_t n, found; /* images; those that a change sends to the class */
};

/*
 * Every class of the net into out[net.classes], in parallel over classes.
 * Uses the images that the net classifies as their label; an image that no
 * change was found for has a row of zeros in T.  `label` is for progress.
 */
int transfer_measure(const struct net *, const struct transfer_config *,
    const struct uap_images *, const char *label, struct transfer_class *out,
    struct err *) MUST_USE;

/* ET and its standard error from T, n x n row by row; the diagonal is not
 * looked at. */
void transfer_statistic(const uint8_t *t, size_t n, double *et, double *se);

/* The class of the largest ET; NaN is the least. */
size_t transfer_top(const struct transfer_class *, size_t k);

#endif
