/* SPDX-License-Identifier: MIT
 * The sliding window that convolution and pooling share: sizes, padding and
 * output shape (ONNX Conv, MaxPool, AveragePool).
 */
#ifndef ENGINE_WINDOW_H
#define ENGINE_WINDOW_H

#include "engine/op.h"

struct window {
	size_t size[2], stride[2], dilation[2];
	size_t pad[4]; /* top, left, bottom, right; 0 with `same` */
	enum {
		WINDOW_EXPLICIT,
		WINDOW_SAME_UPPER,
		WINDOW_SAME_LOWER,
	} same;
	bool ceil;
};

/* Bound to an input size. */
struct window_fit {
	size_t in[2], out[2];
	size_t pad[2]; /* top, left */
};

/*
 * Read strides, pads, dilations, ceil_mode, auto_pad and, unless kernel is
 * given (a weight's height and width), kernel_shape.
 */
int window_read(struct window *, const struct node *, struct err *) MUST_USE;

/* Output size for an input of h x w; size[] must be set.  The step is for
 * the message. */
int window_bind(const struct window *, const struct step *, size_t h, size_t w,
    struct window_fit *, struct err *) MUST_USE;

#endif
