/* SPDX-License-Identifier: MIT
 * 3x3 convolutions of stride 1, dilation 1 and one group by Winograd's minimal
 * filtering F(4x4, 3x3) (Lavin and Gray, 2016, section 4): 36 products of
 * transformed patches with transformed weights do the work of 144.  Images are
 * N,H,W,C, weights K,3,3,C.
 *
 * Pure functions on the caller's buffers.  The bytes of an image's result
 * depend on that image, the weights and the processor's kind only, not on the
 * other images of the call.  Weight gradients are summed over the images in
 * an order that the number of images of the call fixes.  NaN and infinity
 * reach every output that they would reach in exact arithmetic, and may make
 * NaN of others in the same 4x4 blocks.
 */
#ifndef ENGINE_WINO_H
#define ENGINE_WINO_H

#include "base/base.h"

struct wino {
	size_t h, w, c;                  /* input, each at least 1 */
	size_t k;                        /* output channels, at least 1 */
	size_t top, left, bottom, right; /* padding, 0 to 2 each; what comes
					    of it is at least 3x3 */
};

/* Whether this is measured to be faster than a product of im2col. */
bool wino_fits(const struct wino *);

/* Floats that any of the calls below needs as scratch for n images. */
size_t wino_scratch(const struct wino *, size_t n);

/* The weights transformed, for the forward pass and for wino_data(). */
size_t wino_forward_size(const struct wino *);
size_t wino_data_size(const struct wino *);
void wino_forward_weights(const struct wino *, const float *w, float *u);
void wino_data_weights(const struct wino *, const float *w, float *u);

struct wino_epilogue {
	const float *bias; /* K, or NULL */
	const float *add;  /* of y's shape, or NULL; may be y */
	bool relu;
};

/* y (n,P,Q,K) = relu(conv(x (n,H,W,C)) + bias + add). */
void wino_forward(const struct wino *, size_t n, const float *x, const float *u,
    const struct wino_epilogue *, float *y, float *scratch);

/*
 * dx (n,H,W,C) = or += the adjoint of the convolution applied to dy (n,P,Q,K).
 * Where `mask` (of dy's shape, the output of a relu; NULL for none) is <= 0,
 * dy counts as 0.
 */
void wino_data(const struct wino *, size_t n, const float *dy,
    const float *mask, const float *u, bool add, float *dx, float *scratch);

/*
 * dw (K,3,3,C) = or += the sum over the images of the gradient to weights;
 * dy and mask as above.
 */
void wino_dweights(const struct wino *, size_t n, const float *x,
    const float *dy, const float *mask, bool add, float *dw, float *scratch);

#endif
