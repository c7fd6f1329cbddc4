/* SPDX-License-Identifier: MIT
 * TensorFlow Lite classifiers, of floats or quantised, to the neutral model:
 * images as NCHW, weights as views of the file, integers as the floats that
 * they stand for.
 */
#ifndef FORMATS_TFLITE_H
#define FORMATS_TFLITE_H

#include "formats/model.h"
#include "formats/source.h"

/* Tensor data stays in r's bytes, what was quantised is in the arena. */
int tflite_parse(struct rd, struct model *, struct err *) MUST_USE;
/*
 * Changed weights into the file.  ERR_UNSUPPORTED when one that changed is
 * kept as integers.
 */
int tflite_patch(struct source *, const struct model *, struct err *) MUST_USE;

#endif
