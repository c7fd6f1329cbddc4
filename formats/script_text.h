/* SPDX-License-Identifier: MIT
 * The source text of TorchScript, as python_print.cpp of
 * torch/csrc/jit/serialization writes it: classes and functions, assignments,
 * branches, loops, calls.  A tree of it, and nothing is given a meaning.
 */
#ifndef FORMATS_SCRIPT_TEXT_H
#define FORMATS_SCRIPT_TEXT_H

#include "base/arena.h"
#include "base/map.h"
#include "base/rd.h"

enum script_kind {
	SCRIPT_NAME,   /* text */
	SCRIPT_NUMBER, /* text */
	SCRIPT_STRING, /* text, between its quotes, as it is written */
	SCRIPT_FIELD,  /* item[0].text */
	SCRIPT_CALL,   /* item[0](item[1], ...), key[i] of item[i] or NULL */
	SCRIPT_INDEX,  /* item[0][item[1]] */
	SCRIPT_LIST,   /* also a tuple */
	SCRIPT_DICT,   /* key, value, key, value */
	SCRIPT_MINUS,  /* -item[0] */
};

struct script_expr {
	enum script_kind kind;
	const char *text;
	struct script_expr **item;
	const char **key;
	size_t n;
};

enum script_step {
	SCRIPT_SET, /* target[0..ntarget) = value */
	SCRIPT_RETURN,
	SCRIPT_IF,    /* value: body, other */
	SCRIPT_FOR,   /* target[0] in value: body */
	SCRIPT_WHILE, /* value: body */
	SCRIPT_DO,    /* value */
};

struct script_block {
	struct script_line *line;
	size_t n;
};

struct script_line {
	enum script_step step;
	struct script_expr **target, *value;
	size_t ntarget;
	struct script_block body, other;
};

struct script_def {
	const char *name;
	const char **param;          /* nparam of them, self first */
	struct script_expr **absent; /* what each is when it is not given */
	size_t nparam;
	struct script_block body;
};

/* A class, or with the name "" the functions of a file. */
struct script_class {
	const char *name;
	struct script_def *def;
	size_t ndef;
	const char **field; /* constants: "eps : Final[float] = 1e-05" */
	struct script_expr **value;
	size_t nfield;
};

struct script_source {
	struct script_class *of;
	size_t n;
};

/* All of one file.  ERR_UNSUPPORTED names the line that was not understood. */
int script_text_read(struct slice, const char *file, struct arena *,
    struct script_source *, struct err *) MUST_USE;
/* NULL when there is none. */
const struct script_class *script_text_class(
    const struct script_source *, const char *name);
const struct script_def *script_text_def(
    const struct script_class *, const char *name);

#endif
