/* SPDX-License-Identifier: MIT
 * The graph of an ONNX file as a graph: every name defined once, nothing
 * undefined, no cycles, an order in which producers come first, and what the
 * output needs.
 */
#ifndef FORMATS_ONNX_ORDER_H
#define FORMATS_ONNX_ORDER_H

#include "formats/onnx_file.h"

struct onnx_order {
	struct map define; /* name -> node, or nnode: input or initialiser */
	struct map init;   /* initialiser's name -> index */
	size_t *node;      /* nnode of them, producers first */
	bool *live;        /* by node; see onnx_order_live() */
};

/* The order is that of the file where that is already right. */
int onnx_order_init(const struct onnx_file *, struct arena *,
    struct onnx_order *, struct err *) MUST_USE;

/* Mark what `output` needs. */
void onnx_order_live(
    const struct onnx_file *, struct onnx_order *, const char *output);

/* The node that makes a value; NULL for inputs and initialisers. */
const struct onnx_node *onnx_order_maker(
    const struct onnx_file *, const struct onnx_order *, const char *name);

#endif
