/* SPDX-License-Identifier: MIT
 * The graph of an OpenVINO model (IR version 10 and 11, .xml), in ONNX's words,
 * for check_arch.
 */
#ifndef AUDIT_CHECK_ARCH_OV_H
#define AUDIT_CHECK_ARCH_OV_H

#include "formats/onnx_file.h"

/*
 * False when the bytes are no such model.  Weights are in another file, so of
 * constants only the shapes are there.  In *e ERR_LIMIT: too large; ERR_FORMAT: an
 * edge leads nowhere.
 */
bool check_arch_ov(struct rd, struct arena *, struct onnx_file *, struct err *);
/*
 * The bodies of If, Loop and TensorIterator, the inner ones first, each as the bytes of
 * its element, which check_arch_ov_body() reads as a graph by itself.  ERR_LIMIT when
 * they are too deep; or what judge() returned that is not 0.
 */
int check_arch_ov_bodies(
    struct rd, int (*judge)(void *ctx, struct rd), void *ctx) MUST_USE;
bool check_arch_ov_body(
    struct rd, struct arena *, struct onnx_file *, struct err *);

#endif
