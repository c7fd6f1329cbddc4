/* SPDX-License-Identifier: MIT
 * Drawing a graph over weights.  The calls take and give names of values.  The
 * first failure is kept in the context: every later call does nothing and
 * gives "", so that a family of architectures (arch.h) reads like the forward
 * function that it is.
 */
#ifndef FORMATS_DRAW_H
#define FORMATS_DRAW_H

#include "formats/source.h"
#include "formats/weights.h"

struct draw {
	struct model *m;
	struct weights *w;
	const struct hints *hints;
	struct err *e;
	const void *ctx;       /* the caller's, of arch_draw() */
	int rc;                /* 0, or the first failure */
	size_t nodes, tensors; /* room in m->node, m->tensor */
};

struct draw_window {
	int64_t stride, pad, dilation; /* 0 dilation is 1, 0 stride is 1 */
	int64_t groups;                /* 0 is 1 */
};

#define DRAW_SAME -1 /* pad: half the kernel, on each axis by its own */
#define DRAW_EACH -1 /* groups: depthwise, one for each channel */

/* Zeroed memory that lives as long as the model; NULL after a failure. */
void *draw_room(struct draw *, size_t n, size_t size);
/* A formatted name; "" after a failure. */
const char *draw_path(struct draw *, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Fail with ERR_UNSUPPORTED unless something failed before. */
void draw_fail(struct draw *, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Something that m->note says, behind what it says already. */
void draw_note(struct draw *, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The tensor module.name (name "": module itself), or failure. */
const struct tensor *draw_weight(
    struct draw *, const char *module, const char *name);
bool draw_has(const struct draw *, const char *module, const char *name);
/* Dimension k of a weight; 0 after a failure. */
uint64_t draw_dim(
    struct draw *, const char *module, const char *name, size_t k);
/* Weights that are there and play no part: names that begin so. */
void draw_ignore(struct draw *, const char *prefix);
/* Floats that the family defines, under a name of ours. */
const char *draw_constant(struct draw *, const char *name, size_t rank,
    const uint64_t *dim, const double *v);
/* A tensor that the caller has made: a view of a file, numbers in the arena;
 * its name. */
const char *draw_tensor(struct draw *, const struct tensor *);
/* Integers: shapes, indices. */
const char *draw_integers(
    struct draw *, const char *name, size_t n, const int64_t *v);

/*
 * Any node; the output is named after `module` and op.  Inputs are given
 * until NULL; attributes are added to it by the calls that follow.
 */
const char *draw_node(struct draw *, const char *op, const char *module, ...)
    __attribute__((sentinel));
/* The same with the inputs in a list. */
const char *draw_list(struct draw *, const char *op, const char *module,
    size_t n, const char *const *in);
void draw_int(struct draw *, const char *name, int64_t);
/* The text is borrowed. */
void draw_text(struct draw *, const char *name, const char *);
void draw_real(struct draw *, const char *name, double);
void draw_ints(struct draw *, const char *name, size_t n, const int64_t *);
void draw_reals(struct draw *, const char *name, size_t n, const double *);

/*
 * Layers over the weights of a module ("layer1.0.conv1").  Attributes of a
 * whole-module pickle (stride, padding, dilation, groups, eps) win over what
 * the family says.
 */
const char *draw_conv(
    struct draw *, const char *module, const char *x, struct draw_window);
/* The same transposed, `out` being the rows and columns that it adds. */
const char *draw_conv_transpose(
    struct draw *, const char *module, const char *x, const int64_t out[2]);
const char *draw_batch_norm(
    struct draw *, const char *module, const char *x, double eps);
const char *draw_layer_norm(
    struct draw *, const char *module, const char *x, double eps);
/* x W^T + b on the last axis of an x of any rank; of (N, in) as one Gemm. */
const char *draw_linear(struct draw *, const char *module, const char *x);
/* The same with the whole names of weight and bias ("" or absent: none). */
const char *draw_matmul(struct draw *, const char *at, const char *weight,
    const char *bias, const char *x);
const char *draw_gemm(struct draw *, const char *module, const char *x);
/* arch_gemm for the last layer: its outputs are the classes. */
const char *draw_classifier(struct draw *, const char *module, const char *x);
/* The same, or what people put in the place of `module`, which is all that the
 * family has after its pool: weights_last(), or a whole module's row. */
const char *draw_last(struct draw *, const char *module, const char *x);

/* Without weights; `at` is only for names. */
const char *draw_unary(
    struct draw *, const char *op, const char *at, const char *x);
const char *draw_binary(struct draw *, const char *op, const char *at,
    const char *x, const char *y);
const char *draw_max_pool(struct draw *, const char *at, const char *x,
    int64_t kernel, int64_t stride, int64_t pad, bool ceil);
const char *draw_average_pool(struct draw *, const char *at, const char *x,
    int64_t kernel, int64_t stride, int64_t pad);
/* (N, C, H, W) to (N, C H W). */
const char *draw_flatten(struct draw *, const char *at, const char *x);
/* The mean over height and width, as (N, C); what timm's global_pool says. */
const char *draw_global_pool(struct draw *, const char *at, const char *x);
/* 0 in a dimension keeps it, -1 takes the rest (ONNX Reshape). */
const char *draw_reshape(struct draw *, const char *at, const char *x,
    size_t rank, const int64_t *dim);
const char *draw_transpose(struct draw *, const char *at, const char *x,
    size_t rank, const int64_t *perm);
/* (N, C, H, W) to (N, H, W, C) and back. */
const char *draw_channels_last(struct draw *, const char *at, const char *x);
const char *draw_channels_first(struct draw *, const char *at, const char *x);

#endif
