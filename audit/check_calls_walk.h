/* SPDX-License-Identifier: MIT
 * The tokens of a source that audit/check_calls.c walks over, for the files
 * that it consists of: imports, uses of modules, functions that run Python,
 * TorchScript.  All of them look at a token by its index; one beyond the end
 * is PYCODE_END.
 */
#ifndef AUDIT_CHECK_CALLS_WALK_H
#define AUDIT_CHECK_CALLS_WALK_H

#include "audit/check.h"
#include "base/arena.h"
#include "base/map.h"
#include "formats/pycode.h"

/* Tokens of a call that are looked at. */
#define CHECK_CALLS_SPAN 60

/* A module of which code of a model may use this and nothing else; allowed
 * NULL: nothing. */
struct code_module {
	const char *name;
	const char *const *allowed;
	bool usual; /* honest code does it too: not worth stopping for */
	const char *const *unusual;   /* neither is that, of one where it is */
	const char *const *functions; /* whose calls are looked at */
	bool machine; /* usual, where nothing runs machine code or a shell */
};

struct walk {
	const struct check_file *f;
	struct arena arena;
	struct map alias;    /* name -> 1 + index of its module */
	struct map function; /* name -> the same, from M import name */
	struct pycode_token *t;
	size_t n, cap;
	bool torchscript;
	bool full;     /* uses of some modules go unseen */
	bool connects; /* something talks: connect(), accept() ... */
	bool decodes;  /* something makes text of other data: b64decode() */
	bool machine;  /* calls of the system that only machine code needs */
};

const struct pycode_token *check_calls_at(const struct walk *, size_t i);
bool check_calls_is(const struct walk *, size_t i, const char *word);
static inline const struct pycode_token *
at(const struct walk *w, size_t i)
{
	return check_calls_at(w, i);
}

static inline bool
is(const struct walk *w, size_t i, const char *word)
{
	return check_calls_is(w, i, word);
}

/* A token among words, which NULL ends; NULL has none. */
bool check_calls_listed(const char *const *words, const struct pycode_token *);
bool check_calls_begins_statement(const struct walk *, size_t i);
/* A string, with its prefix and quotes, that is a statement by itself. */
bool check_calls_is_docstring(const struct walk *, size_t i);
/* Where the bracket at i is closed, or the line ends, or what is looked at. */
size_t check_calls_end(const struct walk *, size_t i);
/*
 * NAME = ... before i, at the beginning of a statement: the index behind the
 * last such "=" that is not far from i; 0: there is none.
 */
size_t check_calls_assigned(const struct walk *, size_t name, size_t i);
/*
 * The name is a parameter of the function that i is in: of one that a server calls
 * with what it is sent; of a helper, to which its caller says what it is (strings
 * that are commands are looked at, check_python.c); of none.
 */
enum check_calls_owner {
	CALLS_NOBODY,
	CALLS_HELPER,
	CALLS_SERVER
};
enum check_calls_owner check_calls_parameter(
    const struct walk *, size_t name, size_t i);
void check_calls_find(
    const struct walk *, enum finding_id, size_t i, const char *what);

/* --- check_calls_module.c ------------------------------------------------ */

/* The module of this name, NULL: it is of no interest. */
const struct code_module *check_calls_module(const struct pycode_token *);
const struct code_module *check_calls_module_at(size_t index);
size_t check_calls_module_index(const struct code_module *);
/* What a use of it counts for. */
enum finding_id check_calls_module_weigh(
    const struct walk *, const struct code_module *);

/* --- check_calls_import.c ------------------------------------------------ */

/* import ..., from ... import ...: i is behind that word; returns where the
 * statement ends. */
size_t check_calls_import(struct walk *, size_t i);
size_t check_calls_import_from(struct walk *, size_t i);

/* --- check_calls_use.c --------------------------------------------------- */

/* A name that may be a module's, or a function's of one. */
void check_calls_use(const struct walk *, size_t i);
/* A name that the module may not be asked for. */
bool check_calls_use_is_bad(
    const struct walk *, const struct code_module *, size_t i);

/* --- check_calls_eval.c -------------------------------------------------- */

/* eval, exec and the like, when they are the functions of Python. */
void check_calls_eval(const struct walk *, size_t i);
/* Names of Python's inner parts. */
void check_calls_eval_inner(const struct walk *, size_t i);

/* --- check_calls_harm.c -------------------------------------------------- */

/* What only malware does; once, for all tokens. */
void check_calls_harm(const struct walk *);

/* --- check_calls_torchscript.c ------------------------------------------- */

void check_calls_torchscript(const struct walk *, size_t i);

#endif
