/* SPDX-License-Identifier: MIT
 * Quantised models: QuantizeLinear and DequantizeLinear around layers, the
 * layers of integers (QLinearConv, MatMulInteger, ...), and those that ONNX
 * Runtime's quantiser adds (domain com.microsoft).
 *
 * The neutral model computes with floats.  Weights are dequantised when they
 * are read.  A quantised activation is a float that holds a whole number:
 *
 *	q = Clip(StraightRound(x / scale) + zero, least, most)
 *
 * which is what the file computes; its gradient is that of the clipping, as in
 * quantisation-aware training (Bengio et al., arXiv:1308.3432).
 */
#ifndef FORMATS_ONNX_QUANT_H
#define FORMATS_ONNX_QUANT_H

#include "formats/onnx_lower.h"

/* A quantised value: its name, and the constants that go with it. */
struct quant {
	const char *x;
	const struct tensor *scale, *zero; /* zero NULL: 0 */
	int64_t axis;                      /* of a scale that is a vector */
};

/* Bytes that dequantised weights of this file may take. */
uint64_t onnx_quant_budget(const struct onnx_file *);

/* Elements of a constant; 0 of NULL. */
uint64_t onnx_quant_count(const struct tensor *);
/* The constant at input i, one number or a vector; NULL where it is absent and
 * not needed. */
int onnx_quant_parameter(struct onnx_lower *, const struct onnx_node *,
    size_t i, bool needed, const struct tensor **out) MUST_USE;
/* A value with scale and zero at the inputs after it. */
int onnx_quant_operand(struct onnx_lower *, const struct onnx_node *, size_t i,
    struct quant *) MUST_USE;

/* Constants: (q - zero) * scale * unit as floats; a float as the type. */
int onnx_quant_dequantise_constant(struct onnx_lower *,
    const struct onnx_node *, const struct quant *, double unit,
    const char *out) MUST_USE;
int onnx_quant_quantise_constant(struct onnx_lower *, const struct onnx_node *,
    const struct quant *, enum dtype, const char *out) MUST_USE;

/* One more node of two inputs (b NULL: of one); NULL when full. */
struct node *onnx_quant_emit(struct onnx_lower *, const struct onnx_node *,
    const char *op, const char *a, const char *b, const char *out);
/* x / scale, rounded, + zero (or NULL), cut to the type; names are values. */
int onnx_quant_round(struct onnx_lower *, const struct onnx_node *,
    const char *x, const char *scale, const char *zero, enum dtype,
    const char *out) MUST_USE;
/* The same of a float q->x with its constants. */
int onnx_quant_quantise(struct onnx_lower *, const struct onnx_node *,
    const struct quant *, enum dtype, const char *out) MUST_USE;
/* And back: q->x is quantised; scale NULL: of 1. */
int onnx_quant_dequantise(struct onnx_lower *, const struct onnx_node *,
    const struct quant *, const char *out) MUST_USE;
/* The same of a constant or a value, under a new name. */
int onnx_quant_floats(struct onnx_lower *, const struct onnx_node *,
    const struct quant *, const char *suffix, const char **out) MUST_USE;
/* Whether a value is a float that holds a whole number, by our making. */
bool onnx_quant_ours(const struct onnx_lower *, const char *name);

#endif
