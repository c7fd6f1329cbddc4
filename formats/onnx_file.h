/* SPDX-License-Identifier: MIT
 * An ONNX file as it is: ModelProto (onnx.proto, IR 3 to 10) in plain structs,
 * before any meaning is given to operators.  Everything lives in the arena or
 * in the mapped bytes.  Offsets (`at`) are those of the file.
 */
#ifndef FORMATS_ONNX_FILE_H
#define FORMATS_ONNX_FILE_H

#include "base/map.h"
#include "formats/onnx_tensor.h"

/* AttributeProto.AttributeType */
enum onnx_attr_type {
	ONNX_FLOAT = 1,
	ONNX_INT = 2,
	ONNX_STRING = 3,
	ONNX_TENSOR = 4,
	ONNX_GRAPH = 5,
	ONNX_FLOATS = 6,
	ONNX_INTS = 7,
	ONNX_STRINGS = 8,
	ONNX_GRAPHS = 10,
};

struct onnx_attr {
	const char *name;
	int64_t type; /* enum onnx_attr_type, or another number */
	int64_t i;
	double f;
	const char *s;
	int64_t *ints;
	double *reals;
	size_t n; /* of ints or reals */
	struct onnx_tensor *t;
	const char *ref; /* in a function: the caller's attribute; or NULL */
	struct rd body;  /* the message */
	uint64_t at;
};

struct onnx_node {
	const char *op, *name, *domain, *overload;
	const char **in, **out;
	size_t nin, nout;
	struct onnx_attr *attr;
	size_t nattr;
	int64_t opset; /* that of the function it came from; 0: the file's */
	/* what its own graphs see; NULL: the file's names as they are */
	const struct onnx_scope *scope;
	uint64_t at;
};

/* Around the graphs of a node that has been inlined. */
struct onnx_scope {
	struct map name; /* as it is called there -> index in to */
	const char **to;
	const struct onnx_node
	    *call; /* of a function: what has its attributes */
	const struct onnx_attr *absent; /* their defaults */
	size_t nabsent;
	const struct onnx_scope *outer; /* or NULL */
};

/* A ValueInfoProto: a graph input or output. */
struct onnx_value {
	const char *name;
	int64_t type; /* data_type; 0 when it is no tensor or not said */
	bool shaped;
	size_t rank; /* may be beyond MODEL_MAX_RANK; dim has the first ones */
	int64_t dim[MODEL_MAX_RANK]; /* -1 where open */
	uint64_t at;
};

struct onnx_file {
	int64_t ir, opset;
	uint64_t size; /* of the whole file */
	const char *producer, *version;
	struct onnx_node *node;     /* calls of functions are inlined */
	struct onnx_tensor *tensor; /* initialisers */
	struct onnx_value *input, *output, *info;
	size_t nnode, ntensor, ninput, noutput, ninfo;
	size_t ncall; /* of the model's own functions, in one another, too */
};

/*
 * Read the whole message, behind what is ERR_UNSUPPORTED too: nodes, their names and
 * those of tensors are there then.  Unknown fields are skipped, as protobuf demands;
 * element types that the neutral model lacks are noted.  External data is
 * looked for in the source's folder; without a source it is ERR_UNSUPPORTED.
 */
int onnx_file_parse(
    struct rd, struct arena *, struct onnx_file *, struct err *) MUST_USE;
int onnx_file_load(
    struct source *, struct arena *, struct onnx_file *, struct err *) MUST_USE;

/*
 * For onnx_function.c: one NodeProto; one OperatorSetIdProto, whose version is
 * taken when it is of ONNX's own domain (*version: 0 when not yet known); room
 * for every occurrence of a field, at most `max`, in the arena.
 */
int onnx_file_node(
    struct rd, struct arena *, struct onnx_node *, struct err *) MUST_USE;
int onnx_file_attribute(
    struct rd, struct arena *, struct onnx_attr *, struct err *) MUST_USE;
int onnx_file_opset(
    struct rd, struct arena *, int64_t *version, struct err *) MUST_USE;
int onnx_file_room(struct rd body, uint32_t number, size_t max, size_t size,
    struct arena *, void **out, struct err *) MUST_USE;

/* For onnx_branch.c: nodes, tensors, inputs, outputs of a GraphProto; the rest
 * of the struct is left. */
int onnx_file_graph(
    struct rd, struct arena *, struct onnx_file *, struct err *) MUST_USE;

/* NULL when absent. */
const struct onnx_attr *onnx_file_attr(
    const struct onnx_node *, const char *name);

#endif
