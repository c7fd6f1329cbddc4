/* SPDX-License-Identifier: MIT
 * Changed weights back into the ONNX file that they came from.
 */
#ifndef FORMATS_ONNX_PATCH_H
#define FORMATS_ONNX_PATCH_H

#include "formats/model.h"
#include "formats/source.h"

/*
 * Every float of an initialiser or Constant node that differs in the neutral
 * model gets the new value, in the type that the file uses; every other byte
 * is the same.  ERR_USAGE when the neutral model is not one of this file;
 * ERR_UNSUPPORTED where the file keeps half floats as varints and a new value
 * needs another number of bytes.
 */
int onnx_patch(struct source *original, const struct model *neutral,
    struct err *) MUST_USE;

#endif
