/* SPDX-License-Identifier: MIT
 * Operations on tensors that TorchScript's code calls, as nodes of ONNX, as
 * torch/onnx/symbolic_opset*.py has them.
 */
#ifndef FORMATS_SCRIPT_OP_H
#define FORMATS_SCRIPT_OP_H

#include "formats/script_node.h"

/* One of a table. */
struct script_op {
	const char *name, *onnx;
	int (*fn)(struct script *, const struct script_args *,
	    const struct script_op *, struct script_value *out);
};

/* static: a function of such a table */
#define SCRIPT_OP(name)                                                        \
	static int name(struct script *s, const struct script_args *a,         \
	    const struct script_op *op, struct script_value *out)

int script_op_call(struct script *, const char *callee,
    const struct script_args *, struct script_value *out) MUST_USE;

/* For script_op_*.c: argument i, or that of the keyword; of the type
 * SCRIPT_NONE when it is not given. */
const struct script_value *script_op_arg(
    const struct script_args *, size_t i, const char *key);
/* ERR_UNSUPPORTED unless it is a tensor. */
int script_op_tensor(struct script *, const struct script_args *, size_t i,
    struct script_tensor **) MUST_USE;
/* The first argument, a tensor, and its name in the graph. */
int script_op_input(struct script *, const struct script_args *,
    struct script_tensor **, const char **name) MUST_USE;
/* One whole number, or a row of at most `room`. */
int script_op_ints(struct script *, const struct script_args *, size_t i,
    const char *key, int64_t *out, size_t room, size_t *n) MUST_USE;
/* The same of just n, one counting for all; `absent` without one. */
int script_op_exactly(struct script *, const struct script_args *, size_t i,
    const char *key, int64_t *out, size_t n, const int64_t *absent) MUST_USE;
double script_op_real(
    const struct script_args *, size_t i, const char *key, double absent);
int64_t script_op_int(
    const struct script_args *, size_t i, const char *key, int64_t absent);
/* What a size stays from a window of it. */
int64_t script_op_window(int64_t in, int64_t kernel, int64_t stride,
    int64_t before, int64_t behind, int64_t dilation, bool ceil);

/* The first argument, and its name, as a float. */
int script_op_math_float(struct script *, const struct script_args *,
    struct script_tensor **x, const char **name) MUST_USE;
/* The value `name` of the shape of what is computed of x and y. */
int script_op_math_broadcast(struct script *, const char *name,
    const struct script_value *x, const struct script_value *y,
    struct script_value *out) MUST_USE;
/* x op y, both as integers or both as floats. */
int script_op_math_two(struct script *, const char *op,
    const struct script_value *x, const struct script_value *y,
    struct script_value *out) MUST_USE;

/* Tables by subject, each ended by a row without a name. */
extern const struct script_op script_op_adapt[], script_op_attend[],
    script_op_curve[], script_op_einsum[], script_op_image[], script_op_layer[],
    script_op_made[], script_op_math[], script_op_norm[], script_op_part[],
    script_op_place[], script_op_scan[], script_op_shape[], script_op_slide[],
    script_op_truth[], script_op_type[], script_op_weight[];

#endif
