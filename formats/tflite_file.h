/* SPDX-License-Identifier: MIT
 * A TensorFlow Lite file as it is: the tables of
 * tensorflow/lite/schema/schema.fbs (version 3c) in plain structs, before any
 * meaning is given to operators.  Everything lives in the arena or in the
 * mapped bytes.
 */
#ifndef FORMATS_TFLITE_FILE_H
#define FORMATS_TFLITE_FILE_H

#include "formats/flatbuf.h"
#include "formats/model.h"

/* BuiltinOperator: those that we have a use for. */
enum tflite_op {
#define TFLITE_OP(name, code, options, fn) TFLITE_##name = (code),
#include "formats/tflite_op.def"
#undef TFLITE_OP
	TFLITE_CUSTOM = 32,
};

/* TensorType */
enum tflite_type {
	TFLITE_F32 = 0,
	TFLITE_F16 = 1,
	TFLITE_I32 = 2,
	TFLITE_U8 = 3,
	TFLITE_I64 = 4,
	TFLITE_BOOL = 6,
	TFLITE_I16 = 7,
	TFLITE_I8 = 9,
	TFLITE_F64 = 10,
};

struct tflite_tensor {
	const char *name; /* unique, made so where the file's is not */
	int64_t type;     /* enum tflite_type, or another number */
	size_t rank;
	uint64_t dim[MODEL_MAX_RANK]; /* in the file's order: NHWC */
	bool open[MODEL_MAX_RANK];    /* shape_signature has -1 */
	struct slice data;            /* of a constant; or {NULL, 0} */
	/* real = scale * (q - zero); of each index along `axis`, or one */
	double *scale;
	int64_t *zero;
	size_t nscale, nzero, axis;
	bool sparse;
	uint64_t at;
};

struct tflite_node {
	int64_t op;         /* enum tflite_op, or another number */
	const char *custom; /* name of a custom operator; or "" */
	int64_t *in, *out;  /* indices of tensors; in: -1 is an absent one */
	size_t nin, nout;
	struct flatbuf_table options;
	uint64_t at;
};

struct tflite_file {
	struct flatbuf fb;
	struct tflite_tensor *tensor;
	struct tflite_node *node; /* in order of execution */
	int64_t *input, *output;
	size_t ntensor, nnode, ninput, noutput;
	size_t subgraphs;
	const char *description;
	struct slice metadata; /* "TFLITE_METADATA"; or {NULL, 0} */
};

/* Read and check the whole file; its first subgraph is the model. */
int tflite_file_parse(
    struct rd, struct arena *, struct tflite_file *, struct err *) MUST_USE;

/* "CONV_2D", or "operator 187". */
const char *tflite_file_op(int64_t op, char *buf, size_t size);

/* DTYPE_COUNT when the type is none of ours. */
enum dtype tflite_file_dtype(int64_t type);

#endif
