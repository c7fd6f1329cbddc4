/* SPDX-License-Identifier: MIT
 * What Python source does so that nobody reads it.
 */
#include "audit/check_python_part.h"

/* Modules that start programs.  getattr(builtins, "exec") is how code for two
 * versions of Python says exec. */
static bool
is_power(const struct check_python_token *t)
{
	static const char *const name[] = {
	    "os", "subprocess", "posix", "nt", "pty", "marshal"};

	for (size_t i = 0; i < ARRAY_LEN(name); i++)
		if (t->len == strlen(name[i]) &&
		    memcmp(t->s, name[i], t->len) == 0)
			return true;
	return false;
}

/* sys.modules["os"] */
static bool
is_loaded(const struct source *x, size_t i)
{
	char name[NAME];

	if (at(x, i)->kind != TOKEN_NAME || !is(at(x, i + 1), "[") ||
	    !is_power(at(x, i + 2)))
		return false;
	check_python_full_name(x, at(x, i), name);
	return strcmp(name, "sys.modules") == 0;
}

/* "models." + name: a module of that package */
static bool
is_prefix(struct source *x, size_t i)
{
	const struct check_python_token *t = at(x, i);

	return t->len > 1 && t->s[t->len - 1] == '.' && is(at(x, i + 1), "+") &&
	       at(x, i + 2)->kind == TOKEN_NAME;
}

/* __import__(chr(111) + chr(115)), __import__("so"[::-1]), __import__("".join(...)) */
static bool
is_made(struct source *x, size_t i)
{
	static const char *const makers[] = {"chr", "bytes", "bytearray",
	    "base64.b64decode", "codecs.decode", "bytes.fromhex"};

	if (at(x, i)->kind == TOKEN_STRING)
		return is(at(x, i + 1), "[") ||
		       (is(at(x, i + 1), ".") && is(at(x, i + 2), "join"));
	for (size_t k = 0; k < ARRAY_LEN(makers); k++)
		if (is(at(x, i), makers[k]) && is(at(x, i + 1), "("))
			return true;
	return false;
}

/* __import__("os").system, sys.modules["os"].system, getattr(os, "sys" "tem") */
void
check_python_hidden(struct source *x, size_t i)
{
	static const char *const act[] = {"system", "popen", "exec", "eval",
	    "Popen", "call", "run", "spawn", "check_output", "execl", "execv"};
	const struct check_python_token *t = at(x, i), *last;

	/* import_module("models." + name) is usual */
	if ((is(t, "__import__") ||
		(is(t, "importlib.import_module") &&
		    (at(x, i + 3)->kind == TOKEN_STRING ||
			at(x, i + 4)->kind == TOKEN_STRING))) &&
	    is(at(x, i + 1), "(") && at(x, i + 2)->kind == TOKEN_STRING &&
	    !is_prefix(x, i + 2) &&
	    (is(at(x, i + 3), "+") || at(x, i + 3)->kind == TOKEN_STRING)) {
		check_python_danger(x, t, "hides the name of what it imports");
		return;
	}
	if ((is(t, "__import__") || is(t, "importlib.import_module")) &&
	    is(at(x, i + 1), "(") && is_made(x, i + 2)) {
		check_python_danger(x, t, "hides the name of what it imports");
		return;
	}
	if ((is(t, "__import__") || is(t, "importlib.import_module")) &&
	    is(at(x, i + 1), "(") && is_power(at(x, i + 2)) &&
	    is(at(x, i + 3), ")") && is(at(x, i + 4), ".")) {
		last = at(x, i + 5);
	} else if (is_loaded(x, i) && is(at(x, i + 4), ".")) {
		last = at(x, i + 5);
	} else if (is(t, "getattr") && is(at(x, i + 1), "(") &&
		   (is_power(at(x, i + 2)) || is(at(x, i + 2), "__import__") ||
		       is_loaded(x, i + 2))) {
		size_t end = i + 20;

		for (last = at(x, i += 3); !is(last, ",") && i < end;)
			last = at(x, ++i);
		last = at(x, i + 1);
		/* made of pieces */
		if (last->kind == TOKEN_STRING &&
		    (is(at(x, i + 2), "+") ||
			at(x, i + 2)->kind == TOKEN_STRING ||
			is(at(x, i + 2), "["))) {
			check_python_danger(
			    x, t, "hides the name of what it calls");
			return;
		}
	} else {
		return;
	}
	for (size_t k = 0; k < ARRAY_LEN(act); k++)
		if (last->len == strlen(act[k]) &&
		    memcmp(last->s, act[k], last->len) == 0)
			check_python_danger(
			    x, t, "hides the name of what it calls");
}

/* A pickle that runs something is made here. */
void
check_python_reduces(struct source *x, size_t i)
{
	size_t end = i + 200;

	if (!is(at(x, i), "def") || (!is(at(x, i + 1), "__reduce__") &&
					!is(at(x, i + 1), "__reduce_ex__")))
		return;
	for (i += 2; i < MIN(end, x->n) && !is(at(x, i), "def"); i++) {
		size_t k = i + 1;

		if (!is(at(x, i), "return"))
			continue;
		while (is(at(x, k), "("))
			k++;
		if ((at(x, k)->does & (DOES_EXEC | DOES_SHELL)) != 0)
			check_python_danger(
			    x, at(x, i), "makes a pickle that runs code");
	}
}
