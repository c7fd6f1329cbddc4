/* SPDX-License-Identifier: MIT
 * ATen's operators in ONNX's words, for the graphs of TorchScript and torch.export.
 */
#ifndef AUDIT_CHECK_ARCH_ATEN_H
#define AUDIT_CHECK_ARCH_ATEN_H

#include "base/base.h"

/*
 * What the operator ("add", "max_pool2d", without its overload) is called in ONNX as
 * far as data flow goes: "Shape" for what asks about a tensor, "Other" for what only
 * computes.  "max" and "min", which are two operators each, are the caller's.
 */
const char *check_arch_aten(const char *name);

#endif
