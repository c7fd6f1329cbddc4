/* SPDX-License-Identifier: MIT
 * Lists of values in an ONNX model that only serve to be joined: PyTorch's
 * scripts write torch.cat() of a list so.
 */
#ifndef FORMATS_ONNX_SEQUENCE_H
#define FORMATS_ONNX_SEQUENCE_H

#include "formats/onnx_file.h"

/*
 * ConcatFromSequence of a list that SequenceEmpty, SequenceConstruct and
 * SequenceInsert (at the end) made becomes a Concat of its values.  What is
 * used of lists otherwise stays as it is.
 */
int onnx_sequence_join(
    struct arena *, struct onnx_file *, struct err *) MUST_USE;

#endif
