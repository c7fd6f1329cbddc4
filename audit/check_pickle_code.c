/* SPDX-License-Identifier: MIT
 * Functions that cloudpickle and dill pack with their code.  Making one runs
 * nothing of it; calling it does, which a pickle cannot but by a call of what
 * another one returned.  What it would do then cannot be seen from here unless it
 * names nothing but what computes: then it is low.  Whatever its other names stand
 * for, they are in the pickle too, and judged there.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_pickle_reach.h"
#include "audit/check_pickle_wrap.h"

#include "base/text.h"

/* Modules that a function may have imported: subimport(name). */
static const char *const modules[] = {"math", "numpy", "pandas", "re", "scipy",
    "scipy.special", "torch", "torch.nn.functional", "datetime", "collections",
    "itertools", "functools", "statistics", "string", "copy", "random"};

static bool
may_name(const struct pickle_node *n)
{
	static const char *const names[] = {
#define MAY(name) name,
#include "audit/check_pickle_code.def"
#undef MAY
	};

	return pickle_is(n, PICKLE_STR) &&
	       text_is_among((const char *)n->text.ptr, n->text.len, names,
		   ARRAY_LEN(names));
}

/* Names that code may have among its constants: options of calls (axis=0), and what
 * a pattern takes out of an object (case Model(weights=w)), which are attributes as
 * much as what stands among the names. */
static bool
may_take(struct slice s)
{
	static const char *const modules_too[] = {"builtins", "code", "codecs",
	    "ctypes", "f2py", "http", "importlib", "inspect", "io", "lib",
	    "marshal", "memmap", "modules", "multiprocessing", "os", "pathlib",
	    "pkgutil", "platform", "popen", "posix", "pty", "requests", "runpy",
	    "serialization", "shutil", "socket", "subprocess", "sys",
	    "tempfile", "testing", "urllib", "eval", "query", "utils",
	    "webbrowser"};

	return memmem(s.ptr, s.len, "__", 2) == NULL &&
	       !(s.len > 5 && memcmp(s.ptr, "read_", 5) == 0) &&
	       !check_pickle_reach_writes(s) &&
	       !text_is_among((const char *)s.ptr, s.len, modules_too,
		   ARRAY_LEN(modules_too));
}

/* A method by its name: frame.transform("to_pickle", ...) */
static bool
may_say(struct slice s)
{
	bool to = s.len > 3 && memcmp(s.ptr, "to_", 3) == 0;

	return memmem(s.ptr, s.len, "__", 2) == NULL &&
	       !(to && check_pickle_reach_writes(s)) &&
	       !rd_slice_is(s, "eval") && !rd_slice_is(s, "query");
}

/* Constants: values, tuples of them, and code within code, which was judged when
 * it was made. */
static bool
are_constants(const struct pickle_node *t, unsigned depth)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct pickle_node *c = t->item[i];

		if (c->kind == PICKLE_GLOBAL || c->kind == PICKLE_EXT ||
		    c->kind == PICKLE_PERSID)
			return false;
		if (c->kind == PICKLE_STR &&
		    !(depth != 0 ? may_take(c->text) : may_say(c->text)))
			return false;
		if (c->kind == PICKLE_TUPLE &&
		    (depth == 4 || !are_constants(c, depth + 1)))
			return false;
	}
	return !t->big;
}

/* The constructor of code takes, in every version of Python, constants, names and
 * local variables one after another. */
static const char *
code(const struct pickle_node *args)
{
	for (size_t i = 0; i + 2 < args->n; i++) {
		const struct pickle_node *names = args->item[i + 1];

		if (!pickle_is(args->item[i], PICKLE_TUPLE) ||
		    !pickle_is(names, PICKLE_TUPLE) ||
		    !pickle_is(args->item[i + 2], PICKLE_TUPLE))
			continue;
		if (names->big || !are_constants(args->item[i], 0))
			return "code with constants of any kind";
		for (size_t k = 0; k < names->n; k++)
			if (!may_name(names->item[k]))
				return "code that names more than arithmetic";
		return NULL;
	}
	return "code in a form that is not known";
}

static void
say(struct check_pickle_judge *j, const char *wrong)
{
	if (wrong != NULL)
		check_pickle_judge_say(
		    j, FINDING_PICKLE_CODE, j->pickle.at, wrong, "a function");
	else
		check_pickle_judge_say(j, FINDING_PICKLE_FUNCTION, j->pickle.at,
		    "its code names no more than what computes", "a function");
}

/* The constructor of code, by the name that cloudpickle has for it. */
bool
check_pickle_code_type(const struct pickle_node *callee)
{
	return pickle_calls(callee, NULL, "_builtin_type") &&
	       callee->call->args->n == 1 &&
	       pickle_is_text(pickle_item(callee->call->args, 0), "CodeType");
}

static bool
computes(const struct pickle_node *module)
{
	return pickle_is(module, PICKLE_STR) &&
	       text_is_among((const char *)module->text.ptr, module->text.len,
		   modules, ARRAY_LEN(modules));
}

static bool
is_code(const struct pickle_node *n)
{
	return pickle_calls(n, "dill._dill", "_create_code") ||
	       (pickle_is(n, PICKLE_CALL) &&
		   check_pickle_code_type(n->call->callee));
}

static bool
is_function(const struct pickle_node *n)
{
	return pickle_calls(n, NULL, "_make_function") ||
	       pickle_calls(n, "dill._dill", "_create_function");
}

void
check_pickle_code_make(
    struct check_pickle_judge *j, const struct pickle_node *args)
{
	say(j, code(args));
}

const char *
check_pickle_code_wrong(struct check_pickle_judge *j, enum check_pickle_arg arg,
    const struct pickle_node *args)
{
	const struct pickle_node *first = pickle_item(args, 0);
	const char *wrong = NULL;

	if (arg == ARG_code)
		wrong = code(args);
	else if (arg == ARG_code_type && !pickle_is_text(first, "CodeType"))
		wrong = "a type that is no code's";
	else if (arg == ARG_code_module && !computes(first))
		wrong = "code that imports more than what computes";
	else if (arg == ARG_code_function && !is_code(first) &&
		 !is_function(first))
		wrong = "code that is no code of this pickle";
	if (wrong != NULL || arg == ARG_code)
		say(j, wrong);
	return NULL;
}
