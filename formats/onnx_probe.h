/* SPDX-License-Identifier: MIT
 * Whether bytes are an ONNX model: protocol buffers have no magic, so that only
 * their fields can tell.
 */
#ifndef FORMATS_ONNX_PROBE_H
#define FORMATS_ONNX_PROBE_H

#include "base/rd.h"

/* Whether the fields look like those of a ModelProto: bits of evidence. */
int onnx_probe(struct rd);

/* Whether bytes may be a GraphProto, cut at the end or not: fields of its
 * types, with a node, a weight, an input or an output among them. */
bool onnx_probe_graph(struct rd);

#endif
