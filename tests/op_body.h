/* SPDX-License-Identifier: MIT
 * Small networks around one operator each, on odd sizes, strides and pads.
 */
#ifndef TESTS_OP_BODY_H
#define TESTS_OP_BODY_H

#include "formats/model.h"

#define OP_BODY_CLASSES 3
#define OP_BODY_MAX     512

struct op_body {
	const char *name;
	void (*build)(struct model *);
	size_t h, w, c, n; /* image and number of images */
};

/* One file of such networks; tests/test_op.c lists the sets. */
struct op_body_set {
	const struct op_body *row;
	size_t n;
};

extern const struct op_body_set op_body_basic;
extern const struct op_body_set op_body_curves;
extern const struct op_body_set op_body_product;
extern const struct op_body_set op_body_randoms;
extern const struct op_body_set op_body_rows;
extern const struct op_body_set op_body_resizes;
extern const struct op_body_set op_body_transposes;
extern const struct op_body_set op_body_windows;
extern const struct op_body_set op_body_unary;

/* A count of sizes and the sizes, as build.h takes them. */
#define LIST(...)                                                              \
	ARRAY_LEN(((int64_t[]){__VA_ARGS__})), (int64_t[])                     \
	{                                                                      \
		__VA_ARGS__                                                    \
	}
#define DIM(...)                                                               \
	ARRAY_LEN(((size_t[]){__VA_ARGS__})), (size_t[])                       \
	{                                                                      \
		__VA_ARGS__                                                    \
	}

/* n normal numbers of a stream, scaled and shifted. */
void op_body_noise(
    float *, size_t n, uint64_t stream, float scale, float shift);

/* Layers that the bodies share; each returns the name of its output. */
const char *op_body_conv(struct model *, const char *name, const char *in,
    size_t k, size_t c, size_t r, size_t s);
const char *op_body_batch_norm(
    struct model *, const char *name, const char *in, size_t c);
/* A 3x3 convolution of the image to 4 channels, named "c". */
const char *op_body_stem(struct model *);
/* Strides and pads (top, left, bottom, right) of the node added last. */
void op_body_window(
    struct model *, int64_t stride, int64_t t, int64_t l, int64_t b, int64_t r);
/* An attribute of text of the node added last. */
void op_body_text(struct model *, const char *name, const char *value);
/* Flatten to `features` numbers an image and map them to the classes. */
void op_body_head(struct model *, const char *in, size_t features);

#endif
