/* SPDX-License-Identifier: MIT
 * An ONNX file in memory, which other formats' graphs are put into for check_arch:
 * what the readers of those share.
 *
 * Names of most formats may be given to another value later on (PaddlePaddle's
 * variables, CoreML's copies) or again in another block; ONNX's may not.  So each
 * value that is made is called "name#n" here, and a name stands for the last.
 */
#ifndef AUDIT_CHECK_ARCH_BUILD_H
#define AUDIT_CHECK_ARCH_BUILD_H

#include "formats/conf.h"
#include "formats/onnx_file.h"

struct check_arch_build {
	struct arena *arena;
	struct onnx_file *x;
	struct map by_name;  /* index in now */
	const char **called; /* the names, */
	const char **now;    /* and what they stand for; "": nothing yet */
	size_t nnow, called_room, now_room;
	size_t node_room, tensor_room, input_room, output_room;
	size_t fresh;
	uint64_t left; /* names to remember */
	bool full;     /* more than memory, or LIMIT_NODES */
};

/* What all names stood for. */
struct check_arch_mark {
	const char **now;
	size_t n;
};

/* The values that a node takes or makes, in the order of the format. */
struct check_arch_list {
	const char **name;
	size_t n, room;
};

void check_arch_build_init(
    struct check_arch_build *, struct arena *, struct onnx_file *);
/* ERR_LIMIT in *e when there was no room for all. */
void check_arch_build_end(const struct check_arch_build *, struct err *);

/* A copy in the arena; "" when there is no room or it is too long. */
const char *check_arch_build_kept(
    struct check_arch_build *, const char *, size_t len);
const char *check_arch_build_bytes(struct check_arch_build *, struct rd);
/* The value that a name stands for; "": none. */
const char *check_arch_build_get(struct check_arch_build *, const char *name);
/* A value that the name stands for from now on. */
const char *check_arch_build_set(struct check_arch_build *, const char *name);
/* The name stands for this value. */
void check_arch_build_put(
    struct check_arch_build *, const char *name, const char *value);
void check_arch_build_add(
    struct check_arch_build *, struct check_arch_list *, const char *value);

/* `to`: of a Cast, ONNX's TensorProto.DataType; else 0. */
void check_arch_build_node(struct check_arch_build *, const char *op,
    const char *name, const struct check_arch_list *in,
    const struct check_arch_list *out, int64_t to);
/* A constant of the sizes in *t, and of this number when it has one element (NaN:
 * unknown); its value. */
const char *check_arch_build_constant(struct check_arch_build *,
    const char *name, const struct tensor *t, double number);
void check_arch_build_input(
    struct check_arch_build *, const char *value, int64_t type, size_t rank);
void check_arch_build_output(
    struct check_arch_build *, const char *value, size_t rank);
/* What no node takes comes out as well. */
void check_arch_build_ends(struct check_arch_build *);

/* If: one of two values, under this name. */
void check_arch_build_choose(struct check_arch_build *, const char *name,
    const char *decides, const char *x, const char *y);
/*
 * Branches: mark, one branch, mark, back to the first, the other branch, join with
 * what the second holds: names that stand for something else since are chosen.
 */
struct check_arch_mark check_arch_build_mark(struct check_arch_build *);
void check_arch_build_back(
    struct check_arch_build *, const struct check_arch_mark *);
void check_arch_build_join(struct check_arch_build *, const char *decides,
    const struct check_arch_mark *);

/* How many there are in an object or array. */
size_t check_arch_build_members(const struct conf *);
/* The digits that a number or text begins with. */
int64_t check_arch_build_whole(const struct conf *);

#endif
