/* SPDX-License-Identifier: MIT
 * The graph of an OpenVINO model (IR version 10 and 11, .xml), in ONNX's words,
 * for check_arch.
 */
#ifndef AUDIT_CHECK_ARCH_OV_H
#define AUDIT_CHECK_ARCH_OV_H

#include "formats/onnx_file.h"

/*
 * False when the bytes are no such model.  Weights are in another file, so of
 * constants only the shapes are there; what is in the bodies of If, Loop and
 * TensorIterator is left out.  In *e ERR_LIMIT: too large; ERR_FORMAT: an edge
 * leads nowhere.
 */
bool check_arch_ov(struct rd, struct arena *, struct onnx_file *, struct err *);

#endif
