/* SPDX-License-Identifier: MIT
 * The search for an additive image that is a combination of basis functions
 * (engine/basis.h), its coefficients in a ball: what the smooth and the
 * spectrum geometry share.
 */
#ifndef ENGINE_IN_BASIS_H
#define ENGINE_IN_BASIS_H

#include "engine/basis.h"
#include "engine/geometry.h"

struct in_basis {
	size_t band; /* basis functions along each side, at most */
	void (*make)(struct basis *, size_t h, size_t w, size_t c, size_t rows,
	    size_t cols, float *mem);
	void (*move)(struct descent *); /* the ball's norm */
	double largest;                 /* budget */
};

/* Fills t->delta; returns its budget. */
double in_basis_search(
    struct geometry_job *, struct trigger *t, const struct in_basis *);

#endif
