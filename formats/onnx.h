/* SPDX-License-Identifier: MIT
 * ONNX models (IR 3 to 10, operator sets 6 to 21) to and from the neutral
 * model.  Reading lowers every operator to its canonical form, drops what
 * the output does not need, and finds image and logits.
 */
#ifndef FORMATS_ONNX_H
#define FORMATS_ONNX_H

#include "base/rd.h"
#include "formats/model.h"
#include "formats/source.h"

/*
 * Tensor data stays in r's bytes.  The result has passed model_check(); on
 * failure there is nothing to release.  ERR_UNSUPPORTED names the node,
 * tensor or input that we have no use for.
 */
int onnx_parse(struct rd *, struct model *, struct err *) MUST_USE;
/* The same of a source, whose folder may hold external data. */
int onnx_load(struct source *, struct model *, struct err *) MUST_USE;

struct onnx_file;
/* The classifier of a file that is there in plain structs, which the model
 * borrows from, into an empty model with an arena; model_check() is left. */
int onnx_make(struct model *, const struct onnx_file *, struct err *) MUST_USE;

#endif
