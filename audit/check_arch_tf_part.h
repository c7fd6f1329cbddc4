/* SPDX-License-Identifier: MIT
 * TensorFlow's graphs as data flow: functions that are called, and the branches
 * of conditions, stand where they are called (check_arch_tf_lower.c, and
 * check_arch_tf_value.c for values and nodes).
 */
#ifndef AUDIT_CHECK_ARCH_TF_PART_H
#define AUDIT_CHECK_ARCH_TF_PART_H

#include "audit/check_arch_graph.h"
#include "audit/check_arch_tf_body.h"

/* A Switch that a value lies behind: what decides, and what lies around it. */
struct check_arch_tf_frame {
	size_t decides, around;
};

struct check_arch_tf_lower {
	struct arena *arena;
	struct check_arch_graph g;
	struct check_arch_tf_body *function;
	size_t nfunction;
	const struct map *by_name; /* of functions */
	size_t *frame;             /* by value; 0: none */
	struct check_arch_tf_frame *frames;
	size_t nframe, frame_room, node_room;
	size_t input_room, other_room, output_room;
	size_t *text, ntext, text_room; /* inputs that are strings */
	size_t left;                    /* nodes that may still be followed */
	bool pixels;                    /* some layer is a convolution */
	bool trained;                   /* weights are changed somewhere */
	/* what detectors and segmenters have */
	size_t *open, nopen, open_room;
	bool full;
};

/* The values of a node's outputs. */
struct check_arch_tf_out {
	size_t *value, n;
};

/* Left to follow: `left` nodes, over all graphs of a file. */
void check_arch_tf_lower_init(
    struct check_arch_tf_lower *, struct arena *, size_t left);
size_t check_arch_tf_value(
    struct check_arch_tf_lower *, const char *name, uint64_t constant);
/* A node of one output; that value. */
size_t check_arch_tf_node(struct check_arch_tf_lower *, const char *op,
    const char *name, const size_t *in, size_t n);
/* The innermost frame that any of the values lies behind. */
size_t check_arch_tf_frame(
    const struct check_arch_tf_lower *, const size_t *in, size_t n);
/* Room for one more of `size` bytes behind n; `old` when there is none. */
void *check_arch_tf_grown(struct check_arch_tf_lower *, void *old, size_t n,
    size_t *room, size_t size);
/* Put a value on a list of the graph's inputs or outputs. */
void check_arch_tf_append(struct check_arch_tf_lower *, size_t **list,
    size_t *n, size_t *room, size_t value);
/*
 * All nodes of a body, given the values of its arguments; by its nodes, what
 * they make.  NULL: no room, or too deep.
 */
struct check_arch_tf_out *check_arch_tf_expand(struct check_arch_tf_lower *,
    struct check_arch_tf_body *, const size_t *arg, size_t narg,
    unsigned depth);
/* What an input of a body's node is; SIZE_MAX: nobody makes it. */
size_t check_arch_tf_resolve(const struct check_arch_tf_body *,
    const struct check_arch_tf_out *, const size_t *arg, size_t narg,
    struct rd in);

#endif
