/* SPDX-License-Identifier: MIT
 * Python that runs Python: eval(), exec() and what reaches the same by Python's
 * inner names.  eval("torch.optim." + args.opt) is how many an honest script
 * looks a name up; what is evaluated there is neither decoded, nor read from a
 * file, nor from the network.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_calls_walk.h"

#include "audit/check_calls_usual.h"

/* Named at all, and not as an attribute or argument. */
static const char *const code_builtins[] = {
    "eval", "exec", "execfile", "__builtins__", "__loader__", NULL};
/* The same, in honest code too; when called. */
static const char *const code_usual[] = {
    "compile", "breakpoint", "globals", "__import__", NULL};

/* Wherever they are named. */
static const char *const code_inner[] = {"__globals__", "__subclasses__",
    "__builtins__", "f_globals", "gi_frame", "func_globals", NULL};
static const char *const code_inner_usual[] = {"__code__", "__bases__",
    "__mro__", "__reduce__", "__reduce_ex__", "__closure__", "unsafe_load",
    "UnsafeLoader", NULL};

/* Where the text that eval() is given may come from, that somebody else wrote:
 * a name of one of these among what it is made of. */
static const char *const code_sources[] = {"environ", "getenv", "stdin", "argv",
    "recv", "read", "readline", "readlines", "read_text", "urlopen", "requests",
    "request", "open", "chr", "bytes", "bytearray", "decode", "reversed",
    "compile", "eval", "exec", "__import__", "__doc__", "getattr", "globals",
    "locals", "vars", "content", "popen", "check_output", "getoutput", "load",
    "loads", NULL};
/* Calls that only change text. */
static const char *const code_text_calls[] = {"str", "format", "strip",
    "lstrip", "rstrip", "lower", "upper", "replace", "split", "join", "title",
    "capitalize", "int", "float", "repr", "type", "len", "list", "tuple", "get",
    "pop", "items", "keys", "values", "basename", "splitext", "range",
    "parse_args", "parse_known_args", "ArgumentParser", NULL};
/* In a string that is evaluated: what acts. */
static const char *const code_text_acts[] = {"__", "import", "exec", "eval",
    "open", "os.", "sys.", "system", "popen", "subprocess", "builtins",
    "getattr", "globals", "socket", "compile", "body", "inputs", "payload",
    "request", "\\x", "\\u", "\\0", "\\1", NULL};

/* "...version.py" among the tokens from i to the end of the line. */
static bool
names_source(const struct walk *w, size_t i, size_t end)
{
	for (; i < end && at(w, i)->kind != PYCODE_LINE; i++) {
		struct pycode_token t = *at(w, i);

		if (t.kind != PYCODE_STRING)
			continue;
		pycode_inner(&t);
		if (check_calls_own_source(t.s, t.len))
			return true;
	}
	return false;
}

/* exec(open("version.py").read()) and exec(f.read()) or exec(compile(f.read()
 * ...)) with that open as f: how set-up scripts learn the version.  The file is
 * looked at as source. */
static bool
runs_source(const struct walk *w, size_t i)
{
	size_t start = i, k;

	if (is(w, i, "execfile"))
		return is(w, i + 1, "(") && names_source(w, i + 2, i + 3);
	if (!is(w, i, "exec") || !is(w, i + 1, "("))
		return false;
	if (is(w, i + 2, "compile") && is(w, i + 3, "("))
		i += 2;
	if (is(w, i + 2, "open"))
		return names_source(w, i + 2, i + CHECK_CALLS_SPAN);
	if (!is(w, i + 3, ".") || !is(w, i + 4, "read") || !is(w, i + 5, "("))
		return false;
	for (k = start;
	     k > 1 && start - k < CHECK_CALLS_SPAN &&
	     !(at(w, k)->len == at(w, i + 2)->len && is(w, k - 1, "as") &&
		 memcmp(at(w, k)->s, at(w, i + 2)->s, at(w, k)->len) == 0);
	     k--)
		;
	if (k <= 1 || start - k == CHECK_CALLS_SPAN)
		return false;
	while (k > 0 && at(w, k - 1)->kind != PYCODE_LINE)
		k--;
	return names_source(w, k, start);
}

static bool
has_any(const struct pycode_token *t, const char *const *words)
{
	for (; *words != NULL; words++)
		if (t->len != 0 &&
		    memmem(t->s, t->len, *words, strlen(*words)) != NULL)
			return true;
	return false;
}

/* From i to end: names, numbers, operators, calls that only change text. */
static bool
is_plain(const struct walk *w, size_t i, size_t end)
{
	for (; i < end; i++) {
		const struct pycode_token *t = at(w, i);

		if (t->kind == PYCODE_STRING && has_any(t, code_text_acts))
			return false;
		if (t->kind == PYCODE_NAME &&
		    (check_calls_listed(code_sources, t) ||
			(is(w, i + 1, "(") &&
			    !check_calls_listed(code_text_calls, t))))
			return false;
		/* text[::-1] */
		if (is(w, i, ":") && is(w, i + 1, ":"))
			return false;
	}
	return true;
}

/* for NAME in open(...): lines of what somebody else wrote, as far as that is not
 * far before i. */
static bool
is_line_of_source(const struct walk *w, size_t name, size_t i)
{
	const struct pycode_token *v = at(w, name);
	size_t first = i > 200 ? i - 200 : 0, k;

	for (k = i; k > first; k--)
		if (is(w, k, "in") && at(w, k - 1)->len == v->len &&
		    memcmp(at(w, k - 1)->s, v->s, v->len) == 0)
			break;
	for (; k > first && k < i && at(w, k)->kind != PYCODE_LINE; k++)
		if (check_calls_listed(code_sources, at(w, k)))
			return true;
	return false;
}

/* The names between i and end hold nothing else, as far as they are set. */
static bool
holds_plain(const struct walk *w, size_t i, size_t end)
{
	size_t statement = i;

	/* m = eval(m): what m was before */
	while (statement > 0 && at(w, statement - 1)->kind != PYCODE_LINE)
		statement--;
	for (; i < end; i++) {
		size_t value, stop;

		if (at(w, i)->kind != PYCODE_NAME || is(w, i - 1, "."))
			continue;
		if (check_calls_parameter(w, i, i) == CALLS_SERVER)
			return false;
		value = check_calls_assigned(w, i, statement);
		if (value == 0 && is_line_of_source(w, i, statement))
			return false;
		if (value == 0)
			continue;
		for (stop = value; stop < value + CHECK_CALLS_SPAN &&
				   at(w, stop)->kind != PYCODE_LINE &&
				   at(w, stop)->kind != PYCODE_END;
		     stop++)
			;
		if (!is_plain(w, value, stop))
			return false;
	}
	return true;
}

/* exec("from models import %s" % name), exec("self.%s = 1" % name) */
static bool
is_assignment(const struct walk *w, size_t i, size_t end)
{
	for (; i < end; i++) {
		struct pycode_token t = *at(w, i);

		if (t.kind == PYCODE_NAME && is(w, i + 1, "(") &&
		    !check_calls_listed(code_text_calls, &t))
			return false;
		if (t.kind != PYCODE_STRING)
			continue;
		pycode_inner(&t);
		if (memchr(t.s, '(', t.len) != NULL ||
		    memmem(t.s, t.len, "__", 2) != NULL)
			return false;
	}
	return true;
}

/* What is run is a name that is looked up, or sets one. */
static bool
looks_up(const struct walk *w, size_t i)
{
	size_t end = check_calls_end(w, i + 1);

	/* add_argument("--size", type=eval), register_new_resolver("x", eval) */
	if (is(w, i, "eval") &&
	    ((is(w, i - 1, "=") && is(w, i - 2, "type")) ||
		(is(w, i - 1, ",") && is(w, i - 3, "(") &&
		    (is(w, i - 4, "register_new_resolver") ||
			is(w, i - 4, "register_resolver")))))
		return true;
	/* exec "x = 1" of Python 2 */
	if (is(w, i, "exec") && at(w, i + 1)->kind == PYCODE_STRING)
		return !w->decodes && is_assignment(w, i + 1, end);
	if (w->decodes || !is(w, i + 1, "(") || end == i + CHECK_CALLS_SPAN)
		return false;
	if (is(w, i, "exec"))
		return at(w, i + 2)->kind == PYCODE_STRING &&
		       is_assignment(w, i + 2, end);
	return is(w, i, "eval") && is_plain(w, i + 2, end) &&
	       holds_plain(w, i + 2, end);
}

/* globals()["os"]: by its name as text, who looks for os.system finds nothing. */
static bool
takes_module(const struct walk *w, size_t i)
{
	static const char *const names[] = {
	    "os", "subprocess", "sys", "__builtins__", "builtins", NULL};

	return is(w, i, "globals") && is(w, i + 2, ")") && is(w, i + 3, "[") &&
	       at(w, i + 4)->kind == PYCODE_STRING &&
	       has_any(at(w, i + 4), names);
}

void
check_calls_eval(const struct walk *w, size_t i)
{
	bool call = is(w, i + 1, "(");
	bool keyword = is(w, i + 1, "=") && !is(w, i + 2, "=");

	if (is(w, i - 1, "def") || keyword)
		return;
	if (check_calls_listed(code_builtins, at(w, i)))
		check_calls_find(w,
		    runs_source(w, i) || looks_up(w, i)
			? FINDING_CODE_UNUSUAL
			: FINDING_CODE_DANGEROUS,
		    i, "use of");
	if (call && check_calls_listed(code_usual, at(w, i)))
		check_calls_find(w,
		    takes_module(w, i) ? FINDING_CODE_DANGEROUS
				       : FINDING_CODE_UNUSUAL,
		    i, "use of");
}

/* ["__name__"], .get("__file__") */
static bool
of_a_module(const struct walk *w, size_t i)
{
	static const char *const names[] = {
	    "__name__", "__file__", "__package__", NULL};
	const struct pycode_token *t = at(w, is(w, i, "get") ? i + 2 : i);

	return t->kind == PYCODE_STRING && has_any(t, names);
}

/* cls.__subclasses__() of a class that has a name, f.__globals__ handed on:
 * how honest code lists its own classes and copies functions.  Taking something
 * out of them, or getting there from an object, is how code escapes. */
static bool
escapes(const struct walk *w, size_t i)
{
	static const char *const ways[] = {"__class__", "__base__", "__bases__",
	    "__mro__", "mro", "__init__", NULL};
	size_t first = i > 12 ? i - 12 : 0;

	if (is(w, i, "__builtins__") || is(w, i, "gi_frame"))
		return true;
	if (!is(w, i, "__subclasses__") &&
	    (is(w, i + 1, "[") || is(w, i + 1, ".")) && !of_a_module(w, i + 2))
		return true;
	for (size_t k = i; k > first && at(w, k - 1)->kind != PYCODE_LINE; k--)
		if (check_calls_listed(ways, at(w, k - 1)))
			return true;
	return false;
}

void
check_calls_eval_inner(const struct walk *w, size_t i)
{
	if (check_calls_listed(code_inner, at(w, i)))
		check_calls_find(w,
		    escapes(w, i) ? FINDING_CODE_DANGEROUS
				  : FINDING_CODE_UNUSUAL,
		    i, "use of");
	if (check_calls_listed(code_inner_usual, at(w, i)))
		check_calls_find(w, FINDING_CODE_UNUSUAL, i, "use of");
}
