/* SPDX-License-Identifier: MIT
 * Protocol buffers as text made binary again, by a schema: of graphs, so that they are
 * looked at as those that were binary from the start.
 */
#ifndef FORMATS_PBTXT_WIRE_H
#define FORMATS_PBTXT_WIRE_H

#include "base/buf.h"
#include "base/json.h"

struct pbtxt_schema;

/* MetaGraphDef and GraphDef of TensorFlow (meta_graph.proto, graph.proto), ModelProto of
 * ONNX (onnx.proto) */
extern const struct pbtxt_schema pbtxt_wire_meta_graph, pbtxt_wire_graph,
    pbtxt_wire_onnx;

/* What pbtxt_read() has made of the text; fields that the schema lacks are left out. */
void pbtxt_wire(
    const json_t *message, const struct pbtxt_schema *, struct buf *out);

#endif
