/* SPDX-License-Identifier: MIT
 * Where a graph of an ONNX file begins and ends for our purposes: which input
 * is the image and how it lies there, which output has the logits.
 */
#ifndef FORMATS_ONNX_ENDS_H
#define FORMATS_ONNX_ENDS_H

#include "formats/onnx_lower.h"
#include "formats/onnx_order.h"

/* The image as the file takes it. */
struct onnx_image {
	const struct onnx_value *input;
	bool bytes; /* integers of 0 to 255 */
	bool flat;  /* (N, C H W) */
	bool grey;  /* (N, H, W) */
	bool last;  /* (N, H, W, C) */
	/* or its only use is a transposition from that, which is left out */
	bool turned;
	bool large; /* floats, whose first arithmetic brings down 0 to 255 */
};

/* What the file says of its outputs. */
struct onnx_logits {
	struct onnx_value value;
	const char *why; /* said in the note; NULL: there is one output */
};

/*
 * The only output that could be the logits; of several the one called so, or
 * that which the others are the probabilities of; behind ArgMax and ZipMap
 * what these take.
 */
int onnx_ends_output(const struct onnx_file *, const struct onnx_order *,
    struct onnx_logits *, struct err *) MUST_USE;

/* The input that is an image, and m->shape as N,C,H,W; after
 * onnx_order_live(). */
int onnx_ends_image(const struct onnx_file *, const struct onnx_order *,
    struct model *m, struct onnx_image *, struct err *) MUST_USE;

/* Names m->input, and what makes of it what the file's nodes take; before
 * these are lowered. */
int onnx_ends_begin(struct onnx_lower *, const struct onnx_image *) MUST_USE;

/* For the note of the model; "" when there is nothing to say. */
const char *onnx_ends_note(
    const struct onnx_image *, const struct onnx_logits *, struct arena *);

#endif
