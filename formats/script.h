/* SPDX-License-Identifier: MIT
 * What TorchScript's code computes, as a graph.  The code is followed once,
 * with names of values in the place of tensors: its own numbers, lists, sizes
 * and branches are computed, and what is done to tensors becomes nodes of
 * ONNX, which onnx.h makes the model of.  Nothing runs: there are no pixels,
 * what is not in script_op.def is refused by its name, and so is a branch by
 * what only an image tells.
 */
#ifndef FORMATS_SCRIPT_H
#define FORMATS_SCRIPT_H

#include "formats/onnx_file.h"
#include "formats/pickle.h"
#include "formats/script_text.h"

enum script_type {
	SCRIPT_NONE,
	SCRIPT_BOOL,    /* i */
	SCRIPT_INT,     /* i */
	SCRIPT_REAL,    /* f */
	SCRIPT_TEXT,    /* s */
	SCRIPT_ROW,     /* list: a list or a tuple */
	SCRIPT_TENSOR,  /* t */
	SCRIPT_OBJECT,  /* o */
	SCRIPT_CODE,    /* s: the name of a function */
	SCRIPT_UNKNOWN, /* true or false, by the image; or a text (s: of some
			   length) */
};

struct script_tensor {
	const char *name; /* of the value in the graph */
	size_t rank;
	int64_t dim[MODEL_MAX_RANK]; /* -1: not known */
	bool whole;                  /* of integers */
	bool truth;                  /* of booleans */
	bool image;                  /* the image, each of its channels alone */
	bool shared;                 /* another one shows the same numbers */
	const struct tensor *data;   /* weights; or NULL */
	/* the size of that one along `axis` (-1: of all); or NULL */
	const struct script_tensor *size_of;
	int64_t axis;
	/* what it is the same size as, itself not one of these; or NULL */
	const struct script_tensor *like;
};

struct script_object {
	const struct pickle_node *node;
	const char *path; /* "features.0", of its tensors */
};

struct script_value {
	enum script_type type;
	union {
		int64_t i;
		double f;
		const char *s;
		struct script_row *list;
		struct script_tensor *t;
		struct script_object *o;
	};
};

struct script_row {
	struct script_value *v;
	size_t n, room;
	bool kept; /* an attribute's: what is added to it, the next call has */
};

struct script_args {
	const struct script_value *v;
	const char *const *key; /* NULL: by place */
	size_t n;
	const char *callee;
	uint64_t *used; /* those that were asked for by their key; or NULL */
};

/* Whose code it is: torch_script.c. */
struct script_host {
	/* The code of "__torch__.a.b"; NULL: there is none. */
	const struct script_source *(*source)(
	    void *ctx, const char *module, struct err *);
	/* An attribute of an object; 0 with type SCRIPT_UNKNOWN: none. */
	int (*field)(void *ctx, const struct script_object *, const char *name,
	    struct script_value *, struct err *);
	/* "__torch__.a.b.Class" */
	const char *(*class)(void *ctx, const struct script_object *);
	/* CONSTANTS.c<i> */
	int (*constant)(
	    void *ctx, size_t i, struct script_value *, struct err *);
	void *ctx;
};

struct script {
	struct arena *arena;
	struct err *e;
	const struct script_host *host;
	struct onnx_file f;
	size_t node_room, tensor_room;
	struct onnx_value input;
	struct map listed;          /* tensors of f by name */
	size_t fresh, steps, depth; /* steps: SCRIPT_STEPS at most */
	const char *within;         /* the function that is being followed */
	bool trained; /* saved in training mode, read as inference */
	bool assumed; /* asked for its processor, or for gradients */
};

/* Expressions, lines, and items of lists that one model's code may take. */
#define SCRIPT_STEPS ((size_t)1 << 22)

/*
 * Follow root's forward() on an image of rank 4.  s->f is the graph, with one
 * output for each tensor that is returned.
 */
int script_run(struct script *, const struct script_object *root) MUST_USE;

/* For script_*.c: ERR_UNSUPPORTED, with what was called. */
int script_fail(struct script *, const char *callee, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
int script_full(struct script *);
struct script_tensor *script_tensor(
    struct script *, const char *name, size_t rank);
int script_row(struct script *, struct script_value *) MUST_USE;
int script_row_add(
    struct script *, struct script_row *, const struct script_value *) MUST_USE;
int script_run_call(struct script *, const struct script_def *,
    const struct script_args *, struct script_value *) MUST_USE;

#endif
