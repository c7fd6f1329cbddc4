/* SPDX-License-Identifier: MIT
 * The operators of a TensorFlow graph as protobuf (tensorflow/core/framework/
 * graph.proto, node_def.proto, function.proto), also those within functions.
 */
#ifndef AUDIT_CHECK_TF_GRAPH_H
#define AUDIT_CHECK_TF_GRAPH_H

#include "audit/check.h"
#include "base/map.h"

struct check_tf_graph {
	const struct check_file *f;
	struct arena *arena;
	struct err *e;
	struct map said;      /* operators that were reported */
	struct map functions; /* of the library */
	struct map assets;    /* nodes whose value the loader sets */
	size_t nodes;
};

void check_tf_graph_init(struct check_tf_graph *, const struct check_file *,
    struct arena *, struct err *);
/* A terminated copy in the arena; "" when there is no room. */
const char *check_tf_graph_text(struct check_tf_graph *, struct rd);
/* A GraphDef.  What is found is reported; negative when it is damaged. */
int check_tf_graph(struct check_tf_graph *, struct rd) MUST_USE;

#endif
