/* SPDX-License-Identifier: MIT
 * Image scaling, byte for byte that of Pillow (libImaging/Resample.c and, for
 * nearest, Geometry.c; HPND licence, none of its text is used): separable
 * convolution whose filter grows with the reduction (antialiased), horizontal
 * pass first, 8-bit pixels in fixed point with 22 fractional bits, rounded
 * and clipped after each pass.  Float pixels are summed in double.  Also
 * torchvision's rules for the sizes of Resize and CenterCrop.
 */
#ifndef FORMATS_RESIZE_H
#define FORMATS_RESIZE_H

#include "base/arena.h"
#include "formats/preprocess.h"

/* One axis: output i is the sum of weight[i * most + k] * input[first[i] + k],
 * k < count[i]. */
struct resize_axis {
	size_t in, out, most;
	uint32_t *first, *count;
	double *weight;
	int32_t *fixed; /* the weights with 22 fractional bits */
};

struct resize {
	struct resize_axis x, y;
	size_t c;
	void *rows; /* between the passes: y.in rows of x.out pixels */
	bool nearest;
};

/*
 * Plan to scale images of h x w x c to oh x ow, all in the arena; ERR_LIMIT
 * when it is full.  filter is not FILTER_UNKNOWN.
 */
int resize_init(struct resize *, struct arena *, size_t h, size_t w, size_t c,
    size_t oh, size_t ow, enum preprocess_filter, struct err *) MUST_USE;
/* One image, channels innermost. */
void resize_u8(const struct resize *, const uint8_t *in, uint8_t *out);
void resize_f32(const struct resize *, const float *in, float *out);

/* The sizes of torchvision's Resize(k): the shorter side becomes k. */
void resize_shortest(size_t h, size_t w, size_t k, size_t *oh, size_t *ow);
/*
 * Where a centre crop cuts a side of `have` to `want`: *skip pixels are left
 * out in front; or *pad zeros are put there when it is too short.
 */
void resize_centre(size_t have, size_t want, enum preprocess_centre,
    size_t *skip, size_t *pad);

#endif
