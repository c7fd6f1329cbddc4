/* SPDX-License-Identifier: MIT
 * Nodes and tensors that many of the small networks are made of; each function
 * returns the name of its output.
 */
#ifndef TESTS_OP_BODY_MAKE_H
#define TESTS_OP_BODY_MAKE_H

#include "tests/op_body.h"

/* A tensor of noise. */
const char *op_body_make_weight(struct model *, const char *name, size_t rank,
    const size_t *dim, float scale, float shift);
/* One of integers, in one dimension. */
const char *op_body_make_ints(
    struct model *, const char *name, size_t n, const int64_t *);
const char *op_body_make_reshape(struct model *, const char *name,
    const char *in, size_t rank, const int64_t *dim);
const char *op_body_make_binary(struct model *, const char *op,
    const char *name, const char *a, const char *b);
/* The image times a weight for each channel of three. */
const char *op_body_make_scaled(struct model *);

#define WEIGHT(m, name, scale, shift, ...)                                     \
	op_body_make_weight(m, name, ARRAY_LEN(((size_t[]){__VA_ARGS__})),     \
	    (size_t[]){__VA_ARGS__}, scale, shift)

#define RESHAPE(m, name, in, ...)                                              \
	op_body_make_reshape(m, name, in,                                      \
	    ARRAY_LEN(((int64_t[]){__VA_ARGS__})), (int64_t[]){__VA_ARGS__})

#endif
