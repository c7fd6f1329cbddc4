/* SPDX-License-Identifier: MIT
 * Lowering: nodes of an ONNX file, of any operator set, to the one canonical
 * form per operator that assay-model(5) lists.  onnx_lower.c has what every
 * operator needs (constants, names, new nodes, plain attributes), onnx_ops.c,
 * onnx_arith.c, onnx_norm.c and onnx_shape.c the operators that need more,
 * onnx_fact.c the little that must be known of shapes, onnx_graph.c the whole.
 * All memory is the model's arena.
 */
#ifndef FORMATS_ONNX_LOWER_H
#define FORMATS_ONNX_LOWER_H

#include "formats/onnx_file.h"

/* What is known of a value. */
struct onnx_fact {
	bool ranked; /* rank is known */
	bool batch;  /* its first dimension is the image's */
	size_t rank;
};

struct onnx_lower {
	struct model *m;
	const struct onnx_file *f;
	struct err *e;
	struct map constant; /* name -> index in m->tensor */
	struct map alias;    /* name -> index in target */
	struct map fact;     /* name -> index in facts */
	struct map used;     /* names that a live node or the output uses */
	struct map taken;    /* names of our own making */
	struct map tried;    /* of these, taken ones -> index in next */
	const char **target;
	struct onnx_fact *facts;
	unsigned *next; /* number to try behind such a name */
	size_t nnext, next_cap;
	size_t ntarget, nfact, node_cap, tensor_cap, fact_cap;
	int64_t opset;                /* of the node that is being lowered */
	int64_t batch;                /* the batch that the file fixes, -1 */
	const struct onnx_node *tail; /* the final softmax, or NULL */
	struct map whole;             /* floats that hold whole numbers */
	struct map behind;            /* outputs behind the tail */
	uint64_t budget;              /* bytes for dequantised weights */
	size_t dequantised, rounded;  /* tensors; values of each image */
	bool alone;                   /* a scale is made of each image */
	bool graph;                   /* any graph, not a classifier */
	bool nhwc;                    /* the image is transposed first */
	bool trained;                 /* batch-norm in training mode seen */
	bool full;                    /* the arena or a table is */
	const struct onnx_attr *mistyped; /* an attribute of the wrong type */
};

/* Lowers the nodes of one operator. */
typedef int onnx_lower_fn(struct onnx_lower *, const struct onnx_node *);

/* Lower one node: appends to m->node and m->tensor. */
int onnx_lower_one(struct onnx_lower *, const struct onnx_node *) MUST_USE;

/* What lowers an operator of ONNX's own domain. */
onnx_lower_fn *onnx_lower_find(const char *op);

/* The error for a node: "node 'x' (Conv): ..." with its offset. */
int onnx_lower_fail(struct onnx_lower *, const struct onnx_node *, int code,
    const char *fmt, ...) PRINTF_LIKE(4, 5);

/* ERR_FORMAT unless it has its first nin inputs and an output. */
int onnx_lower_need(
    struct onnx_lower *, const struct onnx_node *, size_t nin) MUST_USE;

/* A name with removed nodes (Identity, Dropout) seen through. */
const char *onnx_lower_name(const struct onnx_lower *, const char *name);
void onnx_lower_alias(
    struct onnx_lower *, const char *name, const char *target);
/* A new name, "base/suffix" where that is free. */
const char *onnx_lower_fresh(
    struct onnx_lower *, const char *base, const char *suffix);

/* The constant behind a name, NULL when it is none. */
const struct tensor *onnx_lower_const(
    const struct onnx_lower *, const char *name);
/* The whole numbers in it; false when it holds none or is none. */
bool onnx_lower_ints(struct onnx_lower *, const char *name, const int64_t **out,
    size_t *n) MUST_USE;
/* A new constant of our own. */
void onnx_lower_tensor(struct onnx_lower *, const struct tensor *);
/* The same of one number (F32 or I64), of rank 0 or 1. */
void onnx_lower_number(
    struct onnx_lower *, const char *name, enum dtype, size_t rank, double);
/* The same of an F32 of rank 0, by a name of its own. */
const char *onnx_lower_scalar(
    struct onnx_lower *, const struct onnx_node *, double);
/* Whether something uses output `out` of a node of the file. */
bool onnx_lower_used(
    const struct onnx_lower *, const struct onnx_node *, size_t out);

/*
 * Append a node with room for attributes.  Inputs and outputs are copied from
 * the original, the first nin and nout of them.  NULL when full.
 */
struct node *onnx_lower_node(struct onnx_lower *, const struct onnx_node *,
    const char *op, size_t nin, size_t nout);

/*
 * The same for a node of our own making: one input, one output, room for three
 * more inputs.
 */
struct node *onnx_lower_insert(struct onnx_lower *, const struct onnx_node *,
    const char *op, const char *in, const char *out);

/* Attributes of the original; `absent` when it has none of that name. */
int64_t onnx_lower_get_int(
    struct onnx_lower *, const struct onnx_node *, const char *, int64_t);
double onnx_lower_get_real(
    struct onnx_lower *, const struct onnx_node *, const char *, double);
const char *onnx_lower_get_text(
    struct onnx_lower *, const struct onnx_node *, const char *, const char *);
/* False when absent. */
bool onnx_lower_get_ints(struct onnx_lower *, const struct onnx_node *,
    const char *, const int64_t **out, size_t *n) MUST_USE;

/* Attributes of the new node; values are borrowed. */
void onnx_lower_put_int(struct node *, const char *name, int64_t);
void onnx_lower_put_real(struct node *, const char *name, double);
void onnx_lower_put_text(struct node *, const char *name, const char *);
void onnx_lower_put_ints(
    struct node *, const char *name, const int64_t *, size_t n);
void onnx_lower_put_reals(
    struct node *, const char *name, const double *, size_t n);
/* What the file says and the new node does not have yet, unchanged. */
int onnx_lower_put_rest(
    struct onnx_lower *, const struct onnx_node *, struct node *) MUST_USE;

#endif
