/* SPDX-License-Identifier: MIT
 * Graphs of torch.fx, which a pickle holds as the source of their forward(): it is
 * run when the pickle is loaded, once, on stand-ins for tensors
 * (torch/fx/graph_module.py, reduce_graph_module).  What fx writes itself is calls
 * of the model's own modules, of functions of PyTorch and of methods of what those
 * return; only source that is nothing else is low.
 */
#define _GNU_SOURCE /* memmem, memrchr */
#include "audit/check_pickle_reach.h"
#include "audit/check_pickle_wrap.h"

#include "base/text.h"

#define WORD 200 /* characters of "torch.nn.functional.relu" */

struct text {
	const char *s;
	size_t len, at;
};

static bool
is_letter(char c)
{
	return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static bool
is_word_char(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
}

/* --- names --------------------------------------------------------------- */

/* Where a path through a module that is imported begins. */
static bool
begins_with(const char *s, size_t n, const char *module)
{
	size_t len = strlen(module);

	return n >= len && memcmp(s, module, len) == 0 &&
	       (n == len || s[len] == '.');
}

/* A function or type of PyTorch that a pickle might refer to. */
static bool
is_torch(const char *s, size_t n)
{
	const char *dot = memrchr(s, '.', n);
	const struct check_pickle_allow *found;
	struct slice module, name;

	if (dot == NULL || dot + 1 == s + n)
		return false;
	module = (struct slice){(const uint8_t *)s, (size_t)(dot - s)};
	name =
	    (struct slice){(const uint8_t *)dot + 1, n - (size_t)(dot - s) - 1};
	found = check_pickle_allow_find(module, name);
	/* those that only pickles call load, make and rebuild anything */
	return found != NULL && *name.ptr != '_' &&
	       (found->use & USE_ONLY) == 0 &&
	       (found->arg == ARG_any || found->arg == ARG_data ||
		   begins_with(s, n, "operator"));
}

/* A path of names: of the model, of a value, or of what computes. */
static bool
is_path(const char *s, size_t n, bool called)
{
	/* statements that fx does not write, and functions of Python that reach
	 * more than a value, which a list might hand on */
	static const char *const never[] = {"class", "lambda", "with", "while",
	    "for", "global", "nonlocal", "yield", "await", "async", "try",
	    "except", "raise", "del", "import", "from", "exec", "print", "eval",
	    "open", "compile", "setattr", "delattr", "globals", "locals",
	    "vars", "breakpoint", "super", "object", "memoryview", "dir",
	    "help", "exit", "quit", "map", "filter", "type", "property",
	    "classmethod", "staticmethod", "sorted", "callable"};
	static const char *const calls[] = {"getattr", "slice", "float", "int",
	    "bool", "tuple", "list", "len", "max", "min", "range", "forward",
	    "device"};
	bool dotted = memchr(s, '.', n) != NULL;

	if (memmem(s, n, "__", 2) != NULL ||
	    text_is_among(s, n, never, ARRAY_LEN(never)))
		return false;
	if (begins_with(s, n, "torch") || begins_with(s, n, "operator"))
		return is_torch(s, n);
	if (begins_with(s, n, "pytree") || begins_with(s, n, "fx_pytree") ||
	    (!called && n == 7 && memcmp(s, "getattr", 7) == 0))
		return false;
	if (begins_with(s, n, "math") || begins_with(s, n, "typing"))
		return dotted;
	return dotted || !called ||
	       text_is_among(s, n, calls, ARRAY_LEN(calls));
}

/* A method on the way, x.numpy().tofile(name): what is no stand-in, a tensor that the
 * graph holds, does it.  The model's own modules have any names: self.write(x). */
static bool
is_effect(const char *s, size_t n, bool of_value)
{
	bool own = !of_value && n > 5 && memcmp(s, "self.", 5) == 0;

	for (size_t i = 0, k, part = 0; i < n; i += k + 1, part++) {
		struct slice name = {(const uint8_t *)s + i, 0};

		for (k = 0; i + k < n && s[i + k] != '.';)
			k++;
		name.len = k;
		if ((of_value || part > (own ? 1 : 0)) &&
		    (check_pickle_reach_writes(name) ||
			rd_slice_is(name, "rename") ||
			rd_slice_is(name, "replace")))
			return true;
	}
	return false;
}

/* getattr(self.features, "0"), getattr(x, "shape") */
static bool
takes_value(struct text t)
{
	static const char *const modules[] = {
	    "torch", "math", "operator", "typing", "pytree", "fx_pytree"};
	size_t n = 0;

	while (t.at + n < t.len && is_word_char(t.s[t.at + n]))
		n++;
	return n != 0 &&
	       !text_is_among(t.s + t.at, n, modules, ARRAY_LEN(modules));
}

static bool
take_path(struct text *t, bool of_value)
{
	const char *s = t->s + t->at;
	size_t n = 0, call;
	bool called;

	while (t->at + n < t->len && (is_word_char(s[n]) || s[n] == '.'))
		n++;
	t->at += n;
	for (call = t->at; call < t->len && t->s[call] == ' ';)
		call++;
	if (n == 0 || n > WORD || s[n - 1] == '.')
		return false;
	called = call < t->len && t->s[call] == '(';
	if (is_effect(s, n, of_value))
		return false;
	if (of_value)
		return memmem(s, n, "__", 2) == NULL;
	if (!is_path(s, n, called))
		return false;
	return !(n == 7 && memcmp(s, "getattr", 7) == 0) ||
	       (t->s[t->at] == '(' &&
		   takes_value((struct text){t->s, t->len, t->at + 1}));
}

/* --- source -------------------------------------------------------------- */

/* A name, a mode or an equation; nothing that is escaped. */
static bool
take_string(struct text *t)
{
	char quote = t->s[t->at++];
	size_t from = t->at;

	for (; t->at < t->len && t->s[t->at] != quote; t->at++)
		if (!is_word_char(t->s[t->at]) &&
		    strchr(" .,->:", t->s[t->at]) == NULL)
			return false;
	if (t->at == t->len || memmem(t->s + from, t->at - from, "__", 2))
		return false;
	t->at++;
	return true;
}

static bool
is_forward(struct slice source)
{
	struct text t = {(const char *)source.ptr, source.len, 0};
	char c, last = '\n';

	while (t.at < t.len) {
		c = t.s[t.at];
		if (c == '"' || c == '\'') {
			if (!take_string(&t))
				return false;
		} else if (is_letter(c) || c == '_') {
			if (!take_path(&t, false))
				return false;
		} else if (c == '.' && t.at + 1 < t.len &&
			   (is_letter(t.s[t.at + 1]) || t.s[t.at + 1] == '_')) {
			/* of what stands before: f(x).size */
			t.at++;
			if ((last != ')' && last != ']') ||
			    !take_path(&t, true))
				return false;
		} else if (c == '\0' || (c == '@' && last == '\n') ||
			   strchr("0123456789.()[]{},:=;+-*/@%<>|&~^! \n", c) ==
			       NULL) {
			return false;
		} else {
			t.at++;
		}
		if (c != ' ')
			last = c;
	}
	return true;
}

/* Lines before the source (_format_import_block). */
static bool
are_imports(struct slice s)
{
	static const char *const lines[] = {"", "import torch", "import math",
	    "import operator", "import typing", "from torch import device",
	    "from torch import inf", "from torch import nan",
	    "from math import inf", "from math import nan",
	    "import torch.fx._pytree as fx_pytree",
	    "import torch.utils._pytree as pytree", "NoneType = type(None)"};
	size_t n;

	for (size_t i = 0; i < s.len; i += n + 1) {
		const uint8_t *end = memchr(s.ptr + i, '\n', s.len - i);

		n = end != NULL ? (size_t)(end - s.ptr) - i : s.len - i;
		if (!text_is_among(
			(const char *)s.ptr + i, n, lines, ARRAY_LEN(lines)))
			return false;
	}
	return true;
}

const char *
check_pickle_fx_graph(
    struct check_pickle_judge *j, const struct pickle_node *args)
{
	const struct pickle_node *body = pickle_item(args, 0);
	const struct pickle_node *imports = pickle_item(args, 1);
	const struct pickle_node *code = NULL;

	/* without it, that of older ones is taken (body["code"]) */
	if (pickle_is(body, PICKLE_DICT) && !body->big && !body->made &&
	    pickle_get(body, "code") == NULL)
		code = pickle_get(body, "_code");
	if (pickle_is(code, PICKLE_STR) && code->text.len != 0 &&
	    pickle_is(imports, PICKLE_STR) && args->n == 2 &&
	    is_forward(code->text) && are_imports(imports->text))
		check_pickle_judge_say(j, FINDING_PICKLE_FUNCTION, j->pickle.at,
		    "its source is a forward pass of torch.fx", "a graph");
	else
		check_pickle_judge_say(j, FINDING_PICKLE_CODE, j->pickle.at,
		    "source of torch.fx that does more than a forward pass",
		    "a graph");
	return NULL;
}
