/* SPDX-License-Identifier: MIT
 * The graph of an ONNX file as a neutral model, whatever it computes.  What
 * makes a classifier of it (image, logits, the final softmax) is onnx.c's.
 */
#ifndef FORMATS_ONNX_GRAPH_H
#define FORMATS_ONNX_GRAPH_H

#include "formats/onnx_lower.h"
#include "formats/onnx_order.h"

/*
 * Lower what leads to one output of the file.  feed[0..nfeed) are the values
 * of the graph's inputs: constants of the model, but for the one that `input`
 * names, of which the rank alone is read.  NULL: there is none, and the
 * model's input is a name that nothing uses.  Unlike in a classifier,
 * nothing is folded, batch normalisation may train, and the model's shape and
 * classes are not set.  File and feeds must outlive the model, which has
 * passed model_check(); on failure there is nothing to release.
 */
int onnx_graph(struct model *, const struct onnx_file *,
    const struct tensor *feed, size_t nfeed, const char *input,
    const char *output, struct err *) MUST_USE;

/* ERR_UNSUPPORTED for an operator set that is not between `least` and 21. */
int onnx_graph_known(
    const struct onnx_file *, int64_t least, struct err *) MUST_USE;
/*
 * In pieces.  Room for what lowering makes of the file and `more` constants;
 * m->shape[0] is the batch that the file fixes, or -1.
 */
int onnx_graph_begin(struct onnx_lower *, struct model *,
    const struct onnx_file *, size_t more, struct err *) MUST_USE;
/* What the file says about names before any node is lowered. */
void onnx_graph_names(
    struct onnx_lower *, const struct onnx_order *, const char *output);
/* Lower the live nodes and name the output. */
int onnx_graph_nodes(struct onnx_lower *, const struct onnx_order *,
    const char *output) MUST_USE;
/* Keep the nodes and tensors that the output needs. */
int onnx_graph_sweep(struct model *, struct err *) MUST_USE;

#endif
