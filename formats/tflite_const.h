/* SPDX-License-Identifier: MIT
 * Constants of a TensorFlow Lite file: weights as views of its bytes, integers
 * as the floats that they stand for, sizes and axes as numbers.  k counts the
 * inputs of the node that is being lowered.
 */
#ifndef FORMATS_TFLITE_CONST_H
#define FORMATS_TFLITE_CONST_H

#include "formats/tflite_lower.h"

/* A constant in some form; a failure when it is none. */
const char *tflite_const_weight(
    struct tflite_lower *, size_t k, enum tflite_form);
/*
 * The bias at input k of weights at input `of`, NULL when there is none.  Its
 * integers count in units of input scale times weight scale.
 */
const char *tflite_const_bias(struct tflite_lower *, size_t k, size_t of);
/* Whole numbers that are known; false when they are not. */
bool tflite_const_ints(
    struct tflite_lower *, size_t k, const int64_t **v, size_t *n);
/* A constant of one element. */
double tflite_const_number(struct tflite_lower *, size_t k);

#endif
