/* SPDX-License-Identifier: MIT
 * TorchScript files carry their forward passes as source text.  Where the
 * weights are those of a known architecture, the graph is drawn by what they
 * are called; but strides, pads and groups, which no weight tells, stand in
 * the calls of convolutions as literals, and must not contradict what was
 * drawn.  Where they do, torch_script.h follows the code.
 */
#ifndef FORMATS_TORCH_CODE_H
#define FORMATS_TORCH_CODE_H

#include "formats/torch.h"

/*
 * ERR_UNSUPPORTED when the model has a convolution of which the code has none
 * alike; a note of how many were found.  Nothing is said of files without
 * code, nor where a call's arguments are no literals.
 */
int torch_code_check(
    struct torch *, const struct model *, struct err *) MUST_USE;

#endif
