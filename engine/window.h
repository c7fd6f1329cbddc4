/* SPDX-License-Identifier: MIT
 * The sliding window that convolution and pooling share: sizes, padding and
 * output shape (ONNX Conv, MaxPool, AveragePool) over one to three spatial
 * axes.  Bound, there are always three, depth, height, width; those that an
 * input of rank 3 or 4 lacks have length 1.
 */
#ifndef ENGINE_WINDOW_H
#define ENGINE_WINDOW_H

#include "engine/op.h"

#define WINDOW_AXES 3

/* As the attributes say: n axes, 0 while nothing tells. */
struct window {
	size_t n;
	bool sized; /* size[] is given */
	size_t size[WINDOW_AXES], stride[WINDOW_AXES], dilation[WINDOW_AXES];
	size_t pad[2 * WINDOW_AXES]; /* n before, n behind; 0 with `same` */
	enum {
		WINDOW_EXPLICIT,
		WINDOW_SAME_UPPER,
		WINDOW_SAME_LOWER,
	} same;
	bool ceil;
};

/* Bound to an input. */
struct window_fit {
	size_t in[WINDOW_AXES], out[WINDOW_AXES];
	size_t size[WINDOW_AXES], stride[WINDOW_AXES], dilation[WINDOW_AXES];
	size_t pad[WINDOW_AXES], behind[WINDOW_AXES];
	size_t taps, pixels; /* products of size and of out */
	size_t inputs;       /* product of in */
};

/* Taps [from, to) of a window lie inside; the first of them at index `at`. */
struct window_span {
	size_t from, to, at;
};

/* Read strides, pads, dilations, ceil_mode, auto_pad and kernel_shape. */
int window_read(struct window *, const struct node *, struct err *) MUST_USE;

/*
 * Bind to x of rank 3 to 5.  `size`: the window's extent where the weights
 * give it, which kernel_shape must not contradict; NULL: kernel_shape.
 */
int window_bind(const struct window *, const struct step *,
    const struct shape *x, const size_t *size, struct window_fit *,
    struct err *) MUST_USE;

/* The output: N of x, `channels`, as many spatial axes as x has. */
int window_out(const struct window_fit *, const struct step *,
    const struct shape *x, size_t channels, struct shape *out,
    struct err *) MUST_USE;

/* Of output index i of an axis; from == to: wholly outside. */
struct window_span window_span(
    const struct window_fit *, size_t axis, size_t i);

/* The three spans of output pixel i (row-major) of an image. */
void window_pixel(
    const struct window_fit *, size_t i, struct window_span span[WINDOW_AXES]);

#endif
