/* SPDX-License-Identifier: MIT
 * The nodes of a TensorFlow graph or of a function of its library (graph.proto,
 * node_def.proto, function.proto), by name and in an order in which makers come
 * first.  Control inputs and the back edges of loops are left out.
 */
#ifndef AUDIT_CHECK_ARCH_TF_BODY_H
#define AUDIT_CHECK_ARCH_TF_BODY_H

#include "base/map.h"
#include "formats/onnx_wire.h"

struct check_arch_tf_node {
	const char *name, *op;
	struct rd body; /* NodeDef, for its attributes */
	struct rd *in;  /* as they stand there, "node:output:0" */
	size_t nin;
	size_t fields; /* of the message */
};

struct check_arch_tf_body {
	const char *name; /* of a function; "" */
	struct check_arch_tf_node *node;
	size_t n;
	size_t *order, norder; /* without nodes of endless rounds */
	size_t cost;           /* to follow it once, in nodes */
	struct map by_name;
	struct map arg; /* a function's: number */
	uint64_t *type; /* of each */
	size_t narg;
	struct rd *ret; /* what its outputs are, in their order */
	size_t nret;
	bool called, open; /* by another one; while it is followed */
};

/* DataType (types.proto), as far as it matters here */
enum check_arch_tf_type {
	CHECK_ARCH_TF_FLOAT = 1,
	CHECK_ARCH_TF_DOUBLE = 2,
	CHECK_ARCH_TF_UINT8 = 4,
	CHECK_ARCH_TF_STRING = 7,
	CHECK_ARCH_TF_BOOL = 10,
	CHECK_ARCH_TF_BFLOAT16 = 14,
	CHECK_ARCH_TF_HALF = 19,
	CHECK_ARCH_TF_RESOURCE = 20,
};

/* Of floats or pixels. */
bool check_arch_tf_is_float(uint64_t type);

/* A GraphDef (nodes are field 1) or a FunctionDef (field 3); ERR_LIMIT. */
int check_arch_tf_body(struct check_arch_tf_body *, struct rd, bool function,
    struct arena *, struct err *) MUST_USE;

/* AttrValue of a node; empty when there is none. */
struct rd check_arch_tf_attr(const struct check_arch_tf_node *, const char *);
/* A field of one that is a number; 0: there is none. */
uint64_t check_arch_tf_number(struct rd, uint32_t number);
/* What a name stands for; SIZE_MAX: nothing, or there is none. */
size_t check_arch_tf_find(const struct map *, struct rd name);
/* The name without ":0" or ":output:0"; *index: that number. */
struct rd check_arch_tf_base(struct rd, size_t *index);

#endif
