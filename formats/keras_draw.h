/* SPDX-License-Identifier: MIT
 * Drawing what Keras computes as a graph with logical NCHW axes.
 *
 * A value of rank 4 that Keras counts as (N,H,W,C) is kept as (N,C,H,W):
 * `turned`.  What depends on the order of its axes (Flatten, Reshape, Dense,
 * ...) asks for it straight, which costs a Transpose.
 */
#ifndef FORMATS_KERAS_DRAW_H
#define FORMATS_KERAS_DRAW_H

#include "formats/draw.h"
#include "formats/keras_config.h"

struct keras_value {
	const char *name;
	size_t rank;
	int64_t last; /* length of Keras's last axis; -1 unknown */
	bool turned;
	double number;      /* rank 0: a number, this one */
	const json_t *list; /* or these, along the last axis; not drawn yet */
};

struct keras {
	struct draw d;
	int version;   /* major version of Keras */
	bool pixels;   /* the first arithmetic was seen */
	bool bytes;    /* and takes pixels of 0 to 255 */
	bool rescaled; /* there was such a layer */
	size_t calls;
	struct keras_layer *root;
	const json_t *slice; /* of the call that is drawn, or NULL */
};

/* Fail about a layer: ERR_UNSUPPORTED, ERR_FORMAT. */
void keras_draw_refuse(struct keras *, const struct keras_layer *,
    const char *fmt, ...) PRINTF_LIKE(3, 4);
void keras_draw_bad(struct keras *, const struct keras_layer *, const char *fmt,
    ...) PRINTF_LIKE(3, 4);

/* The value with its axes in Keras's order; as NCHW (rank 4 only). */
struct keras_value keras_draw_straight(
    struct keras *, const struct keras_layer *, struct keras_value);
struct keras_value keras_draw_turned(
    struct keras *, const struct keras_layer *, struct keras_value);
/* For a layer over height and width: NCHW, by its data_format. */
struct keras_value keras_draw_image(
    struct keras *, const struct keras_layer *, struct keras_value);
/* An axis of the configuration, as the value has it stored. */
int64_t keras_draw_axis(struct keras *, const struct keras_layer *,
    const struct keras_value *, int64_t axis);

/*
 * Weight i of the layer as a tensor: its dimensions in another order (NULL: as
 * they are), or any view over its bytes.  One that a second call of the layer
 * asks for again is the same tensor.
 */
const char *keras_draw_weight(struct keras *, struct keras_layer *, size_t i,
    size_t rank, const size_t *perm);
const char *keras_draw_view(struct keras *, struct keras_layer *, size_t i,
    size_t rank, const uint64_t *dim, const uint64_t *stride);
/* n numbers that no file has; doubles, which are never trained. */
const char *keras_draw_numbers(struct keras *, const struct keras_layer *,
    const char *what, size_t rank, const uint64_t *dim, const double *v);
/* The same number n times, as a vector; n 0: a scalar. */
const char *keras_draw_repeat(struct keras *, const struct keras_layer *,
    const char *what, size_t n, double v);

/*
 * What the first arithmetic of a model says about the pixels that it takes:
 * 0 to 255, which it brings down, or 0 to 1.  Later calls say nothing.
 */
void keras_draw_pixels(struct keras *, bool bytes);

/* Whether the layer's data_format is channels_first. */
bool keras_draw_first(const struct keras_layer *);
/* Kernel, strides, dilations and padding of a window. */
void keras_draw_window(struct keras *, const struct keras_layer *,
    const int64_t size[2], const int64_t stride[2], const int64_t dilation[2]);

#endif
