/* SPDX-License-Identifier: MIT
 * The operators of a TensorFlow graph as protobuf (tensorflow/core/framework/
 * graph.proto, node_def.proto, function.proto), also those within functions.
 */
#ifndef AUDIT_CHECK_TF_GRAPH_H
#define AUDIT_CHECK_TF_GRAPH_H

#include "audit/check.h"
#include "base/map.h"
#include "formats/onnx_wire.h"

struct check_tf_graph {
	const struct check_file *f;
	struct arena *arena;
	struct err *e;
	struct map said;      /* operators that were reported */
	struct map functions; /* of the library */
	struct map assets;    /* nodes whose value the loader sets */
	struct rd graph;      /* that is looked at */
	size_t nodes, loops;  /* that were looked at */
	int rc; /* 0, or the first damage: what stands around it was read */
};

void check_tf_graph_init(struct check_tf_graph *, const struct check_file *,
    struct arena *, struct err *);
/* A terminated copy in the arena; "" when it is too long or there is no room,
 * which is kept as a failure. */
const char *check_tf_graph_text(struct check_tf_graph *, struct rd);
/*
 * The next field of a message: false at its end.  Of one that is cut off there
 * is what is left of it; the damage is kept in the context.
 */
bool check_tf_graph_next(
    struct check_tf_graph *, struct rd *, struct onnx_wire *);
/* Keep a failure, unless there is one. */
void check_tf_graph_fail(
    struct check_tf_graph *, int code, uint64_t at, const char *what);
/* A GraphDef; what is found is reported. */
void check_tf_graph(struct check_tf_graph *, struct rd);

#endif
