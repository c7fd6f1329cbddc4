/* SPDX-License-Identifier: MIT
 * Nodes and constants of the graph that TorchScript's code becomes: those of
 * ONNX, operator set 17 where a node does not say otherwise.
 */
#ifndef FORMATS_SCRIPT_NODE_H
#define FORMATS_SCRIPT_NODE_H

#include "formats/script.h"

/*
 * A node of n inputs (NULL: an absent one) and nout outputs; NULL, the error
 * set, when there are too many.  It is to be used before the next one.
 */
struct onnx_node *script_node(struct script *, const char *op, size_t nout,
    const char *const *in, size_t n);
int script_node_int(
    struct script *, struct onnx_node *, const char *name, int64_t) MUST_USE;
int script_node_real(
    struct script *, struct onnx_node *, const char *name, double) MUST_USE;
int script_node_text(struct script *, struct onnx_node *, const char *name,
    const char *) MUST_USE;
int script_node_ints(struct script *, struct onnx_node *, const char *name,
    const int64_t *, size_t n) MUST_USE;

/* The same with one or two inputs and one output, whose name is given; NULL,
 * the error set. */
const char *script_node_one(struct script *, const char *op, const char *x);
const char *script_node_two(
    struct script *, const char *op, const char *x, const char *y);

/* Constants by a name of their own; NULL, the error set. */
const char *script_node_whole(struct script *, const int64_t *, size_t n);
const char *script_node_integer(struct script *, int64_t);
const char *script_node_scalar(struct script *, double);
/* n floats, all `v`, in the shape of dim[0..rank). */
const char *script_node_same(
    struct script *, double v, const uint64_t *dim, size_t rank);
/* A tensor of the file becomes an initialiser, once. */
int script_node_list(struct script *, const struct tensor *) MUST_USE;

/* The name of a value as an input of a node: of a tensor, or a constant of a
 * number, of integers where `whole`; NULL, the error set. */
const char *script_node_input(
    struct script *, const struct script_value *, bool whole);
/* A row of whole numbers, known or not, as one tensor; NULL, the error set. */
const char *script_node_sizes(struct script *, const struct script_row *);

/* x.size(d): a number, or a value of rank 0. */
int script_node_size(struct script *, struct script_tensor *, int64_t d,
    struct script_value *) MUST_USE;
/* x.select(d, i) */
int script_node_select(struct script *, struct script_tensor *, int64_t d,
    int64_t i, struct script_value *) MUST_USE;
/* A whole number as a float. */
int script_node_float(struct script *, const struct script_value *,
    struct script_value *) MUST_USE;

/* A new value, of the name and rank. */
int script_node_value(struct script *, const char *name, size_t rank,
    struct script_value *) MUST_USE;
/* The same shape as x has. */
int script_node_like(struct script *, const char *name,
    const struct script_tensor *, struct script_value *) MUST_USE;
/* The same of each number by itself, which keeps the sizes. */
int script_node_each(struct script *, const char *name,
    const struct script_tensor *x, struct script_value *) MUST_USE;
/* d, counted from the end where it is negative; false when it is none of
 * rank. */
bool script_node_axis(int64_t *d, size_t rank) MUST_USE;

#endif
