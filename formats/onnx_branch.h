/* SPDX-License-Identifier: MIT
 * If of an ONNX model whose condition is known before it runs: constants,
 * and sizes that the file fixes.  Exporters leave them where a script asks for
 * a size or a flag.
 */
#ifndef FORMATS_ONNX_BRANCH_H
#define FORMATS_ONNX_BRANCH_H

#include "formats/onnx_file.h"

/*
 * Put the branch that is taken in the place of every such node, in branches
 * too.  The number of images is never taken as known.  Names within a branch
 * stay, or become "name.N" where the graph has them already.  What is not
 * known stays an If.
 */
int onnx_branch_inline(
    struct arena *, struct onnx_file *, struct err *) MUST_USE;

#endif
