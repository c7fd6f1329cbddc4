/* SPDX-License-Identifier: MIT
 * The graphs of CoreML models, in ONNX's words, for check_arch: layers of a
 * NeuralNetwork (coremltools/mlmodel/format/NeuralNetwork.proto), and operations of a
 * Program (MIL.proto; check_arch_mil.c).
 */
#ifndef AUDIT_CHECK_ARCH_COREML_H
#define AUDIT_CHECK_ARCH_COREML_H

#include "formats/onnx_file.h"

/*
 * Branches and bodies of loops stand where they are run.  `description` is the
 * model's ModelDescription, which names what goes in and comes out.  Weights count by
 * their sizes.  ERR_LIMIT in *e: too large.
 */
void check_arch_coreml(struct rd network, struct rd description, struct arena *,
    struct onnx_file *, struct err *);
void check_arch_mil(
    struct rd program, struct arena *, struct onnx_file *, struct err *);

#endif
