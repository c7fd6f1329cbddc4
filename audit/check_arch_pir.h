/* SPDX-License-Identifier: MIT
 * The graph of a program of PaddlePaddle 3 (inference.json), in ONNX's words, for
 * check_arch: PIR as JSON (paddle/fluid/pir/serialize_deserialize/include/schema.h).
 */
#ifndef AUDIT_CHECK_ARCH_PIR_H
#define AUDIT_CHECK_ARCH_PIR_H

#include "formats/conf.h"
#include "formats/onnx_file.h"

/*
 * False when the document is none.  Sizes are not kept of JSON, so that every
 * parameter is taken for a small matrix.  Branches and bodies of loops stand where
 * they are run.  ERR_LIMIT in *e: too large.
 */
bool check_arch_pir(
    const struct conf_doc *, struct arena *, struct onnx_file *, struct err *);

#endif
