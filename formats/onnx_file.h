/* SPDX-License-Identifier: MIT
 * An ONNX file as it is: ModelProto (onnx.proto, IR 3 to 10) in plain structs,
 * before any meaning is given to operators.  Everything lives in the arena or
 * in the mapped bytes.  Offsets (`at`) are those of the file.
 */
#ifndef FORMATS_ONNX_FILE_H
#define FORMATS_ONNX_FILE_H

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
	struct rd body; /* the message */
	uint64_t at;
};

struct onnx_node {
	const char *op, *name, *domain;
	const char **in, **out;
	size_t nin, nout;
	struct onnx_attr *attr;
	size_t nattr;
	uint64_t at;
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
	struct onnx_node *node;
	struct onnx_tensor *tensor; /* initialisers */
	struct onnx_value *input, *output, *info;
	size_t nnode, ntensor, ninput, noutput, ninfo;
};

/*
 * Read the whole message.  Unknown fields are skipped, as protobuf demands;
 * element types that the neutral model lacks are noted.  External data is
 * looked for in the source's folder; without a source it is ERR_UNSUPPORTED.
 */
int onnx_file_parse(
    struct rd, struct arena *, struct onnx_file *, struct err *) MUST_USE;
int onnx_file_load(
    struct source *, struct arena *, struct onnx_file *, struct err *) MUST_USE;

/* Whether the fields look like those of a ModelProto: bits of evidence. */
int onnx_file_probe(struct rd);

/* NULL when absent. */
const struct onnx_attr *onnx_file_attr(
    const struct onnx_node *, const char *name);

#endif
