/* SPDX-License-Identifier: MIT
 * Orthonormal bases of images that are products of two one-dimensional ones:
 * image = Y' C X for each channel, C being rows x cols coefficients.  Cosines
 * (DCT-II) for smooth images, the real Fourier basis for periodic ones.
 */
#ifndef ENGINE_BASIS_H
#define ENGINE_BASIS_H

#include "base/base.h"

struct basis {
	size_t h, w, c;
	size_t rows, cols; /* basis functions along height and width */
	float *y, *x;      /* rows * h, cols * w */
	float *spare;      /* rows * w */
};

/* Floats that y, x and spare take together. */
size_t basis_floats(size_t h, size_t w, size_t rows, size_t cols);
/* In the caller's zeroed memory of so many floats. */
void basis_cosine(struct basis *, size_t h, size_t w, size_t c, size_t rows,
    size_t cols, float *mem);
/* Constant, then cosine and sine of 1, 2, ... periods. */
void basis_fourier(struct basis *, size_t h, size_t w, size_t c, size_t rows,
    size_t cols, float *mem);

/* image (h*w*c, overwritten) from coefficients (c*rows*cols). */
void basis_image(const struct basis *, const float *coef, float *image);
/* coef += the products of an image with every basis function. */
void basis_coefficients(const struct basis *, const float *image, float *coef);

#endif
