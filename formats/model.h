/* SPDX-License-Identifier: MIT
 * The neutral model: what every model file is turned into, and all that the
 * engine ever sees.  Named tensors and a graph of nodes in topological order,
 * one canonical form per operator (man 5 assay-model lists them): names and
 * meaning are those of ONNX opset 18 with logical NCHW axes; what ONNX passes
 * as constant inputs (axes, pads, min, max, ...) is an attribute.
 *
 * Everything lives in the model's arena or in the mapped file, which must
 * outlive the model.
 */
#ifndef FORMATS_MODEL_H
#define FORMATS_MODEL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "formats/preprocess.h"

#define MODEL_MAX_RANK 8

enum dtype {
	DTYPE_F32,
	DTYPE_F64,
	DTYPE_F16,
	DTYPE_BF16,
	DTYPE_I64,
	DTYPE_I32,
	DTYPE_I16,
	DTYPE_I8,
	DTYPE_U8,
	DTYPE_BOOL,
	DTYPE_COUNT
};

struct tensor {
	const char *name;
	enum dtype dtype;
	size_t rank; /* 0 is a scalar */
	uint64_t dim[MODEL_MAX_RANK];
	/* little-endian, NOT aligned */
	const uint8_t *data;
	size_t size; /* product(dim) * width */
	/*
	 * Bytes from one index to the next along each dimension; NULL: dense
	 * and row-major.  Readers of files make such views, so that weights
	 * which a file keeps transposed are still those bytes of the file;
	 * a neutral model has none.
	 */
	const uint64_t *stride;
};

enum attr_kind {
	ATTR_INT,
	ATTR_REAL,
	ATTR_TEXT,
	ATTR_INTS,
	ATTR_REALS,
};

struct attr {
	const char *name;
	enum attr_kind kind;
	int64_t i;
	double f;
	const char *s;
	const int64_t *ints;
	const double *reals;
	size_t n; /* of ints or reals */
};

struct node {
	const char *op;   /* "Conv" */
	const char *name; /* for messages; may be "" */
	const char **in;  /* "" stands for an absent optional input */
	const char **out; /* unique in the model */
	size_t nin, nout;
	struct attr *attr;
	size_t nattr;
};

struct model {
	struct arena arena;
	struct tensor *tensor; /* unique names */
	size_t ntensor;
	struct node *node; /* topological order */
	size_t nnode;
	const char *input;  /* the image: (N, C, H, W), pixels in [0,1] */
	int64_t shape[4];   /* -1 where the file leaves it open */
	const char *output; /* the logits: (N, classes) */
	uint64_t classes;   /* 0 while unknown */
	const char **label; /* names of the classes; NULL: unknown */
	bool second;        /* the one output is that of the second class */
	bool supposed; /* as is usual, for nothing tells it: see the note */
	struct preprocess preprocess;
	/* where it came from, for documents */
	const char *format;   /* "onnx", "safetensors" */
	const char *producer; /* as the file says; may be "" */
	const char *note;     /* what the loader decided, for people; or "" */
	const char *fixed;    /* why weights cannot be written back, or NULL */
	/* what it was read from, when that is not just the operand: paths
	 * relative to its folder, by the rules of member.h; or NULL */
	const char **file;
	size_t nfile;
};

/* A model with an empty graph and an arena of at most `cap` bytes. */
void model_init(struct model *, size_t cap);
void model_release(struct model *);

/* Bytes of one element; "f32", "i64", ... ; DTYPE_COUNT when unknown. */
size_t dtype_width(enum dtype);
const char *dtype_name(enum dtype);
enum dtype dtype_parse(const char *);

/*
 * Product of the dimensions; false when it overflows or is beyond
 * LIMIT_ELEMENTS.
 */
bool tensor_elements(const struct tensor *, uint64_t *out) MUST_USE;
/* Where element i (counted row by row) lies, in bytes from data. */
uint64_t tensor_offset(const struct tensor *, uint64_t i);
/* Element i; tensor_int is false where it is no whole number within int64. */
double tensor_real(const struct tensor *, uint64_t i);
bool tensor_int(const struct tensor *, uint64_t i, int64_t *out) MUST_USE;

/* NULL when absent. */
const struct tensor *model_tensor(const struct model *, const char *name);
const struct attr *node_attr(const struct node *, const char *name);
int64_t node_int(const struct node *, const char *name, int64_t absent);
double node_real(const struct node *, const char *name, double absent);
/* Copies n integers; false when the attribute is absent or of other length. */
bool node_ints(
    const struct node *, const char *name, int64_t *out, size_t n) MUST_USE;

/*
 * ERR_UNSUPPORTED names a tensor that is a view with strides: for those who
 * take data as they lie.
 */
int model_dense(const struct model *, struct err *) MUST_USE;

/*
 * The invariants that every consumer relies on: sizes agree with shapes, names
 * are unique and not empty, each input of a node is a tensor, the image or an
 * output of an earlier node, the output exists.  ERR_FORMAT with the culprit.
 */
int model_check(const struct model *, struct err *) MUST_USE;

#endif
