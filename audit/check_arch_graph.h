/* SPDX-License-Identifier: MIT
 * A graph as data flow sees it: values by number, nodes in an order in which
 * makers come first, what is constant.  Made of an ONNX file as it is (before
 * a loader folds or refuses anything) or of a neutral model.
 */
#ifndef AUDIT_CHECK_ARCH_GRAPH_H
#define AUDIT_CHECK_ARCH_GRAPH_H

#include "formats/onnx_order.h"

struct check_arch_node {
	const char *op, *name;
	size_t *in, *out; /* values; behind the inputs, those of subgraphs */
	size_t nin, nout;
	int64_t to; /* Cast: the type; else 0 */
};

struct check_arch_value {
	const char *name;
	uint64_t constant; /* elements of an initialiser; 0: none */
	double scalar;     /* of an initialiser of one float; else 0 */
	bool zero;         /* of an initialiser of one number, which is 0 */
	bool narrow;       /* a matrix of one row or column */
	bool filter;       /* of a convolution with one channel out */
	double most;       /* of a few floats, the largest magnitude; else 0 */
};

struct check_arch_graph {
	struct arena *arena;
	struct map by_name;
	struct check_arch_value *value;
	size_t nvalue, room;
	struct check_arch_node *node;
	size_t nnode;
	/* of images or other floats; other inputs: token numbers, masks */
	size_t *input, *other, *output;
	size_t ninput, nother, noutput;
	size_t rank;  /* of the first output as declared; 0: not said */
	size_t image; /* rank of the inputs, the highest */
	bool full;
};

int check_arch_graph_onnx(struct check_arch_graph *, const struct onnx_file *,
    struct arena *, struct err *) MUST_USE;
int check_arch_graph_model(struct check_arch_graph *, const struct model *,
    struct arena *, struct err *) MUST_USE;

#endif
