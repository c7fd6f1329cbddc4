/* SPDX-License-Identifier: MIT
 * The graph of a graph model of TensorFlow.js (model.json: a GraphDef in JSON, as its
 * converter writes it), in ONNX's words, for check_arch.
 */
#ifndef AUDIT_CHECK_ARCH_TFJS_H
#define AUDIT_CHECK_ARCH_TFJS_H

#include "formats/conf.h"
#include "formats/onnx_file.h"

/*
 * False when the document is none.  Weights are in other files; of a constant whose
 * shape the node does not tell it is only known that it is one.  Functions are left
 * out.  ERR_LIMIT in *e: too large.
 */
bool check_arch_tfjs(
    const struct conf_doc *, struct arena *, struct onnx_file *, struct err *);

#endif
